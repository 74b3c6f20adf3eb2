//! Evidence and episodes: what records take from each other.

use super::{Body, Whose, Why};
use crate::engine::category::{Categories, Category};
use crate::engine::codes::Hits;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
use crate::engine::names::{Target, target};
use crate::engine::sites::What;
use std::collections::BTreeMap;

/// Keys one tuple may give a record: a bound on the product of its parts.
const TUPLE_KEYS_MAX: usize = 256;

/// Kinds that tie nothing and are never out of sight: who a link to one means is known.
const PEOPLE: [&str; 3] = ["Coverage", "Patient", "RelatedPerson"];

/// Where a link leads.
pub(super) enum Leads {
    /// Nowhere: empty, or into the record itself.
    Nowhere,
    /// To records in sight.
    InSight(Vec<usize>),
    /// To a provider that is not in sight.
    Provider,
    /// Out of sight.
    OutOfSight,
}

impl Body<'_> {
    pub(super) fn link(&mut self) {
        for record in 0..self.records.len() {
            self.need_codes(record);
        }
        for record in 0..self.records.len() {
            self.miss_links(record);
        }
        let own: Vec<Hits> = self.records.iter().map(|record| record.own).collect();
        for record in 0..self.records.len() {
            self.take_evidence(record, &own);
        }
        let events = self.events();
        let mut shared: BTreeMap<usize, Categories> = BTreeMap::new();
        for (record, event) in self.records.iter().zip(&events) {
            let all = shared.entry(*event).or_default();
            *all = all.union(record.own.episode);
        }
        for record in 0..self.records.len() {
            let event = events.get(record).copied().unwrap_or(record);
            let given = shared.get(&event).copied().unwrap_or_default();
            self.carry(record, given, &events);
        }
    }

    /// A record of a kind that needs codes and has none that is known, neither of its own nor of
    /// an attached record it points at (a Medication), is unclassified.
    fn need_codes(&mut self, record: usize) {
        let knows = |at: usize| self.records.get(at).is_some_and(|r| r.known_codes > 0);
        if !self.kind(record).needs_codes || knows(record) {
            return;
        }
        for site in self.sites(record).iter().filter(|s| matches!(s.what, What::Evidence(_))) {
            let targets = self.in_sight(site.node);
            if targets.iter().any(|target| self.kind(*target).attached && knows(*target)) {
                return;
            }
        }
        let explain = self.terms.explain;
        if let Some(this) = self.records.get_mut(record) {
            this.own.record.insert(Category::Unclassified);
            if explain {
                this.evidence.push(Self::unclassified_why(this.root, "no known code"));
            }
        }
    }

    fn carry(&mut self, record: usize, given: Categories, events: &[usize]) {
        let Some(this) = self.records.get(record) else { return };
        let own = this.own.record.union(this.own.episode);
        let taken = given.minus(own);
        let mut why = Vec::new();
        if self.terms.explain && !taken.is_empty() {
            let event = events.get(record);
            let others = self.records.iter().zip(events).enumerate();
            for (at, (other, _)) in others.filter(|(at, (_, e))| *at != record && Some(*e) == event)
            {
                let categories = taken.minus(taken.minus(other.own.episode));
                if !categories.is_empty() {
                    let because = format!("episode with {}", self.place(other.root, NodeId(0)));
                    why.push(Why { categories, node: this.root, because });
                }
                let _ = at;
            }
        }
        if let Some(this) = self.records.get_mut(record) {
            this.carries = own.union(given);
            this.evidence.extend(why);
        }
    }

    /// The record takes the targets' own categories.
    fn take_evidence(&mut self, record: usize, own: &[Hits]) {
        let mut taken = Hits::default();
        let mut why = Vec::new();
        for site in self.sites(record) {
            let (providers, evidence) = match site.what {
                What::Evidence(providers) => (providers, true),
                What::Episode(providers) => (providers, false),
                What::Resolve => (false, false),
                _ => continue,
            };
            match self.leads(site.node, providers) {
                Leads::InSight(targets) if evidence => {
                    for target in targets.into_iter().filter(|target| *target != record) {
                        let hits = own.get(target).copied().map(unshared).unwrap_or_default();
                        taken.record = taken.record.union(hits.record);
                        taken.episode = taken.episode.union(hits.episode);
                        let categories = hits.record.union(hits.episode);
                        if self.terms.explain && !categories.is_empty() {
                            let place = self.records.get(target).map(|t| t.root);
                            let place = place.map(|root| self.place(root, NodeId(0)));
                            let because = format!("evidence {}", place.unwrap_or_default());
                            why.push(Why { categories, node: site.node, because });
                        }
                    }
                }
                Leads::InSight(_) | Leads::OutOfSight | Leads::Nowhere | Leads::Provider => {}
            }
        }
        if let Some(this) = self.records.get_mut(record) {
            this.own.record = this.own.record.union(taken.record);
            this.own.episode = this.own.episode.union(taken.episode);
            this.evidence.extend(why);
        }
    }

    /// A link that is out of sight makes a record of another person unclassified.
    fn miss_links(&mut self, record: usize) {
        if self.is_own(record) {
            return;
        }
        let mut why = Vec::new();
        for site in self.sites(record) {
            // A visit number that no record bears ties by its value; only references, evidence
            // and what may be looked up can be out of sight.
            let providers = match site.what {
                What::Evidence(providers) => providers,
                What::Episode(providers) if self.terms.shape.fhir => providers,
                What::Resolve => false,
                _ => continue,
            };
            if matches!(self.leads(site.node, providers), Leads::OutOfSight) {
                why.push(Self::unclassified_why(site.node, "link out of sight"));
            }
        }
        if let (false, Some(this)) = (why.is_empty(), self.records.get_mut(record)) {
            this.own.record.insert(Category::Unclassified);
            if self.terms.explain {
                this.evidence.extend(why);
            }
        }
    }

    /// Follows a link.
    pub(super) fn leads(&self, node: NodeId, providers: bool) -> Leads {
        let Some(tape_node) = self.tape.get(node) else { return Leads::Nowhere };
        let unseen = if providers { Leads::Provider } else { Leads::OutOfSight };
        let text = match tape_node.kind {
            Json::Object => match self.reference_text(node) {
                Some(text) => text.into_owned(),
                None if self.identifier(node).is_some() => return unseen,
                None => return Leads::Nowhere,
            },
            Json::String | Json::Number => match self.scalar(node) {
                Some(text) => text,
                None => return Leads::Nowhere,
            },
            Json::Null => return Leads::Nowhere,
            Json::Array | Json::True | Json::False => return Leads::OutOfSight,
        };
        if !self.terms.shape.fhir {
            let bearers = self.names.bearers(&text);
            return if bearers.is_empty() { unseen } else { Leads::InSight(bearers.to_vec()) };
        }
        let public = |kind: &str| {
            let number = self.terms.shape.kind_number(kind);
            number.is_some_and(|number| self.terms.shape.kind(number).public)
        };
        match target(&text) {
            Target::Inside => Leads::Nowhere,
            Target::Named { kind, name } => {
                let bearers = self.names.bearers(&name);
                if !bearers.is_empty() {
                    Leads::InSight(bearers.to_vec())
                } else if kind.is_some_and(public) {
                    Leads::Provider
                } else if kind.is_some_and(|kind| PEOPLE.contains(&kind)) {
                    Leads::Nowhere
                } else {
                    unseen
                }
            }
            Target::Searched { kind } if public(kind) => Leads::Provider,
            Target::Searched { .. } | Target::Unreadable => unseen,
        }
    }

    /// The event of each record, by the number of one of its records.
    fn events(&self) -> Vec<usize> {
        let mut events: Vec<usize> = (0..self.records.len()).collect();
        if events.len() < 2 {
            return events;
        }
        let mut by_key: BTreeMap<(Vec<PersonId>, String), usize> = BTreeMap::new();
        for record in 0..self.records.len() {
            let Some(Whose::People(people)) = self.records.get(record).map(|r| &r.whose) else {
                continue;
            };
            if !self.kind(record).joins {
                continue;
            }
            for key in self.event_keys(record) {
                match by_key.get(&(people.clone(), key.clone())) {
                    Some(other) => join(&mut events, *other, record),
                    None => {
                        by_key.insert((people.clone(), key), record);
                    }
                }
            }
        }
        (0..events.len()).map(|record| find(&events, record)).collect()
    }

    /// What names the events a record is in: its own names, its links, its tuples.
    fn event_keys(&self, record: usize) -> Vec<String> {
        let mut keys = vec![format!("#{record}")];
        let mut tuples: BTreeMap<u8, BTreeMap<u8, Vec<String>>> = BTreeMap::new();
        for site in self.sites(record) {
            match site.what {
                What::Episode(_) => keys.extend(self.link_keys(site.node)),
                What::Id if !self.terms.shape.fhir => {
                    keys.extend(self.scalar(site.node).map(|id| format!("={id}")));
                }
                What::Tuple(tuple, part) => {
                    let parts = tuples.entry(tuple).or_default();
                    parts.entry(part).or_default().extend(self.part(site.node));
                }
                _ => {}
            }
        }
        let arity = &self.kind(record).tuples;
        for (tuple, parts) in tuples {
            let whole = arity.get(usize::from(tuple)).copied().map(usize::from);
            let full = parts.values().filter(|values| !values.is_empty()).count();
            if whole == Some(full) {
                keys.extend(product(parts.values()));
            }
        }
        keys
    }

    /// An episode link ties to the records it names; one out of sight by its name.
    fn link_keys(&self, node: NodeId) -> Vec<String> {
        if !self.terms.shape.fhir {
            return self.scalar(node).map(|value| format!("={value}")).into_iter().collect();
        }
        match self.leads(node, false) {
            Leads::InSight(targets) => {
                let joining = targets.into_iter().filter(|target| self.kind(*target).joins);
                let joining = joining.filter(|target| !self.kind(*target).public);
                joining.map(|target| format!("#{target}")).collect()
            }
            Leads::OutOfSight => {
                let text = self.reference_text(node).unwrap_or_default();
                let Target::Named { kind, name } = target(&text) else { return Vec::new() };
                let number = kind.and_then(|kind| self.terms.shape.kind_number(kind));
                let joins = number.is_none_or(|number| self.terms.shape.kind(number).joins);
                joins.then(|| format!("={name}")).into_iter().collect()
            }
            Leads::Nowhere | Leads::Provider => Vec::new(),
        }
    }

    /// A part of a tuple as text: of a date-time the day as written counts, of a reference what
    /// it names.
    fn part(&self, node: NodeId) -> Option<String> {
        let is_object = self.tape.get(node)?.kind == Json::Object;
        let text =
            if is_object { self.reference_text(node)?.into_owned() } else { self.scalar(node)? };
        if is_object {
            return Some(match self.in_sight(node).first() {
                Some(first) => format!("#{first}"),
                None => match target(&text) {
                    Target::Named { name, .. } => name.into_owned(),
                    _ => text,
                },
            });
        }
        let day = text.get(..10).filter(|day| day.parse::<jiff::civil::Date>().is_ok());
        Some(day.map_or_else(|| text.clone(), str::to_owned))
    }
}

/// What evidence or an event takes: never a note, but that there was mental-health care.
fn unshared(hits: Hits) -> Hits {
    let note = Categories::of(Category::PsychotherapyNotes);
    Hits { record: hits.record.minus(note), episode: hits.episode }
}

fn product<'p>(parts: impl Iterator<Item = &'p Vec<String>>) -> Vec<String> {
    let mut keys = vec![String::from("(")];
    for values in parts {
        let longer = keys
            .iter()
            .flat_map(|key| values.iter().map(move |value| format!("{key}\u{1f}{value}")));
        keys = longer.take(TUPLE_KEYS_MAX).collect();
    }
    keys
}

fn find(events: &[usize], mut at: usize) -> usize {
    while let Some(up) = events.get(at).copied() {
        if up == at {
            break;
        }
        at = up;
    }
    at
}

fn join(events: &mut [usize], one: usize, other: usize) {
    let (one, other) = (find(events, one), find(events, other));
    if let Some(slot) = events.get_mut(one.max(other)) {
        *slot = one.min(other);
    }
}
