//! The grammar of numbers. Only checked: nothing is converted, so nothing is lost.

use super::scan::ParseError;
use super::source::{Source, place};

/// The end of the number that begins at `at`.
#[inline]
pub(super) fn number(source: Source<'_>, at: u32) -> Result<u32, ParseError> {
    let first = if source.byte(at) == b'-' { at.wrapping_add(1) } else { at };
    let whole = digits(source, first);
    if source.byte(first) == b'0' && whole.wrapping_sub(first) > 1 {
        return Err(ParseError { at: place(first), why: "a leading zero" });
    }
    if whole == first {
        return Err(missing(source, first));
    }
    match source.byte(whole) {
        b'.' | b'e' | b'E' => fraction(source, whole),
        _ => Ok(whole),
    }
}

/// What may follow the whole part.
#[inline]
fn fraction(source: Source<'_>, whole: u32) -> Result<u32, ParseError> {
    let mut end = whole;
    if source.byte(end) == b'.' {
        end = some_digits(source, end.wrapping_add(1))?;
    }
    if matches!(source.byte(end), b'e' | b'E') {
        end = end.wrapping_add(1);
        if matches!(source.byte(end), b'+' | b'-') {
            end = end.wrapping_add(1);
        }
        end = some_digits(source, end)?;
    }
    Ok(end)
}

#[inline]
fn some_digits(source: Source<'_>, at: u32) -> Result<u32, ParseError> {
    let end = digits(source, at);
    if end == at { Err(missing(source, at)) } else { Ok(end) }
}

#[cold]
fn missing(source: Source<'_>, at: u32) -> ParseError {
    source.wrong(at, "a digit is missing")
}

/// Where the run of digits ends, eight at a time.
#[inline]
fn digits(source: Source<'_>, mut at: u32) -> u32 {
    loop {
        let run = digits_in_front(source.word(at));
        at = at.wrapping_add(run);
        if run < 8 {
            return at;
        }
    }
}

/// How many of the eight bytes, the first lowest, are digits before the first that is none.
/// Neither sum nor difference carries out of a digit, so the lowest mark is right.
#[inline]
fn digits_in_front(word: u64) -> u32 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let above = word.wrapping_add(EACH * 0x46);
    let below = word.wrapping_sub(EACH * 0x30);
    ((above | below) & (EACH * 0x80)).trailing_zeros() / 8
}
