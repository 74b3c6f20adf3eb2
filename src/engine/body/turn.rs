//! Turns to the page that was asked for: which of the records that are released are on it.
//!
//! TWO-WORLDS: all of this follows from released records alone, in the order of the upstream, and
//! from references in them that stay. A page is as full as it would be if nothing were hidden.

use super::{Body, Whose};
use crate::engine::document::tape::NodeId;
use crate::engine::pages::splice;
use crate::engine::pages::{Fingerprint, Position, fingerprint};
use crate::engine::released::Refusal;
use crate::engine::sites::What;
use std::collections::{BTreeMap, BTreeSet};

/// A page.
#[derive(Debug, Default)]
pub(super) struct Leaf {
    /// The records on it, in order.
    pub(super) records: Vec<usize>,
    /// Per record, nested ones as well: whether it is on it.
    on: Vec<bool>,
    /// The array they stand in, in a body that is no search set.
    pub(super) list: Option<NodeId>,
    /// Where the next page is, if there is one: a URL in a search set, else a cursor.
    pub(super) next: Option<String>,
}

/// What an entry of a search set is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Match,
    Include,
    /// An outcome, or a word that nobody knows.
    Other,
}

impl Body<'_> {
    /// Records that stand in no other.
    pub(super) fn at_the_top(&self) -> impl Iterator<Item = usize> {
        let top = self.records.iter().enumerate().filter(|(_, record)| record.parent.is_none());
        top.map(|(record, _)| record)
    }

    /// Whether a record that is released is on another page.
    pub(super) fn is_elsewhere(&self, record: usize) -> bool {
        let on = |leaf: &Leaf| leaf.on.get(record).copied().unwrap_or(false);
        self.leaf.as_ref().is_some_and(|leaf| !on(leaf))
    }

    /// What only its subject may ask is answered with what is the subject's: an upstream that
    /// does not know the parameter that pins would search in everybody's records.
    pub(super) fn keep_to_the_reader(&mut self) {
        let Some(reader) = self.terms.people.reader().filter(|_| self.terms.self_only) else {
            return;
        };
        let about = |body: &Body<'_>, record: usize| body.people(record).contains(&reader);
        let foreign: Vec<usize> = self
            .at_the_top()
            .filter(|record| match self.records.get(*record).map(|record| &record.whose) {
                Some(Whose::People(_)) => !about(self, *record),
                Some(Whose::Container) => !self
                    .records
                    .iter()
                    .enumerate()
                    .any(|(at, inner)| inner.parent == Some(*record) && about(self, at)),
                Some(Whose::Unknown | Whose::Public | Whose::Attached) | None => false,
            })
            .filter(|record| self.mode(*record) == Mode::Match)
            .collect();
        for record in foreign {
            self.withhold(record, "not the reader's, in a search that only its subject may make");
        }
    }

    /// Finds the page, if the body is one of pages.
    pub(super) fn turn(&mut self) -> Result<(), Refusal> {
        let Some((asked, plan)) = self.terms.page else { return Ok(()) };
        let fhir = self.terms.shape.fhir;
        let list = if fhir { None } else { self.list()? };
        let names: Vec<Option<String>> = (0..self.records.len()).map(|at| self.named(at)).collect();
        let counted = if fhir { self.matches(&names) } else { self.elements(list)? };
        let prints: Vec<Option<Fingerprint>> = counted
            .iter()
            .map(|record| names.get(*record).cloned().flatten().map(|name| fingerprint(&name)))
            .collect();
        let start = asked.after.map_or(0, |after| after.among(&prints));
        let end = start.saturating_add(asked.records).min(counted.len());
        let mut records = counted.get(start..end).unwrap_or_default().to_vec();
        // Only where at least one more is there; a page of none leads nowhere.
        let mut next = None;
        if end < counted.len() && !records.is_empty() {
            let name = end.checked_sub(1).and_then(|before| prints.get(before)).copied().flatten();
            let ordinal = u32::try_from(end).unwrap_or(u32::MAX);
            let cursor = asked.cursors.seal(Position { ordinal, name });
            let cursor = cursor.ok_or(Refusal::Pages { why: "a cursor that cannot be made" })?;
            let base = self.terms.public_url.unwrap_or_default();
            next = Some(if fhir { format!("{base}{}", plan.target(&cursor)) } else { cursor });
        }
        if fhir {
            records.extend(self.included(&records, &counted, &names));
        }
        let on = self.on(&records);
        self.leaf = Some(Leaf { records, on, list, next });
        Ok(())
    }

    /// Per record: whether it is one of these, or inside one.
    fn on(&self, records: &[usize]) -> Vec<bool> {
        let mut on: Vec<bool> = Vec::with_capacity(self.records.len());
        let records: BTreeSet<usize> = records.iter().copied().collect();
        for (at, record) in self.records.iter().enumerate() {
            // Each stands after the one around it.
            let inside = record.parent.and_then(|parent| on.get(parent)).copied();
            on.push(inside.unwrap_or_else(|| records.contains(&at)));
        }
        on
    }

    /// What a record is called from page to page.
    fn named(&self, record: usize) -> Option<String> {
        let this = self.records.get(record)?;
        if self.terms.shape.fhir {
            return self.typed_name(this.root).or_else(|| {
                let url = self.doc.member(this.cut, self.terms.shape.keys.full_url)?;
                self.doc.text(url).map(std::borrow::Cow::into_owned)
            });
        }
        let id = self.sites(record).iter().find(|site| site.what == What::Id)?;
        Some(format!("{}/{}", self.kind(record).name, self.doc.scalar(id.node)?))
    }

    fn mode(&self, record: usize) -> Mode {
        let keys = &self.terms.shape.keys;
        let Some(this) = self.records.get(record) else { return Mode::Other };
        if !self.terms.shape.fhir {
            return Mode::Match;
        }
        let asked = self.terms.asked_kind.is_none_or(|asked| asked == this.kind);
        let search = self.doc.member(this.cut, keys.search);
        let mode = search.and_then(|search| self.doc.member(search, keys.mode));
        match mode.map(|mode| self.doc.text(mode)) {
            None => {}
            Some(Some(text)) if text == "match" => {}
            Some(Some(text)) if text == "include" => return Mode::Include,
            Some(_) => return Mode::Other,
        }
        // Not every server says which entries only come along.
        if asked { Mode::Match } else { Mode::Include }
    }

    /// The matches that are released, each once. One of another person's that is released and
    /// withheld under one name (it changed while the pages were read) is withheld.
    fn matches(&self, names: &[Option<String>]) -> Vec<usize> {
        let name = |record: usize| names.get(record).and_then(Option::as_deref);
        let hidden: BTreeSet<&str> =
            self.at_the_top().filter(|at| !self.is_released(*at)).filter_map(name).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        self.at_the_top()
            .filter(|at| self.is_released(*at) && self.mode(*at) == Mode::Match)
            .filter(|at| self.is_own(*at) || name(*at).is_none_or(|name| !hidden.contains(name)))
            .filter(|at| name(*at).is_none_or(|name| seen.insert(name)))
            .collect()
    }

    /// What comes along with the matches of the page: released records that one of them points
    /// at, or that point at one of them, and what those point at; none that is a match of any
    /// page. In the order of their names: the upstream's own depends on where its pages end.
    fn included(
        &self,
        matches: &[usize],
        all_matches: &[usize],
        names: &[Option<String>],
    ) -> Vec<usize> {
        let name = |record: usize| names.get(record).and_then(Option::as_deref);
        let counted: BTreeSet<&str> = all_matches.iter().filter_map(|at| name(*at)).collect();
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for at in self.at_the_top().filter(|at| self.is_released(*at)) {
            if let Some(name) = name(at).filter(|name| !counted.contains(name))
                && self.mode(at) == Mode::Include
            {
                first.entry(name).or_insert(at);
            }
        }
        let on_page: BTreeSet<&str> = matches.iter().filter_map(|at| name(*at)).collect();
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        let mut queue: Vec<usize> = matches.to_vec();
        for (name_of, at) in &first {
            let mut targets = self.points_at(*at).filter_map(name);
            if targets.any(|target| on_page.contains(target)) && taken.insert(*name_of) {
                queue.push(*at);
            }
        }
        while let Some(from) = queue.pop() {
            for target in self.points_at(from).filter_map(name) {
                if let Some((name, at)) = first.get_key_value(target)
                    && taken.insert(*name)
                {
                    queue.push(*at);
                }
            }
        }
        taken.into_iter().filter_map(|name| first.get(name).copied()).collect()
    }

    /// The records in sight that a record points at by references that stay.
    fn points_at(&self, record: usize) -> impl Iterator<Item = usize> {
        let references = self.sites(record).iter().filter(|site| {
            matches!(site.what, What::Reference(_)) && !self.is_inside_cut(site.node)
        });
        references.flat_map(|site| self.in_sight(*site)).copied()
    }

    /// The array whose elements are counted.
    fn list(&self) -> Result<Option<NodeId>, Refusal> {
        let follow = self.terms.route.paging.as_ref().map(|paging| paging.follow);
        follow.map_or(Ok(None), |follow| splice::list(self.doc, self.terms.shape, follow))
    }

    /// The released elements of the list.
    fn elements(&self, list: Option<NodeId>) -> Result<Vec<usize>, Refusal> {
        let cut = |at: usize| self.records.get(at).map(|record| record.cut);
        let inside = |at: usize| cut(at).map(|cut| self.doc.parent(cut)) == list;
        if !self.at_the_top().all(inside) {
            return Err(Refusal::Unreadable { at: 0, why: "records outside the list" });
        }
        Ok(self.at_the_top().filter(|at| self.is_released(*at)).collect())
    }
}
