//! Strings of a tape as text.

use super::tape::{Node, range};
use std::borrow::Cow;

/// The text of a string node, unescaped. Anything else gives its bytes as written.
pub fn str_of<'b>(bytes: &'b [u8], node: &Node) -> Cow<'b, str> {
    let written = bytes.get(range(node.start, node.end)).unwrap_or_default();
    unescape(written, node.escaped)
}

/// The key of a member, unescaped.
pub fn key_of<'b>(bytes: &'b [u8], node: &Node) -> Cow<'b, str> {
    let written = bytes.get(range(node.key_start, node.key_end)).unwrap_or_default();
    unescape(written, node.key_escaped)
}

/// Whether the member has that key.
pub fn key_is(bytes: &[u8], node: &Node, name: &str) -> bool {
    node.key_start != u32::MAX && key_of(bytes, node) == name
}

fn unescape(written: &[u8], escaped: bool) -> Cow<'_, str> {
    if escaped {
        return Cow::Owned(serde_json::from_slice(written).unwrap_or_default());
    }
    let inner = written.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    String::from_utf8_lossy(inner.unwrap_or(written))
}
