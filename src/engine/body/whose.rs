//! Whose each record is.

use super::links::Points;
use super::{Body, PersonIds, Whose};
use crate::engine::document::tape::NodeId;
use crate::engine::facts::PersonId;
use crate::engine::names::{Target, target};
use crate::engine::released::Finding;
use crate::engine::shapes::meant::tell;
use crate::engine::sites::{Site, What};
use std::borrow::Cow;
use std::collections::BTreeSet;

impl Body<'_> {
    pub(super) fn tell_whose(&mut self) {
        let torn = self.outside.iter().map(|piece| self.doc.parent(*piece)).collect();
        for record in 0..self.records.len() {
            let whose = self.whose(record, &torn);
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

    /// Whose a record is. Beside what stands in `torn` stands what is no record.
    fn whose(&self, record: usize, torn: &BTreeSet<NodeId>) -> Whose {
        let kind = self.kind(record);
        let Some(this) = self.records.get(record) else { return Whose::Unknown };
        let subjects = self.sites(record).iter().filter(|site| site.what == What::Subject);
        let mut people = PersonIds::new();
        let mut any = false;
        for site in subjects {
            if self.is_nobody(*site) {
                continue;
            }
            any = true;
            match self.person(*site, record) {
                Some(person) => people.push(person),
                // SILENCE-HIDES: one subject that is not known, and the record is nobody's to see.
                None => return Whose::Unknown,
            }
        }
        // Whoever is described is a subject, too, of whomever they are a relative.
        if matches!(kind.name.as_str(), "RelatedPerson" | "Person")
            && let Some(person) = self.person_of_record(record)
        {
            any = true;
            people.push(person);
        }
        // SILENCE-HIDES: it may be about somebody whom no selector found.
        let barred = |site: &Site| site.what == What::Misformed(true) && !self.is_empty(site.node);
        if !self.terms.shape.fhir && self.sites(record).iter().any(barred) {
            return Whose::Unknown;
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
            // A piece of one object where several records should stand: whom it is about may be
            // said beside it.
            let is_element = self.doc.get(this.cut).is_some_and(|node| node.is_element);
            if !is_element && torn.contains(&self.doc.parent(this.cut)) {
                return Whose::Unknown;
            }
            return match self.records.get(parent).map(|parent| &parent.whose) {
                Some(Whose::People(people)) => Whose::People(people.clone()),
                _ => Whose::Unknown,
            };
        }
        let specs = &self.terms.shape.specs;
        let nests = specs.get(this.spec).is_some_and(|spec| !spec.nested.is_empty());
        if nests && !kind.has_subject { Whose::Container } else { Whose::Unknown }
    }

    /// Whether a resource contained in a record names a subject that is not one of the record's: it
    /// is part of the record, and the record is then nobody's to see.
    pub(super) fn holds_another(&self, record: usize) -> bool {
        if !self.has_subjects_inside {
            return false;
        }
        let named = self.sites(record).iter().filter(|site| site.what == What::SubjectInside);
        let mut others = named.filter(|site| !self.is_nobody(**site));
        others.any(|site| {
            let person = self.person(*site, record);
            person.is_none_or(|person| !self.people(record).contains(&person))
        })
    }

    /// Whether a subject is named within a place who is none of the record's: what no shape names
    /// may hold records of others.
    pub(super) fn names_another(&self, record: usize, place: NodeId) -> bool {
        let end = self.doc.get(place).map_or(0, |node| node.next);
        (place.0..end).any(|at| self.is_for_another(record, NodeId(at)))
    }

    /// What goes of a record in which a place names another: the place, or if it is the name itself
    /// what it is the name of, unless that is the record.
    pub(super) fn about_another(&self, record: usize, place: NodeId) -> NodeId {
        let around = self.doc.parent(place);
        let is_record = self.records.get(record).is_none_or(|record| record.root == around);
        if is_record || !self.is_for_another(record, place) { place } else { around }
    }

    /// Whether a member is one under which kinds name their subject, and names another.
    fn is_for_another(&self, record: usize, member: NodeId) -> bool {
        let key = self.doc.get(member).filter(|node| !node.is_element).map_or(0, |node| node.key);
        let told = self.terms.shape.tells.get(usize::from(key)).copied().unwrap_or_default();
        let mut elements = self.doc.children(member).map(|(element, _)| element);
        told & tell::SUBJECT != 0
            && (self.is_another(record, member) || elements.any(|at| self.is_another(record, at)))
    }

    /// Whether a Reference or a name means somebody who is no subject of the record.
    fn is_another(&self, record: usize, node: NodeId) -> bool {
        let reference = self.doc.member(node, self.terms.shape.keys.reference);
        let text = self.doc.scalar(reference.unwrap_or(node));
        let person = self.person_by(text.as_deref(), self.identifier(node).as_deref());
        person.is_some_and(|person| !self.people(record).contains(&person))
    }

    fn tell_by_targets(&mut self, record: usize) {
        let kind = self.kind(record);
        let named = |site: &Site| site.what == What::Subject && !self.is_nobody(*site);
        let unknown = self.records.get(record).is_some_and(|r| r.whose == Whose::Unknown);
        if !unknown || !kind.has_targets || self.sites(record).iter().any(named) {
            return;
        }
        let mut people = PersonIds::new();
        for target in self.targets(record) {
            match self.records.get(target).map(|target| &target.whose) {
                Some(Whose::People(of)) => people.extend_from_slice(of),
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
        sites.flat_map(|site| self.in_sight(*site)).copied().collect()
    }

    /// Whether a subject is `null` or names something that is no Patient: a Group, a Device, a
    /// Practitioner among the actors of an Appointment. Such a thing makes nobody a subject.
    pub(super) fn is_nobody(&self, site: Site) -> bool {
        let Some(link) = self.link_at(site) else { return false };
        match link.points {
            Points::Nothing => true,
            Points::Named(Some(kinship)) => !kinship.is_patient(),
            Points::Named(None) => {
                let bearers = self.bearers(link);
                !bearers.is_empty() && !bearers.iter().any(|at| self.kind(*at).is_person)
            }
            _ => false,
        }
    }

    /// The person a subject names. Two names of two members, and it is nobody we know.
    fn person(&self, site: Site, record: usize) -> Option<PersonId> {
        if site.node == self.records.get(record)?.root {
            return self.person_of_record(record);
        }
        let link = self.link_at(site)?;
        let by_reference = if link.has_text() { Some(link.who?) } else { None };
        let by_identifier = self.identifier(site.node).and_then(|id| self.terms.people.find(&id));
        agree(by_reference, by_identifier)
    }

    /// The person meant by the text of a reference and by an identifier, if both mean one.
    pub(super) fn person_by(
        &self,
        reference: Option<&str>,
        identifier: Option<&str>,
    ) -> Option<PersonId> {
        let by_reference = match reference {
            Some(text) => {
                let may_be = self.points(text).0.may_be_person();
                Some(self.person_named(text).filter(|_| may_be)?)
            }
            None => None,
        };
        agree(by_reference, identifier.and_then(|id| self.terms.people.find(id)))
    }

    /// The value of an object's `identifier`.
    pub(super) fn identifier(&self, node: NodeId) -> Option<Cow<'_, str>> {
        self.number_of(self.doc.member(node, self.terms.shape.keys.identifier)?)
    }

    /// The value of an Identifier.
    pub(super) fn number_of(&self, identifier: NodeId) -> Option<Cow<'_, str>> {
        self.doc.scalar(self.doc.member(identifier, self.terms.shape.keys.value)?)
    }

    /// Who is meant by a name, a reference, or the bare id of a Patient, where that may be
    /// somebody (see [`Points::may_be_person`]).
    pub(super) fn person_named(&self, text: &str) -> Option<PersonId> {
        self.person_meant(text, self.meant(text))
    }

    /// The same of a text that was read.
    pub(super) fn person_meant(&self, text: &str, meant: Option<Target<'_>>) -> Option<PersonId> {
        let people = self.terms.people;
        let Some(meant) = meant else { return people.find(text) };
        match meant {
            Target::Named { name, .. } => {
                let by_name = if name == text { None } else { people.find(name) };
                let mut found = agree_or_none(people.find(text), by_name)?;
                for bearer in self.names.at(&self.names.find(name)) {
                    if self.kind(*bearer).is_person {
                        found = agree_or_none(found, self.person_of_record(*bearer))?;
                    }
                }
                found
            }
            Target::Unreadable => {
                agree_or_none(people.find(text), people.find(&format!("Patient/{text}")))?
            }
            Target::Inside | Target::Searched { .. } => None,
        }
    }

    /// The member that a Patient in this body is, by its `Type/id` and its `fullUrl`.
    fn person_of_record(&self, record: usize) -> Option<PersonId> {
        let this = self.records.get(record)?;
        let people = self.terms.people;
        let keys = self.terms.shape.keys;
        let by_id = self.typed_name(this.root).and_then(|name| people.find(&name));
        let url = self.doc.member(this.cut, keys.full_url).and_then(|url| self.doc.text(url));
        let by_url = url.and_then(|url| {
            let name = match target(&url) {
                Target::Named { name, .. } => people.find(name),
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
