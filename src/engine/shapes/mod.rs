//! Shapes: where things stand in the bodies of one API. As written, as meant.

pub mod written;
