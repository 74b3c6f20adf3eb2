//! The proxy over real sockets, in front of upstreams that behave well and badly.

mod answers;
mod audit;
mod client;
mod command;
mod connections;
mod deployment;
mod faults;
mod lookups;
mod real_server;
mod requests;
mod streams;
mod tls;
mod upstream;
