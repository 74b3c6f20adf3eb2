//! Episodes: which records belong to one event of care.

use super::link::Leads;
use super::{Body, Whose};
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
use crate::engine::names::{Target, target};
use crate::engine::sites::What;
use std::collections::BTreeMap;

/// Keys one tuple may give a record: a bound on the product of its parts.
const TUPLE_KEYS_MAX: usize = 256;

impl Body<'_> {
    /// The event of each record, by the number of one of its records; after those of the body
    /// those beside it.
    pub(super) fn events(&self) -> Vec<usize> {
        let all = self.records.len().saturating_add(self.beside.records.len());
        let mut events: Vec<usize> = (0..all).collect();
        if events.len() < 2 {
            return events;
        }
        // Only records of the same people share an event: each set of people has a number.
        let mut sets: Vec<&[PersonId]> = Vec::new();
        let mut keys: Vec<(usize, String, usize)> = Vec::new();
        for (number, record) in self.records.iter().enumerate() {
            let Whose::People(people) = &record.whose else { continue };
            if !self.kind(number).joins {
                continue;
            }
            let set = set_of(&mut sets, people);
            keys.extend(self.event_keys(number).into_iter().map(|key| (set, key, number)));
        }
        for (at, beside) in self.beside.records.iter().enumerate() {
            let Whose::People(people) = &beside.whose else { continue };
            let (set, number) = (set_of(&mut sets, people), self.records.len().saturating_add(at));
            keys.extend(self.keys_beside(at).into_iter().map(|key| (set, key, number)));
        }
        keys.sort_unstable();
        for pair in keys.windows(2) {
            if let [(set, key, one), (other_set, other_key, other)] = pair
                && (set, key) == (other_set, other_key)
            {
                join(&mut events, *one, *other);
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
        if let Leads::Beside(at) = self.leads(node, false) {
            return self.key_beside(at);
        }
        self.text_keys(&self.reference_text(node).unwrap_or_default())
    }

    /// What the text of an episode link ties to.
    pub(super) fn text_keys(&self, text: &str) -> Vec<String> {
        if !self.terms.shape.fhir {
            return vec![format!("={text}")];
        }
        match self.leads_to(text, Leads::OutOfSight) {
            Leads::InSight(targets) => {
                let joining = targets.iter().copied().filter(|target| self.kind(*target).joins);
                let joining = joining.filter(|target| !self.kind(*target).public);
                joining.map(|target| format!("#{target}")).collect()
            }
            Leads::OutOfSight => {
                let Target::Named { kind, name } = target(text) else { return Vec::new() };
                let number = kind.and_then(|kind| self.terms.shape.kind_number(kind));
                let joins = number.is_none_or(|number| self.terms.shape.kind(number).joins);
                joins.then(|| format!("={name}")).into_iter().collect()
            }
            Leads::Nowhere | Leads::Provider | Leads::Beside(_) => Vec::new(),
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

/// The number of a set of people.
fn set_of<'p>(sets: &mut Vec<&'p [PersonId]>, people: &'p [PersonId]) -> usize {
    sets.iter().rposition(|set| *set == people).unwrap_or_else(|| {
        sets.push(people);
        sets.len().saturating_sub(1)
    })
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
