//! The bytes of a body: frame, scan, tape, cut.

pub mod scan;
pub mod tape;
pub mod text;
