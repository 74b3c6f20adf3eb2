//! Episodes: which records belong to one event of care.

use super::link::Leads;
use super::links::{Points, name_in};
use super::{Body, Whose};
use crate::engine::company::tuples;
use crate::engine::day::{DAY_BYTES, day_of};
use crate::engine::document::ahead::Ahead;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
use crate::engine::lookups::{Piece, Said};
use crate::engine::names;
use crate::engine::shapes::meant::Kind;
use crate::engine::sites::{Site, What};
use std::borrow::Cow;

/// What names an event besides a record in sight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'k> {
    /// A record out of sight, a visit number.
    Name(Cow<'k, str>),
    /// A tuple of a record's own values.
    Tuple(Vec<Part<'k>>),
    /// A record in sight that is somebody else's.
    Foreign(usize),
}

impl Key<'_> {
    /// Of equal keys equal.
    fn hash(&self) -> u64 {
        let number = |at: usize| u64::try_from(at).unwrap_or(u64::MAX);
        match self {
            Key::Name(name) => names::hash(name),
            Key::Foreign(record) => number(*record),
            Key::Tuple(parts) => parts.iter().fold(1, |hash: u64, part| {
                let part = match part {
                    Part::Person(person) => u64::from(person.0),
                    Part::Record(record) => number(*record),
                    Part::Text(text) => names::hash(text),
                };
                (hash.rotate_left(23) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            }),
        }
    }
}

/// A part of a tuple.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'k> {
    /// Somebody, by whichever of their names.
    Person(PersonId),
    /// A record in sight.
    Record(usize),
    /// A name or a value.
    Text(Cow<'k, str>),
}

/// What ties a record to events; emptied for the next.
#[derive(Default)]
struct Ties<'k> {
    /// Records of the body by number, after them those beside it.
    others: Vec<usize>,
    keys: Vec<Key<'k>>,
    /// Parts of its tuples.
    parts: Vec<(u8, u8, Part<'k>)>,
    /// Whether its tuples are too many: it may be of any event of its subject.
    any: bool,
}

impl Ties<'_> {
    /// Makes keys of the parts of its tuples.
    fn tuples(&mut self, kind: &Kind) {
        let Ties { keys, parts, .. } = self;
        self.any |= !tuples(kind, parts, |tuple| keys.push(Key::Tuple(tuple)));
        parts.clear();
    }
}

