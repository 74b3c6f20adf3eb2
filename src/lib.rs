//! Sequester: a reverse proxy that removes from a payer's answers what the reader must not see.

pub mod admin;
pub mod audit;
pub mod cli;
pub mod config;
pub mod demo;
pub mod dial;
pub mod engine;
pub mod identity;
pub mod limits;
pub mod members;
pub mod policy_files;
pub mod proxy;

// The second redactor of the tests is compared with the engine from inside the crate: nothing
// outside may open what the engine released (NO-EXIT-WITHOUT-VERDICT).
#[cfg(test)]
#[path = "../tests/agreement/mod.rs"]
mod agreement;
#[cfg(test)]
extern crate self as sequester;
