//! Bytes → tape: the strict parser (RFC 8259, and what DESIGN section 3 refuses besides).
//!
//! One pass finds the quotes and escapes, 64 bytes at a time and a little ahead ([`Marks`]); the
//! loop here steps from token to token and jumps over strings. It keeps its own stack, so no
//! nesting can overflow the thread's.

use super::keys::{Fingerprint, no_key_twice};
use super::marks::{Lists, Marks, Quoted};
use super::numbers::number;
use super::strings::check_escapes;
use super::tape::{Kind, Node, Tape, Vocabulary};
use super::text::unescape;

/// Why a document was refused. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset, from 0, in the bytes handed in.
    pub at: usize,
    /// What was wrong there.
    pub why: &'static str,
}

/// Lists that the parser fills and empties again.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    lists: Lists,
    frames: Vec<Frame>,
}

/// Parses one whole document into `tape` (cleared first). White space around it is allowed;
/// one leading byte-order mark is skipped. `depth` is the deepest nesting allowed. After an
/// error the tape is empty.
pub fn parse(
    bytes: &[u8],
    depth: usize,
    vocabulary: &Vocabulary,
    tape: &mut Tape,
) -> Result<(), ParseError> {
    tape.nodes.clear();
    let end = match u32::try_from(bytes.len()) {
        // Offsets are 32 bits wide; the last block's may pass the end.
        Ok(end) if end < u32::MAX - 128 => end,
        _ => return Err(ParseError { at: 0, why: "longer than offsets can count" }),
    };
    if simdutf8::basic::from_utf8(bytes).is_err() {
        let at = std::str::from_utf8(bytes).err().map_or(0, |broken| broken.valid_up_to());
        return Err(ParseError { at, why: "invalid UTF-8" });
    }
    // A node every 24 bytes is dense for a record; denser documents make the list grow.
    tape.nodes.reserve(bytes.len() / 24);
    let Scratch { lists, frames } = &mut tape.scratch;
    frames.clear();
    let mut parser = Parser {
        source: Source::new(bytes),
        marks: Marks::new(bytes, end, lists),
        vocabulary,
        nodes: &mut tape.nodes,
        frames,
        frame: Frame::default(),
        depth,
        at: if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
    };
    let outcome = parser.run();
    if outcome.is_err() {
        tape.nodes.clear();
    }
    outcome
}

/// The document, read without a bounds check that can fail: past the end are zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'b> {
    pub(super) bytes: &'b [u8],
}

impl<'b> Source<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Source<'b> {
        Source { bytes }
    }

    #[inline]
    pub(super) fn byte(self, at: u32) -> u8 {
        self.bytes.get(place(at)).copied().unwrap_or(0)
    }

    /// Eight bytes, the first lowest.
    #[inline]
    pub(super) fn word(self, at: u32) -> u64 {
        let eight = self.bytes.get(place(at)..).and_then(|rest| rest.first_chunk::<8>());
        eight.map_or_else(|| self.last_words(at)[0], |eight| u64::from_le_bytes(*eight))
    }

    /// Sixteen bytes, the first lowest.
    #[inline]
    pub(super) fn two_words(self, at: u32) -> [u64; 2] {
        let rest = self.bytes.get(place(at)..).unwrap_or_default();
        let Some(sixteen) = rest.first_chunk::<16>() else { return self.last_words(at) };
        let ([first, second], _) = sixteen.as_chunks::<8>() else { return [0; 2] };
        [u64::from_le_bytes(*first), u64::from_le_bytes(*second)]
    }

    #[cold]
    #[inline(never)]
    fn last_words(self, at: u32) -> [u64; 2] {
        let rest = self.bytes.get(place(at)..).unwrap_or_default();
        let mut words = [0; 2];
        for (index, byte) in rest.iter().take(16).enumerate() {
            if let Some(word) = words.get_mut(index / 8) {
                *word |= u64::from(*byte) << (index % 8 * 8);
            }
        }
        words
    }

    /// What to say of a token that does not fit: that there is none, if there is none.
    #[cold]
    pub(super) fn wrong(self, at: u32, why: &'static str) -> ParseError {
        let why = match self.bytes.get(place(at)) {
            Some(_) => why,
            None if self.bytes.is_empty() => "empty",
            None => "truncated",
        };
        ParseError { at: place(at), why }
    }
}

