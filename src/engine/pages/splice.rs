//! Several pages → one document of their own spans. BYTE-FAITHFUL: nothing is written anew but
//! what stands around the records.

use super::super::document::read::Document;
use super::super::document::tape::{Kind as Json, NodeId, range};
use super::super::released::Refusal;
use super::super::shapes::meant::{Follow, Shape};

const SEARCH_SET: &[u8] = br#"{"resourceType":"Bundle","type":"searchset","entry":"#;

/// The array whose elements are counted. An empty one may be left out where all-cut ones are.
pub(in crate::engine) fn list(
    page: Document<'_>,
    shape: &Shape,
    follow: Follow,
) -> Result<Option<NodeId>, Refusal> {
    let root = NodeId(0);
    let form = |why| Err(Refusal::Unreadable { at: 0, why });
    let kind = |node: NodeId| page.get(node).map(|node| node.kind);
    let list = if follow == Follow::Link {
        let is = |name: &str, text: &str| {
            page.member_named(root, name).and_then(|at| page.text(at)).is_some_and(|is| is == text)
        };
        if !is("resourceType", "Bundle") || !is("type", "searchset") {
            return form("a page that is no search set");
        }
        page.member_named(root, "entry")
    } else {
        if kind(root) != Some(Json::Object) {
            return form("a page that is no object");
        }
        let mut lists = shape.lists.iter().filter_map(|names| page.at_names(root, names));
        match (lists.next(), lists.next()) {
            (Some(_), Some(_)) => return form("a page with two lists of records"),
            (None, _) if !shape.omit => return form("a page without a list of records"),
            (list, _) => list,
        }
    };
    match list.map(kind) {
        None | Some(Some(Json::Array)) => Ok(list),
        Some(_) => form("a list of records that is no array"),
    }
}

/// Pages put together.
#[derive(Debug, Default)]
pub(in crate::engine) struct Spliced {
    /// Up to the last element so far; empty before the first page.
    body: Vec<u8>,
    any: bool,
    /// What stood behind the list of the first page.
    after: Vec<u8>,
}

impl Spliced {
    /// Adds the elements of a page's list. The first page gives what stands around the list, if
    /// it is one that does; `None` if it has no list.
    pub(in crate::engine) fn add(
        &mut self,
        page: Document<'_>,
        list: Option<NodeId>,
        gives_around: bool,
    ) -> Option<()> {
        if self.body.is_empty() {
            if gives_around {
                let list = page.get(list?)?;
                let end = u32::try_from(page.json.len()).ok()?;
                self.body.extend_from_slice(page.json.get(range(0, list.start))?.as_bytes());
                self.after.extend_from_slice(page.json.get(range(list.end, end))?.as_bytes());
            } else {
                self.body.extend_from_slice(SEARCH_SET);
                self.after.push(b'}');
            }
            self.body.push(b'[');
        }
        for (element, _) in list.into_iter().flat_map(|list| page.children(list)) {
            if std::mem::replace(&mut self.any, true) {
                self.body.push(b',');
            }
            self.body.extend_from_slice(page.written(element).as_bytes());
        }
        Some(())
    }

    /// The whole; `None` if no page was added.
    pub(in crate::engine) fn body(mut self) -> Option<Vec<u8>> {
        if self.body.is_empty() {
            return None;
        }
        self.body.push(b']');
        self.body.extend_from_slice(&self.after);
        Some(self.body)
    }
}
