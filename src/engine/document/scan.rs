//! Bytes → tape: the strict parser (RFC 8259, and what DESIGN section 3 refuses besides).
//!
//! One pass finds the quotes and escapes, 64 bytes at a time and a little ahead ([`Marks`]); the
//! loop here steps from token to token and jumps over strings. It keeps its own stack, so no
//! nesting can overflow the thread's.

use super::keys::{Fingerprint, no_key_twice};
use super::marks::{Marks, Quoted, Room};
use super::numbers::number;
use super::source::{Source, past_space, place};
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
    room: Room,
    frames: Vec<Frame>,
    guesses: Vec<u16>,
}

/// Parses one whole document into `tape` (cleared first). White space around it is allowed;
/// one leading byte-order mark is skipped. `depth` is the deepest nesting allowed. Gives back the
/// document as text, which is what the tape's spans are read from. After an error the tape is
/// empty.
pub fn parse<'j>(
    bytes: &'j [u8],
    depth: usize,
    vocabulary: &Vocabulary,
    tape: &mut Tape,
) -> Result<&'j str, ParseError> {
    tape.nodes.clear();
    let end = match u32::try_from(bytes.len()) {
        // Offsets are 32 bits wide; the last block's may pass the end.
        Ok(end) if end < u32::MAX - 128 => end,
        _ => return Err(ParseError { at: 0, why: "longer than offsets can count" }),
    };
    let Ok(text) = simdutf8::basic::from_utf8(bytes) else {
        let at = std::str::from_utf8(bytes).err().map_or(0, |broken| broken.valid_up_to());
        return Err(ParseError { at, why: "invalid UTF-8" });
    };
    // A node every 16 bytes is dense for a record; denser documents make the list grow.
    tape.nodes.reserve(bytes.len() / 16);
    // Taken out of the tape, and lent: so the parser's own few numbers can stay in registers.
    let mut nodes = std::mem::take(&mut tape.nodes);
    let mut frames = std::mem::take(&mut tape.scratch.frames);
    let mut guesses = std::mem::take(&mut tape.scratch.guesses);
    guesses.resize(vocabulary.len().saturating_add(1).saturating_mul(2), 0);
    let mut marks = Marks::new(bytes, end, std::mem::take(&mut tape.scratch.room));
    frames.clear();
    let parser = Parser {
        source: Source::new(text),
        marks: &mut marks,
        vocabulary,
        nodes: &mut nodes,
        count: 0,
        frames: &mut frames,
        seen: 0,
        guesses: &mut guesses,
        guess: 0,
        name: 0,
        node: 0,
        closer: NEVER,
        depth,
        at: if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
    };
    let outcome = parser.run();
    tape.nodes = nodes;
    tape.scratch = Scratch { room: marks.into_room(), frames, guesses };
    if outcome.is_err() {
        tape.nodes.clear();
    }
    outcome.map(|()| text)
}

/// What closes the root: no byte of UTF-8.
const NEVER: u8 = 0xFF;

/// An open array or object, while one inside it is being read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    seen: u64,
    node: u32,
    guess: u32,
    name: u16,
    closer: u8,
}

