//! `true`, `false`, `null`.

use super::scan::ParseError;
use super::source::{Source, place};
use super::tape::Kind;

/// One of the three words, and its end.
#[inline(never)]
pub(super) fn word(source: Source<'_>, at: u32) -> Result<(Kind, u32), ParseError> {
    let rest = source.bytes().get(place(at)..).unwrap_or_default();
    let (kind, length) = match rest {
        [b't', b'r', b'u', b'e', ..] => (Kind::True, 4),
        [b'f', b'a', b'l', b's', b'e', ..] => (Kind::False, 5),
        [b'n', b'u', b'l', b'l', ..] => (Kind::Null, 4),
        [b'a'..=b'z', ..] => return Err(source.wrong(at, "an unknown word")),
        _ => return Err(source.wrong(at, "a value is missing")),
    };
    Ok((kind, at.wrapping_add(length)))
}
