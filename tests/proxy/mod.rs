//! The proxy over real sockets, in front of upstreams that behave well and badly.

mod accounts;
mod answers;
mod audit;
pub(crate) mod client;
pub(crate) mod command;
mod company;
mod connections;
pub(crate) mod deployment;
mod exposure;
mod faults;
mod findings;
mod heads;
mod kills;
mod lookups;
mod metrics;
mod paging;
mod real_server;
mod requests;
mod searches;
mod streams;
pub(crate) mod tls;
mod traces;
pub(crate) mod upstream;
