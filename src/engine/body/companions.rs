//! The company of the body's records: what may share an event with them, found by searches, of
//! which those that do are put beside the body. A search finds all that a person has; taken is
//! what keys tie, from record to record.

use super::Body;
use super::beside::Beside;
use super::follow::{Answer, Chain, Origin, Wanted};
use crate::engine::company::{ANY, keys_of, name_key, named_in, tuple_key, tuples};
use crate::engine::document::tape::Kind as Json;
use crate::engine::facts::PersonId;
use crate::engine::lookups::{Asking, COMPANY_MAX, Found, LookUp, fhir_id};
use crate::engine::shapes::meant::By;
use crate::engine::sites::{Site, What};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The company of a record.
#[derive(Clone)]
pub(super) enum Company {
    Pending,
    /// What was found, by number; and whether that is all there is.
    Known(Vec<usize>, bool),
}

/// What came of all searches for the company of somebody.
struct Searches {
    /// By target, those that found something.
    found: Vec<(String, Arc<Found>)>,
    /// Whether nothing of it is out of sight.
    all: bool,
    pending: bool,
}

/// What of company was seen to already.
#[derive(Default)]
pub(super) struct Seen {
    /// By people and their names.
    companies: BTreeMap<(Vec<PersonId>, Vec<String>), Company>,
    /// Records beside the body that were followed.
    followed: BTreeSet<usize>,
    /// Keys by which company was taken, by the searches.
    keys: BTreeMap<Vec<usize>, BTreeSet<String>>,
    /// Searches of which too much was taken: what was left may belong to any record.
    too_much: BTreeSet<Vec<usize>>,
}

