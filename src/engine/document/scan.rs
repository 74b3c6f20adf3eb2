//! Bytes → tape: the strict parser (RFC 8259, and what DESIGN section 3 refuses besides).
//!
//! The loop here goes from scalar to scalar. What stands between two of them is a seam: one that
//! was met before is followed, any other is spelled out token by token and remembered ([`Seams`]).
//! The loop keeps its own stack, so no nesting can overflow the thread's.

pub use super::memory::Memory;

use super::growth::Followed;
use super::keys::{Fingerprint, escaped_key, no_key_twice};
use super::numbers::number;
use super::offsets::{Offsets, moved, placed};
use super::seams::{ELEMENT, LOST, NONE, PathId, START, Seam, Seams};
use super::source::{Source, past_space, place};
use super::spelled::Spelled;
use super::strings::{StringEnd, string};
use super::tape::{Kind, Node, Repeat, SeamId, Tape, Vocabulary};
use super::words::word;

/// Why a document was refused. Never quotes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset, from 0, in the bytes handed in.
    pub at: usize,
    /// What was wrong there.
    pub why: &'static str,
}

/// Parses one whole document into `tape` (cleared first). White space around it is allowed;
/// one leading byte-order mark is skipped. `depth` is the deepest nesting allowed. Gives back the
/// document as text, which is what the tape's spans are read from. After an error the tape is
/// empty.
pub fn parse<'j>(
    bytes: &'j [u8],
    depth: usize,
    vocabulary: &Vocabulary,
    memory: &mut Memory,
    tape: &mut Tape,
) -> Result<&'j str, ParseError> {
    tape.clear();
    // Offsets are 32 bits wide, and may pass the end by a little.
    if !u32::try_from(bytes.len()).is_ok_and(|length| length < u32::MAX - 128) {
        return Err(ParseError { at: 0, why: "longer than offsets can count" });
    }
    let Ok(text) = simdutf8::basic::from_utf8(bytes) else {
        let at = std::str::from_utf8(bytes).err().map_or(0, |broken| broken.valid_up_to());
        return Err(ParseError { at, why: "invalid UTF-8" });
    };
    // A node every 16 bytes is dense for a record; denser documents make the list grow.
    tape.nodes.reserve(bytes.len() / 16);
    memory.outer.clear();
    memory.seams.prepare(&vocabulary.numbering);
    let mut parser = Parser {
        source: Source::new(text),
        vocabulary,
        nodes: std::mem::take(&mut tape.nodes),
        repeats: std::mem::take(&mut tape.repeats),
        count: 0,
        outer: std::mem::take(&mut memory.outer),
        spelled: std::mem::take(&mut memory.spelled),
        seen: 0,
        node: 0,
        depth,
        at: if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
    };
    let outcome = parser.run(&mut memory.seams);
    (tape.nodes, tape.repeats) = (parser.nodes, parser.repeats);
    tape.numbering = memory.seams.numbering.clone();
    (memory.outer, memory.spelled) = (parser.outer, parser.spelled);
    if outcome.is_err() {
        tape.clear();
    }
    outcome.map(|()| text)
}

/// What closes the root: no byte of UTF-8.
const NEVER: u8 = 0xFF;

/// A key may have come twice. A function, so that the compiler keeps the branch.
#[cold]
#[inline(never)]
fn suspicious() -> u64 {
    u64::MAX
}

struct Parser<'p, 'b> {
    source: Source<'b>,
    vocabulary: &'p Vocabulary,
    nodes: Vec<Node>,
    repeats: Vec<Repeat>,
    /// How many nodes there are: fewer than bytes.
    count: u32,
    /// Of the containers around the innermost, what `seen` is of that one.
    outer: Vec<u64>,
    /// The seam that is being spelled out.
    spelled: Spelled,
    /// The bits of the keys of the innermost object so far, see [`Seams::child`]; all once a bit
    /// was there before, for only then can a key have come twice.
    seen: u64,
    /// The innermost container's place in the tape.
    node: u32,
    depth: usize,
    at: u32,
}

