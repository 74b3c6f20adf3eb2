//! One body (or one line of a stream): the way from a tape to what stays of it.
//!
//! [`frame`] finds the records, [`whose`] their subjects, [`classify`] what they are about,
//! [`follow`], [`companions`] and [`beside`] what was looked up for them, [`link`], [`providers`] and [`episodes`] what they share, [`decide`]
//! what becomes of them, [`settle`] and [`references`] what has to go from those that stay,
//! [`turn`] which of those are on the page asked for, [`envelope`] what is put around them,
//! [`account`] the report.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each step looks at the sites and targets that are its own and leaves the rest to others"
)]

mod account;
mod beside;
mod classify;
mod companions;
mod decide;
mod envelope;
mod episodes;
mod follow;
mod frame;
mod link;
mod links;
mod listed;
mod owned;
mod providers;
mod reach;
mod reduce;
mod references;
mod remove;
mod settle;
mod turn;
mod whose;

use super::category::{Categories, Category};
use super::codes::Hits;
use super::document::cut::Cuts;
use super::document::pieces::Pieces;
use super::document::read::Document;
use super::document::tape::NodeId;
use super::facts::{People, PersonId, Standing};
use super::lending::Lent;
use super::lookups::{Asking, LookUp};
use super::memory::Memory;
use super::names::Names;
use super::pages::PageAsked;
use super::policy::{Action, Verdict};
use super::released::{Refusal, Report};
use super::request::PagePlan;
use super::set::PolicySet;
use super::shapes::meant::{Kind, Route, Shape};
use super::sites::{Noted, Site, Sites};
use beside::Besides;
use links::Link;
pub(crate) use reduce::{reduce, reduce_all};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a body is judged by.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) policy: &'a PolicySet,
    pub(crate) shape: &'a Shape,
    pub(crate) route: &'a Route,
    /// The kind in the path, of which public records may leave by themselves.
    pub(crate) asked_kind: Option<usize>,
    pub(crate) people: &'a dyn People,
    pub(crate) public_url: Option<&'a str>,
    pub(crate) explain: bool,
    /// What may be looked up; nothing is if `None`.
    pub(crate) asking: Option<Asking<'a>>,
    /// Whether it is asked for what only its subject may ask for.
    pub(crate) self_only: bool,
    /// Which page of it is asked for, if it is one body of pages.
    pub(crate) page: Option<(&'a PageAsked, &'a PagePlan)>,
    /// Where the one record that may leave stands, the first; the others are what it belongs to.
    pub(crate) alone: Option<&'a Range<usize>>,
}

impl<'a> Terms<'a> {
    /// For a body that was looked up: nobody reads it.
    pub(crate) fn of_nobody(
        policy: &'a PolicySet,
        shape: &'a Shape,
        route: &'a Route,
        nobody: &'a dyn People,
    ) -> Terms<'a> {
        Terms {
            policy,
            shape,
            route,
            asked_kind: None,
            people: nobody,
            public_url: None,
            explain: false,
            self_only: false,
            page: None,
            asking: None,
            alone: None,
        }
    }
}

/// A few people, mostly one.
type PersonIds = SmallVec<[PersonId; 2]>;

/// Whose a record is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whose {
    /// These people's, sorted; each must let the reader see it.
    People(PersonIds),
    /// Somebody's who is not known, or nobody's who should be somebody's.
    Unknown,
    /// Nobody's: a public kind.
    Public,
    /// That of whatever points at it.
    Attached,
    /// That of the records inside it.
    Container,
}

/// One record under judgement.
#[derive(Debug)]
struct Record {
    /// What goes if it is withheld.
    cut: NodeId,
    root: NodeId,
    spec: usize,
    kind: usize,
    parent: Option<usize>,
    noted: Noted,
    whose: Whose,
    /// Of an attached record: the people of the records that point at it.
    borrowed: PersonIds,
    /// Its own categories, by reach.
    own: Hits,
    /// All it carries, with what it took from evidence and its event.
    carries: Categories,
    /// Codes that could not be judged and stand outside clinical places.
    loose: Vec<NodeId>,
    /// Codes in clinical places that are known.
    known_codes: u32,
    /// Whether it is a psychotherapy note or holds one.
    note: bool,
    released: bool,
    /// Of a public or attached record: it was lost on the way and does not come back.
    barred: bool,
    rules: Vec<u16>,
    /// What gave it its categories; only with `explain`.
    evidence: Vec<Why>,
    /// Why it is withheld where no rule says so.
    reason: Option<&'static str>,
}

/// A reason for categories.
#[derive(Clone, Debug)]
struct Why {
    categories: Categories,
    node: NodeId,
    because: String,
}

/// A place cut from a record that leaves.
#[derive(Clone, Debug)]
struct CutOut {
    record: usize,
    /// What went.
    node: NodeId,
    /// What had to go.
    asked: NodeId,
    because: &'static str,
    rules: Vec<u16>,
}

