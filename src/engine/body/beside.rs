//! What stands beside a body: records that were looked up for it. They count like those in sight
//! and never leave.

use super::link::{Leads, unshared};
use super::links::Points;
use super::{Body, Terms, Whose};
use crate::engine::category::Categories;
use crate::engine::codes::Hits;
use crate::engine::document::read::Document;
use crate::engine::document::tape::NodeId;
use crate::engine::lookups::{
    Asking, Link, LookUp, Looked, PER_RECORD_MAX, STEPS_MAX, Said, Subject,
};
use crate::engine::policy::Action;
use crate::engine::sites::{Site, What};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A record that was looked up.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) looked: Arc<Looked>,
    pub(super) whose: Whose,
}

/// All that stands beside a body.
#[derive(Debug, Default)]
pub(super) struct Besides {
    pub(super) records: Vec<Beside>,
    by_target: BTreeMap<String, usize>,
    /// Links of the body's records that lead there.
    links: BTreeMap<NodeId, usize>,
    /// Records of the body from which a chain of links ends out of sight.
    pub(super) broken: BTreeSet<usize>,
}

/// The look-ups of one record.
struct Chain<'a> {
    asking: Asking<'a>,
    asked: BTreeSet<String>,
    wanted: &'a mut BTreeMap<String, LookUp>,
}

/// What a look-up gave.
enum Answer {
    Looked(Arc<Looked>),
    /// Not asked yet.
    Pending,
    OutOfSight,
}

impl Chain<'_> {
    fn answer(&mut self, look_up: LookUp) -> Answer {
        self.asked.insert(look_up.target().to_owned());
        // BOUNDED: one record's look-ups.
        if self.asked.len() > PER_RECORD_MAX {
            return Answer::OutOfSight;
        }
        match self.asking.known.get(look_up.target()) {
            Some(Some(looked)) => Answer::Looked(Arc::clone(looked)),
            None if self.asking.may_ask => {
                self.wanted.insert(look_up.target().to_owned(), look_up);
                Answer::Pending
            }
            Some(None) | None => Answer::OutOfSight,
        }
    }
}

