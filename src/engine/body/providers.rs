//! What providers tell: a role what its practitioner does, a place whose it is. Whatever a record
//! points at may leave with it, so it takes what is known of every provider that it names.

use super::Body;
use super::link::unshared;
use crate::engine::category::{Categories, Category};
use crate::engine::codes::Hits;
use crate::engine::sites::{Site, What};
use std::collections::BTreeMap;

/// What the providers in sight tell that have a number, by that.
pub(super) type Providers = BTreeMap<String, Hits>;

impl Body<'_> {
    /// Public records take what those tell that they point at, over any number of them. `None` if
    /// none tells anything.
    pub(super) fn gather_over_public(&mut self) -> Option<Providers> {
        let mut open = self.telling();
        if open.is_empty() {
            return None;
        }
        let mut pointing: Vec<(usize, usize)> = Vec::new();
        for from in (0..self.records.len()).filter(|at| self.kind(*at).public) {
            let sites = self.sites(from).iter().filter(|s| matches!(s.what, What::Reference(_)));
            let is_role = self.kind(from).name == "PractitionerRole";
            for target in sites.flat_map(|site| self.in_sight(*site)) {
                pointing.push((*target, from));
                // Directories keep the specialty with the role, and bills name who has it.
                if is_role && self.kind(*target).name == "Practitioner" {
                    pointing.push((from, *target));
                }
            }
        }
        pointing.sort_unstable();
        // Each is visited again only when it tells more, of which there is a bounded number.
        while let Some(at) = open.pop() {
            let told = self.records.get(at).map(|record| known(record.own)).unwrap_or_default();
            let first = pointing.partition_point(|(target, _)| *target < at);
            let of = pointing.iter().skip(first).take_while(|(target, _)| *target == at);
            for (_, from) in of {
                let Some(record) = self.records.get_mut(*from) else { continue };
                let more = record.own.union(told);
                if std::mem::replace(&mut record.own, more) != more {
                    open.push(*from);
                }
            }
        }
        Some(self.by_number())
    }

    /// Public records of which something is known.
    fn telling(&self) -> Vec<usize> {
        let tells = |at: &usize| {
            self.kind(*at).public
                && self.records.get(*at).is_some_and(|r| known(r.own) != Hits::default())
        };
        (0..self.records.len()).filter(tells).collect()
    }

    fn by_number(&self) -> Providers {
        let keys = &self.terms.shape.keys;
        let mut providers = Providers::new();
        for at in self.telling() {
            let Some(record) = self.records.get(at) else { continue };
            let identifiers = self.doc.member(record.root, keys.identifier);
            let all = identifiers.into_iter().flat_map(|all| self.doc.children(all));
            let numbers = all.filter_map(|(one, _)| self.number_of(one));
            for number in numbers {
                let told = providers.entry(number.into_owned()).or_default();
                *told = told.union(known(record.own));
            }
        }
        providers
    }

    /// What a reference takes of the providers that it names, by name or by number.
    pub(super) fn told_by_providers(
        &self,
        (record, site): (usize, Site),
        own: &[Hits],
        providers: &Providers,
    ) -> Hits {
        let named = self.in_sight(site).iter().copied();
        let named = named.filter(|target| *target != record && self.kind(*target).public);
        let told = named.filter_map(|target| own.get(target).copied().map(known));
        let by_number = self.identifier(site.node).and_then(|number| providers.get(&*number));
        told.chain(by_number.copied()).fold(Hits::default(), Hits::union)
    }
}

/// What is surely known: a provider who could not be judged hides nothing but where they are
/// evidence.
fn known(hits: Hits) -> Hits {
    let Hits { record, episode } = unshared(hits);
    Hits { record: record.minus(Categories::of(Category::Unclassified)), episode }
}
