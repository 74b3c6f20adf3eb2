//! A record that belongs to others, judged with them.

use super::Body;
use crate::engine::document::cut::emit;
use crate::engine::document::pieces::Pieces;
use crate::engine::lookups::fhir_id;
use crate::engine::released::Refusal;
use crate::engine::sites::Site;
use std::ops::Range;

impl Body<'_> {
    /// Whether a place names something of ours that belongs to its record: what stands at
    /// another's address is another's.
    pub(super) fn owns(&self, site: Site) -> bool {
        let Some(link) = self.link_at(site) else { return false };
        fhir_id(link.text(), self.terms.shape, self.terms.public_url).is_some()
    }

    /// The first record, with what stands around it in `alone`.
    pub(super) fn write_alone(&mut self, alone: &Range<usize>) -> Result<Pieces, Refusal> {
        let root = self.records.first().filter(|record| record.released).map(|record| record.root);
        let Some((root, node)) = root.and_then(|root| Some((root, self.doc.get(root)?))) else {
            self.report.released = 0;
            self.report.subjects.clear();
            return Err(Refusal::NotFound);
        };
        // Of all that was judged, this is what leaves.
        self.report.released = 1;
        let mut out = Pieces::default();
        let [start, end] = [alone.start, alone.end].map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        out.span(start, node.start);
        emit(self.doc, &self.cuts, root, &mut out);
        out.span(node.end, end);
        Ok(out)
    }
}