impl Parser<'_, '_> {
    #[inline]
    fn run(&mut self, seams: &mut Seams) -> Result<(), ParseError> {
        let mut after = START;
        let mut before = Followed { seam: NONE, by: Offsets { base: 0, first: 0 } };
        loop {
            let by = Offsets { base: self.at, first: self.count };
            let met = seams.met(self.source, self.at, after, before.seam);
            let (mut scalar, seam) = match seams.seam(met).filter(|seam| self.has_depth(seam)) {
                Some(seam) => (self.follow(seams, seam, met)?, met),
                None => match self.spell(seams, after)? {
                    Some(spelled) => spelled,
                    None => return Ok(()),
                },
            };
            let next = Followed { seam, by };
            if let Some(last) = self.nodes.get(place(by.first.wrapping_sub(1))) {
                seams.note_next(self.source, before, next, last);
            }
            before = next;
            after = scalar.path;
            self.scalar(&mut scalar)?;
            self.push(scalar);
        }
    }

    /// Whether a seam stays above the deepest nesting allowed; if not it is spelled out, which
    /// tells where.
    #[inline]
    fn has_depth(&self, seam: &Seam) -> bool {
        self.outer.len().checked_add_signed(seam.deepest).is_some_and(|depth| depth <= self.depth)
    }

    /// Does what was done when this seam was spelled out; comes to its scalar.
    #[inline]
    fn follow(&mut self, seams: &Seams, seam: &Seam, id: SeamId) -> Result<Node, ParseError> {
        let by = Offsets { base: self.at, first: self.count };
        self.nodes.extend(seams.nodes(seam).iter().map(|node| placed(node, by)));
        let mut arounds = seams.arounds(seam);
        for level in seams.levels(seam) {
            self.meet(level.bits);
            let (here, later) = arounds.split_at_checked(level.arounds).unwrap_or_default();
            for around in here {
                if let Some(node) = self.nodes.get_mut(place(by.first.wrapping_add(*around))) {
                    node.parent = self.node;
                }
            }
            arounds = later;
            self.count = self.count.wrapping_add(level.count());
            if level.end != 0 {
                self.close(by.base.wrapping_add(level.end))?;
            }
        }
        for left in seams.left(seam) {
            self.outer.push(self.seen);
            self.seen = left.bits;
            self.node = by.first.wrapping_add(left.node);
        }
        self.repeats.push(Repeat { first: by.first, behind: self.count, seam: id });
        self.at = by.base.wrapping_add(seam.scalar.start);
        Ok(Node { parent: self.node, ..moved(&seam.scalar, by) })
    }

    /// Reads a seam token by token and remembers it; comes to its scalar, or to the end.
    #[inline(never)]
    fn spell(
        &mut self,
        seams: &mut Seams,
        after: PathId,
    ) -> Result<Option<(Node, SeamId)>, ParseError> {
        let (base, mut first) = (self.at, self.count);
        self.spelled.clear();
        let mut behind_value = after != START;
        let mut byte = self.skip_space();
        loop {
            if behind_value {
                while byte == self.closer() {
                    self.at = self.at.wrapping_add(1);
                    self.close(self.at)?;
                    self.spelled.close(self.at.wrapping_sub(base));
                    byte = self.skip_space();
                }
                if byte != b',' || self.closer() == NEVER {
                    return ended(self.source, self.at, self.closer()).map(|()| None);
                }
                self.at = self.at.wrapping_add(1);
                byte = self.skip_space();
                first = self.count;
            }
            let node = self.begin(seams, byte)?;
            if !matches!(node.kind, Kind::Object | Kind::Array) {
                let quote = u32::from(node.kind == Kind::String);
                let seam = place(base)..place(node.start.wrapping_add(quote));
                let seam = self.source.bytes().get(seam).unwrap_or_default();
                let back = Offsets { base, first }.back();
                let scalar = moved(&node, back);
                let id = seams.learn(after, seam, &self.spelled, scalar);
                return Ok(Some((node, id)));
            }
            self.open(node)?;
            self.spelled.open(moved(&node, Offsets { base, first }.back()));
            self.at = self.at.wrapping_add(1);
            byte = self.skip_space();
            behind_value = byte == self.closer();
        }
    }

