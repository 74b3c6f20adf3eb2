//! Finds the records of a body and notes what stands in each.

use super::{Body, Record, Whose};
use crate::engine::category::Categories;
use crate::engine::codes::Hits;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::document::text;
use crate::engine::released::{Finding, Refusal};
use crate::engine::selectors::automaton::{Child, State};
use crate::engine::shapes::meant::{KindOf, Mark, flag};
use crate::engine::shapes::written::Body as Form;
use crate::engine::sites::{NOWHERE, What};
use crate::engine::walk::Walk;

impl Body<'_> {
    /// NO-EXIT-WITHOUT-VERDICT: whatever is neither in a record nor in the envelope's allow-list
    /// is cut here.
    pub(super) fn frame(&mut self) -> Result<(), Refusal> {
        let root = NodeId(0);
        let node = self.tape.get(root).ok_or(NOT_OF_THE_FORM)?;
        if self.terms.shape.fhir && node.kind != Json::Object {
            return Err(NOT_OF_THE_FORM);
        }
        let mut found: Vec<(NodeId, usize)> = Vec::new();
        if let Some(spec) = self.terms.route.whole {
            found.push((root, spec));
        } else {
            if matches!(self.terms.route.body, Form::Search | Form::Bundle) && !self.is_bundle(root)
            {
                return Err(NOT_OF_THE_FORM);
            }
            let state = self.terms.shape.body;
            if !self.outside(root, state, &mut found) {
                return Err(NOT_OF_THE_FORM);
            }
        }
        self.note(found);
        Ok(())
    }

    fn set_parent(&mut self, child: NodeId, parent: NodeId) {
        let at = usize::try_from(child.0).unwrap_or(usize::MAX);
        if let Some(slot) = self.parents.get_mut(at) {
            *slot = parent.0;
        }
    }

    fn is_bundle(&self, root: NodeId) -> bool {
        let kind = self.member(root, self.terms.shape.keys.resource_type);
        kind.and_then(|kind| self.tape.get(kind))
            .is_some_and(|node| text::str_of(self.bytes, node) == "Bundle")
    }

    /// The member of an object by key number.
    pub(super) fn member(&self, object: NodeId, key: u16) -> Option<NodeId> {
        if key == 0 {
            return None;
        }
        let mut children = self.tape.children(object);
        children.find(|(_, node)| node.key == key).map(|(id, _)| id)
    }

    /// The text of a string node.
    pub(super) fn text(&self, node: NodeId) -> Option<std::borrow::Cow<'_, str>> {
        let node = self.tape.get(node)?;
        (node.kind == Json::String).then(|| text::str_of(self.bytes, node))
    }

    /// Walks what surrounds records; gives whether the place stays.
    fn outside(&mut self, id: NodeId, state: State, found: &mut Vec<(NodeId, usize)>) -> bool {
        let shape = self.terms.shape;
        let facts = shape.facts(state);
        if facts.flags & flag::CUT != 0 {
            let spec = shape.marks(facts).iter().find_map(|mark| match mark {
                Mark::Cut(spec) => Some(usize::from(*spec)),
                _ => None,
            });
            found.extend(spec.map(|spec| (id, spec)));
            let names = spec.and_then(|spec| shape.specs.get(spec)).map(|spec| &*spec.record);
            self.around(id, state, names.unwrap_or_default());
            return spec.is_some();
        }
        if facts.flags & flag::ENVELOPE != 0 {
            return true;
        }
        let Some(node) = self.tape.get(id) else { return false };
        let array = node.kind == Json::Array;
        if facts.flags & flag::LEADS == 0 || !(array || node.kind == Json::Object) {
            return false;
        }
        for (index, (child, inner)) in self.tape.children(id).enumerate() {
            self.set_parent(child, id);
            let step = Child { node: child, key: inner.key, index: array.then_some(index) };
            let next = shape.automaton.step(state, step, self.bytes, self.tape, id);
            if !self.outside(child, next, found) {
                self.outside.push(child);
            }
        }
        true
    }

    /// What stands in a cut element beside its record is envelope, too.
    fn around(&mut self, cut: NodeId, state: State, names: &[String]) {
        let Some((name, deeper)) = names.split_first() else { return };
        let shape = self.terms.shape;
        let record = shape.vocabulary.number(name.as_bytes());
        for (child, inner) in self.tape.children(cut) {
            self.set_parent(child, cut);
            let step = Child { node: child, key: inner.key, index: None };
            let next = shape.automaton.step(state, step, self.bytes, self.tape, cut);
            if inner.key == record && record != 0 {
                self.around(child, next, deeper);
            } else if !self.outside(child, next, &mut Vec::new()) {
                self.outside.push(child);
            }
        }
    }

    /// Notes the records found and those inside them, each after the one around it.
    fn note(&mut self, found: Vec<(NodeId, usize)>) {
        self.sites.reserve(self.tape.len() / 3);
        let mut walk = Walk {
            bytes: self.bytes,
            tape: self.tape,
            shape: self.terms.shape,
            sites: std::mem::take(&mut self.sites),
            required: std::mem::take(&mut self.required),
            parents: std::mem::take(&mut self.parents),
        };
        let mut queue: Vec<(NodeId, usize, Option<usize>)> =
            found.into_iter().rev().map(|(cut, spec)| (cut, spec, None)).collect();
        while let Some((cut, spec, parent)) = queue.pop() {
            let Some((root, kind)) = self.told(cut, spec) else {
                self.outside.push(cut);
                continue;
            };
            let start = walk.sites.len();
            let starts = self.terms.shape.specs.get(spec).map(|spec| spec.starts.as_slice());
            walk.record(root, kind, starts.unwrap_or_default());
            let sites = start..walk.sites.len();
            if kind == usize::MAX {
                *self.report.findings.entry(Finding::UnknownKind).or_default() += 1;
            }
            let number = self.records.len();
            let inside = walk.sites.get(sites.clone()).unwrap_or_default().iter().rev();
            queue.extend(inside.filter_map(|site| match site.what {
                What::Nested(spec) => Some((site.node, usize::from(spec), Some(number))),
                _ => None,
            }));
            self.records.push(Record {
                cut,
                root,
                spec,
                kind,
                parent,
                sites,
                whose: Whose::Unknown,
                borrowed: Vec::new(),
                date: None,
                own: Hits::default(),
                carries: Categories::NONE,
                loose: Vec::new(),
                known_codes: 0,
                note: false,
                released: false,
                barred: false,
                rules: Vec::new(),
                evidence: Vec::new(),
                reason: None,
            });
        }
        self.sites = walk.sites;
        self.required = walk.required;
        self.parents = walk.parents;
        for record in 0..self.records.len() {
            self.name(record);
        }
    }

    /// The record in a cut element, and its kind; a kind that is not named is `usize::MAX`.
    fn told(&self, cut: NodeId, spec: usize) -> Option<(NodeId, usize)> {
        let shape = self.terms.shape;
        let spec = shape.specs.get(spec)?;
        let root = self.by_names(cut, &spec.record)?;
        if self.tape.get(root)?.kind != Json::Object {
            return None;
        }
        let kind = match &spec.kind {
            KindOf::Always(kind) => *kind,
            KindOf::Told(names) => {
                let told = self.by_names(root, names).and_then(|at| self.text(at));
                told.and_then(|name| shape.kind_number(&name)).unwrap_or(usize::MAX)
            }
        };
        Some((root, kind))
    }

    fn by_names(&self, from: NodeId, names: &[String]) -> Option<NodeId> {
        names.iter().try_fold(from, |at, name| {
            let number = self.terms.shape.vocabulary.number(name.as_bytes());
            self.member(at, number)
        })
    }

    /// What a record is called: `Type/id`, its `fullUrl`, or the text of its `id`.
    fn name(&mut self, record: usize) {
        let Some(this) = self.records.get(record) else { return };
        let keys = self.terms.shape.keys;
        let mut names: Vec<String> = Vec::new();
        if self.terms.shape.fhir {
            names.extend(self.typed_name(this.root));
            if this.cut != this.root {
                let url = self.member(this.cut, keys.full_url).and_then(|url| self.text(url));
                names.extend(url.map(|url| match crate::engine::names::target(&url) {
                    crate::engine::names::Target::Named { name, .. } => name.into_owned(),
                    _ => url.into_owned(),
                }));
            }
        } else {
            let ids = self.sites(record).iter().filter(|site| site.what == What::Id);
            names.extend(ids.filter_map(|site| self.scalar(site.node)));
        }
        for name in names {
            self.names.add(&name, record);
        }
    }

    /// `Type/id` of a resource.
    pub(super) fn typed_name(&self, root: NodeId) -> Option<String> {
        let keys = self.terms.shape.keys;
        let kind = self.member(root, keys.resource_type).and_then(|at| self.text(at))?;
        let id = self.member(root, keys.id).and_then(|at| self.text(at))?;
        Some(format!("{kind}/{id}"))
    }

    /// The text of a string or number.
    pub(super) fn scalar(&self, id: NodeId) -> Option<String> {
        let node = self.tape.get(id)?;
        let is_scalar = matches!(node.kind, Json::String | Json::Number);
        let text = is_scalar.then(|| text::str_of(self.bytes, node).trim().to_owned())?;
        (!text.is_empty() && id != NOWHERE).then_some(text)
    }
}

const NOT_OF_THE_FORM: Refusal =
    Refusal::Unreadable { at: 0, why: "a body of another form than its route declares" };
