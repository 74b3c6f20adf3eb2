//! Reading ahead. A long document fits no cache: each first look at a place waits for memory, and
//! where the next place depends on what was found there, each wait follows the last. Looks that
//! depend on nothing wait together; so places that are known are looked at some hundred at a time,
//! shortly before they are read.

use super::read::Document;
use super::source::place;
use super::tape::NodeId;
use std::hint::black_box;

/// Shorter documents, with their nodes, are in the caches since they were parsed.
const LONG_BYTES: usize = 1 << 20;
/// How many places at a time.
const AT_ONCE: usize = 512;
/// A line of the caches.
const LINE_BYTES: u32 = 64;

/// How far a list of places was read ahead.
#[derive(Debug, Default)]
pub(crate) struct Ahead(usize);

impl Ahead {
    /// Looks at those of the next places that are to be read, once `at` comes to places at which
    /// nobody has looked.
    #[inline]
    pub(crate) fn look<T>(
        &mut self,
        doc: Document<'_>,
        places: &[T],
        at: usize,
        read: impl Fn(&T) -> Option<NodeId>,
    ) {
        if doc.json.len() >= LONG_BYTES && at >= self.0 {
            self.0 = at.saturating_add(AT_ONCE);
            let next = places.get(at..self.0.min(places.len())).unwrap_or_default();
            look_at(doc, next, read);
        }
    }
}

/// First at all nodes, and those that follow each, then at what they say of the text.
#[inline(never)]
fn look_at<T>(doc: Document<'_>, places: &[T], read: impl Fn(&T) -> Option<NodeId>) {
    let nodes = || places.iter().filter_map(&read);
    let number = |id: u32| doc.get(NodeId(id)).map_or(0, |node| node.start);
    let some = |id: u32| number(id) ^ number(id.saturating_add(1)) ^ number(id.saturating_add(3));
    black_box(nodes().fold(0, |sum, id| sum ^ some(id.0)));
    let byte = |at: u32| doc.json.as_bytes().get(place(at)).copied().unwrap_or(0);
    let text = |id| {
        doc.get(id).map_or(0, |node| {
            byte(node.start) ^ byte(node.start.saturating_add(LINE_BYTES)) ^ byte(node.end)
        })
    };
    black_box(nodes().fold(0, |sum, id| sum ^ text(id)));
}
