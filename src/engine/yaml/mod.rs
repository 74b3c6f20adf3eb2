//! YAML with positions → typed values; every mistake of a file in one go.
//!
//! Three steps: text → [`tree`] of spans; tree against the JSON Schema of the type ([`check`]),
//! which finds every mistake at once; tree → value ([`decode`]), which after that seldom fails.

mod check;
mod decode;
mod schema;
mod tree;

pub use schema::schema_of;

use super::diagnostics::{Diagnostic, SourceFile};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// Reads a file as `T`. Unknown keys, missing keys and wrong types are all reported, each with
/// its place and, for keys and words of a fixed list, "did you mean".
///
/// The file must hold one document. A text may be written plain, whatever it looks like (`120`,
/// `2026-11-21`, `no`). A key without a value is a mistake, never a default.
pub fn read<T: DeserializeOwned + JsonSchema>(
    file: &SourceFile,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<T> {
    let before = mistakes.len();
    let root = tree::parse(file, mistakes)?;
    check::check(file, &root, &schema_of::<T>(), mistakes);
    if mistakes.len() > before {
        return None;
    }
    match decode::decode(&root) {
        Ok(value) => Some(value),
        Err(error) => {
            mistakes.push(error.diagnostic(file, root.span));
            None
        }
    }
}

#[cfg(test)]
mod tests;
