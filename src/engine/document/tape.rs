//! A parsed document: a flat list of nodes in document order, with spans into the original
//! bytes and next-sibling links. Nothing is copied and nothing is converted.

pub use super::vocabulary::Vocabulary;
use crate::engine::lending::Lendable;
use std::ops::Range;
use std::sync::Arc;

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

/// One value, in 24 bytes: of long bodies nodes are read from memory as much as the body is. Where
/// its key stands follows from where it does: [`super::text::key_of`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Node {
    /// First byte of the value.
    pub start: u32,
    /// One past the last byte of the value.
    pub end: u32,
    /// The node after this one's subtree: its next sibling, or what follows the parent.
    pub next: u32,
    /// The array or object around it; of the root the root itself.
    pub parent: u32,
    /// The key's number in the [`Vocabulary`], 0 if it is not in it (or there is no key).
    pub key: u16,
    /// The keys that lead to it, as a number that means the same in all documents of one
    /// vocabulary for a while; 0 if it has none.
    pub path: u16,
    /// What it is.
    pub kind: Kind,
    /// Whether it is an element of an array, or the root, and so has no key.
    pub is_element: bool,
    /// Whether a string value (or its key, see `key_escaped`) holds a backslash.
    pub escaped: bool,
    /// Whether the key holds a backslash.
    pub key_escaped: bool,
}

/// A stretch of a document that the parser knows: see [`super::seams`].
pub(crate) type SeamId = u32;

/// Whose numbers they are: those that one parser's memory gives to seams, and one vocabulary to
/// keys, mean the same from body to body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbering(Option<Arc<()>>);

impl Numbering {
    /// One that no other is.
    pub(super) fn begun() -> Numbering {
        Numbering(Some(Arc::default()))
    }

    /// Whether numbers of the one mean what they mean in the other.
    pub(crate) fn is(&self, other: &Numbering) -> bool {
        let both = self.0.as_ref().zip(other.0.as_ref());
        both.is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }
}

/// Several nodes in a row that are the same, but for where they stand and for the texts in its
/// blanks ([`super::blanks`]), as in any document where this number comes again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    /// The first node.
    pub(crate) first: u32,
    /// The one behind the last.
    pub(crate) behind: u32,
    pub(crate) seam: SeamId,
}

/// The tape of one document. Reused from body to body; `scan` fills it.
#[derive(Debug, Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
    /// In document order.
    pub(super) repeats: Vec<Repeat>,
    pub(super) numbering: Numbering,
}

impl Tape {
    /// Whether it was never filled.
    pub(crate) fn is_new(&self) -> bool {
        self.nodes.capacity() == 0
    }

    /// Empty, for the next body: what stood where in this one is nobody's any more.
    pub(crate) fn emptied(mut self) -> Tape {
        self.clear();
        self
    }

    pub(super) fn clear(&mut self) {
        self.nodes.clear();
        self.repeats.clear();
        self.numbering = Numbering::default();
    }

    /// See [`Repeat`].
    pub(crate) fn repeats(&self) -> &[Repeat] {
        &self.repeats
    }

    /// By which the numbers of its repeats are to be read.
    pub(crate) fn numbering(&self) -> &Numbering {
        &self.numbering
    }

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
    #[inline]
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

    #[inline]
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

impl Lendable for Tape {
    fn keeps(&self) -> usize {
        let nodes = self.nodes.capacity().saturating_mul(size_of::<Node>());
        nodes.saturating_add(self.repeats.capacity().saturating_mul(size_of::<Repeat>()))
    }
}

/// A span as a range.
pub fn range(start: u32, end: u32) -> Range<usize> {
    usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX)
}
