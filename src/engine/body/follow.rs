//! What is looked up for the records of a body: the company of each, where its links lead, and
//! where those lead.

use super::companions::{Company, Seen};
use super::{Body, Whose};
use crate::engine::category::Categories;
use crate::engine::codes::Hits;
use crate::engine::facts::PersonId;
use crate::engine::lookups::{Asking, Found, Link, LookUp, PER_RECORD_MAX, STEPS_MAX, Way};
use crate::engine::policy::Action;
use crate::engine::set::PolicySet;
use crate::engine::shapes::meant::Shape;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What is still wanted, by target.
pub(super) type Wanted = BTreeMap<String, LookUp>;

/// The look-ups of one record.
pub(super) struct Chain<'a> {
    pub(super) asking: Asking<'a>,
    /// The record of the body for whose sake.
    pub(super) record: usize,
    /// Its company, by number in [`super::beside::Besides::searches`].
    pub(super) company: &'a [usize],
    /// Whether only what is of its event is asked for.
    pub(super) event_only: bool,
    pub(super) asked: BTreeSet<String>,
    pub(super) wanted: &'a mut Wanted,
}

/// Whose links are followed.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// A record of the body.
    Record(usize),
    /// One of its company.
    Company(usize),
}

/// What a look-up gave.
pub(super) enum Answer {
    Found(Arc<Found>),
    /// Not asked yet.
    Pending,
    OutOfSight,
}

/// Where a link led.
enum Led {
    To(usize),
    Pending,
    Nowhere,
}

impl Asking<'_> {
    /// What is known at a target; else what to look up is made, and wanted.
    pub(super) fn answer(
        self,
        policy: &PolicySet,
        target: &str,
        look_up: impl FnOnce() -> Option<LookUp>,
        wanted: &mut Wanted,
    ) -> Answer {
        let known = || self.known.get(target).or(self.taken.borrow().get(target)).cloned();
        let kept = || {
            // What was not asked for while it could be is out of sight.
            let kept = if self.may_ask { self.kept.kept(policy, target)? } else { return None };
            self.taken.borrow_mut().insert(target.to_owned(), kept.clone());
            Some(kept)
        };
        match known().or_else(kept) {
            Some(Some(found)) => Answer::Found(found),
            None if self.may_ask => match look_up() {
                Some(look_up) => {
                    wanted.insert(target.to_owned(), look_up);
                    Answer::Pending
                }
                None => Answer::OutOfSight,
            },
            Some(None) | None => Answer::OutOfSight,
        }
    }

    /// Keeps what all searches of that name found.
    pub(super) fn keep(self, policy: &PolicySet, name: String, found: &Arc<Found>) {
        self.kept.keep(policy, &name, found);
        self.taken.borrow_mut().insert(name, Some(Arc::clone(found)));
    }
}

impl Chain<'_> {
    fn answer(&mut self, policy: &PolicySet, shape: &Shape, way: &Way<'_>) -> Answer {
        if !self.asked.contains(way.target()) {
            self.asked.insert(way.target().to_owned());
        }
        // BOUNDED: one record's look-ups.
        if self.asked.len() > PER_RECORD_MAX {
            return Answer::OutOfSight;
        }
        let look_up = || way.look_up((self.asking.shape, shape));
        self.asking.answer(policy, way.target(), look_up, self.wanted)
    }
}

