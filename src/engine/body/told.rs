//! What the same bytes of a body said before.

use crate::engine::document::read::Document;
use crate::engine::document::tape::NodeId;

/// What places of this body said: a claim says the same of each of its lines.
pub(super) struct Told<T>(Vec<Option<(NodeId, T)>>);

impl<T> Default for Told<T> {
    fn default() -> Told<T> {
        Told(Vec::new())
    }
}

impl<T: Copy> Told<T> {
    /// A power of two.
    const PLACES: usize = 128;

    /// What the same bytes said before, or what `ask` says.
    pub(super) fn of(&mut self, doc: Document<'_>, node: NodeId, ask: impl FnOnce() -> T) -> T {
        let written = |node: NodeId| doc.written(node).as_bytes();
        let bytes = written(node);
        if self.0.is_empty() {
            self.0.resize_with(Self::PLACES, || None);
        }
        // Bytes land by their number and some of them; a wrong neighbour is asked anew.
        let byte = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
        let place = bytes.len() ^ (byte(bytes.len() / 2) << 2) ^ (byte(bytes.len() * 3 / 4) << 1);
        let Some(slot) = self.0.get_mut(place & (Self::PLACES - 1)) else { return ask() };
        match slot {
            Some((known, said)) if written(*known) == bytes => *said,
            _ => {
                let said = ask();
                *slot = Some((node, said));
                said
            }
        }
    }
}
