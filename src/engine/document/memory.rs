//! What is remembered from one parse to the next.

use super::seams::Seams;
use super::spelled::Spelled;
use super::tape::{NodeId, Repeat, Tape};

/// What a parser remembers of documents of one vocabulary (see [`super::seams`]), and lists that
/// it fills and empties again. It only saves work: with another vocabulary it begins anew.
#[derive(Debug, Default)]
pub struct Memory {
    pub(super) outer: Vec<u64>,
    pub(super) spelled: Spelled,
    pub(super) seams: Seams,
}

impl Memory {
    /// Whether it still knows what the repeats of a tape are.
    pub(crate) fn knows(&self, tape: &Tape) -> bool {
        self.seams.numbering.is(tape.numbering())
    }

    /// The nodes of a repeat that are scalars of any text of their length.
    pub(crate) fn blanks(&self, of: Repeat) -> impl Iterator<Item = NodeId> {
        let blanks = self.seams.seam(of.seam).map(|seam| self.seams.blanks(seam));
        let nodes = blanks.unwrap_or_default().iter().map(|blank| blank.node);
        nodes.map(move |node| NodeId(node.wrapping_add(of.first)))
    }

    /// Tells where records begin in a tape that it made: nothing grows from one into the next.
    pub(crate) fn begin_records(&mut self, tape: &Tape, roots: impl Iterator<Item = NodeId>) {
        for root in roots {
            if let Some(node) = tape.get(root).filter(|_| self.knows(tape)) {
                self.seams.begin_records(node.path);
            }
        }
    }
}
