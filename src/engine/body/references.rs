//! References of another person's record: which stay, and what goes with those that do not.

use super::links::Points;
use super::{Body, Whose};
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::sites::{Site, What};

impl Body<'_> {
    /// Cuts the references that may not stay.
    pub(super) fn strip_references(&mut self, record: usize) {
        let public = self.records.get(record).is_some_and(|r| r.whose == Whose::Public);
        if public || self.is_own(record) {
            return;
        }
        for number in self.site_numbers(record) {
            let Some(site) = self.site(number) else { continue };
            let What::Reference(providers) = site.what else { continue };
            if self.is_inside_cut(site.node) || self.stays(record, site, providers) {
                continue;
            }
            self.cut_reference(record, site.node);
        }
    }

    /// DESIGN section 3, References: any Coverage, the subject's or the reader's own Patient or
    /// `RelatedPerson`, a public kind, the record itself, or a record released in the same body.
    fn stays(&self, record: usize, site: Site, providers: bool) -> bool {
        let Some(link) = self.link_at(site) else { return false };
        let is_party = link.who.is_some_and(|person| self.is_party(record, person));
        match link.points {
            Points::Empty | Points::Inside => true,
            Points::Identified => providers || is_party,
            Points::Searched(kinship) => kinship.public || kinship.is_coverage(),
            Points::Named(Some(kinship)) if kinship.public || kinship.is_coverage() => true,
            Points::Named(_) if is_party => true,
            Points::Named(kinship) => match self.bearers(link) {
                [] => kinship.is_none() && link.who.is_none() && providers,
                bearers => bearers.iter().all(|bearer| {
                    let kind = self.kind(*bearer);
                    self.is_released(*bearer) || kind.public || kind.name == "Coverage"
                }),
            },
            Points::Nothing
            | Points::Unidentified
            | Points::Broken(_)
            | Points::Unreadable
            | Points::Value => false,
        }
    }

    /// Whether the person is a subject of the record, or the reader.
    fn is_party(&self, record: usize, person: crate::engine::facts::PersonId) -> bool {
        self.people(record).contains(&person) || self.terms.people.reader() == Some(person)
    }

    /// The element that holds it goes. Where FHIR demands it there: only its `reference` and
    /// `identifier` if it has a `display`, else the array element around it, else the record.
    fn cut_reference(&mut self, record: usize, node: NodeId) {
        let keys = &self.terms.shape.keys;
        let because = "a reference to what is withheld or out of sight";
        let display =
            self.doc.member(node, keys.display).and_then(|at| self.doc.scalar(at)).is_some();
        if self.is_demanded(node) && display {
            let members = [keys.reference, keys.identifier];
            for member in
                members.into_iter().filter_map(|key| self.doc.member(node, key)).collect::<Vec<_>>()
            {
                self.remove(record, member, because, Vec::new());
            }
            return;
        }
        self.remove(record, node, because, Vec::new());
    }

    /// Whether FHIR demands an element there: a member by its own minimum, an element of an
    /// array if it is the last that stays of a demanded one.
    fn is_demanded(&self, node: NodeId) -> bool {
        let parent = self.doc.parent(node);
        if self.doc.get(parent).is_some_and(|parent| parent.kind == Json::Array) {
            let left = self.doc.children(parent).filter(|(child, _)| !self.cuts.contains(*child));
            return self.is_required(parent) && left.count() <= 1;
        }
        self.is_required(node)
    }
}