impl Body<'_> {
    /// Puts beside the body what was looked up for it; gives what else is wanted.
    pub(super) fn look_beside(&mut self) -> Vec<LookUp> {
        let Some(asking) = self.terms.asking else { return Vec::new() };
        let mut wanted = Wanted::new();
        let mut seen = Seen::default();
        let of_one = !self.speaks_of_several();
        let all_settled = of_one && self.all_events_are_settled();
        for record in 0..self.records.len() {
            // What is hidden by what it shares may still tell which others are of its event.
            let event_only = of_one && self.is_hidden(record, true);
            let settled = self.is_hidden(record, false) || event_only && all_settled;
            if settled || !self.may_lack(record) {
                continue;
            }
            // What its links lead to may be among its company, so that comes first.
            if let Company::Known(company, all) =
                self.company(record, asking, &mut seen, &mut wanted)
            {
                if !all {
                    self.beside.broken.insert(record);
                }
                let (company, asked, wanted) = (&company, BTreeSet::new(), &mut wanted);
                let chain = Chain { asking, record, company, event_only, asked, wanted };
                self.keep_company(chain, &mut seen);
            }
        }
        wanted.into_values().collect()
    }

    /// Whether what one record shares with its event hides all there is: whatever else is found
    /// to be of that event is hidden already. Evidence may be taken by a record of somebody else,
    /// who is judged by other rules; so this is asked of bodies that speak of nobody else.
    fn all_events_are_settled(&mut self) -> bool {
        (0..self.records.len()).all(|record| {
            !self.kind(record).joins || self.is_own(record) || self.is_hidden(record, true)
        })
    }

    /// Whether there may be something to look up for a record. OWN-DATA: never for the reader's
    /// own.
    fn may_lack(&self, record: usize) -> bool {
        let Some(this) = self.records.get(record) else { return false };
        let kind = self.kind(record);
        let lacks = !kind.gets.is_empty() || kind.joins && !self.terms.shape.company.is_empty();
        lacks && this.kind != usize::MAX && !self.is_own(record)
    }

    /// Whether no look-up can make a record visible: it is hidden whatever it is about, or, if that
    /// counts, by what it shares with all of its event.
    fn is_hidden(&mut self, record: usize, own_counts: bool) -> bool {
        let Some(this) = self.records.get(record) else { return true };
        let own = if own_counts { this.own } else { Hits::default() };
        let Whose::People(people) = this.whose.clone() else { return true };
        self.is_settled_for(&people, own)
    }

    /// Whether one of these people's own codes withhold the record and all that shares its event:
    /// without a grant, more categories can only hide more.
    pub(super) fn is_settled_for(&mut self, people: &[PersonId], own: Hits) -> bool {
        people.iter().any(|person| {
            let hides = |body: &mut Self, about| {
                body.verdict(*person, about, None).action == Action::Withhold
            };
            self.standing(*person).grants.is_empty()
                && (hides(self, Categories::NONE) || hides(self, own.episode))
        })
    }

    /// Follows the links of a record, and those of the events that they lead to; gives what is
    /// beside the body and of its event.
    pub(super) fn follow(&mut self, origin: Origin, chain: &mut Chain<'_>) -> Vec<usize> {
        let mut event = Vec::new();
        let mut queue = VecDeque::new();
        match origin {
            Origin::Company(at) => queue.push_back((at, 0)),
            Origin::Record(record) => {
                let kind = self.records.get(record).map_or(usize::MAX, |record| record.kind);
                for (node, link) in self.links(record) {
                    if !self.is_unseen(&link) || chain.event_only && !link.episode {
                        continue;
                    }
                    let way = self.way(kind, &link);
                    if let Led::To(at) = self.lead(&link, way, chain) {
                        self.beside.links.insert(node, at);
                        if link.episode && self.joins(at) {
                            event.push(at);
                            queue.push_back((at, 1));
                        }
                    }
                }
            }
        }
        let mut seen = BTreeSet::new();
        while let Some((at, step)) = queue.pop_front() {
            // What is of the company is followed for itself.
            if step > 0 && self.is_company(at) || !seen.insert(at) {
                continue;
            }
            let (found, ends) = self.follow_beside(at, step, chain);
            // What company lacks says no more of this record than what a record of the body lacks.
            if let (true, Origin::Record(record)) = (ends, origin) {
                self.beside.broken.insert(record);
            }
            event.extend(&found);
            queue.extend(found.into_iter().map(|next| (next, step.saturating_add(1))));
        }
        event
    }

    /// Follows the links of a record beside the body; gives those beside it that are of its
    /// event, and whether one that tells ends out of sight.
    fn follow_beside(&mut self, at: usize, step: u8, chain: &mut Chain<'_>) -> (Vec<usize>, bool) {
        let looked = self.beside.records.get(at).map(|beside| Arc::clone(&beside.looked));
        let (mut event, mut ends) = (Vec::new(), false);
        for link in looked.iter().flat_map(|looked| &looked.links) {
            if !self.is_unseen(link) {
                continue;
            }
            let kind = looked.as_ref().map_or(usize::MAX, |looked| looked.kind);
            let way = self.way(kind, link).filter(|_| step < STEPS_MAX);
            match self.lead(link, way, chain) {
                Led::Pending => {}
                Led::To(next) => event.extend((link.episode && self.joins(next)).then_some(next)),
                Led::Nowhere => ends |= self.hides(link),
            }
        }
        (event, ends)
    }

    /// Where a link leads: among company, or looked up.
    fn lead(&mut self, link: &Link, way: Option<Way<'_>>, chain: &mut Chain<'_>) -> Led {
        if !chain.company.is_empty()
            && let Some(name) = self.name_for_company(link)
        {
            let numbers = chain.company.iter().filter_map(|search| {
                let found = self.beside.searches.get(*search)?;
                let Found::Company(found) = &**found else { return None };
                Some((*search, found.named(&name)?))
            });
            let numbers: Vec<(usize, usize)> = numbers.collect();
            for number in numbers {
                if let Some(at) = self.put_company(number, chain.record) {
                    return Led::To(at);
                }
            }
        }
        let Some(way) = way else { return Led::Nowhere };
        match chain.answer(self.terms.policy, self.terms.shape, &way) {
            Answer::Pending => Led::Pending,
            Answer::OutOfSight => Led::Nowhere,
            Answer::Found(found) => {
                let Found::Record(looked) = &*found else { return Led::Nowhere };
                let put = self.put_beside(way.target(), Arc::clone(looked), chain.record);
                put.map_or(Led::Nowhere, Led::To)
            }
        }
    }
}
