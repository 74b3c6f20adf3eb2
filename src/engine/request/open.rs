//! Which parameters are open to whom. What the answer hides may not be searched, sorted or
//! included by either: a question about it would be answered by which records come.

use crate::engine::shapes::meant::{Paging, Shape};

/// The media types of JSON that `_format` may name: what is sent anyway.
const JSON: [&str; 7] = [
    "json",
    "application/json",
    "application/fhir+json",
    "text/json",
    "ndjson",
    "application/ndjson",
    "application/fhir+ndjson",
];

/// FHIR's result parameters that say one thing for the whole answer.
const ONCE: [&str; 3] = ["_format", "_sort", "_total"];

/// What becomes of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Openness {
    /// It says how many, to us.
    Size,
    /// It says from where, to us.
    Cursor,
    /// It asks for the form in which we answer anyway.
    Format,
    /// Any reader may ask it.
    Any,
    /// It may be asked because the request is pinned to the reader.
    SelfOnly,
}

/// Judges the parameters of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge<'a> {
    pub(super) shape: &'a Shape,
    pub(super) paging: Option<&'a Paging>,
    /// Whether it is a search for a kind that is nobody's.
    pub(super) for_public: bool,
    /// Whether it is pinned to the reader.
    pub(super) pinned: bool,
}

impl Judge<'_> {
    /// How open a parameter of this value is; `None` if it is not. Names are compared whole: one
    /// with a modifier (`code:in`) or of a chain (`encounter.type`) is another parameter.
    pub(super) fn openness(self, name: &str, value: &str) -> Option<Openness> {
        if let Some(paging) = self.paging {
            if paging.size.as_deref() == Some(name) {
                return Some(Openness::Size);
            }
            if paging.cursor == name {
                return Some(Openness::Cursor);
            }
        }
        if !self.shape.fhir {
            return self.listed(name);
        }
        match name {
            "_format" => JSON.contains(&value).then_some(Openness::Format),
            "_include" | "_revinclude" => {
                self.listed(name).and_then(|listed| Some(listed.stricter(self.include(value)?)))
            }
            "_sort" => {
                let keys = value.split(',').map(|key| self.sort_key(key));
                keys.chain([self.listed(name)])
                    .try_fold(Openness::Any, |all, one| one.map(|one| all.stricter(one)))
            }
            _ => self.listed(name),
        }
    }

    /// By the shape's lists.
    fn listed(self, name: &str) -> Option<Openness> {
        let is_in = |list: &[String]| list.binary_search_by(|own| own.as_str().cmp(name)).is_ok();
        let Judge { shape, for_public, pinned, .. } = self;
        if is_in(&shape.pinned_by) || is_in(&shape.open) || (for_public && is_in(&shape.public)) {
            return Some(Openness::Any);
        }
        (pinned && is_in(&shape.self_only)).then_some(Openness::SelfOnly)
    }

    /// A key of `_sort`: the order of records tells what they are sorted by, so it must be what
    /// may be searched by.
    fn sort_key(self, key: &str) -> Option<Openness> {
        let name = key.strip_prefix('-').unwrap_or(key);
        let is_field = !name.starts_with('_') || ["_id", "_lastUpdated"].contains(&name);
        if is_field { self.listed(name) } else { None }
    }

    /// `Type:parameter` or `Type:parameter:Target`; neither `*` nor `:iterate`.
    fn include(self, value: &str) -> Option<Openness> {
        let mut parts = value.split(':');
        let (from, by, to) = (parts.next()?, parts.next()?, parts.next());
        let is_kind = |name: &str| self.shape.kind_number(name).is_some();
        let word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if parts.next().is_some() || !is_kind(from) || !word(by) || !to.is_none_or(is_kind) {
            return None;
        }
        if self.shape.include.binary_search_by(|own| own.as_str().cmp(by)).is_ok() {
            return Some(Openness::Any);
        }
        self.pinned.then_some(Openness::SelfOnly)
    }

    /// Whether a parameter may come once only.
    pub(super) fn is_once(self, name: &str) -> bool {
        let is_own =
            |paging: &Paging| paging.size.as_deref() == Some(name) || paging.cursor == name;
        !self.shape.fhir
            || ONCE.contains(&name)
            || self.paging.is_some_and(is_own)
            || self.shape.pinned_by.iter().any(|own| own == name)
    }
}

impl Openness {
    /// Open only where both are.
    fn stricter(self, other: Openness) -> Openness {
        if other == Openness::SelfOnly { other } else { self }
    }
}