/// An offset or a place in the tape as an index.
#[inline]
pub(super) fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// An open array or object.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Its place in the tape.
    node: u32,
    /// The byte that closes it; 0 outside the root.
    closer: u8,
    /// One bit per key seen, chosen by its hash.
    seen: u64,
    /// Bits chosen more than once: only then can a key have come twice.
    again: u64,
}

/// A member's key, until its value is known.
#[derive(Clone, Copy, Debug)]
struct Key {
    start: u32,
    end: u32,
    number: u16,
    escaped: bool,
}

impl Key {
    const NONE: Key = Key { start: u32::MAX, end: u32::MAX, number: 0, escaped: false };
}

struct Parser<'p> {
    source: Source<'p>,
    marks: Marks<'p>,
    vocabulary: &'p Vocabulary,
    nodes: &'p mut Vec<Node>,
    frames: &'p mut Vec<Frame>,
    /// The innermost; those around it are in `frames`.
    frame: Frame,
    depth: usize,
    at: u32,
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), ParseError> {
        let mut byte = self.skip_space();
        let mut key = Key::NONE;
        loop {
            match byte {
                b'"' => self.string(key)?,
                b'{' => {
                    byte = self.open(key, Kind::Object, b'}')?;
                    if byte != b'}' {
                        (key, byte) = self.key(byte)?;
                        continue;
                    }
                    self.close()?;
                }
                b'[' => {
                    byte = self.open(key, Kind::Array, b']')?;
                    if byte != b']' {
                        key = Key::NONE;
                        continue;
                    }
                    self.close()?;
                }
                b'-' | b'0'..=b'9' => {
                    let end = number(self.source, self.at)?;
                    self.leaf(key, Kind::Number, end, false);
                }
                _ => self.word(key, byte)?,
            }
            loop {
                byte = self.skip_space();
                if byte == b',' {
                    if self.frame.closer == 0 {
                        return Err(self.source.wrong(self.at, "something after the end"));
                    }
                    self.at = self.at.wrapping_add(1);
                    byte = self.skip_space();
                    if self.frame.closer == b'}' {
                        (key, byte) = self.key(byte)?;
                    } else {
                        key = Key::NONE;
                    }
                    break;
                }
                if self.frame.closer == 0 {
                    return self.ended();
                }
                if byte != self.frame.closer {
                    return Err(self
                        .source
                        .wrong(self.at, "a comma or a closing bracket is missing"));
                }
                self.close()?;
            }
        }
    }

    /// Reads a key, its colon and the white space behind; gives back the value's first byte.
    #[inline]
    fn key(&mut self, byte: u8) -> Result<(Key, u8), ParseError> {
        if byte != b'"' {
            return Err(self.source.wrong(self.at, "a key is missing"));
        }
        let string = self.marks.string(self.at)?;
        let start = string.open.wrapping_add(1);
        let (print, number) = if string.escaped {
            self.escaped_key(string)?
        } else {
            let length = string.close.wrapping_sub(start);
            let print = Fingerprint::in_place(self.source, start, length);
            let bytes = self.source.bytes;
            let name = || bytes.get(place(start)..place(string.close)).unwrap_or_default();
            (print, self.vocabulary.number_of(print, name))
        };
        let bit = 1_u64 << (print.hash() >> 58);
        self.frame.again |= self.frame.seen & bit;
        self.frame.seen |= bit;
        self.at = string.close.wrapping_add(1);
        if self.skip_space() != b':' {
            return Err(self.source.wrong(self.at, "a colon is missing"));
        }
        self.at = self.at.wrapping_add(1);
        let end = string.close.wrapping_add(1);
        let key = Key { start: string.open, end, number, escaped: string.escaped };
        Ok((key, self.skip_space()))
    }

    #[cold]
    #[inline(never)]
    fn escaped_key(&mut self, string: Quoted) -> Result<(Fingerprint, u16), ParseError> {
        check_escapes(self.source, &mut self.marks, string, true)?;
        let quoted = self.source.bytes.get(place(string.open)..=place(string.close));
        let text = unescape(quoted.unwrap_or_default(), true);
        let print = Fingerprint::of(text.as_bytes());
        Ok((print, self.vocabulary.number_of(print, || text.as_bytes())))
    }

    #[inline]
    fn string(&mut self, key: Key) -> Result<(), ParseError> {
        let string = self.marks.string(self.at)?;
        if string.escaped {
            check_escapes(self.source, &mut self.marks, string, false)?;
        }
        self.leaf(key, Kind::String, string.close.wrapping_add(1), string.escaped);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn word(&mut self, key: Key, byte: u8) -> Result<(), ParseError> {
        let (kind, word): (Kind, &[u8]) = match byte {
            b't' => (Kind::True, b"true"),
            b'f' => (Kind::False, b"false"),
            b'n' => (Kind::Null, b"null"),
            _ => return Err(self.source.wrong(self.at, "a value is missing")),
        };
        let rest = self.source.bytes.get(place(self.at)..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.source.wrong(self.at, "an unknown word"));
        }
        let end = self.at.wrapping_add(u32::try_from(word.len()).unwrap_or(0));
        self.leaf(key, kind, end, false);
        Ok(())
    }

    #[inline]
    fn leaf(&mut self, key: Key, kind: Kind, end: u32, escaped: bool) {
        self.push(key, kind, end, escaped);
        self.at = end;
    }

    #[inline]
    fn push(&mut self, key: Key, kind: Kind, end: u32, escaped: bool) {
        self.nodes.push(Node {
            start: self.at,
            end,
            next: self.count().wrapping_add(1),
            key_start: key.start,
            key_end: key.end,
            key: key.number,
            kind,
            escaped,
            key_escaped: key.escaped,
        });
    }

    /// Nodes so far: fewer than bytes.
    #[inline]
    fn count(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    /// Opens a container and gives back the first byte inside.
    #[inline]
    fn open(&mut self, key: Key, kind: Kind, closer: u8) -> Result<u8, ParseError> {
        if self.frames.len() >= self.depth {
            return Err(ParseError { at: place(self.at), why: "nested too deeply" });
        }
        let node = self.count();
        self.push(key, kind, self.at, false);
        self.frames.push(self.frame);
        self.frame = Frame { node, closer, seen: 0, again: 0 };
        self.at = self.at.wrapping_add(1);
        Ok(self.skip_space())
    }

    /// Closes the innermost container at its closing byte.
    #[inline]
    fn close(&mut self) -> Result<(), ParseError> {
        self.at = self.at.wrapping_add(1);
        let after = self.count();
        if let Some(node) = self.nodes.get_mut(place(self.frame.node)) {
            node.end = self.at;
            node.next = after;
        }
        if self.frame.again != 0 {
            no_key_twice(self.source, self.nodes, self.frame.node)?;
        }
        self.frame = self.frames.pop().unwrap_or_default();
        Ok(())
    }

    /// The root has ended: nothing may follow.
    fn ended(&self) -> Result<(), ParseError> {
        if place(self.at) < self.source.bytes.len() {
            return Err(ParseError { at: place(self.at), why: "something after the end" });
        }
        Ok(())
    }

    /// Steps over white space; gives back the byte there, 0 at the end.
    #[inline]
    fn skip_space(&mut self) -> u8 {
        let byte = self.source.byte(self.at);
        if byte > b' ' {
            return byte;
        }
        self.at = past_space(self.source, self.at);
        self.source.byte(self.at)
    }
}

/// The end of the white space at `at`: mostly a line break and a run of spaces.
#[inline(never)]
fn past_space(source: Source<'_>, mut at: u32) -> u32 {
    const SPACES: u64 = 0x2020_2020_2020_2020;
    loop {
        let spaces = (source.word(at) ^ SPACES).trailing_zeros() / 8;
        at = at.wrapping_add(spaces);
        if spaces == 8 {
            continue;
        }
        if !matches!(source.byte(at), b'\n' | b'\r' | b'\t' | b' ') {
            return at;
        }
        at = at.wrapping_add(1);
    }
}
