//! What stays only because something that stays points at it.

use super::{Body, Record, Whose, withholds};
use crate::engine::facts::PersonId;
use crate::engine::sites::What;
use std::collections::BTreeSet;

impl Body<'_> {
    /// Public and attached records stay if something that stays points at them; public ones
    /// also where they were asked for by themselves.
    pub(super) fn reach(&mut self) {
        let may_stay = |record: &Record| matches!(record.whose, Whose::Public | Whose::Attached);
        if !self.records.iter().any(may_stay) {
            return;
        }
        let mut refused = self.held_back();
        // One that is refused for whom it is seen to belong to on the way takes back what was
        // reached over it.
        while let Some(lost) = self.reach_without(&refused) {
            refused.insert(lost);
        }
    }

    /// What belongs to a record that is withheld, whatever else points at it.
    fn held_back(&self) -> BTreeSet<usize> {
        let all = 0..self.records.len();
        if !all.clone().any(|record| self.kind(record).owner.is_some()) {
            return BTreeSet::new();
        }
        let withheld = all.filter(|record| !self.is_released(*record));
        let sites = withheld.flat_map(|record| self.sites(record));
        let owned = sites.filter(|site| site.what == What::Owns && self.owns(**site));
        owned.flat_map(|site| self.in_sight(*site)).copied().collect()
    }

    /// Gives an attached record that had been reached and then was refused.
    fn reach_without(&mut self, refused: &BTreeSet<usize>) -> Option<usize> {
        let alone = self.records.iter().all(|record| record.whose == Whose::Public);
        let mut queue = Vec::new();
        for record in 0..self.records.len() {
            let asked = self.terms.asked_kind;
            let Some(this) = self.records.get_mut(record) else { continue };
            match this.whose {
                Whose::Public => {
                    let by_itself =
                        if self.terms.shape.fhir { asked == Some(this.kind) } else { alone };
                    this.released =
                        by_itself && !this.barred && self.terms.people.reader().is_some();
                }
                Whose::Attached => {
                    this.released = false;
                    this.borrowed.clear();
                }
                Whose::People(_) | Whose::Unknown | Whose::Container => {}
            }
            if this.released {
                queue.push(record);
            }
        }
        while let Some(from) = queue.pop() {
            let people = self.people(from).to_vec();
            for number in self.site_numbers(from) {
                let Some(site) = self.site(number) else { continue };
                let owns = site.what == What::Owns && self.owns(site);
                let points = owns || matches!(site.what, What::Reference(_));
                if !points || self.is_inside_cut(site.node) {
                    continue;
                }
                for target in self.in_sight(site).to_vec() {
                    // What has owners leaves with them: others may name it and know nothing of it.
                    let follows = owns || self.kind(target).owner.is_none();
                    if !follows || refused.contains(&target) {
                        continue;
                    }
                    match self.reached(target, &people) {
                        Reached::News => queue.push(target),
                        Reached::Known => {}
                        Reached::Refused => return Some(target),
                    }
                }
            }
        }
        None
    }

    /// Notes that a released record of these people points at a record.
    fn reached(&mut self, target: usize, people: &[PersonId]) -> Reached {
        let Some(this) = self.records.get_mut(target).filter(|this| !this.barred) else {
            return Reached::Known;
        };
        match this.whose {
            Whose::Public if std::mem::replace(&mut this.released, true) => Reached::Known,
            Whose::Public => Reached::News,
            Whose::Attached => self.borrow(target, people),
            Whose::People(_) | Whose::Unknown | Whose::Container => Reached::Known,
        }
    }

    /// An attached record is that of all who point at it.
    fn borrow(&mut self, target: usize, people: &[PersonId]) -> Reached {
        let Some(this) = self.records.get_mut(target) else { return Reached::Known };
        let (before, was_released) = (this.borrowed.len(), this.released);
        this.borrowed.extend_from_slice(people);
        this.borrowed.sort_unstable();
        this.borrowed.dedup();
        let more = this.borrowed.len() > before;
        let (carries, everyone) = (this.carries, this.borrowed.clone());
        let mut rules = Vec::new();
        let mut hidden = everyone.is_empty();
        for person in everyone {
            hidden |= withholds(self.verdict(person, carries, None), &mut rules);
        }
        let Some(this) = self.records.get_mut(target) else { return Reached::Known };
        this.released = !hidden;
        this.rules = rules;
        if hidden {
            return if was_released { Reached::Refused } else { Reached::Known };
        }
        if more || !was_released {
            self.strip(target);
            return Reached::News;
        }
        Reached::Known
    }
}

/// What came of a record that something points at.
enum Reached {
    /// It stays, and what it points at may too.
    News,
    /// Nothing new.
    Known,
    /// It had been reached, and does not stay.
    Refused,
}
