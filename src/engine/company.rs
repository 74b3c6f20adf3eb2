//! Company: all records of a person that may share an event with one of theirs, found by the
//! searches that a shape lists under `company:`. What points at the same visit from the side is
//! known by no link of a record, so a verdict on a record alone asks for these. TWO-WORLDS: the
//! same record is hidden or shown alike, by whichever road it comes.

use super::body::{self, Terms};
use super::document::read::Document;
use super::document::tape::{Kind as Json, NodeId, Tape};
use super::lookups::{Found, LookUp, Looked, Nobody, Piece, Said};
use super::names::{Target, target};
use super::pages::next::{Came, Following, goes_on};
use super::pages::splice::list;
use super::pages::told_all::ToldAll;
use super::pages::{Fingerprint, Next, fingerprint};
use super::request::Plan;
use super::set::PolicySet;
use super::shapes::meant::{Kind, Shape};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// BOUNDED: keys that one tuple may give a record. One list of values gives as many as it has: the
/// days of a long bill. The product of several grows faster than the record does, and with it the
/// memory of a body. What has more may share an event with anything of its subject.
const LIST_KEYS_MAX: usize = 4096;
const PRODUCT_KEYS_MAX: usize = 256;
/// The key of what has more.
pub(crate) const ANY: &str = "a";

/// What one search found, by what ties its records to events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Company {
    records: Vec<Arc<Looked>>,
    by_name: BTreeMap<String, usize>,
    by_key: BTreeMap<String, Vec<usize>>,
    /// What any key ties.
    any: Vec<usize>,
}

impl Company {
    /// Of the records of a search.
    pub(crate) fn of(shape: &Shape, records: Vec<Looked>) -> Company {
        let records = records.into_iter().map(Arc::new).collect();
        let mut company = Company { records, ..Company::default() };
        for (at, record) in company.records.iter().enumerate() {
            if !record.name.is_empty() {
                company.by_name.entry(record.name.clone()).or_insert(at);
            }
            for key in keys_of(shape, record) {
                if key == ANY {
                    company.any.push(at);
                }
                let bearers = company.by_key.entry(key).or_default();
                if bearers.last() != Some(&at) {
                    bearers.push(at);
                }
            }
        }
        company
    }

    /// Whether there is no record.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// A record by its number.
    pub(crate) fn record(&self, number: usize) -> Option<&Arc<Looked>> {
        self.records.get(number)
    }

    /// The number of the record of that name.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The numbers of the records that a key ties.
    pub(crate) fn tied(&self, key: &str) -> impl Iterator<Item = usize> {
        let all = if key == ANY { self.records.len() } else { 0 };
        let tied = self.by_key.get(key).into_iter().flatten();
        tied.chain(&self.any).copied().chain(0..all)
    }

    /// About how much memory it takes, bytes.
    pub(crate) fn bytes(&self) -> usize {
        let records: usize = self.records.iter().map(|record| record.bytes()).sum();
        let keys = self.by_key.keys().chain(self.by_name.keys());
        let keys: usize = keys.map(|key| key.len() + size_of::<(String, Vec<usize>)>()).sum();
        records.saturating_add(keys)
    }
}

/// A name as a key.
pub(crate) fn name_key(name: &str) -> String {
    format!("n{name}")
}

/// A tuple as a key.
pub(crate) fn tuple_key(parts: &[String]) -> String {
    format!("t{}", parts.join("\u{1f}"))
}

/// What ties a record to events: its name, its links, its tuples, all by their texts. Of a tuple
/// the subject is left out, who may be called otherwise in each record: who it is, is asked of
/// those that a key ties.
pub(crate) fn keys_of(shape: &Shape, record: &Looked) -> Vec<String> {
    let mut keys = Vec::new();
    let kind = shape.kind(record.kind);
    if !record.name.is_empty() {
        keys.push(name_key(&record.name));
    }
    for link in record.links.iter().filter(|link| link.episode) {
        if let Said::Text(text) = &link.said {
            keys.push(name_key(named_in(shape, text)));
        }
    }
    let parts = record.parts.iter().map(|(tuple, part, piece)| {
        let text = match piece {
            _ if kind.subject_parts.contains(&(*tuple, *part)) => "",
            Piece::Named(text) => named_in(shape, text),
            Piece::Value(text) => text,
        };
        (*tuple, *part, text.to_owned())
    });
    let mut parts: Vec<_> = parts.collect();
    if !tuples(kind, &mut parts, |parts| keys.push(tuple_key(&parts))) {
        keys.push(ANY.to_owned());
    }
    keys
}

/// What a link names, as records are called.
pub(crate) fn named_in<'t>(shape: &Shape, text: &'t str) -> &'t str {
    if shape.fhir
        && let Target::Named { name, .. } = target(text)
    {
        name
    } else {
        text
    }
}

