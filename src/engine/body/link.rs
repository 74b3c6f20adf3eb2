//! Evidence, and what an event shares: what records take from each other.

use super::links::Points;
use super::providers::Providers;
use super::{Body, Why};
use crate::engine::category::{Categories, Category};
use crate::engine::codes::Hits;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::sites::{Site, What};

/// Where a link leads.
#[derive(Clone, Copy)]
pub(super) enum Leads<'b> {
    /// Nowhere: empty, or into the record itself.
    Nowhere,
    /// To records in sight.
    InSight(&'b [usize]),
    /// To a provider that is not in sight.
    Provider,
    /// To a record that was looked up, beside the body.
    Beside(usize),
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
        let providers = self.gather_over_public();
        let own: Vec<Hits> = self.records.iter().map(|record| record.own).collect();
        for record in 0..self.records.len() {
            self.take_evidence(record, &own, providers.as_ref());
        }
        let beside = (0..self.beside.records.len()).map(|at| self.gives_beside(at, &own));
        let own_of_all = self.records.iter().map(|record| record.own.episode).chain(beside);
        let own_of_all: Vec<Categories> = own_of_all.collect();
        // Who has nothing to give need not be tied to anybody.
        let is_given = own_of_all.iter().any(|own| !own.is_empty());
        let events = if is_given { self.events() } else { Vec::new() };
        // By event, which has the number of one of its records.
        let mut shared = vec![Categories::NONE; events.len()];
        for (event, own) in events.iter().zip(own_of_all) {
            if let Some(all) = shared.get_mut(*event) {
                *all = all.union(own);
            }
        }
        for record in 0..self.records.len() {
            let event = events.get(record).copied().unwrap_or(record);
            let given = shared.get(event).copied().unwrap_or_default();
            self.carry(record, given, &events);
        }
    }

    /// A record of a kind that needs codes and has none that is known, neither of its own nor of
    /// an attached record it points at (a Medication), is unclassified.
    pub(super) fn need_codes(&mut self, record: usize) {
        let knows = |at: usize| self.records.get(at).is_some_and(|r| r.known_codes > 0);
        if !self.kind(record).needs_codes || knows(record) {
            return;
        }
        for site in self.sites(record).iter().filter(|s| matches!(s.what, What::Evidence(_))) {
            let looked = self.beside_at(site.node).and_then(|at| self.looked(at));
            if looked.is_some_and(|l| l.knows_codes && self.terms.shape.kind(l.kind).attached) {
                return;
            }
            let targets = self.in_sight(*site);
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

    /// The record takes the targets' own categories; those of a provider wherever it names them,
    /// for what is pointed at may leave with it.
    fn take_evidence(&mut self, record: usize, own: &[Hits], providers: Option<&Providers>) {
        let mut taken = Hits::default();
        let mut why = Vec::new();
        for site in self.sites(record) {
            let (only_providers, evidence) = match site.what {
                What::Evidence(providers) => (providers, true),
                What::Reference(_) => {
                    let Some(providers) = providers else { continue };
                    let hits = self.told_by_providers((record, *site), own, providers);
                    taken = taken.union(hits);
                    self.because(hits, site.node, None, &mut why);
                    continue;
                }
                What::Episode(providers) | What::Resolve(_, providers) => (providers, false),
                _ => continue,
            };
            match self.leads(*site, only_providers) {
                Leads::InSight(targets) if evidence => {
                    for target in targets.iter().copied().filter(|target| *target != record) {
                        let hits = own.get(target).copied().map(unshared).unwrap_or_default();
                        taken = taken.union(hits);
                        self.because(hits, site.node, Some(target), &mut why);
                    }
                }
                Leads::Beside(at) if evidence => {
                    let hits = self.looked(at).map(|looked| unshared(looked.own));
                    taken = taken.union(hits.unwrap_or_default());
                }
                Leads::InSight(_)
                | Leads::Beside(_)
                | Leads::OutOfSight
                | Leads::Nowhere
                | Leads::Provider => {}
            }
        }
        if let Some(this) = self.records.get_mut(record) {
            this.own = this.own.union(taken);
            this.evidence.extend(why);
        }
    }

    /// Notes where categories were taken, once for each place.
    fn because(&self, hits: Hits, node: NodeId, target: Option<usize>, why: &mut Vec<Why>) {
        let categories = hits.record.union(hits.episode);
        let told = why.iter().any(|why| why.node == node);
        if !self.terms.explain || categories.is_empty() || told {
            return;
        }
        let target = target.and_then(|target| self.records.get(target));
        let place =
            target.map_or_else(|| self.place(node, NodeId(0)), |t| self.place(t.root, NodeId(0)));
        why.push(Why { categories, node, because: format!("evidence {place}") });
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
                What::Episode(_) | What::Tuple(..) if self.is_misformed(site.node) => {
                    why.push(Self::unclassified_why(site.node, "a link of another form"));
                    continue;
                }
                What::Misformed(_) if !self.is_empty(site.node) => {
                    let because = "a value of another form than the shape expects";
                    why.push(Self::unclassified_why(site.node, because));
                    continue;
                }
                What::Episode(_) if !self.terms.shape.fhir => continue,
                What::Evidence(providers)
                | What::Episode(providers)
                | What::Resolve(_, providers) => providers,
                _ => continue,
            };
            if matches!(self.leads(*site, providers), Leads::OutOfSight) {
                why.push(Self::unclassified_why(site.node, "link out of sight"));
            }
        }
        if self.beside.broken.contains(&record)
            && let Some(this) = self.records.get(record)
        {
            why.push(Self::unclassified_why(this.root, "a chain of links that ends out of sight"));
        }
        if let (false, Some(this)) = (why.is_empty(), self.records.get_mut(record)) {
            this.own.record.insert(Category::Unclassified);
            if self.terms.explain {
                this.evidence.extend(why);
            }
        }
    }

    /// Whether a value is there and is none that ties: a list, in a dialect without references an
    /// object, a truth value. It may hold what ties.
    fn is_misformed(&self, node: NodeId) -> bool {
        let Some(kind) = self.doc.get(node).map(|node| node.kind) else { return true };
        match kind {
            Json::Array => self.doc.children(node).next().is_some(),
            Json::Object => !self.terms.shape.fhir,
            Json::True | Json::False => true,
            Json::Null | Json::String | Json::Number => false,
        }
    }

    /// Follows a link; one that can only be to a provider is never out of sight.
    pub(super) fn leads(&self, site: Site, providers: bool) -> Leads<'_> {
        let Some(link) = self.link_at(site) else { return Leads::OutOfSight };
        match lead(link.points, self.bearers(link), providers) {
            unseen @ (Leads::Provider | Leads::OutOfSight) => {
                self.beside_at(site.node).map_or(unseen, Leads::Beside)
            }
            seen => seen,
        }
    }

    /// Where the text of a link leads within the body.
    pub(super) fn leads_to(&self, text: &str, providers: bool) -> Leads<'_> {
        let (points, bearers) = self.points(text);
        lead(points, self.names.at(&bearers), providers)
    }
}

fn lead(points: Points, bearers: &[usize], providers: bool) -> Leads<'_> {
    let unseen = if providers { Leads::Provider } else { Leads::OutOfSight };
    match points {
        _ if !bearers.is_empty() => Leads::InSight(bearers),
        Points::Nothing | Points::Empty | Points::Unidentified | Points::Inside => Leads::Nowhere,
        Points::Broken(false) => Leads::OutOfSight,
        Points::Named(Some(kinship)) if kinship.is_known() => Leads::Nowhere,
        Points::Named(Some(kinship)) | Points::Searched(kinship) if kinship.public => {
            Leads::Provider
        }
        Points::Named(_)
        | Points::Value
        | Points::Searched(_)
        | Points::Unreadable
        | Points::Identified
        | Points::Broken(true) => unseen,
    }
}

/// What evidence or an event takes: never a note, but that there was mental-health care.
pub(super) fn unshared(hits: Hits) -> Hits {
    let note = Categories::of(Category::PsychotherapyNotes);
    Hits { record: hits.record.minus(note), episode: hits.episode }
}
