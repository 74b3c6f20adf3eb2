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

/// A node of a seam that stands there, in that container if it is in none of the seam's own.
#[inline]
pub(super) fn moved(node: &Node, by: Offsets, around: u32) -> Node {
    let mut node = *node;
    move_all(std::slice::from_mut(&mut node), by, around);
    node
}

/// The same for nodes in their place: their numbers are added to four at a time, without a branch.
#[inline]
pub(super) fn move_all(nodes: &mut [Node], by: Offsets, around: u32) {
    let add = u32x4::new([by.base, by.base, by.first, by.base]);
    // What a parent is counted from: the first of the seam, or nothing.
    let (inside, outside) = (by.first, around.wrapping_sub(AROUND));
    let differ = inside ^ outside;
    for node in nodes {
        let from = u32x4::new([node.start, node.end, node.next, node.key_start]);
        [node.start, node.end, node.next, node.key_start] = (from + add).to_array();
        node.key_end = node.key_end.wrapping_add(by.base);
        let is_outside = u32::from(node.parent == AROUND).wrapping_neg();
        node.parent = node.parent.wrapping_add(inside ^ (differ & is_outside));
    }
}
