//! Nodes that stand at one place of a document, and the same nodes at another.

use super::tape::Node;
use wide::u32x4;

/// The container around a node of a seam, if it was open before: which one is known only where
/// the seam is met.
pub(super) const AROUND: u32 = u32::MAX;

/// Where a seam begins, and the first place in the tape that it fills.
#[derive(Clone, Copy)]
pub(super) struct Offsets {
    pub(super) base: u32,
    pub(super) first: u32,
}

impl Offsets {
    /// The other way round.
    pub(super) fn back(self) -> Offsets {
        Offsets { base: self.base.wrapping_neg(), first: self.first.wrapping_neg() }
    }
}

/// A node of a seam that stands there. What is around all of the seam stays so.
#[inline]
pub(super) fn moved(node: &Node, by: Offsets) -> Node {
    let parent = if node.parent == AROUND { AROUND } else { node.parent.wrapping_add(by.first) };
    Node { parent, ..placed(node, by) }
}

/// The same, four numbers at a time and without a branch: what is around all of the seam is to be
/// filled in.
#[inline]
pub(super) fn placed(node: &Node, by: Offsets) -> Node {
    let by = u32x4::new([by.base, by.base, by.first, by.first]);
    let from = u32x4::new([node.start, node.end, node.next, node.parent]);
    let [start, end, next, parent] = (from + by).to_array();
    Node { start, end, next, parent, ..*node }
}
