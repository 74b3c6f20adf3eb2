//! Strings of a parsed document as text. A string without escapes is borrowed, never copied.

use super::tape::{Kind, Node, range};
use std::borrow::Cow;
use std::ops::Range;

/// The text of a JSON string as written, quotes included. `escaped` says whether it holds a
/// backslash, as the tape knows; if it holds none, nothing is copied.
#[inline]
pub fn unescape(quoted: &str, escaped: bool) -> Cow<'_, str> {
    let inner = inside(quoted);
    if escaped { Cow::Owned(unescaped(inner)) } else { Cow::Borrowed(inner) }
}

#[inline(never)]
fn unescaped(inner: &str) -> String {
    let mut text = Vec::with_capacity(inner.len());
    for piece in (Pieces { rest: inner.as_bytes() }) {
        match piece {
            Piece::Plain(bytes) => text.extend_from_slice(bytes),
            Piece::Char(char) => text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    match String::from_utf8(text) {
        Ok(text) => text,
        Err(broken) => String::from_utf8_lossy(broken.as_bytes()).into_owned(),
    }
}

/// The text of a string value; for other kinds, the value as written.
#[inline]
pub fn str_of<'j>(json: &'j str, node: &Node) -> Cow<'j, str> {
    let written = json.get(range(node.start, node.end)).unwrap_or_default();
    if node.kind == Kind::String { unescape(written, node.escaped) } else { Cow::Borrowed(written) }
}

/// The text of a member's key; empty for elements and the root.
pub fn key_of<'j>(json: &'j str, node: &Node) -> Cow<'j, str> {
    unescape(json.get(key_span(json, node)).unwrap_or_default(), node.key_escaped)
}

/// Where a member's key stands, quotes included, found backwards from its value; of an element
/// nothing, in front of it. A quote in a key has an odd number of backslashes in front of it.
pub fn key_span(json: &str, node: &Node) -> Range<usize> {
    let start = usize::try_from(node.start).unwrap_or(usize::MAX);
    if node.is_element {
        return start..start;
    }
    // What is written up to the key's end.
    let before = json.as_bytes().get(..start).unwrap_or_default().trim_ascii_end();
    let before = before.strip_suffix(b":").unwrap_or(before).trim_ascii_end();
    let inner = before.strip_suffix(b"\"").unwrap_or(before);
    let mut open = memchr::memrchr(b'"', inner).unwrap_or(0);
    if node.key_escaped {
        let is_open = |at: &usize| {
            let (text, quote) = inner.split_at_checked(*at).unwrap_or_default();
            let backslashes = || text.iter().rev().take_while(|byte| **byte == b'\\').count();
            quote.first() == Some(&b'"') && backslashes() % 2 == 0
        };
        open = (0..=open).rev().find(is_open).unwrap_or(0);
    }
    open..before.len()
}

/// Where a member begins: with its key. An element begins where its value does.
pub(crate) fn member_start(json: &str, node: &Node) -> u32 {
    u32::try_from(key_span(json, node).start).unwrap_or(u32::MAX)
}

/// Whether a value is the string `text`. Allocates nothing.
pub fn str_is(json: &str, node: &Node, text: &str) -> bool {
    let written = json.get(range(node.start, node.end)).unwrap_or_default();
    node.kind == Kind::String && is(written, node.escaped, text)
}

/// Whether a member's key is `text`. Allocates nothing.
pub fn key_is(json: &str, node: &Node, text: &str) -> bool {
    let is_it = |written| is(written, node.key_escaped, text);
    !node.is_element && json.get(key_span(json, node)).is_some_and(is_it)
}

fn is(quoted: &str, escaped: bool, text: &str) -> bool {
    let inner = inside(quoted).as_bytes();
    let mut left = text.as_bytes();
    if !escaped {
        return inner == left;
    }
    for piece in (Pieces { rest: inner }) {
        let mut room = [0; 4];
        let part = match piece {
            Piece::Plain(bytes) => bytes,
            Piece::Char(char) => char.encode_utf8(&mut room).as_bytes(),
        };
        match left.strip_prefix(part) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    left.is_empty()
}

/// What stands between the quotes.
#[inline]
fn inside(quoted: &str) -> &str {
    let inner = 1..quoted.len().max(2).saturating_sub(1);
    if quoted.starts_with('"') { quoted.get(inner).unwrap_or_default() } else { "" }
}

enum Piece<'b> {
    /// Bytes that stand for themselves.
    Plain(&'b [u8]),
    /// What one escape, or a pair of them, stands for.
    Char(char),
}

/// A string cut at its escapes. What the parser would have refused reads as U+FFFD.
struct Pieces<'b> {
    rest: &'b [u8],
}

impl<'b> Iterator for Pieces<'b> {
    type Item = Piece<'b>;

    fn next(&mut self) -> Option<Piece<'b>> {
        let [first, after @ ..] = self.rest else { return None };
        if *first != b'\\' {
            let length = self.rest.iter().position(|byte| *byte == b'\\');
            let (plain, rest) = self.rest.split_at_checked(length.unwrap_or(self.rest.len()))?;
            self.rest = rest;
            return Some(Piece::Plain(plain));
        }
        let Some((letter, rest)) = after.split_first() else {
            self.rest = &[];
            return Some(Piece::Char(char::REPLACEMENT_CHARACTER));
        };
        self.rest = rest;
        Some(Piece::Char(match letter {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => self.unicode(),
            other => char::from(*other),
        }))
    }
}

impl Pieces<'_> {
    /// The character of one `\uXXXX`, or of two that are a pair; `\u` is read already.
    fn unicode(&mut self) -> char {
        let first = self.unit();
        if let Some(high @ 0xD800..=0xDBFF) = first
            && let [b'\\', b'u', after @ ..] = self.rest
        {
            let mut ahead = Pieces { rest: after };
            if let Some(low @ 0xDC00..=0xDFFF) = ahead.unit() {
                self.rest = ahead.rest;
                let point = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                return char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER);
            }
        }
        first.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        digits.iter().try_fold(0, |unit, digit| Some(unit * 16 + char::from(*digit).to_digit(16)?))
    }
}
