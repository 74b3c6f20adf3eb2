//! Tests of single stops.

mod audit_cost;
mod bypasses;
mod connection;
mod gunzip;
mod head;
mod refusals;
