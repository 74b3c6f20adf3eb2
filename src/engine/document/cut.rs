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

    /// Whether something below the node is cut.
    fn below(&self, id: NodeId, node: &Node) -> bool {
        let first = self.nodes.partition_point(|cut| *cut <= id);
        self.nodes.get(first).is_some_and(|cut| cut.0 < node.next)
    }
}

fn at(id: NodeId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

/// Appends what stays of a node that is not itself cut.
pub fn emit(tape: &Tape, cuts: &Cuts, id: NodeId, out: &mut Pieces) {
    let Some(node) = tape.get(id) else { return };
    if !cuts.below(id, node) {
        out.span(node.start, node.end);
        return;
    }
    if matches!(node.kind, Kind::Array | Kind::Object) {
        container(tape, cuts, (id, node), out);
    }
}

/// A cut child takes with it what stands between the child that stays before it and its own end,
/// or, if none stays before it, what stands between it and the next that stays. TWO-WORLDS: so
/// the white space is that of a printer to whom the child was never given.
fn container(tape: &Tape, cuts: &Cuts, of: (NodeId, &Node), out: &mut Pieces) {
    let (id, node) = of;
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
        emit(tape, cuts, child, out);
        cursor = inner.end;
    }
    out.span(cursor, node.end);
}