impl Body<'_> {
    /// What the searches for the company of a record found.
    pub(super) fn company(
        &mut self,
        record: usize,
        asking: Asking<'_>,
        seen: &mut Seen,
        wanted: &mut Wanted,
    ) -> Company {
        if !self.kind(record).joins {
            return Company::Known(Vec::new(), true);
        }
        let people = self.people(record).to_vec();
        let names = if self.terms.shape.fhir { Vec::new() } else { self.subjects_texts(record) };
        let of = (people, names);
        if let Some(known) = seen.companies.get(&of) {
            return known.clone();
        }
        let company = self.searched(&of.0, &of.1, asking, wanted);
        seen.companies.insert(of, company.clone());
        company
    }

    fn searched(
        &mut self,
        people: &[PersonId],
        texts: &[String],
        asking: Asking<'_>,
        wanted: &mut Wanted,
    ) -> Company {
        let (mut numbers, mut all, mut pending) = (Vec::new(), true, false);
        for person in people {
            let subjects = self.names_to_ask_by(*person, texts);
            let contracts = self.terms.people.contracts(*person);
            let name = name_of_searches(asking.shape, &subjects, &contracts);
            let policy = self.terms.policy;
            let found = match asking.answer(policy, &name, || None, wanted) {
                Answer::Found(found) => found,
                Answer::Pending | Answer::OutOfSight => {
                    let made = self.search(&subjects, &contracts, asking, wanted);
                    pending |= made.pending;
                    all &= made.all;
                    let found = Arc::new(Found::Companies(made.found));
                    if !made.pending && made.all {
                        asking.keep(policy, name, &found);
                    }
                    found
                }
            };
            if let Found::Companies(found) = &*found {
                numbers.extend(found.iter().map(|(target, found)| self.number(target, found)));
            }
        }
        if pending { Company::Pending } else { Company::Known(numbers, all) }
    }

    /// All searches for the company of somebody of these names and contracts.
    fn search(
        &self,
        subjects: &[String],
        contracts: &[String],
        asking: Asking<'_>,
        wanted: &mut Wanted,
    ) -> Searches {
        let shape = self.terms.shape;
        let mut made = Searches { found: Vec::new(), all: true, pending: false };
        for search in &shape.company {
            let names = if search.by == By::Subject { subjects } else { contracts };
            // Somebody for whom it cannot be asked: what they have is not known.
            made.all &= !names.is_empty();
            for name in names {
                let Some(target) = LookUp::company_target(shape, search, name) else {
                    made.all = false;
                    continue;
                };
                let numbered = (asking.shape, shape);
                let look_up = || LookUp::company(numbered, search, target.clone());
                match asking.answer(self.terms.policy, &target, look_up, wanted) {
                    Answer::Found(answer) if is_empty(&answer) => {}
                    Answer::Found(answer) => made.found.push((target, answer)),
                    Answer::Pending => made.pending = true,
                    Answer::OutOfSight => made.all = false,
                }
            }
        }
        made
    }

    fn number(&mut self, target: &str, found: &Arc<Found>) -> usize {
        let searches = &mut self.beside.searches;
        *self.beside.search_numbers.entry(target.to_owned()).or_insert_with(|| {
            searches.push(Arc::clone(found));
            searches.len().saturating_sub(1)
        })
    }

    /// By what the upstream is asked for a person: in FHIR by each of their Patients, in a house
    /// by what the record calls them.
    fn names_to_ask_by(&self, person: PersonId, texts: &[String]) -> Vec<String> {
        let people = self.terms.people;
        if !self.terms.shape.fhir {
            let means = |text: &&String| people.find(text) == Some(person);
            return texts.iter().filter(means).cloned().collect();
        }
        let mut patients: Vec<String> = people
            .names(person)
            .iter()
            .filter_map(|name| fhir_id(name, self.terms.shape, self.terms.public_url))
            .filter(|(kind, _)| *kind == "Patient")
            .map(|(kind, id)| [kind, "/", id].concat())
            .collect();
        patients.sort_unstable();
        patients.dedup();
        patients
    }

    /// What a record calls its subjects, or one that names nobody the record around it; sorted.
    fn subjects_texts(&self, record: usize) -> Vec<String> {
        let sites = self.sites(record).iter().filter(|site| site.what == What::Subject);
        let texts = sites.filter_map(|site| self.link_at(*site)).filter(|link| link.has_text());
        let mut texts: Vec<String> = texts.map(|link| link.text().to_owned()).collect();
        texts.sort_unstable();
        texts.dedup();
        let parent = self.records.get(record).and_then(|record| record.parent);
        match parent.filter(|_| texts.is_empty()) {
            Some(parent) => self.subjects_texts(parent),
            None => texts,
        }
    }

    /// Follows the links of a record and takes from its company what is of its event, with the
    /// links of that.
    pub(super) fn keep_company(&mut self, mut chain: Chain<'_>, seen: &mut Seen) {
        let shape = self.terms.shape;
        let Chain { record, company, .. } = chain;
        if seen.too_much.contains(company) {
            self.beside.broken.insert(record);
            return;
        }
        let mut open = self.follow(Origin::Record(record), &mut chain);
        let mut keys = if company.is_empty() { Vec::new() } else { self.keys(record) };
        let taken = seen.keys.entry(company.to_vec()).or_default();
        let mut count = 0usize;
        loop {
            for key in std::mem::take(&mut keys) {
                if !taken.contains(&key) {
                    open.extend(self.tied(&key, company, record));
                    taken.insert(key);
                }
            }
            let Some(at) = open.pop() else { return };
            if !seen.followed.insert(at) {
                continue;
            }
            if !company.is_empty() {
                keys = self.looked(at).map(|looked| keys_of(shape, looked)).unwrap_or_default();
            }
            if self.is_company(at) {
                // BOUNDED: what one record of a stream, judged by itself, may take.
                count = count.saturating_add(1);
                if count > COMPANY_MAX {
                    seen.too_much.insert(company.to_vec());
                    self.beside.broken.insert(record);
                    return;
                }
                // Each has look-ups of its own, as if it stood in the body.
                chain.asked.clear();
                open.extend(self.follow(Origin::Company(at), &mut chain));
            }
        }
    }

    pub(super) fn is_company(&self, at: usize) -> bool {
        self.beside.records.get(at).is_some_and(|Beside { is_company, .. }| *is_company)
    }

    /// The company that a key ties, put beside the body.
    fn tied(&mut self, key: &str, company: &[usize], record: usize) -> Vec<usize> {
        let mut numbers = Vec::new();
        for search in company {
            let Some(found) = self.beside.searches.get(*search) else { continue };
            if let Found::Company(found) = &**found {
                numbers.extend(found.tied(key).map(|at| (*search, at)));
            }
        }
        numbers.into_iter().filter_map(|number| self.put_company(number, record)).collect()
    }

    /// What ties a record of the body to events, by texts alone; see [`keys_of`].
    fn keys(&self, record: usize) -> Vec<String> {
        let (shape, kind) = (self.terms.shape, self.kind(record));
        let mut keys: Vec<String> = Vec::new();
        self.called(record, |name| keys.push(name_key(&name)));
        let mut parts = Vec::new();
        for site in self.sites(record) {
            match site.what {
                What::Episode(_) => {
                    let link = self.link_at(*site).filter(|link| link.has_text());
                    keys.extend(link.map(|link| name_key(named_in(shape, link.text()))));
                }
                What::Tuple(tuple, part) => {
                    let Some(mut text) = self.part_text(*site) else { continue };
                    if kind.subject_parts.contains(&(tuple, part)) {
                        text.clear();
                    }
                    parts.push((tuple, part, text));
                }
                _ => {}
            }
        }
        if !tuples(kind, &mut parts, |parts| keys.push(tuple_key(&parts))) {
            keys.push(ANY.to_owned());
        }
        keys
    }

    /// A part of a tuple as company has it: a record in sight by its type and id.
    fn part_text(&self, site: Site) -> Option<String> {
        if self.doc.get(site.node)?.kind != Json::Object {
            return self.day_or_text(site.node).map(Cow::into_owned);
        }
        let link = self.link_at(site)?;
        if !link.has_text() {
            return self.identifier(site.node).map(Cow::into_owned);
        }
        let root = self.bearers(link).first().and_then(|first| self.records.get(*first));
        let typed = root.and_then(|record| self.typed_name(record.root));
        Some(typed.unwrap_or_else(|| link.name().to_owned()))
    }
}

fn is_empty(found: &Found) -> bool {
    matches!(found, Found::Company(company) if company.is_empty())
}

/// A name for all searches for the company of somebody; targets begin with a slash.
fn name_of_searches(shape: usize, subjects: &[String], contracts: &[String]) -> String {
    let (subjects, contracts) = (subjects.join("\u{1f}"), contracts.join("\u{1f}"));
    [&shape.to_string(), "\u{1f}", &subjects, "\u{1e}", &contracts].concat()
}
