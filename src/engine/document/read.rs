//! A parsed document as the steps after the parser read it.

use super::tape::{Children, Kind, Node, NodeId, Tape, range};
use super::text;
use std::borrow::Cow;

/// A document: its text, and the tape of its spans.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The text that was parsed.
    pub json: &'a str,
    /// What stands where in it.
    pub tape: &'a Tape,
}

impl<'a> Document<'a> {
    /// A node.
    #[inline]
    pub fn get(self, id: NodeId) -> Option<&'a Node> {
        self.tape.get(id)
    }

    /// The children of an array or object, in order.
    #[inline]
    pub fn children(self, id: NodeId) -> Children<'a> {
        self.tape.children(id)
    }

    /// What is around a node; of the root the root itself.
    #[inline]
    pub fn parent(self, id: NodeId) -> NodeId {
        NodeId(self.get(id).map_or(0, |node| node.parent))
    }

    /// The member of an object by key number.
    #[inline]
    pub fn member(self, object: NodeId, key: u16) -> Option<NodeId> {
        if key == 0 {
            return None;
        }
        let mut children = self.children(object);
        children.find(|(_, node)| node.key == key).map(|(id, _)| id)
    }

    /// The member of an object by name.
    pub fn member_named(self, object: NodeId, name: &str) -> Option<NodeId> {
        let mut children = self.children(object);
        let is_it = |node: &Node| !node.is_element && text::key_is(self.json, node, name);
        children.find(|(_, node)| is_it(node)).map(|(id, _)| id)
    }

    /// Where names, each a member of the one before, lead to.
    pub fn at_names(self, from: NodeId, names: &[String]) -> Option<NodeId> {
        names.iter().try_fold(from, |at, name| self.member_named(at, name))
    }

    /// The same by numbers of keys.
    #[inline]
    pub fn at_keys(self, from: NodeId, keys: &[u16]) -> Option<NodeId> {
        keys.iter().try_fold(from, |at, key| self.member(at, *key))
    }

    /// The text of a string.
    #[inline]
    pub fn text(self, id: NodeId) -> Option<Cow<'a, str>> {
        let node = self.get(id)?;
        (node.kind == Kind::String).then(|| text::str_of(self.json, node))
    }

    /// The text of a string or number, trimmed; `None` if nothing is left.
    pub fn scalar(self, id: NodeId) -> Option<Cow<'a, str>> {
        let node = self.get(id)?;
        if !matches!(node.kind, Kind::String | Kind::Number) {
            return None;
        }
        let text = match text::str_of(self.json, node) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        (!text.is_empty()).then_some(text)
    }

    /// The bytes of a value as written.
    #[inline]
    pub fn bytes(self, id: NodeId) -> &'a [u8] {
        let span = self.get(id).map(|node| range(node.start, node.end));
        span.and_then(|span| self.json.as_bytes().get(span)).unwrap_or_default()
    }

    /// A value as written.
    #[inline]
    pub fn written(self, id: NodeId) -> &'a str {
        let span = self.get(id).map(|node| range(node.start, node.end));
        span.and_then(|span| self.json.get(span)).unwrap_or_default()
    }
}
