//! Tests of single stops.

mod connection;
mod gunzip;
mod head;
mod refusals;
