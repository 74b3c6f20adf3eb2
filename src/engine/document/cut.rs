//! The spans that stay: cut nodes → pieces, with commas mended.

use super::pieces::Pieces;
use super::tape::{Kind, Node, NodeId, Tape};

/// Which nodes of a tape are cut.
#[derive(Debug, Default)]
pub struct Cuts {
    /// Sorted by position once [`Cuts::seal`] was called.
    nodes: Vec<NodeId>,
    cut: Vec<bool>,
}

impl Cuts {
    /// None yet, for a tape of that length.
    pub fn new(nodes: usize) -> Cuts {
        Cuts { nodes: Vec::new(), cut: vec![false; nodes] }
    }

    /// Cuts a node.
    pub fn insert(&mut self, id: NodeId) {
        if let Some(cut) = self.cut.get_mut(at(id))
            && !*cut
        {
            *cut = true;
            self.nodes.push(id);
        }
    }

    /// Whether that very node is cut.
    pub fn contains(&self, id: NodeId) -> bool {
        self.cut.get(at(id)).copied().unwrap_or(true)
    }

    /// Whether nothing is cut.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts the cuts in order; needed before [`emit`].
    pub fn seal(&mut self) {
        self.nodes.sort_unstable();
    }

    /// What is cut behind the beginning of a node, in order.
    fn behind(&self, id: NodeId) -> &[NodeId] {
        let first = self.nodes.partition_point(|cut| *cut <= id);
        self.nodes.get(first..).unwrap_or_default()
    }
}

fn at(id: NodeId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

/// Appends what stays of a node that is not itself cut.
pub fn emit(tape: &Tape, cuts: &Cuts, id: NodeId, out: &mut Pieces) {
    if let Some(node) = tape.get(id) {
        Emission { tape, cuts, ahead: cuts.behind(id) }.node((id, node), out);
    }
}

/// A way through nodes in document order.
struct Emission<'c> {
    tape: &'c Tape,
    cuts: &'c Cuts,
    /// What is cut behind where it is.
    ahead: &'c [NodeId],
}

impl Emission<'_> {
    fn node(&mut self, of: (NodeId, &Node), out: &mut Pieces) {
        let (id, node) = of;
        while self.ahead.first().is_some_and(|cut| *cut <= id) {
            self.ahead = self.ahead.get(1..).unwrap_or_default();
        }
        let is_whole = self.ahead.first().is_none_or(|cut| cut.0 >= node.next);
        if is_whole {
            out.span(node.start, node.end);
        } else if matches!(node.kind, Kind::Array | Kind::Object) {
            self.container(of, out);
        }
    }

    /// A cut child takes with it what stands between the child that stays before it and its own
    /// end, or, if none stays before it, what stands between it and the next that stays.
    /// TWO-WORLDS: so the white space is that of a printer to whom the child was never given.
    fn container(&mut self, of: (NodeId, &Node), out: &mut Pieces) {
        let (id, node) = of;
        let Emission { tape, cuts, .. } = *self;
        if tape.children(id).all(|(child, _)| cuts.contains(child)) {
            out.ours(if node.kind == Kind::Array { b"[]" } else { b"{}" });
            return;
        }
        let mut cursor = node.start;
        let mut any_kept = false;
        let mut skipped_first = false;
        for (child, inner) in tape.children(id) {
            let start = if node.kind == Kind::Array { inner.start } else { inner.key_start };
            if cuts.contains(child) {
                if any_kept {
                    cursor = inner.end;
                } else if !skipped_first {
                    out.span(cursor, start);
                    skipped_first = true;
                }
                continue;
            }
            if !any_kept && skipped_first {
                cursor = start;
            }
            any_kept = true;
            out.span(cursor, inner.start);
            self.node((child, inner), out);
            cursor = inner.end;
        }
        out.span(cursor, node.end);
    }
}