    /// Reads what stands before a value, and its first byte.
    fn begin(&mut self, seams: &mut Seams, byte: u8) -> Result<Node, ParseError> {
        let path = if self.outer.is_empty() {
            START
        } else {
            self.innermost().map_or(LOST, |node| node.path)
        };
        let mut node = Node {
            start: self.at,
            end: self.at,
            next: self.count.wrapping_add(1),
            parent: self.node,
            key: 0,
            path: LOST,
            kind: Kind::Null,
            is_element: true,
            escaped: false,
            key_escaped: false,
        };
        if self.closer() == b'}' {
            self.key(byte, &mut node)?;
            let bit;
            (node.path, bit) = seams.child(path, node.key);
            self.meet(bit);
            self.spelled.key(bit);
        } else {
            (node.path, _) = seams.child(path, ELEMENT);
        }
        node.start = self.at;
        node.end = self.at;
        node.kind = match self.source.byte(self.at) {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::String,
            _ => Kind::Null,
        };
        Ok(node)
    }

    fn innermost(&self) -> Option<&Node> {
        self.nodes.get(place(self.node))
    }

    /// The byte that closes the innermost container.
    fn closer(&self) -> u8 {
        match self.innermost().map(|node| node.kind) {
            _ if self.outer.is_empty() => NEVER,
            Some(Kind::Object) => b'}',
            _ => b']',
        }
    }

    /// A key has come in the innermost object.
    #[inline]
    fn meet(&mut self, bit: u64) {
        self.seen = if self.seen & bit == 0 { self.seen | bit } else { suspicious() };
    }

    /// Reads a key, its colon and the white space behind.
    fn key(&mut self, byte: u8, node: &mut Node) -> Result<(), ParseError> {
        if byte != b'"' {
            return Err(self.source.wrong(self.at, "a key is missing"));
        }
        let open = self.at;
        let StringEnd { close, escaped } = string(self.source, open, true)?;
        let number = if escaped {
            self.spelled.plain = false;
            escaped_key(self.source, self.vocabulary, open, close)
        } else {
            let start = open.wrapping_add(1);
            let print = Fingerprint::in_place(self.source, start, close.wrapping_sub(start));
            let bytes = self.source.bytes();
            let name = || bytes.get(place(start)..place(close)).unwrap_or_default();
            self.vocabulary.number_of(print, name)
        };
        self.at = close.wrapping_add(1);
        if self.skip_space() != b':' {
            return Err(self.source.wrong(self.at, "a colon is missing"));
        }
        self.at = self.at.wrapping_add(1);
        self.skip_space();
        node.is_element = false;
        node.key = number;
        node.key_escaped = escaped;
        Ok(())
    }

    /// Reads the scalar that a seam led to: a string by its quote, the others by their first byte.
    #[inline]
    fn scalar(&mut self, node: &mut Node) -> Result<(), ParseError> {
        if node.kind == Kind::String {
            let found = string(self.source, self.at, false)?;
            self.at = found.close.wrapping_add(1);
            node.escaped = found.escaped;
        } else if matches!(self.source.byte(self.at), b'-' | b'0'..=b'9') {
            node.kind = Kind::Number;
            self.at = number(self.source, self.at)?;
        } else {
            (node.kind, self.at) = word(self.source, self.at)?;
        }
        node.end = self.at;
        Ok(())
    }

    #[inline]
    fn push(&mut self, node: Node) {
        self.count = self.count.wrapping_add(1);
        self.nodes.push(node);
    }

    /// Opens a container.
    #[inline]
    fn open(&mut self, node: Node) -> Result<(), ParseError> {
        if self.outer.len() >= self.depth {
            return Err(ParseError { at: place(node.start), why: "nested too deeply" });
        }
        self.outer.push(self.seen);
        self.seen = 0;
        self.node = self.count;
        self.push(node);
        Ok(())
    }

    /// Closes the innermost container, whose bracket ends there.
    #[inline]
    fn close(&mut self, end: u32) -> Result<(), ParseError> {
        let container = self.node;
        if let Some(node) = self.nodes.get_mut(place(container)) {
            node.end = end;
            node.next = self.count;
            self.node = node.parent;
        }
        if self.seen == u64::MAX {
            // Of a seam that is followed all nodes are there, those behind this bracket, too.
            let nodes = self.nodes.get(..place(self.count)).unwrap_or_default();
            no_key_twice(self.source, nodes, container)?;
        }
        self.seen = self.outer.pop().unwrap_or(0);
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
    if place(at) < source.bytes().len() {
        return Err(ParseError { at: place(at), why: "something after the end" });
    }
    Ok(())
}
