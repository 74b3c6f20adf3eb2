//! What is put around the records that stay.

use super::Body;
use crate::engine::document::cut::emit;
use crate::engine::document::tape::{NodeId, range};
use crate::engine::released::Refusal;
use crate::engine::shapes::written::Body as Form;

impl Body<'_> {
    /// The bytes that leave.
    pub(super) fn write(&self) -> Result<Vec<u8>, Refusal> {
        let root = NodeId(0);
        if self.terms.route.body == Form::Search {
            return Ok(self.search_set());
        }
        let any = self.records.iter().any(|record| record.parent.is_none() && record.released);
        // Hidden, absent and foreign are one 404.
        if self.terms.route.by_id && !any {
            return Err(Refusal::NotFound);
        }
        let bytes = self.doc.json.as_bytes();
        if self.cuts.is_empty() {
            return Ok(bytes.to_vec());
        }
        let mut out = Vec::with_capacity(bytes.len());
        if self.cuts.contains(root) {
            return if self.terms.route.stream { Ok(out) } else { Err(Refusal::NotFound) };
        }
        let node = self.doc.get(root).ok_or(Refusal::NotFound)?;
        out.extend_from_slice(bytes.get(range(0, node.start)).unwrap_or_default());
        emit(bytes, self.doc.tape, &self.cuts, root, &mut out);
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(bytes.get(range(node.end, end)).unwrap_or_default());
        Ok(out)
    }

    /// A paged search has an envelope of ours: totals, links and whatever else the upstream
    /// put around its entries stay behind.
    fn search_set(&self) -> Vec<u8> {
        let bytes = self.doc.json.as_bytes();
        let keys = &self.terms.shape.keys;
        let mut out = Vec::with_capacity(bytes.len());
        out.extend_from_slice(br#"{"resourceType":"Bundle","type":"searchset""#);
        let mut first = true;
        for record in self.records.iter().filter(|r| r.released && r.parent.is_none()) {
            out.extend_from_slice(if first { br#","entry":["# } else { b"," });
            out.push(b'{');
            let mut comma = false;
            for (child, node) in self.doc.children(record.cut) {
                let wanted = [keys.full_url, keys.resource, keys.search].contains(&node.key);
                if !wanted || node.key == 0 || self.cuts.contains(child) {
                    continue;
                }
                if comma {
                    out.push(b',');
                }
                comma = true;
                let key = bytes.get(range(node.key_start, node.start));
                out.extend_from_slice(key.unwrap_or_default());
                emit(bytes, self.doc.tape, &self.cuts, child, &mut out);
            }
            out.push(b'}');
            first = false;
        }
        out.extend_from_slice(if first { b"}" } else { b"]}" });
        out
    }
}
