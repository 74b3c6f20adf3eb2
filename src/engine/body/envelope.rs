//! What is put around the records that stay.

use super::{Body, Record};
use crate::engine::document::cut::emit;
use crate::engine::document::tape::{Node, NodeId, range};
use crate::engine::released::Refusal;
use crate::engine::shapes::written::Body as Form;

impl Body<'_> {
    /// The bytes that leave.
    pub(super) fn write(&self) -> Result<Vec<u8>, Refusal> {
        let root = NodeId(0);
        if self.terms.route.body == Form::Search {
            return Ok(self.search_set());
        }
        if let Some(leaf) = &self.leaf {
            return Ok(self.listed(leaf));
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
        let mut out = Vec::with_capacity(self.doc.json.len());
        out.extend_from_slice(br#"{"resourceType":"Bundle","type":"searchset""#);
        let all: Vec<usize> = match &self.leaf {
            Some(leaf) => leaf.records.clone(),
            None => self.at_the_top().filter(|record| self.is_released(*record)).collect(),
        };
        if let Some(next) = self.leaf.as_ref().and_then(|leaf| leaf.next.as_deref()) {
            out.extend_from_slice(br#","link":[{"relation":"next","url":"#);
            out.extend_from_slice(quoted(next).as_bytes());
            out.extend_from_slice(b"}]");
        }
        let mut first = true;
        for record in all.into_iter().filter_map(|record| self.records.get(record)) {
            out.extend_from_slice(if first { br#","entry":["# } else { b"," });
            first = false;
            self.entry(record, &mut out);
        }
        out.extend_from_slice(if first { b"}" } else { b"]}" });
        out
    }

    fn entry(&self, record: &Record, out: &mut Vec<u8>) {
        let keys = &self.terms.shape.keys;
        let mut members = Members::begin(out);
        for (child, node) in self.doc.children(record.cut) {
            let wanted = [keys.full_url, keys.resource, keys.search].contains(&node.key);
            if wanted && node.key != 0 && !self.cuts.contains(child) {
                members.key(self.key(node));
                emit(self.doc.json.as_bytes(), self.doc.tape, &self.cuts, child, members.out);
            }
        }
        members.end();
    }

    /// A key as it came, with its colon.
    pub(super) fn key(&self, node: &Node) -> &[u8] {
        let json = self.doc.json.as_bytes();
        json.get(range(node.key_start, node.start)).unwrap_or_default()
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes an object member by member.
pub(super) struct Members<'o> {
    pub(super) out: &'o mut Vec<u8>,
    any: bool,
}

impl<'o> Members<'o> {
    pub(super) fn begin(out: &'o mut Vec<u8>) -> Members<'o> {
        out.push(b'{');
        Members { out, any: false }
    }

    pub(super) fn key(&mut self, key: &[u8]) {
        if std::mem::replace(&mut self.any, true) {
            self.out.push(b',');
        }
        self.out.extend_from_slice(key);
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}
