//! Nodes of a tape that are marked, a bit for each.

use super::source::place;
use super::tape::NodeId;

/// As many bits as the tape has nodes, and up to 63 more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    /// None marked, for a tape of that length.
    pub(crate) fn emptied(mut self, nodes: usize) -> Marks {
        self.0.clear();
        self.0.resize(nodes.div_ceil(64), 0);
        self
    }

    /// Marks a node of the tape; whether it was not yet marked.
    #[inline]
    pub(crate) fn mark(&mut self, id: NodeId) -> bool {
        let Some(word) = self.0.get_mut(place(id.0 / 64)) else { return false };
        let is_new = *word & bit(id) == 0;
        *word |= bit(id);
        is_new
    }

    /// Whether a node is marked, if it is one of the tape.
    #[inline]
    pub(crate) fn is_marked(&self, id: NodeId) -> Option<bool> {
        self.0.get(place(id.0 / 64)).map(|word| word & bit(id) != 0)
    }

    /// The bytes it takes.
    pub(crate) fn keeps(&self) -> usize {
        self.0.capacity().saturating_mul(size_of::<u64>())
    }
}

fn bit(id: NodeId) -> u64 {
    1 << (id.0 % 64)
}
