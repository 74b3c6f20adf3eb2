//! The engine: bytes and facts in, released bytes and a report out. Nothing under here is async,
//! does IO, asks the time or iterates in hash order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod category;
pub mod codes;
pub mod diagnostics;
pub mod document;
pub mod facts;
pub mod policy;
pub mod selectors;
pub mod shapes;
pub mod yaml;
