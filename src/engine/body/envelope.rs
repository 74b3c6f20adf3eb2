//! What is put around the records that stay.

use super::{Body, Record};
use crate::engine::document::cut::emit;
use crate::engine::document::pieces::Pieces;
use crate::engine::document::tape::{Node, NodeId};
use crate::engine::document::text::member_start;
use crate::engine::released::Refusal;
use crate::engine::shapes::written::Body as Form;

impl Body<'_> {
    /// The bytes that leave.
    pub(super) fn write(&self) -> Result<Pieces, Refusal> {
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
        let mut out = Pieces::default();
        let end = u32::try_from(self.doc.json.len()).unwrap_or(u32::MAX);
        if self.cuts.is_empty() {
            out.span(0, end);
            return Ok(out);
        }
        if self.cuts.contains(root) {
            return if self.terms.route.stream { Ok(out) } else { Err(Refusal::NotFound) };
        }
        let node = self.doc.get(root).ok_or(Refusal::NotFound)?;
        out.span(0, node.start);
        emit(self.doc, &self.cuts, root, &mut out);
        out.span(node.end, end);
        Ok(out)
    }

    /// A paged search has an envelope of ours: totals, links and whatever else the upstream
    /// put around its entries stay behind.
    fn search_set(&self) -> Pieces {
        let mut out = Pieces::default();
        out.ours(br#"{"resourceType":"Bundle","type":"searchset""#);
        let all: Vec<usize> = match &self.leaf {
            Some(leaf) => leaf.records.clone(),
            None => self.at_the_top().filter(|record| self.is_released(*record)).collect(),
        };
        if let Some(next) = self.leaf.as_ref().and_then(|leaf| leaf.next.as_deref()) {
            out.ours(br#","link":[{"relation":"next","url":"#);
            out.ours(quoted(next).as_bytes());
            out.ours(b"}]");
        }
        let mut first = true;
        for record in all.into_iter().filter_map(|record| self.records.get(record)) {
            out.ours(if first { br#","entry":["# } else { b"," });
            first = false;
            self.entry(record, &mut out);
        }
        out.ours(if first { b"}" } else { b"]}" });
        out
    }

    fn entry(&self, record: &Record, out: &mut Pieces) {
        let keys = &self.terms.shape.keys;
        let mut members = Members::begin(out);
        for (child, node) in self.doc.children(record.cut) {
            let wanted = [keys.full_url, keys.resource, keys.search].contains(&node.key);
            if wanted && node.key != 0 && !self.cuts.contains(child) {
                members.key(self.doc.json, node);
                emit(self.doc, &self.cuts, child, members.out);
            }
        }
        members.end();
    }
}

/// A JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes an object member by member.
pub(super) struct Members<'o> {
    pub(super) out: &'o mut Pieces,
    any: bool,
}

impl<'o> Members<'o> {
    pub(super) fn begin(out: &'o mut Pieces) -> Members<'o> {
        out.ours(b"{");
        Members { out, any: false }
    }

    /// A key as it came, with its colon.
    pub(super) fn key(&mut self, json: &str, node: &Node) {
        self.comma();
        self.out.span(member_start(json, node), node.start);
    }

    /// A key of ours.
    pub(super) fn name(&mut self, name: &str) {
        self.comma();
        self.out.ours(quoted(name).as_bytes());
        self.out.ours(b":");
    }

    fn comma(&mut self) {
        if std::mem::replace(&mut self.any, true) {
            self.out.ours(b",");
        }
    }

    pub(super) fn end(self) {
        self.out.ours(b"}");
    }
}
