//! Escapes inside strings: their grammar, and the surrogate pairs that must match.

use super::marks::{Marks, Quoted};
use super::scan::ParseError;
use super::source::{Source, place};

const LONE: &str = "lone surrogate";

/// Checks every escape of a string that has some. In a key `\u0000` is refused.
#[cold]
#[inline(never)]
pub(super) fn check_escapes(
    source: Source<'_>,
    marks: &mut Marks<'_>,
    string: Quoted,
    key: bool,
) -> Result<(), ParseError> {
    while let Some(at) = marks.escape(string.close) {
        let fault = |why| Err(ParseError { at: place(at), why });
        match source.byte(at.wrapping_add(1)) {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
            b'u' => match unit(source, at) {
                None => return fault("not four hex digits after `\\u`"),
                Some(0) if key => return fault("NUL in a key"),
                Some(0xD800..=0xDBFF) => {
                    let low = at.wrapping_add(6);
                    let is_next = marks.escape(string.close) == Some(low)
                        && source.byte(low.wrapping_add(1)) == b'u';
                    if !is_next || !matches!(unit(source, low), Some(0xDC00..=0xDFFF)) {
                        return fault(LONE);
                    }
                }
                Some(0xDC00..=0xDFFF) => return fault(LONE),
                Some(_) => {}
            },
            _ => return fault("an unknown escape"),
        }
    }
    Ok(())
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
