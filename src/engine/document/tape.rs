//! A parsed document: a flat list of nodes in document order, with spans into the original
//! bytes and next-sibling links. Nothing is copied and nothing is converted.

use std::ops::Range;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// `null`
    Null,
    /// `false`
    False,
    /// `true`
    True,
    /// A number, as written.
    Number,
    /// A string; the span includes the quotes.
    String,
    /// `[…]`
    Array,
    /// `{…}`
    Object,
}

/// A position in the tape. The root is `NodeId(0)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// First byte of the value.
    pub start: u32,
    /// One past the last byte of the value.
    pub end: u32,
    /// The node after this one's subtree: its next sibling, or what follows the parent.
    pub next: u32,
    /// First byte of the key's opening quote; `u32::MAX` for an element or the root.
    pub key_start: u32,
    /// One past the key's closing quote.
    pub key_end: u32,
    /// The key's number in the [`Vocabulary`], 0 if it is not in it (or there is no key).
    pub key: u16,
    /// What it is.
    pub kind: Kind,
    /// Whether a string value (or its key, see `key_escaped`) holds a backslash.
    pub escaped: bool,
    /// Whether the key holds a backslash.
    pub key_escaped: bool,
}

/// The tape of one document. Reused from body to body; `scan` fills it.
#[derive(Debug, Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
}

impl Tape {
    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing was parsed.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node, if there is one at that position.
    #[inline]
    pub fn get(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The children of an array or object, in order.
    pub fn children(&self, id: NodeId) -> Children<'_> {
        match self.get(id) {
            Some(node) if matches!(node.kind, Kind::Array | Kind::Object) => {
                Children { tape: self, at: id.0.saturating_add(1), end: node.next }
            }
            _ => Children { tape: self, at: 0, end: 0 },
        }
    }
}

/// See [`Tape::children`].
#[derive(Debug)]
pub struct Children<'t> {
    tape: &'t Tape,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = (NodeId, &'t Node);

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let id = NodeId(self.at);
        let node = self.tape.get(id)?;
        self.at = node.next.max(self.at.saturating_add(1));
        Some((id, node))
    }
}

/// The keys that a policy set can ask for, numbered from 1. Keys are compared after unescaping.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    names: Vec<Box<str>>,
    table: Vec<u16>,
}

impl Vocabulary {
    /// Numbers the names from 1 in the order given; doubles keep their first number.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Vocabulary {
        let mut unique: Vec<Box<str>> = names.into_iter().map(Box::from).collect();
        unique.sort_unstable();
        unique.dedup();
        unique.truncate(usize::from(u16::MAX - 1));
        let size = unique.len().saturating_mul(4).next_power_of_two().max(64);
        let mut vocabulary = Vocabulary { names: unique, table: vec![0; size] };
        for number in 1..=vocabulary.names.len() {
            let hash = vocabulary.names.get(number - 1).map_or(0, |n| hash(n.as_bytes()));
            let mut slot = vocabulary.slot(hash);
            while vocabulary.table.get(slot).is_some_and(|taken| *taken != 0) {
                slot = (slot + 1) & (size - 1);
            }
            if let Some(place) = vocabulary.table.get_mut(slot) {
                *place = u16::try_from(number).unwrap_or(0);
            }
        }
        vocabulary
    }

    #[inline]
    fn slot(&self, hash: u32) -> usize {
        usize::try_from(hash).unwrap_or(0) & (self.table.len().saturating_sub(1))
    }

    /// The number of a name, 0 if it has none.
    #[inline]
    pub fn number(&self, name: &[u8]) -> u16 {
        if self.table.is_empty() {
            return 0;
        }
        let mut slot = self.slot(hash(name));
        loop {
            match self.table.get(slot).copied() {
                None | Some(0) => return 0,
                Some(number) => {
                    let found = self.names.get(usize::from(number) - 1);
                    if found.is_some_and(|found| found.as_bytes() == name) {
                        return number;
                    }
                }
            }
            slot = (slot + 1) & (self.table.len() - 1);
        }
    }

    /// The name of a number.
    pub fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number).checked_sub(1)?).map(AsRef::as_ref)
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// A small multiplicative hash of a key. Not for tables that hostile keys can fill: the
/// vocabulary is ours, and the duplicate check does not rest on it alone.
#[inline]
pub fn hash(bytes: &[u8]) -> u32 {
    let mut h: u32 = 0x9E37_79B9;
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        if let [a, b, c, d] = *chunk {
            h = (h.rotate_left(5) ^ u32::from_le_bytes([a, b, c, d])).wrapping_mul(0x27D4_EB2D);
        }
    }
    for byte in chunks.remainder() {
        h = (h.rotate_left(5) ^ u32::from(*byte)).wrapping_mul(0x27D4_EB2D);
    }
    h ^ (h >> 15)
}

/// A span as a range.
pub fn range(start: u32, end: u32) -> Range<usize> {
    usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX)
}
