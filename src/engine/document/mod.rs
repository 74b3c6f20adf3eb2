//! The bytes of a body: frame, scan, tape, cut.

pub(crate) mod ahead;
mod blanks;
pub mod cut;
mod growth;
mod keys;
pub(crate) mod marks;
mod memory;
mod numbers;
mod offsets;
pub mod pieces;
pub mod read;
mod records;
pub mod scan;
mod seams;
mod source;
mod spelled;
mod steps;
mod strings;
pub mod tape;
#[cfg(test)]
mod tests;
pub mod text;
mod vocabulary;
mod words;
