//! What stands beside a body: records that were looked up for it. They count like those in sight
//! and never leave.

use super::link::{Leads, unshared};
use super::{Body, PersonIds, Whose};
use crate::engine::category::Categories;
use crate::engine::codes::Hits;
use crate::engine::document::tape::NodeId;
use crate::engine::lookups::{Found, Link, Looked, Said, Way, fhir_id};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A record that was looked up.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) looked: Arc<Looked>,
    pub(super) whose: Whose,
    /// Whether a search for company found it: then it stands like a record of the body, and its
    /// own links are followed.
    pub(super) is_company: bool,
}

/// All that stands beside a body.
#[derive(Debug, Default)]
pub(super) struct Besides {
    pub(super) records: Vec<Beside>,
    by_target: BTreeMap<String, usize>,
    /// Company by name.
    by_name: BTreeMap<String, usize>,
    /// Company by the number of its search in `searches`, and its own in what that found.
    by_number: BTreeMap<(usize, usize), usize>,
    /// What searches for company found, and their numbers by target.
    pub(super) searches: Vec<Arc<Found>>,
    pub(super) search_numbers: BTreeMap<String, usize>,
    /// Links of the body's records that lead there.
    pub(super) links: BTreeMap<NodeId, usize>,
    /// Records of the body from which a chain of links ends out of sight, or whose company is not
    /// known.
    pub(super) broken: BTreeSet<usize>,
}

impl Body<'_> {
    /// Whether a link leads to something that the body does not hold.
    pub(super) fn is_unseen(&self, link: &Link) -> bool {
        matches!(self.leads_of(link), Leads::Provider | Leads::OutOfSight)
    }

    /// Whether the lack of an answer hides: links to providers hide nothing, nor does a visit
    /// number that no record bears.
    pub(super) fn hides(&self, link: &Link) -> bool {
        matches!(self.leads_of(link), Leads::OutOfSight)
            && (link.evidence || !link.gets.is_empty() || self.terms.shape.fhir)
    }

    pub(super) fn leads_of(&self, link: &Link) -> Leads<'_> {
        match &link.said {
            Said::Nothing => Leads::Nowhere,
            Said::Unnamed if link.providers => Leads::Provider,
            Said::Unnamed | Said::Unreadable => Leads::OutOfSight,
            Said::Text(text) => self.leads_to(text, link.providers),
        }
    }

    /// Where what a link of a record of that kind names is asked for, if anything is.
    pub(super) fn way<'l>(&self, kind: usize, link: &'l Link) -> Option<Way<'l>> {
        let (Some(_), Said::Text(text)) = (self.terms.asking, &link.said) else { return None };
        Way::of(self.terms.shape, kind, &link.gets, text, self.terms.public_url)
    }

    /// Notes a record that was looked up, if it may stand in for a link of this one: it is the
    /// same people's, or nobody's.
    pub(super) fn put_beside(
        &mut self,
        target: &str,
        looked: Arc<Looked>,
        record: usize,
    ) -> Option<usize> {
        let at = if let Some(at) = self.beside.by_target.get(target) {
            *at
        } else {
            let at = self.beside.records.len();
            let whose = self.whose_looked(&looked);
            self.beside.by_target.insert(target.to_owned(), at);
            self.beside.records.push(Beside { looked, whose, is_company: false });
            at
        };
        self.stands_for(at, record).then_some(at)
    }

    /// Notes a record that a search for company found, if it is the same people's as this one.
    pub(super) fn put_company(&mut self, number: (usize, usize), record: usize) -> Option<usize> {
        let at = if let Some(at) = self.beside.by_number.get(&number) {
            *at
        } else {
            let found = self.beside.searches.get(number.0)?;
            let Found::Company(company) = &**found else { return None };
            let looked = Arc::clone(company.record(number.1)?);
            let at = self.beside.records.len();
            let whose = self.whose_looked(&looked);
            self.beside.by_number.insert(number, at);
            self.beside.by_name.entry(looked.name.clone()).or_insert(at);
            self.beside.records.push(Beside { looked, whose, is_company: true });
            at
        };
        self.stands_for(at, record).then_some(at)
    }

    fn stands_for(&self, at: usize, record: usize) -> bool {
        let Some(Beside { whose, .. }) = self.beside.records.get(at) else { return false };
        let same = self.records.get(record).is_some_and(|record| record.whose == *whose);
        same || matches!(whose, Whose::Public | Whose::Attached)
    }

    fn whose_looked(&self, looked: &Looked) -> Whose {
        let kind = self.terms.shape.kind(looked.kind);
        let named = looked.subjects.iter().map(|subject| {
            self.person_by(subject.reference.as_deref(), subject.identifier.as_deref())
        });
        match named.collect::<Option<PersonIds>>() {
            Some(people) if people.is_empty() && kind.public => Whose::Public,
            Some(people) if people.is_empty() && kind.attached => Whose::Attached,
            Some(mut people) if !people.is_empty() => {
                people.sort_unstable();
                people.dedup();
                Whose::People(people)
            }
            // SILENCE-HIDES: one subject that is not known, and the record is nobody's.
            Some(_) | None => Whose::Unknown,
        }
    }

    /// The record beside the body that a link of the body leads to.
    pub(super) fn beside_at(&self, node: NodeId) -> Option<usize> {
        self.beside.links.get(&node).copied()
    }

    pub(super) fn looked(&self, at: usize) -> Option<&Looked> {
        self.beside.records.get(at).map(|beside| &*beside.looked)
    }

    /// Whether a record beside the body joins events.
    pub(super) fn joins(&self, at: usize) -> bool {
        self.looked(at).map(|looked| self.terms.shape.kind(looked.kind)).is_some_and(|kind| {
            let somebodys =
                self.beside.records.get(at).is_some_and(|b| matches!(b.whose, Whose::People(_)));
            kind.joins && somebodys
        })
    }

    /// By what a link calls its target among company.
    pub(super) fn name_for_company<'l>(&self, link: &'l Link) -> Option<Cow<'l, str>> {
        let Said::Text(text) = &link.said else { return None };
        if self.terms.shape.fhir {
            let (kind, id) = fhir_id(text, self.terms.shape, self.terms.public_url)?;
            return Some(Cow::Owned(format!("{kind}/{id}")));
        }
        (!link.gets.is_empty()).then_some(Cow::Borrowed(text))
    }

    /// Where a link of a record beside the body leads, if that is beside it too.
    pub(super) fn next_beside(&self, kind: usize, link: &Link) -> Option<usize> {
        if !self.is_unseen(link) {
            return None;
        }
        let company = self.name_for_company(link);
        if let Some(at) = company.and_then(|name| self.beside.by_name.get(&*name)) {
            return Some(*at);
        }
        self.beside.by_target.get(self.way(kind, link)?.target()).copied()
    }

    /// What a record beside the body brings to its event: its own, and what it takes as evidence.
    /// `own` is what the body's records are about by themselves.
    pub(super) fn gives_beside(&self, at: usize, own: &[Hits]) -> Categories {
        let Some(looked) = self.looked(at) else { return Categories::NONE };
        let mut gives = looked.own.episode;
        for link in looked.links.iter().filter(|link| link.evidence) {
            if let Leads::InSight(targets) = self.leads_of(link) {
                for target in targets {
                    let hits = own.get(*target).copied().map(unshared).unwrap_or_default();
                    gives = gives.union(hits.episode);
                }
            } else if let Some(next) = self.next_beside(looked.kind, link) {
                let hits = self.looked(next).map(|next| unshared(next.own)).unwrap_or_default();
                gives = gives.union(hits.episode);
            }
        }
        gives
    }
}