/// A key may have come twice. A function, so that the compiler keeps the branch.
#[cold]
#[inline(never)]
fn suspicious() -> u64 {
    u64::MAX
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

struct Parser<'p, 'b> {
    source: Source<'b>,
    marks: &'p mut Marks<'b>,
    vocabulary: &'p Vocabulary,
    nodes: &'p mut Vec<Node>,
    /// How many nodes there are: fewer than bytes.
    count: u32,
    /// The containers around the innermost, whose state are the three fields that follow: apart,
    /// so that they are copied one by one, each as wide as it was written.
    frames: &'p mut Vec<Frame>,
    /// Two bits per key of the object seen so far, chosen by its hash; all once both bits of
    /// a key were there before, for only then can a key have come twice.
    seen: u64,
    /// Which key came last behind which, and first in what: twice as many places as keys. Keys
    /// come in the same order over and over, and one that is guessed need not be looked for.
    guesses: &'p mut Vec<u16>,
    /// Where the next key's guess is.
    guess: u32,
    /// The number of the key that the container is the value of, or is an element in.
    name: u16,
    /// The container's place in the tape.
    node: u32,
    /// The byte that closes it.
    closer: u8,
    depth: usize,
    at: u32,
}

impl Parser<'_, '_> {
    #[inline]
    fn run(mut self) -> Result<(), ParseError> {
        let mut key = Key::NONE;
        let mut byte = self.skip_space();
        loop {
            let mut comma = true;
            if matches!(byte, b'{' | b'[') {
                byte = self.open(key, byte)?;
                comma = byte == self.closer;
            } else {
                self.scalar(key, byte)?;
                byte = self.skip_space();
            }
            if comma {
                while byte == self.closer {
                    self.close()?;
                    byte = self.skip_space();
                }
                if byte != b',' || self.closer == NEVER {
                    return ended(self.source, self.at, self.closer);
                }
                self.at = self.at.wrapping_add(1);
                byte = self.skip_space();
            }
            if self.closer == b'}' {
                byte = self.key(byte, &mut key)?;
            } else {
                key = Key::NONE;
            }
        }
    }

    /// Reads a key, its colon and the white space behind; gives back the value's first byte.
    #[inline]
    fn key(&mut self, byte: u8, key: &mut Key) -> Result<u8, ParseError> {
        if byte != b'"' {
            return Err(self.source.wrong(self.at, "a key is missing"));
        }
        let string = self.marks.string(self.at)?;
        let start = string.open.wrapping_add(1);
        let (bits, number) = if string.escaped {
            escaped_key(self.source, self.marks, self.vocabulary, string)?
        } else {
            let length = string.close.wrapping_sub(start);
            let print = Fingerprint::in_place(self.source, start, length);
            let bytes = self.source.bytes;
            let name = || bytes.get(place(start)..place(string.close)).unwrap_or_default();
            let guess = self.guesses.get(place(self.guess)).copied().unwrap_or(0);
            match self.vocabulary.is(guess, print, name) {
                Some(bits) => (bits, guess),
                None => self.look_up(print, name),
            }
        };
        self.guess = u32::from(number).wrapping_mul(2);
        self.seen = if self.seen & bits == bits { suspicious() } else { self.seen | bits };
        let end = string.close.wrapping_add(1);
        self.at = end;
        if self.skip_space() != b':' {
            return Err(self.source.wrong(self.at, "a colon is missing"));
        }
        self.at = self.at.wrapping_add(1);
        *key = Key { start: string.open, end, number, escaped: string.escaped };
        Ok(self.skip_space())
    }

    /// Looks for a key that came unexpected, and expects it the next time.
    #[inline]
    fn look_up<'n>(&mut self, print: Fingerprint, name: impl Fn() -> &'n [u8]) -> (u64, u16) {
        let number = self.vocabulary.number_of(print, name);
        if let Some(guess) = self.guesses.get_mut(place(self.guess)) {
            *guess = number;
        }
        (print.bits(), number)
    }

    #[inline]
    fn scalar(&mut self, key: Key, byte: u8) -> Result<(), ParseError> {
        let (kind, end, escaped) = match byte {
            b'"' => {
                let string = self.marks.string(self.at)?;
                if string.escaped {
                    check_escapes(self.source, self.marks, string, false)?;
                }
                (Kind::String, string.close.wrapping_add(1), string.escaped)
            }
            b'-' | b'0'..=b'9' => (Kind::Number, number(self.source, self.at)?, false),
            _ => {
                let (kind, end) = word(self.source, self.at)?;
                (kind, end, false)
            }
        };
        self.push(key, kind, end, escaped);
        self.at = end;
        Ok(())
    }

    #[inline]
    fn push(&mut self, key: Key, kind: Kind, end: u32, escaped: bool) {
        self.count = self.count.wrapping_add(1);
        self.nodes.push(Node {
            start: self.at,
            end,
            next: self.count,
            key_start: key.start,
            key_end: key.end,
            parent: self.node,
            key: key.number,
            kind,
            escaped,
            key_escaped: key.escaped,
        });
    }

    /// Opens a container and gives back the first byte inside.
    #[inline]
    fn open(&mut self, key: Key, byte: u8) -> Result<u8, ParseError> {
        if self.frames.len() >= self.depth {
            return Err(ParseError { at: place(self.at), why: "nested too deeply" });
        }
        let Parser { seen, node, guess, name, closer, .. } = *self;
        self.frames.push(Frame { seen, node, guess, name, closer });
        // An element's keys are expected by the name of its array.
        self.name = if key.number == 0 { name } else { key.number };
        self.guess = u32::from(self.name).wrapping_mul(2).wrapping_add(1);
        // In ASCII each closing bracket is two behind its opening one.
        self.closer = byte.wrapping_add(2);
        self.seen = 0;
        let node = self.count;
        self.push(key, if byte == b'{' { Kind::Object } else { Kind::Array }, self.at, false);
        self.node = node;
        self.at = self.at.wrapping_add(1);
        Ok(self.skip_space())
    }

    /// Closes the innermost container at its closing byte.
    #[inline]
    fn close(&mut self) -> Result<(), ParseError> {
        self.at = self.at.wrapping_add(1);
        if let Some(node) = self.nodes.get_mut(place(self.node)) {
            node.end = self.at;
            node.next = self.count;
        }
        if self.seen == u64::MAX {
            no_key_twice(self.source, self.nodes, self.node)?;
        }
        if let Some(frame) = self.frames.pop() {
            self.seen = frame.seen;
            self.node = frame.node;
            self.guess = frame.guess;
            self.name = frame.name;
            self.closer = frame.closer;
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

/// What stands at `at` is neither a comma nor the closing bracket: right only behind the root.
#[cold]
fn ended(source: Source<'_>, at: u32, closer: u8) -> Result<(), ParseError> {
    if closer != NEVER {
        return Err(source.wrong(at, "a comma or a closing bracket is missing"));
    }
    if place(at) < source.bytes.len() {
        return Err(ParseError { at: place(at), why: "something after the end" });
    }
    Ok(())
}

/// An escaped key is compared as unescaped.
#[cold]
#[inline(never)]
fn escaped_key(
    source: Source<'_>,
    marks: &mut Marks<'_>,
    vocabulary: &Vocabulary,
    string: Quoted,
) -> Result<(u64, u16), ParseError> {
    check_escapes(source, marks, string, true)?;
    let quoted = source.text.get(place(string.open)..=place(string.close));
    let text = unescape(quoted.unwrap_or_default(), true);
    let print = Fingerprint::of(&text);
    Ok((print.bits(), vocabulary.number_of(print, || text.as_bytes())))
}

/// One of the three words, and its end.
#[inline(never)]
fn word(source: Source<'_>, at: u32) -> Result<(Kind, u32), ParseError> {
    let rest = source.bytes.get(place(at)..).unwrap_or_default();
    let (kind, length) = match rest {
        [b't', b'r', b'u', b'e', ..] => (Kind::True, 4),
        [b'f', b'a', b'l', b's', b'e', ..] => (Kind::False, 5),
        [b'n', b'u', b'l', b'l', ..] => (Kind::Null, 4),
        [b'a'..=b'z', ..] => return Err(source.wrong(at, "an unknown word")),
        _ => return Err(source.wrong(at, "a value is missing")),
    };
    Ok((kind, at.wrapping_add(length)))
}
