//! Tests of single stops.

mod bypasses;
mod connection;
mod cost;
mod gunzip;
mod head;
mod refusals;
