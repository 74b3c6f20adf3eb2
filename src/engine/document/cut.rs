//! The spans that stay: cut nodes → pieces, with commas mended.

use super::marks::Marks;
use super::pieces::Pieces;
use super::read::Document;
use super::source::place;
use super::tape::{Kind, Node, NodeId};
use super::text::member_start;

/// Which nodes of a tape are cut.
#[derive(Debug, Default)]
pub struct Cuts {
    /// Sorted by position once [`Cuts::seal`] was called.
    nodes: Vec<NodeId>,
    cut: Marks,
}

impl Cuts {
    /// None yet, for a tape of that length.
    pub fn new(nodes: usize) -> Cuts {
        Cuts { nodes: Vec::new(), cut: Marks::default().emptied(nodes) }
    }

    /// Cuts a node.
    pub fn insert(&mut self, id: NodeId) {
        if self.cut.mark(id) {
            self.nodes.push(id);
        }
    }

    /// Whether that very node is cut.
    pub fn contains(&self, id: NodeId) -> bool {
        self.cut.is_marked(id).unwrap_or(true)
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

/// Appends what stays of a node that is not itself cut.
pub fn emit(doc: Document<'_>, cuts: &Cuts, id: NodeId, out: &mut Pieces) {
    if let Some(node) = doc.get(id) {
        Emission { doc, cuts, ahead: cuts.behind(id) }.node((id, node), out);
    }
}

/// A way through nodes in document order, from cut to cut: what is between is not looked at.
struct Emission<'c> {
    doc: Document<'c>,
    cuts: &'c Cuts,
    /// What is cut behind where it is.
    ahead: &'c [NodeId],
}

impl Emission<'_> {
    fn node(&mut self, of: (NodeId, &Node), out: &mut Pieces) {
        let (id, node) = of;
        let is_whole = self.next(id.0.saturating_add(1), node.next).is_none();
        if is_whole {
            out.span(node.start, node.end);
        } else if matches!(node.kind, Kind::Array | Kind::Object) {
            self.container(of, out);
        }
    }

    /// The first cut among these nodes.
    fn next(&mut self, from: u32, behind: u32) -> Option<NodeId> {
        while self.ahead.first().is_some_and(|cut| cut.0 < from) {
            self.ahead = self.ahead.get(1..).unwrap_or_default();
        }
        self.ahead.first().copied().filter(|cut| cut.0 < behind)
    }

    /// A cut child takes with it what stands between the child that stays before it and its own
    /// end, or, if none stays before it, what stands between it and the next that stays.
    /// TWO-WORLDS: so the white space is that of a printer to whom the child was never given.
    fn container(&mut self, of: (NodeId, &Node), out: &mut Pieces) {
        let (id, node) = of;
        let Emission { doc, cuts, .. } = *self;
        if doc.children(id).all(|(child, _)| cuts.contains(child)) {
            out.ours(if node.kind == Kind::Array { b"[]" } else { b"{}" });
            return;
        }
        let start_of = |child: &Node| member_start(doc.json, child);
        let (mut cursor, mut any_kept, mut skipped_first) = (node.start, false, false);
        // The first child to which nothing was done.
        let mut at = id.0.saturating_add(1);
        while let Some(cut) = self.next(at, node.next) {
            // What is malformed would be less than stays; there is always one.
            let Some((child, inner)) = child_around(doc, cut, id) else { return };
            let (whole_before, gone) = (at < child.0, cuts.contains(child));
            if (whole_before || !gone) && !any_kept && skipped_first {
                cursor = doc.get(NodeId(at)).map_or(cursor, start_of);
            }
            any_kept |= whole_before || !gone;
            if !gone {
                out.span(cursor, inner.start);
                self.node((child, inner), out);
                cursor = inner.end;
            } else if any_kept {
                if whole_before {
                    out.span(cursor, end_before(doc.json, start_of(inner)));
                }
                cursor = inner.end;
            } else if !skipped_first {
                out.span(cursor, start_of(inner));
                skipped_first = true;
            }
            at = inner.next;
        }
        if !any_kept && skipped_first {
            cursor = doc.get(NodeId(at)).map_or(cursor, start_of);
        }
        out.span(cursor, node.end);
    }
}

/// The child in which a node is, or which it is.
fn child_around(doc: Document<'_>, mut node: NodeId, of: NodeId) -> Option<(NodeId, &Node)> {
    loop {
        let inner = doc.get(node)?;
        if inner.parent == of.0 {
            return Some((node, inner));
        }
        node = Some(NodeId(inner.parent)).filter(|parent| *parent < node)?;
    }
}

/// Where the value ends that is before the comma before a place.
fn end_before(json: &str, place_of_next: u32) -> u32 {
    let before = json.as_bytes().get(..place(place_of_next)).unwrap_or_default();
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b",").unwrap_or(before).trim_ascii_end();
    u32::try_from(before.len()).unwrap_or(0)
}
