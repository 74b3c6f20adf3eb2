//! Tests of single stops.

mod gunzip;
mod head;
mod refusals;
