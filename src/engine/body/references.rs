//! References of another person's record: which stay, and what goes with those that do not.

use super::{Body, Whose};
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::names::{Target, target};
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
        let keys = &self.terms.shape.keys;
        let Some(text) = self.reference_text(site.node) else {
            if self.member(site.node, keys.reference).is_some() {
                return false;
            }
            let Some(identifier) = self.identifier(site.node) else {
                return self.member(site.node, keys.identifier).is_none();
            };
            let person = self.terms.people.find(&identifier);
            return providers || person.is_some_and(|person| self.is_party(record, person));
        };
        let shape = self.terms.shape;
        let open = |kind: &str| {
            let number = shape.kind_number(kind);
            kind == "Coverage" || number.is_some_and(|number| shape.kind(number).public)
        };
        match target(&text) {
            Target::Inside => true,
            Target::Searched { kind } => open(kind),
            Target::Unreadable => false,
            Target::Named { kind, name } => {
                if kind.is_some_and(open) {
                    return true;
                }
                let person = self.person_named(&text);
                if person.is_some_and(|person| self.is_party(record, person)) {
                    return true;
                }
                match self.names.bearers(&name) {
                    [] => kind.is_none() && person.is_none() && providers,
                    bearers => bearers
                        .iter()
                        .all(|bearer| self.is_released(*bearer) || open(&self.kind(*bearer).name)),
                }
            }
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
        let because = "a reference to what is withheld or out of sight".to_owned();
        let display = self.member(node, keys.display).and_then(|at| self.scalar(at)).is_some();
        if self.is_demanded(node) && display {
            let members = [keys.reference, keys.identifier];
            for member in
                members.into_iter().filter_map(|key| self.member(node, key)).collect::<Vec<_>>()
            {
                self.remove(record, member, because.clone(), Vec::new());
            }
            return;
        }
        self.remove(record, node, because, Vec::new());
    }

    /// Whether FHIR demands an element there: a member by its own minimum, an element of an
    /// array if it is the last that stays of a demanded one.
    fn is_demanded(&self, node: NodeId) -> bool {
        let parent = self.parent(node);
        if self.tape.get(parent).is_some_and(|parent| parent.kind == Json::Array) {
            let left = self.tape.children(parent).filter(|(child, _)| !self.cuts.contains(*child));
            return self.is_required(parent) && left.count() <= 1;
        }
        self.is_required(node)
    }
}