impl Body<'_> {
    /// The event of each record, by the number of one of its records; after those of the body
    /// those beside it.
    pub(super) fn events(&self) -> Vec<usize> {
        let count = self.records.len();
        let mut events: Vec<usize> = (0..count + self.beside.records.len()).collect();
        if events.len() < 2 {
            return events;
        }
        let sets = self.sets();
        // By hashes first: most keys are told apart by them.
        let mut keys: Vec<(u64, usize, Key<'_>, usize)> = Vec::new();
        let (mut ties, mut ahead) = (Ties::default(), Ahead::texts(self.doc));
        for (number, set) in sets.iter().enumerate() {
            let Some(set) = set else { continue };
            let part = |site: &Site| matches!(site.what, What::Tuple(..)).then_some(site.node);
            ahead.look(&self.sites.others, self.site_numbers(number).start, part);
            match number.checked_sub(count) {
                None => self.ties(number, &mut ties),
                Some(beside) => self.ties_beside(beside, &mut ties),
            }
            for other in ties.others.drain(..) {
                if sets.get(other) == Some(&Some(*set)) {
                    join(&mut events, number, other);
                } else {
                    // Who names the same visit is of one event, whoever's visit that is.
                    let key = Key::Foreign(other);
                    keys.push((key.hash(), *set, key, number));
                }
            }
            keys.extend(ties.keys.drain(..).map(|key| (key.hash(), *set, key, number)));
            if std::mem::take(&mut ties.any) {
                let theirs = |(_, other): &(usize, &Option<usize>)| **other == Some(*set);
                let theirs = sets.iter().enumerate().filter(theirs);
                theirs.for_each(|(other, _)| join(&mut events, number, other));
            }
        }
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if let [(hash, set, key, one), (other_hash, other_set, other_key, other)] = pair
                && (hash, set, key) == (other_hash, other_set, other_key)
            {
                join(&mut events, *one, *other);
            }
        }
        (0..events.len()).map(|record| find(&events, record)).collect()
    }

    /// Only records of the same people share an event: the number of its set of people, for each
    /// record that joins events; after those of the body those beside it.
    fn sets(&self) -> Vec<Option<usize>> {
        let body = self.records.iter().enumerate();
        let body = body.map(|(at, record)| (self.kind(at).joins, &record.whose));
        let beside = self.beside.records.iter().enumerate();
        let beside = beside.map(|(at, beside)| (self.joins(at), &beside.whose));
        let mut sets: Vec<&[PersonId]> = Vec::new();
        let numbered = body.chain(beside).map(|(joins, whose)| {
            let Whose::People(people) = whose else { return None };
            let known = sets.iter().rposition(|set| *set == people.as_slice());
            let set = known.unwrap_or_else(|| {
                sets.push(people);
                sets.len().saturating_sub(1)
            });
            joins.then_some(set)
        });
        numbered.collect()
    }

    /// Adds what ties a record of the body.
    fn ties<'b>(&'b self, record: usize, ties: &mut Ties<'b>) {
        let fhir = self.terms.shape.fhir;
        for site in self.sites(record) {
            match site.what {
                What::Episode(_) if fhir => {
                    let Some(link) = self.link_at(*site) else { continue };
                    self.tie(self.leads(*site, false), link.points, || link.name(), ties);
                }
                What::Episode(_) | What::Id if !fhir => {
                    if let Leads::Beside(at) = self.leads(*site, false) {
                        ties.others.push(self.records.len().saturating_add(at));
                    } else {
                        ties.keys.extend(self.doc.scalar(site.node).map(Key::Name));
                    }
                }
                What::Tuple(tuple, part) => {
                    ties.parts.extend(self.part(*site).map(|value| (tuple, part, value)));
                }
                _ => {}
            }
        }
        ties.tuples(self.kind(record));
    }

    /// Adds what ties a record beside the body.
    fn ties_beside<'b>(&'b self, at: usize, ties: &mut Ties<'b>) {
        let Some(looked) = self.looked(at) else { return };
        if !looked.name.is_empty() {
            ties.keys.push(Key::Name(Cow::Borrowed(&looked.name)));
        }
        for link in looked.links.iter().filter(|link| link.episode) {
            let Said::Text(text) = &link.said else { continue };
            if let Some(next) = self.next_beside(looked.kind, link) {
                ties.others.push(self.records.len().saturating_add(next));
            } else if self.terms.shape.fhir {
                let (points, _) = self.points(text);
                self.tie(self.leads_to(text, false), points, || name_in(text), ties);
            } else {
                ties.keys.push(Key::Name(Cow::Borrowed(text)));
            }
        }
        let parts = looked.parts.iter().map(|(tuple, part, piece)| {
            let value = match piece {
                Piece::Value(text) => self.value_part(Cow::Borrowed(text)),
                Piece::Named(text) => match self.names.at(&self.points(text).1).first() {
                    _ if let Some(person) = self.person_by(Some(text), None) => {
                        Part::Person(person)
                    }
                    Some(first) => Part::Record(*first),
                    None => Part::Text(Cow::Borrowed(name_in(text))),
                },
            };
            (*tuple, *part, value)
        });
        ties.parts.extend(parts);
        ties.tuples(self.terms.shape.kind(looked.kind));
    }

    /// An episode link of FHIR ties to the records in sight that it leads to; one out of sight by
    /// its name.
    fn tie<'b>(
        &'b self,
        leads: Leads<'b>,
        points: Points,
        name: impl FnOnce() -> &'b str,
        ties: &mut Ties<'b>,
    ) {
        match leads {
            Leads::InSight(bearers) => {
                let ties_to = |target: &&usize| {
                    let kind = self.kind(**target);
                    kind.joins && !kind.public
                };
                ties.others.extend(bearers.iter().filter(ties_to));
            }
            Leads::Beside(at) => ties.others.push(self.records.len().saturating_add(at)),
            Leads::OutOfSight => {
                let Points::Named(kinship) = points else { return };
                let kind = kinship.and_then(|kinship| kinship.kind);
                if kind.is_none_or(|kind| self.terms.shape.kind(kind).joins) {
                    ties.keys.push(Key::Name(Cow::Borrowed(name())));
                }
            }
            Leads::Nowhere | Leads::Provider => {}
        }
    }

    /// A part of a tuple: of a date-time the day as written counts, of a reference what it names,
    /// of one without its identifier; whoever is a person counts by no name but as that person.
    fn part(&self, site: Site) -> Option<Part<'_>> {
        if self.doc.get(site.node)?.kind == Json::Object {
            let link = self.link_at(site)?;
            if !link.has_text() {
                return self.identifier(site.node).map(|number| self.value_part(number));
            }
            return Some(match (link.who, self.bearers(link).first()) {
                (Some(person), _) => Part::Person(person),
                (None, Some(first)) => Part::Record(*first),
                (None, None) => Part::Text(Cow::Borrowed(link.name())),
            });
        }
        let text = self.day_or_text(site.node)?;
        // In FHIR people are references.
        Some(if self.terms.shape.fhir { Part::Text(text) } else { self.value_part(text) })
    }

    fn value_part<'p>(&self, text: Cow<'p, str>) -> Part<'p> {
        self.terms.people.find(&text).map_or(Part::Text(text), Part::Person)
    }

    /// A value as it is compared: of a date-time the day as written.
    pub(super) fn day_or_text(&self, node: NodeId) -> Option<Cow<'_, str>> {
        let text = self.doc.scalar(node)?;
        let length = if day_of(&text).is_some() { DAY_BYTES } else { text.len() };
        Some(match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(..length).unwrap_or(text)),
            Cow::Owned(text) => Cow::Owned(text.get(..length).unwrap_or(&text).to_owned()),
        })
    }
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