/// A body under judgement.
struct Body<'a> {
    terms: Terms<'a>,
    doc: Document<'a>,
    sites: Lent<'a, Sites>,
    records: Vec<Record>,
    names: Names<'a>,
    links: Vec<Link<'a>>,
    /// Whether a record holds a resource that names a subject of its own.
    has_subjects_inside: bool,
    standings: BTreeMap<PersonId, Standing>,
    verdicts: BTreeMap<(PersonId, Categories, Option<Category>), Verdict>,
    cuts: Cuts,
    /// Places outside records that are cut.
    outside: Vec<NodeId>,
    cut_outs: Vec<CutOut>,
    report: Report,
    beside: Besides,
    /// The page that was asked for, once it is turned to.
    leaf: Option<turn::Leaf>,
}

/// What came of judging a body.
#[derive(Debug)]
pub(crate) enum Judged {
    /// What leaves.
    Leaves(Pieces),
    /// Nothing yet: these are to be looked up first.
    Wants(Vec<LookUp>),
}

/// Judges a parsed body; gives what leaves, and its account in any case.
pub(crate) fn judge(
    terms: Terms<'_>,
    doc: Document<'_>,
    memory: &mut Memory,
) -> (Result<Judged, Refusal>, Report) {
    let mut body = Body::new(terms, doc);
    if let Err(refusal) = body.frame(memory) {
        return (Err(refusal), body.report);
    }
    body.read_links();
    body.tell_whose();
    body.classify();
    let wanted = body.look_beside();
    if !wanted.is_empty() {
        return (Ok(Judged::Wants(wanted)), Report::default());
    }
    body.link();
    body.decide();
    body.keep_to_the_reader();
    body.settle();
    if let Err(refusal) = body.turn() {
        return (Err(refusal), body.report);
    }
    body.account();
    if let Some(alone) = terms.alone {
        return (body.write_alone(alone).map(Judged::Leaves), body.report);
    }
    (body.write().map(Judged::Leaves), body.report)
}

impl<'a> Body<'a> {
    fn new(terms: Terms<'a>, doc: Document<'a>) -> Body<'a> {
        Body {
            terms,
            doc,
            sites: terms.shape.sites.lend(),
            records: Vec::new(),
            names: Names::default(),
            links: Vec::new(),
            has_subjects_inside: false,
            standings: BTreeMap::new(),
            verdicts: BTreeMap::new(),
            cuts: Cuts::default(),
            outside: Vec::new(),
            cut_outs: Vec::new(),
            report: Report::default(),
            beside: Besides::default(),
            leaf: None,
        }
    }
}

impl Body<'_> {
    fn kind(&self, record: usize) -> &Kind {
        let number = self.records.get(record).map_or(usize::MAX, |record| record.kind);
        self.terms.shape.kind(number)
    }

    /// The sites of a record.
    fn sites(&self, record: usize) -> &[Site] {
        self.records.get(record).map_or(&[], |record| self.sites.others(&record.noted))
    }

    /// Where the sites of a record stand, for steps that change the body on the way.
    fn site_numbers(&self, record: usize) -> Range<usize> {
        self.records.get(record).map_or(0..0, |record| record.noted.others())
    }

    fn site(&self, number: usize) -> Option<Site> {
        self.sites.others.get(number).copied()
    }

    fn standing(&mut self, person: PersonId) -> &Standing {
        let people = self.terms.people;
        self.standings.entry(person).or_insert_with(|| people.standing(person))
    }

    /// The verdict on a record of one person, or on a field inside one; remembered.
    fn verdict(
        &mut self,
        person: PersonId,
        categories: Categories,
        field: Option<Category>,
    ) -> &Verdict {
        let rules = &self.terms.policy.rules;
        let people = self.terms.people;
        let standing = self.standings.entry(person).or_insert_with(|| people.standing(person));
        self.verdicts.entry((person, categories, field)).or_insert_with(|| match field {
            Some(field) => rules.field(standing, categories, field),
            None => rules.record(standing, categories),
        })
    }

    /// Whether the record is about the reader and nobody else.
    fn is_own(&self, record: usize) -> bool {
        let Some(reader) = self.terms.people.reader() else { return false };
        self.people(record) == [reader]
    }

    /// Whose a record is, where that is known.
    fn people(&self, record: usize) -> &[PersonId] {
        self.records.get(record).map_or(&[], |record| match &record.whose {
            Whose::People(people) => people,
            Whose::Attached => &record.borrowed,
            Whose::Unknown | Whose::Public | Whose::Container => &[],
        })
    }

    fn withhold(&mut self, record: usize, reason: &'static str) {
        if let Some(record) = self.records.get_mut(record) {
            record.released = false;
            record.barred = true;
            record.reason.get_or_insert(reason);
        }
    }
}

/// Adds the rules of a verdict that withholds.
fn withholds(verdict: &Verdict, rules: &mut Vec<u16>) -> bool {
    if verdict.action == Action::Release {
        return false;
    }
    rules.extend(&verdict.rules);
    rules.sort_unstable();
    rules.dedup();
    true
}