/// Tells every choice of one value of each part, of the tuples of a kind all parts of which are
/// there. `false` if there is one of which they are too many, and none of it was told.
#[must_use]
pub(crate) fn tuples<T: Clone + Ord>(
    kind: &Kind,
    parts: &mut Vec<(u8, u8, T)>,
    mut tell: impl FnMut(Vec<T>),
) -> bool {
    if !parts.is_sorted() {
        parts.sort_unstable();
    }
    parts.dedup();
    let mut all = true;
    for same in parts.chunk_by(|one, other| one.0 == other.0) {
        let arity = same.first().and_then(|part| kind.tuples.get(usize::from(part.0)));
        let filled = same.chunk_by(|one, other| one.1 == other.1).count();
        if arity.map(|arity| usize::from(*arity)) == Some(filled) {
            match product(same) {
                Some(keys) => keys.into_iter().for_each(&mut tell),
                None => all = false,
            }
        }
    }
    all
}

/// `None` if they are too many.
fn product<T: Clone + Ord>(parts: &[(u8, u8, T)]) -> Option<Vec<Vec<T>>> {
    let lists = parts.chunk_by(|one, other| one.1 == other.1).filter(|part| part.len() > 1);
    let most = if lists.count() > 1 { PRODUCT_KEYS_MAX } else { LIST_KEYS_MAX };
    let mut keys: Vec<Vec<T>> = vec![Vec::with_capacity(parts.len())];
    for values in parts.chunk_by(|one, other| one.1 == other.1) {
        if let ([(_, _, value)], [key]) = (values, keys.as_mut_slice()) {
            key.push(value.clone());
            continue;
        }
        if keys.len().checked_mul(values.len()).is_none_or(|count| count > most) {
            return None;
        }
        let longer = keys.iter().flat_map(|key| {
            values.iter().map(|(_, _, value)| {
                let mut key = key.clone();
                key.push(value.clone());
                key
            })
        });
        keys = longer.collect();
    }
    Some(keys)
}

/// A search on its way through its pages.
#[derive(Debug)]
pub struct Reading {
    look_up: LookUp,
    following: Following,
    /// Every next so far, to know one that repeats.
    seen: BTreeSet<Fingerprint>,
    records: Vec<Looked>,
    told: ToldAll,
}

impl Reading {
    pub(crate) fn new(look_up: LookUp) -> Reading {
        Reading {
            look_up,
            following: Following::default(),
            seen: BTreeSet::new(),
            records: Vec::new(),
            told: ToldAll::default(),
        }
    }

    /// Takes a page; gives what to ask for next, if there is more. `None` for what cannot be
    /// read: then nothing is known of the search. `origins` is by what the upstream may call
    /// itself.
    pub fn take(
        &mut self,
        policy: &PolicySet,
        depth: usize,
        origins: &[String],
        bytes: &[u8],
    ) -> Option<Option<Plan>> {
        let (number, route) = self.look_up.plan().route;
        let shape = policy.shapes.get(number)?;
        let route = shape.routes.get(route)?;
        let (mut tape, mut memory) = (Tape::default(), shape.memories.lend());
        let json = memory.parse(super::without_mark(bytes), depth, shape, &mut tape).ok()?;
        let page = Document { json, tape: &tape };
        if shape.fhir {
            self.told.page(page)?;
        } else {
            has_list(page, shape)?;
        }
        let next = match &route.paging {
            None if shape.fhir && goes_on(page) => return None,
            None => None,
            Some(paging) => {
                let list = list(page, shape, paging.follow).ok()?;
                let records = list.map_or(0, |list| page.children(list).count());
                let base = &shape.base;
                let came = Came { page, records, paging, base, origins };
                self.following.next(&came).ok()?
            }
        };
        if let Some(next) = &next {
            let (Next::Target(key) | Next::Parameter { value: key, .. }) = next;
            if !self.seen.insert(fingerprint(key)) {
                return None;
            }
        }
        let terms = Terms::of_nobody(policy, shape, route, &Nobody);
        self.records.extend(body::reduce_all(terms, page, &mut memory)?);
        Some(next.map(|next| self.look_up.plan().following(&next)))
    }

    /// All that was found; `None` if that is not all there is.
    pub fn end(self, policy: &PolicySet) -> Option<Found> {
        if !self.told.is_all() {
            return None;
        }
        let shape = policy.shapes.get(self.look_up.plan().route.0)?;
        Some(Found::Company(Company::of(shape, self.records)))
    }
}

/// `None` for a body of a house in which no list of records stands, or something in its place: what
/// that says is not that there is nothing.
fn has_list(page: Document<'_>, shape: &Shape) -> Option<()> {
    let lists = shape.lists.iter().filter_map(|names| page.at_names(NodeId(0), names));
    let mut any = shape.omit || shape.lists.is_empty();
    for list in lists {
        any = page.get(list)?.kind == Json::Array;
        if !any {
            break;
        }
    }
    any.then_some(())
}

#[cfg(test)]
mod tests;
