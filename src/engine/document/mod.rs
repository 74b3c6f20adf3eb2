//! The bytes of a body: frame, scan, tape, cut.

pub mod cut;
mod keys;
mod marks;
mod numbers;
pub mod scan;
mod strings;
pub mod tape;
pub mod text;
mod vocabulary;
