//! Tests of single stops.

mod bypasses;
mod connection;
mod gunzip;
mod head;
mod refusals;
