//! The bytes of a body: frame, scan, tape, cut.

pub mod cut;
mod keys;
mod numbers;
pub mod read;
pub mod scan;
mod seams;
mod source;
mod strings;
pub mod tape;
#[cfg(test)]
mod tests;
pub mod text;
mod vocabulary;
