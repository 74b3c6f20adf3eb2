//! Finds the records of a body and notes what stands in each.

#[cfg(test)]
mod tests;

use super::links::name_in;
use super::{Body, PersonIds, Record, Terms, Whose};
use crate::engine::category::Categories;
use crate::engine::codes::Hits;
use crate::engine::document::ahead::Ahead;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::memory::Memory;
use crate::engine::names::Names;
use crate::engine::released::{Finding, Refusal};
use crate::engine::selectors::automaton::{Child, State};
use crate::engine::shapes::meant::{KindOf, Mark, flag};
use crate::engine::shapes::written::Body as Form;
use crate::engine::sites::What;
use crate::engine::walk::Walk;
use std::borrow::Cow;

impl<'a> Body<'a> {
    /// NO-EXIT-WITHOUT-VERDICT: whatever is neither in a record nor in the envelope's allow-list
    /// is cut here.
    pub(super) fn frame(&mut self, memory: &mut Memory) -> Result<(), Refusal> {
        let root = NodeId(0);
        let node = self.doc.get(root).ok_or(NOT_OF_THE_FORM)?;
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
            if !self.outside(root, state, false, &mut found) {
                return Err(NOT_OF_THE_FORM);
            }
        }
        self.note(&found, memory);
        Ok(())
    }

    fn is_bundle(&self, root: NodeId) -> bool {
        let kind = self.doc.member(root, self.terms.shape.keys.resource_type);
        kind.and_then(|kind| self.doc.text(kind)).is_some_and(|name| name == "Bundle")
    }

    /// Walks what surrounds records; gives whether the place stays. `envelope` tells whether what is
    /// around it does by the allow-list; a record in there is a record.
    fn outside(
        &mut self,
        id: NodeId,
        state: State,
        envelope: bool,
        found: &mut Vec<(NodeId, usize)>,
    ) -> bool {
        let shape = self.terms.shape;
        let facts = shape.facts(state);
        if facts.flags & flag::CUT != 0 {
            let spec = shape.marks(facts).iter().find_map(|mark| match mark {
                Mark::Cut(spec) => Some(usize::from(*spec)),
                _ => None,
            });
            found.extend(spec.map(|spec| (id, spec)));
            let keys = spec.and_then(|spec| shape.specs.get(spec)).map(|spec| &*spec.record);
            self.around(id, state, keys.unwrap_or_default());
            return spec.is_some();
        }
        let envelope = envelope || facts.flags & flag::ENVELOPE != 0;
        let Some(node) = self.doc.get(id) else { return false };
        let array = node.kind == Json::Array;
        if facts.flags & flag::LEADS == 0 || !(array || node.kind == Json::Object) {
            return envelope;
        }
        for (index, (child, inner)) in self.doc.children(id).enumerate() {
            let step = Child { node: child, key: inner.key, index: array.then_some(index) };
            let next = shape.automaton.step(state, step, self.doc);
            if !self.outside(child, next, envelope, found) {
                self.outside.push(child);
            }
        }
        true
    }

    /// What stands in a cut element beside its record is envelope, too. A record there is judged by
    /// no one, so its place goes.
    fn around(&mut self, cut: NodeId, state: State, keys: &[u16]) {
        let Some((record, deeper)) = keys.split_first() else { return };
        let shape = self.terms.shape;
        for (child, inner) in self.doc.children(cut) {
            let step = Child { node: child, key: inner.key, index: None };
            let next = shape.automaton.step(state, step, self.doc);
            if inner.key == *record && inner.key != 0 {
                self.around(child, next, deeper);
                continue;
            }
            let mut found = Vec::new();
            if !self.outside(child, next, false, &mut found) || !found.is_empty() {
                self.outside.push(child);
            }
        }
    }

    /// Notes the records found and those inside them, each after the one around it.
    fn note(&mut self, found: &[(NodeId, usize)], memory: &mut Memory) {
        let sites = std::mem::take(&mut *self.sites);
        let Terms { shape, policy, .. } = self.terms;
        let mut walk = Walk::new(self.doc, shape, &policy.codes, sites, memory);
        let (mut ahead, mut queue) = (Ahead::texts(self.doc), Vec::new());
        for (at, (cut, spec)) in found.iter().enumerate() {
            ahead.look(found, at, |(cut, _)| Some(*cut));
            queue.push((*cut, *spec, None));
            self.note_all(&mut queue, &mut walk);
        }
        *self.sites = walk.sites;
        memory.begin_records(self.doc.tape, self.records.iter().map(|record| record.root));
        let mut named = Vec::with_capacity(self.records.len());
        for record in 0..self.records.len() {
            self.called(record, |name| named.push((name, record)));
        }
        self.names = Names::of(named);
    }

    /// Notes what is cut, of which spec and in which record, and those inside.
    fn note_all(&mut self, queue: &mut Vec<(NodeId, usize, Option<usize>)>, walk: &mut Walk<'_>) {
        while let Some((cut, spec, parent)) = queue.pop() {
            let Some((root, kind)) = self.told(cut, spec) else {
                self.outside.push(cut);
                continue;
            };
            let before = walk.sites.so_far();
            let starts = self.terms.shape.specs.get(spec).map(|spec| spec.starts.as_slice());
            walk.record(root, kind, starts.unwrap_or_default());
            let noted = walk.sites.since(&before);
            if kind == usize::MAX {
                *self.report.findings.entry(Finding::UnknownKind).or_default() += 1;
            }
            let number = self.records.len();
            let inside = walk.sites.others(&noted).iter().rev();
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
                noted,
                whose: Whose::Unknown,
                borrowed: PersonIds::new(),
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
    }

    /// The record in a cut element, and its kind; a kind that is not named is `usize::MAX`.
    fn told(&self, cut: NodeId, spec: usize) -> Option<(NodeId, usize)> {
        let shape = self.terms.shape;
        let spec = shape.specs.get(spec)?;
        let root = self.doc.at_keys(cut, &spec.record)?;
        if self.doc.get(root)?.kind != Json::Object {
            return None;
        }
        let kind = match &spec.kind {
            KindOf::Always(kind) => *kind,
            KindOf::Told(keys) => {
                let told = self.doc.at_keys(root, keys).and_then(|at| self.doc.text(at));
                told.and_then(|name| shape.kind_number(&name)).unwrap_or(usize::MAX)
            }
        };
        Some((root, kind))
    }

    /// Tells what a record is called: `Type/id`, its `fullUrl`, or the text of its `id`.
    pub(super) fn called(&self, record: usize, tell: impl FnMut(Cow<'a, str>)) {
        let Some(this) = self.records.get(record) else { return };
        if !self.terms.shape.fhir {
            let ids = self.sites(record).iter().filter(|site| site.what == What::Id);
            let ids = ids.filter_map(|site| self.doc.scalar(site.node));
            return ids.for_each(tell);
        }
        let full_url = self.terms.shape.keys.full_url;
        let url = (this.cut != this.root).then(|| self.doc.member(this.cut, full_url)).flatten();
        let by_url = url.and_then(|url| self.doc.text(url)).map(|url| match url {
            Cow::Borrowed(url) => Cow::Borrowed(name_in(url)),
            Cow::Owned(url) => Cow::Owned(name_in(&url).to_owned()),
        });
        // Mostly the one is the end of the other, and need not be put together.
        let is_same = |(kind, id): &(Cow<'_, str>, Cow<'_, str>)| {
            let by_url = by_url.as_deref().and_then(|url| url.strip_prefix(&**kind));
            by_url.and_then(|rest| rest.strip_prefix('/')) == Some(id)
        };
        let typed = self.kind_and_id(this.root).filter(|typed| !is_same(typed));
        let typed = typed.map(|(kind, id)| Cow::Owned([&kind, "/", &id].concat()));
        typed.into_iter().chain(by_url).for_each(tell);
    }

    /// `Type/id` of a resource.
    pub(super) fn typed_name(&self, root: NodeId) -> Option<String> {
        self.kind_and_id(root).map(|(kind, id)| [&kind, "/", &id].concat())
    }

    fn kind_and_id(&self, root: NodeId) -> Option<(Cow<'a, str>, Cow<'a, str>)> {
        let keys = &self.terms.shape.keys;
        let kind = self.doc.member(root, keys.resource_type).and_then(|at| self.doc.text(at))?;
        let id = self.doc.member(root, keys.id).and_then(|at| self.doc.text(at))?;
        Some((kind, id))
    }
}

const NOT_OF_THE_FORM: Refusal =
    Refusal::Unreadable { at: 0, why: "a body of another form than its route declares" };
