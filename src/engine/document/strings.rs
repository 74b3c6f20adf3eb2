//! Strings: where they end, sixteen bytes at a time, and the grammar of their escapes.

use super::scan::ParseError;
use super::source::{Source, place};
use wide::u8x16;

const LONE: &str = "lone surrogate";

/// The end of a string.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringEnd {
    /// Offset of the closing quote.
    pub(super) close: u32,
    /// Whether there is a backslash in it.
    pub(super) escaped: bool,
}

/// Finds the end of the string whose opening quote is at `open`. In a key `\u0000` is refused.
#[inline]
pub(super) fn string(source: Source<'_>, open: u32, key: bool) -> Result<StringEnd, ParseError> {
    let close = special(source, open.wrapping_add(1));
    if source.byte(close) == b'"' {
        return Ok(StringEnd { close, escaped: false });
    }
    with_escapes(source, close, key)
}

/// The first quote, backslash or control character from `at` on, or the end.
#[inline]
fn special(source: Source<'_>, mut at: u32) -> u32 {
    while let Some(sixteen) = source.sixteen(at) {
        let vector = u8x16::new(sixteen);
        let quote = vector.simd_eq(u8x16::splat(b'"'));
        let backslash = vector.simd_eq(u8x16::splat(b'\\'));
        let control = vector.min(u8x16::splat(0x1F)).simd_eq(vector);
        let found = (quote | backslash | control).to_bitmask();
        if found != 0 {
            return at.wrapping_add(found.trailing_zeros());
        }
        at = at.wrapping_add(16);
    }
    last_special(source, at)
}

/// The same in the last bytes of a document.
#[cold]
#[inline(never)]
fn last_special(source: Source<'_>, at: u32) -> u32 {
    let rest = source.bytes().get(place(at)..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
    let length = rest.iter().position(is_special).unwrap_or(rest.len());
    at.wrapping_add(u32::try_from(length).unwrap_or(u32::MAX))
}

/// Goes on at the first byte that is neither plain nor the closing quote.
#[cold]
#[inline(never)]
fn with_escapes(source: Source<'_>, mut at: u32, key: bool) -> Result<StringEnd, ParseError> {
    loop {
        match source.bytes().get(place(at)) {
            Some(b'"') => return Ok(StringEnd { close: at, escaped: true }),
            Some(b'\\') => at = special(source, escape(source, at, key)?),
            Some(_) => return Err(ParseError { at: place(at), why: "a control character" }),
            None => return Err(ParseError { at: place(at), why: "truncated" }),
        }
    }
}

/// Checks the escape at `at`, or the pair of them that are one character; gives back its end.
fn escape(source: Source<'_>, at: u32, key: bool) -> Result<u32, ParseError> {
    let fault = |why| Err(ParseError { at: place(at), why });
    let end = at.wrapping_add(6);
    match source.byte(at.wrapping_add(1)) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at.wrapping_add(2)),
        b'u' => match unit(source, at) {
            None => fault("not four hex digits after `\\u`"),
            Some(0) if key => fault("NUL in a key"),
            Some(0xD800..=0xDBFF) => {
                let is_next = source.byte(end) == b'\\' && source.byte(end.wrapping_add(1)) == b'u';
                if !is_next || !matches!(unit(source, end), Some(0xDC00..=0xDFFF)) {
                    return fault(LONE);
                }
                Ok(end.wrapping_add(6))
            }
            Some(0xDC00..=0xDFFF) => fault(LONE),
            Some(_) => Ok(end),
        },
        _ => fault("an unknown escape"),
    }
}

/// The UTF-16 unit of the `\uXXXX` at `at`.
fn unit(source: Source<'_>, at: u32) -> Option<u32> {
    let first = at.wrapping_add(2);
    let mut unit = 0;
    for place in 0..4 {
        let digit = char::from(source.byte(first.wrapping_add(place))).to_digit(16)?;
        unit = unit * 16 + digit;
    }
    Some(unit)
}
