//! A page of a house: what stands around its list, with a part of the list.

use super::Body;
use super::envelope::{Members, quoted};
use super::turn::Leaf;
use crate::engine::document::cut::emit;
use crate::engine::document::pieces::Pieces;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::document::text;

impl Body<'_> {
    /// A page of a house: what stands around its list by the allow-list, without white space
    /// between, and our cursor in place of the upstream's.
    pub(super) fn listed(&self, leaf: &Leaf) -> Pieces {
        let names = self.terms.route.paging.as_ref().map(|paging| paging.next.as_slice());
        let mut out = Pieces::default();
        self.on_the_way(NodeId(0), leaf, names, &mut out);
        out
    }

    /// An object on the way to the list, or (`next`: the rest of its names) to the cursor.
    fn on_the_way(&self, object: NodeId, leaf: &Leaf, next: Option<&[String]>, out: &mut Pieces) {
        let (name, deeper) = match next.and_then(<[String]>::split_first) {
            Some((name, deeper)) => (Some(name), deeper),
            None => (None, [].as_slice()),
        };
        let mut cursor = leaf.next.as_deref();
        let mut members = Members::begin(out);
        for (child, node) in self.doc.children(object) {
            let to_next = name.is_some_and(|name| text::key_is(self.doc.json, node, name));
            let to_list = leaf.list.is_some_and(|list| self.is_within(list, child));
            let empty = self.terms.shape.omit && leaf.records.is_empty();
            // The upstream's own next never leaves, in whatever form.
            let gone = to_next && (deeper.is_empty() || node.kind != Json::Object);
            if gone || self.cuts.contains(child) || (to_list && empty) {
                continue;
            }
            if leaf.list == Some(child) {
                members.key(self.doc.json, node);
                self.write_elements(leaf, members.out);
            } else if to_list || to_next {
                let mut inside = Pieces::default();
                self.on_the_way(child, leaf, to_next.then_some(deeper), &mut inside);
                // What is empty tells that something was there.
                if !inside.is_just(b"{}") {
                    members.key(self.doc.json, node);
                    members.out.append(&inside);
                }
                if to_next {
                    cursor = None;
                }
            } else {
                members.key(self.doc.json, node);
                emit(self.doc, &self.cuts, child, members.out);
            }
        }
        if let (Some(name), Some(cursor)) = (name, cursor) {
            members.name(name);
            members.out.ours(nested(deeper, cursor).as_bytes());
        }
        members.end();
    }

    fn write_elements(&self, leaf: &Leaf, out: &mut Pieces) {
        out.ours(b"[");
        let mut first = true;
        for record in leaf.records.iter().filter_map(|record| self.records.get(*record)) {
            if !std::mem::replace(&mut first, false) {
                out.ours(b",");
            }
            emit(self.doc, &self.cuts, record.cut, out);
        }
        out.ours(b"]");
    }

    /// Whether a node is the other or stands inside it.
    fn is_within(&self, node: NodeId, outer: NodeId) -> bool {
        self.doc.get(outer).is_some_and(|of| outer <= node && node.0 < of.next)
    }
}

/// `{"page":{"next":"…"}}` without the outermost name.
fn nested(names: &[String], cursor: &str) -> String {
    let inner = quoted(cursor);
    names.iter().rev().fold(inner, |inner, name| format!("{{{}:{inner}}}", quoted(name)))
}
