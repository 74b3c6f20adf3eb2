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

/// How far a list of places of a document was read ahead.
#[derive(Debug)]
pub(crate) struct Ahead<'a> {
    doc: Document<'a>,
    texts: bool,
    until: usize,
}

impl<'a> Ahead<'a> {
    /// Looks at nodes, and at what follows each.
    pub(crate) fn nodes(doc: Document<'a>) -> Ahead<'a> {
        Ahead { doc, texts: false, until: 0 }
    }

    /// The same, and then at what they say of the text.
    pub(crate) fn texts(doc: Document<'a>) -> Ahead<'a> {
        Ahead { doc, texts: true, until: 0 }
    }

    /// Looks at those of the next places that are to be read, once `at` comes to places at which
    /// nobody has looked.
    #[inline]
    pub(crate) fn look<T>(&mut self, places: &[T], at: usize, read: impl Fn(&T) -> Option<NodeId>) {
        if self.doc.json.len() < LONG_BYTES || at < self.until {
            return;
        }
        self.until = at.saturating_add(AT_ONCE);
        let next = places.get(at..self.until.min(places.len())).unwrap_or_default();
        look_at_nodes(self.doc, next, &read);
        if self.texts {
            look_at_texts(self.doc, next, &read);
        }
    }
}

#[inline(never)]
fn look_at_nodes<T>(doc: Document<'_>, places: &[T], read: &impl Fn(&T) -> Option<NodeId>) {
    let number = |id: u32| doc.get(NodeId(id)).map_or(0, |node| node.start);
    let some = |id: u32| number(id) ^ number(id.saturating_add(1)) ^ number(id.saturating_add(3));
    let nodes = places.iter().filter_map(read);
    black_box(nodes.fold(0, |sum, id| sum ^ some(id.0)));
}

#[inline(never)]
fn look_at_texts<T>(doc: Document<'_>, places: &[T], read: &impl Fn(&T) -> Option<NodeId>) {
    let byte = |at: u32| doc.json.as_bytes().get(place(at)).copied().unwrap_or(0);
    let nodes = places.iter().filter_map(read).filter_map(|id| doc.get(id));
    black_box(nodes.fold(0, |sum, node| {
        let next_line = node.start.saturating_add(LINE_BYTES);
        sum ^ byte(node.start) ^ byte(next_line) ^ byte(node.end)
    }));
}