impl Body<'_> {
    /// Puts beside the body what was looked up for it; gives what else is wanted.
    pub(super) fn look_beside(&mut self) -> Vec<LookUp> {
        let Some(asking) = self.terms.asking else { return Vec::new() };
        let mut wanted = BTreeMap::new();
        for record in 0..self.records.len() {
            if self.may_change(record) {
                let chain = Chain { asking, asked: BTreeSet::new(), wanted: &mut wanted };
                self.follow(record, chain);
            }
        }
        wanted.into_values().collect()
    }

    /// Whether a look-up could change what becomes of a record. OWN-DATA: never of the reader's
    /// own; and without a grant nothing makes visible what is hidden whatever it is about.
    fn may_change(&mut self, record: usize) -> bool {
        let Some(Whose::People(people)) = self.records.get(record).map(|r| r.whose.clone()) else {
            return false;
        };
        !self.is_own(record)
            && !self.kind(record).gets.is_empty()
            && !people.into_iter().any(|person| {
                self.standing(person).grants.is_empty()
                    && self.verdict(person, Categories::NONE, None).action == Action::Withhold
            })
    }

    /// Follows the links of a record, and those of the events that they lead to.
    fn follow(&mut self, record: usize, mut chain: Chain<'_>) {
        let kind = self.records.get(record).map_or(usize::MAX, |record| record.kind);
        let mut queue = VecDeque::new();
        for (node, link) in self.links(record) {
            if !self.is_unseen(&link) {
                continue;
            }
            let Some(look_up) = self.look_up(kind, &link) else { continue };
            if let Answer::Looked(looked) = chain.answer(look_up.clone())
                && let Some(at) = self.put_beside(look_up.target(), looked, record)
            {
                self.beside.links.insert(node, at);
                queue.extend((link.episode && self.joins(at)).then_some((at, 1)));
            }
        }
        let mut seen = BTreeSet::new();
        while let Some((at, step)) = queue.pop_front() {
            if !seen.insert(at) {
                continue;
            }
            for next in self.follow_beside(record, at, step, &mut chain) {
                queue.push_back((next, step.saturating_add(1)));
            }
        }
    }

    /// Follows the links of a record beside the body for one in it; gives those beside that are
    /// of its event.
    fn follow_beside(
        &mut self,
        record: usize,
        at: usize,
        step: u8,
        chain: &mut Chain<'_>,
    ) -> Vec<usize> {
        let looked = self.beside.records.get(at).map(|beside| Arc::clone(&beside.looked));
        let mut event = Vec::new();
        for link in looked.iter().flat_map(|looked| &looked.links) {
            if !self.is_unseen(link) {
                continue;
            }
            let kind = looked.as_ref().map_or(usize::MAX, |looked| looked.kind);
            let look_up = self.look_up(kind, link).filter(|_| step < STEPS_MAX);
            let target = look_up.as_ref().map(|look_up| look_up.target().to_owned());
            let found = match look_up.map_or(Answer::OutOfSight, |l| chain.answer(l)) {
                Answer::Pending => continue,
                Answer::Looked(next) => {
                    target.and_then(|target| self.put_beside(&target, next, record))
                }
                Answer::OutOfSight => None,
            };
            match found {
                Some(next) => event.extend((link.episode && self.joins(next)).then_some(next)),
                None if self.hides(link) => {
                    self.beside.broken.insert(record);
                }
                None => {}
            }
        }
        event
    }

    /// Whether a link leads to something that the body does not hold.
    fn is_unseen(&self, link: &Link) -> bool {
        matches!(self.leads_of(link), Leads::Provider | Leads::OutOfSight)
    }

    /// Whether the lack of an answer hides: links to providers hide nothing, nor does a visit
    /// number that no record bears.
    fn hides(&self, link: &Link) -> bool {
        matches!(self.leads_of(link), Leads::OutOfSight)
            && (link.evidence || !link.gets.is_empty() || self.terms.shape.fhir)
    }

    fn leads_of(&self, link: &Link) -> Leads<'_> {
        match &link.said {
            Said::Nothing => Leads::Nowhere,
            Said::Unnamed if link.providers => Leads::Provider,
            Said::Unnamed | Said::Unreadable => Leads::OutOfSight,
            Said::Text(text) => self.leads_to(text, link.providers),
        }
    }

    fn look_up(&self, kind: usize, link: &Link) -> Option<LookUp> {
        let (asking, Said::Text(text)) = (self.terms.asking?, &link.said) else { return None };
        let shape = (asking.shape, self.terms.shape);
        LookUp::of(shape, kind, &link.gets, text, self.terms.public_url)
    }

    /// Notes a record that was looked up, if it may stand in for a link of this one: it is the
    /// same people's, or nobody's.
    fn put_beside(&mut self, target: &str, looked: Arc<Looked>, record: usize) -> Option<usize> {
        let at = if let Some(at) = self.beside.by_target.get(target) {
            *at
        } else {
            let at = self.beside.records.len();
            let whose = self.whose_looked(&looked);
            self.beside.by_target.insert(target.to_owned(), at);
            self.beside.records.push(Beside { looked, whose });
            at
        };
        let whose = &self.beside.records.get(at)?.whose;
        let same = self.records.get(record).is_some_and(|record| record.whose == *whose);
        (same || matches!(whose, Whose::Public | Whose::Attached)).then_some(at)
    }

    fn whose_looked(&self, looked: &Looked) -> Whose {
        let kind = self.terms.shape.kind(looked.kind);
        let named = looked.subjects.iter().map(|subject| {
            self.person_by(subject.reference.as_deref(), subject.identifier.as_deref())
        });
        match named.collect::<Option<Vec<_>>>() {
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

    /// Where a link of a record beside the body leads, if that is beside it too.
    pub(super) fn next_beside(&self, kind: usize, link: &Link) -> Option<usize> {
        let look_up = self.look_up(kind, link).filter(|_| self.is_unseen(link))?;
        self.beside.by_target.get(look_up.target()).copied()
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

    /// The links of a record, each with where it stands.
    fn links(&self, record: usize) -> Vec<(NodeId, Link)> {
        let mut links: Vec<(NodeId, Link)> = Vec::new();
        let mut gets: Vec<(NodeId, u8)> = Vec::new();
        for site in self.sites(record) {
            let (episode, evidence, providers) = match site.what {
                What::Episode(providers) => (true, false, providers),
                What::Evidence(providers) => (false, true, providers),
                What::Resolve(number, providers) => {
                    gets.push((site.node, number));
                    (false, false, providers)
                }
                _ => continue,
            };
            if let Some((_, link)) = links.iter_mut().find(|(node, _)| *node == site.node) {
                link.episode |= episode;
                link.evidence |= evidence;
                link.providers |= providers;
            } else {
                let said = self.said(*site);
                let link = Link { episode, evidence, providers, said, gets: Vec::new() };
                links.push((site.node, link));
            }
        }
        for (node, link) in &mut links {
            link.gets = gets.iter().filter(|(at, _)| at == node).map(|(_, get)| *get).collect();
        }
        links
    }

    fn said(&self, site: Site) -> Said {
        let Some(link) = self.link_at(site) else { return Said::Nothing };
        match link.points {
            _ if link.has_text() => Said::Text(link.text().to_owned()),
            Points::Identified | Points::Broken(true) => Said::Unnamed,
            Points::Broken(false) => Said::Unreadable,
            _ => Said::Nothing,
        }
    }
}

/// Reduces a record that was looked up to what is known of it, whoever reads. Nothing if the body
/// is not the one record of that name.
pub(crate) fn reduce(terms: Terms<'_>, doc: Document<'_>, name: &str) -> Option<Looked> {
    let mut body = Body::new(terms, doc);
    body.frame().ok()?;
    body.read_links();
    let record = body.records.first()?;
    let (root, kind) = (record.root, record.kind);
    let is_it = body.names.at(&body.names.find(name)).contains(&0);
    if !is_it || kind == usize::MAX {
        return None;
    }
    // Nobody's at this point: nothing of it is left unread.
    body.classify();
    body.need_codes(0);
    let mut subjects = Vec::new();
    for site in body.sites(0).iter().filter(|site| site.what == What::Subject) {
        if site.node == root {
            return None;
        }
        if !body.is_nobody(*site) {
            let link = body.link_at(*site)?;
            let reference = link.has_text().then(|| link.text().to_owned());
            let identifier = body.identifier(site.node).map(Cow::into_owned);
            subjects.push(Subject { reference, identifier });
        }
    }
    let links = body.links(0).into_iter().map(|(_, link)| link);
    let links = links.filter(|link| !matches!(body.leads_of(link), Leads::Nowhere)).collect();
    let record = body.records.first()?;
    Some(Looked {
        kind,
        name: name.to_owned(),
        subjects,
        own: record.own,
        knows_codes: record.known_codes > 0,
        links,
    })
}
