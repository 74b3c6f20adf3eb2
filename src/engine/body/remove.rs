//! Cutting a place from a record with all that FHIR leaves no room without.

use super::{Body, CutOut};
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::document::text;

impl Body<'_> {
    /// Cuts a place from a record with all that FHIR leaves no room without; if nothing is left
    /// to cut around it, the record is withheld.
    pub(super) fn remove(
        &mut self,
        record: usize,
        node: NodeId,
        because: &'static str,
        rules: Vec<u16>,
    ) {
        if self.is_inside_cut(node) {
            return;
        }
        let root = self.records.get(record).map_or(NodeId(0), |record| record.root);
        match self.cut_up(node, root) {
            Some(went) => {
                self.cut_outs.push(CutOut { record, node: went, asked: node, because, rules });
            }
            None => self.withhold(record, "what must be cut from it cannot be missing"),
        }
    }

    /// The outermost node that went; `None` if there was no room.
    fn cut_up(&mut self, mut node: NodeId, root: NodeId) -> Option<NodeId> {
        loop {
            if node == root {
                return None;
            }
            self.cuts.insert(node);
            if !self.terms.shape.omit {
                return Some(node);
            }
            let parent = self.doc.parent(node);
            if self.doc.get(parent)?.kind == Json::Array {
                if !self.is_sibling_array(parent) && !self.all_cut(parent) {
                    return Some(node);
                }
                node = parent;
            } else if self.is_required(node) {
                node = self.element_around(parent, root)?;
            } else if self.all_cut(parent) {
                node = parent;
            } else {
                return Some(node);
            }
        }
    }

    /// The arrays of a primitive and of its extensions go by place: `_given` goes whole or stays
    /// whole.
    fn is_sibling_array(&self, array: NodeId) -> bool {
        self.doc.get(array).is_some_and(|node| {
            !node.is_element && text::key_of(self.doc.json, node).starts_with('_')
        })
    }

    pub(super) fn is_required(&self, node: NodeId) -> bool {
        self.sites.required.is_marked(node).unwrap_or(false)
    }

    /// The nearest array element at or above a node, inside the record.
    fn element_around(&self, mut node: NodeId, root: NodeId) -> Option<NodeId> {
        while node != root {
            let parent = self.doc.parent(node);
            if self.doc.get(parent)?.kind == Json::Array {
                return Some(node);
            }
            node = parent;
        }
        None
    }

    /// Whether the node or something around it is cut.
    pub(super) fn is_inside_cut(&self, mut node: NodeId) -> bool {
        loop {
            if self.cuts.contains(node) {
                return true;
            }
            let parent = self.doc.parent(node);
            if parent == node {
                return false;
            }
            node = parent;
        }
    }
}
