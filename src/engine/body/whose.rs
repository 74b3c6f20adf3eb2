//! Whose each record is.

use super::{Body, Whose};
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
use crate::engine::names::{Target, target};
use crate::engine::released::Finding;
use crate::engine::sites::What;

impl Body<'_> {
    pub(super) fn tell_whose(&mut self) {
        for record in 0..self.records.len() {
            let whose = self.whose(record);
            if let Some(record) = self.records.get_mut(record) {
                record.whose = whose;
            }
        }
        // A Provenance or List without a subject is about those whose records it targets; one
        // may target the other, so twice.
        for _ in 0..2 {
            for record in 0..self.records.len() {
                self.tell_by_targets(record);
            }
        }
        let unknown = self.records.iter().filter(|r| r.whose == Whose::Unknown).count();
        if unknown > 0 {
            let count = u64::try_from(unknown).unwrap_or(u64::MAX);
            self.report.findings.insert(Finding::UnknownSubject, count);
        }
    }

    fn whose(&self, record: usize) -> Whose {
        let kind = self.kind(record);
        let Some(this) = self.records.get(record) else { return Whose::Unknown };
        let subjects = self.sites(record).iter().filter(|site| site.what == What::Subject);
        let mut people = Vec::new();
        let mut any = false;
        for site in subjects {
            if self.is_null(site.node) || self.is_no_person(site.node) {
                continue;
            }
            any = true;
            match self.person(site.node, record) {
                Some(person) => people.push(person),
                // SILENCE-HIDES: one subject that is not known, and the record is nobody's to see.
                None => return Whose::Unknown,
            }
        }
        if any {
            people.sort_unstable();
            people.dedup();
            return Whose::People(people);
        }
        if kind.public {
            return Whose::Public;
        }
        if kind.attached {
            return Whose::Attached;
        }
        if let Some(parent) = this.parent {
            return match self.records.get(parent).map(|parent| &parent.whose) {
                Some(Whose::People(people)) => Whose::People(people.clone()),
                _ => Whose::Unknown,
            };
        }
        let specs = &self.terms.shape.specs;
        let nests = specs.get(this.spec).is_some_and(|spec| !spec.nested.is_empty());
        if nests && !kind.has_subject { Whose::Container } else { Whose::Unknown }
    }

    pub(super) fn is_null(&self, node: NodeId) -> bool {
        self.tape.get(node).is_none_or(|node| node.kind == Json::Null)
    }

    fn tell_by_targets(&mut self, record: usize) {
        let kind = self.kind(record);
        let named = |site: &&crate::engine::sites::Site| {
            site.what == What::Subject && !self.is_null(site.node) && !self.is_no_person(site.node)
        };
        let unknown = self.records.get(record).is_some_and(|r| r.whose == Whose::Unknown);
        if !unknown || !kind.has_targets || self.sites(record).iter().any(|site| named(&site)) {
            return;
        }
        let mut people: Vec<PersonId> = Vec::new();
        for target in self.targets(record) {
            match self.records.get(target).map(|target| &target.whose) {
                Some(Whose::People(of)) => people.extend(of),
                Some(Whose::Unknown) => return,
                _ => {}
            }
        }
        people.sort_unstable();
        people.dedup();
        if let (false, Some(record)) = (people.is_empty(), self.records.get_mut(record)) {
            record.whose = Whose::People(people);
        }
    }

    /// The records in sight that a Provenance targets or a List holds.
    pub(super) fn targets(&self, record: usize) -> Vec<usize> {
        let sites = self.sites(record).iter().filter(|site| site.what == What::Target);
        sites.flat_map(|site| self.in_sight(site.node)).copied().collect()
    }

    /// Whether a subject names something that is no Patient: a Group, a Device, a Practitioner
    /// among the actors of an Appointment. Such a thing makes nobody a subject.
    pub(super) fn is_no_person(&self, node: NodeId) -> bool {
        if !self.terms.shape.fhir {
            return false;
        }
        let text = self.reference_text(node);
        let Some(Target::Named { kind, name }) = text.as_deref().map(target) else { return false };
        if let Some(kind) = kind {
            kind != "Patient"
        } else {
            let bearers = self.names.bearers(&name);
            !bearers.is_empty() && !bearers.iter().any(|bearer| self.kind(*bearer).is_person)
        }
    }

    /// The records in sight that a Reference object or a reference's text names.
    pub(super) fn in_sight(&self, node: NodeId) -> &[usize] {
        let text = self.reference_text(node);
        match text.as_deref().map(target) {
            Some(Target::Named { name, .. }) => self.names.bearers(&name),
            _ => &[],
        }
    }

    /// The text of a reference: of the string itself or of the object's `reference`.
    pub(super) fn reference_text(&self, node: NodeId) -> Option<std::borrow::Cow<'_, str>> {
        let is_object = self.tape.get(node)?.kind == Json::Object;
        let at = if is_object { self.member(node, self.terms.shape.keys.reference)? } else { node };
        self.text(at)
    }

    /// The person a subject names. Two names of two members, and it is nobody we know.
    pub(super) fn person(&self, node: NodeId, record: usize) -> Option<PersonId> {
        let root = self.records.get(record)?.root;
        if node == root {
            return self.person_of_record(record);
        }
        let is_object = self.tape.get(node)?.kind == Json::Object;
        if !is_object {
            let text = self.scalar(node)?;
            return self.person_named(&text);
        }
        self.person_by(self.reference_text(node).as_deref(), self.identifier(node).as_deref())
    }

    /// The person meant by the text of a reference and by an identifier, if both mean one.
    pub(super) fn person_by(
        &self,
        reference: Option<&str>,
        identifier: Option<&str>,
    ) -> Option<PersonId> {
        let by_reference = match reference {
            Some(text) => Some(self.person_named(text)?),
            None => None,
        };
        agree(by_reference, identifier.and_then(|id| self.terms.people.find(id)))
    }

    /// The value of an object's `identifier`.
    pub(super) fn identifier(&self, node: NodeId) -> Option<String> {
        let keys = self.terms.shape.keys;
        let identifier = self.member(node, keys.identifier)?;
        self.member(identifier, keys.value).and_then(|at| self.scalar(at))
    }

    /// Who is meant by a name, a reference, or the bare id of a Patient.
    pub(super) fn person_named(&self, text: &str) -> Option<PersonId> {
        let people = self.terms.people;
        if !self.terms.shape.fhir {
            return people.find(text);
        }
        let mut found = people.find(text);
        match target(text) {
            Target::Named { kind, name } => {
                if kind.is_some_and(|kind| !matches!(kind, "Patient" | "RelatedPerson" | "Person"))
                {
                    return None;
                }
                found = agree_or_none(found, people.find(&name))?;
                for bearer in self.names.bearers(&name) {
                    if self.kind(*bearer).is_person {
                        found = agree_or_none(found, self.person_of_record(*bearer))?;
                    }
                }
                found
            }
            Target::Unreadable => agree_or_none(found, people.find(&format!("Patient/{text}")))?,
            Target::Inside | Target::Searched { .. } => None,
        }
    }

    /// The member that a Patient in this body is, by its `Type/id` and its `fullUrl`.
    fn person_of_record(&self, record: usize) -> Option<PersonId> {
        let this = self.records.get(record)?;
        let people = self.terms.people;
        let keys = self.terms.shape.keys;
        let by_id = self.typed_name(this.root).and_then(|name| people.find(&name));
        let url = self.member(this.cut, keys.full_url).and_then(|url| self.text(url));
        let by_url = url.and_then(|url| {
            let name = match target(&url) {
                Target::Named { name, .. } => people.find(&name),
                _ => None,
            };
            people.find(&url).or(name)
        });
        agree(by_id, by_url)
    }
}

/// The one person two names mean; `None` if they mean two, or none.
fn agree(one: Option<PersonId>, other: Option<PersonId>) -> Option<PersonId> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

/// The same, where a conflict must end the search.
#[expect(clippy::option_option, reason = "outer: no conflict; inner: who")]
fn agree_or_none(one: Option<PersonId>, other: Option<PersonId>) -> Option<Option<PersonId>> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => Some(one.or(other)),
    }
}
