//! From verdicts to cuts: what goes from the records that stay, and what stays only because
//! something that stays points at it. A cut may take its record with it, which may take others,
//! so this runs until nothing changes; records are only ever lost on the way.

use super::{Body, Whose};
use crate::engine::category::Category;
use crate::engine::document::cut::Cuts;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::policy::Action;
use crate::engine::released::Finding;
use crate::engine::shapes::meant::Field;
use crate::engine::sites::{Site, What};

impl Body<'_> {
    pub(super) fn settle(&mut self) {
        loop {
            let before = (self.people_released(), self.barred());
            self.cuts = Cuts::new(self.doc.tape.len());
            self.cut_outs.clear();
            for record in 0..self.records.len() {
                if self.is_released(record) && !self.people(record).is_empty()
                    || self.is_container(record)
                {
                    self.strip(record);
                }
            }
            self.reach();
            let reached: Vec<bool> = self.records.iter().map(|record| record.released).collect();
            for record in 0..self.records.len() {
                if self.is_released(record) {
                    self.strip_references(record);
                }
            }
            self.withhold_what_hangs();
            // What was reached over something that has gone since is not reached.
            self.reach();
            for (record, reached) in self.records.iter_mut().zip(reached) {
                let nobodys = matches!(record.whose, Whose::Public | Whose::Attached);
                record.barred |= nobodys && reached && !record.released;
            }
            if (self.people_released(), self.barred()) == before {
                break;
            }
        }
        self.cut_withheld();
        self.cuts.seal();
    }

    /// How many records that are somebody's stay.
    fn people_released(&self) -> usize {
        let stays = |record: &&super::Record| {
            record.released && !matches!(record.whose, Whose::Public | Whose::Attached)
        };
        self.records.iter().filter(stays).count()
    }

    fn barred(&self) -> usize {
        self.records.iter().filter(|record| record.barred).count()
    }

    pub(super) fn is_released(&self, record: usize) -> bool {
        self.records.get(record).is_some_and(|record| record.released)
    }

    fn is_container(&self, record: usize) -> bool {
        self.records.get(record).is_some_and(|r| r.released && r.whose == Whose::Container)
    }

    /// Cuts from a record what is not for this reader, but for its references.
    pub(super) fn strip(&mut self, record: usize) {
        let own = self.is_own(record);
        let blind = !own && self.may_not_see_unclassified(record);
        for number in self.site_numbers(record) {
            let Some(site) = self.site(number) else { continue };
            let mut node = site.node;
            let because = match site.what {
                What::Field(field) => {
                    self.strip_field(record, site, field);
                    continue;
                }
                What::Unknown if !own => "not named by the shape",
                What::Unknown if self.names_another(record, node) => {
                    node = self.about_another(record, node);
                    "not named by the shape, and about somebody else"
                }
                What::Housekeeping if !own => "narrative, labels and versions of others",
                What::Extension if !own => "an extension that may not leave to others",
                _ => continue,
            };
            self.remove(record, node, because, Vec::new());
        }
        if blind {
            let loose = self.records.get(record).map(|r| r.loose.clone()).unwrap_or_default();
            for node in loose {
                let because = "a code that no list knows and no words explain";
                self.remove(record, node, because, Vec::new());
            }
        }
    }

    fn may_not_see_unclassified(&mut self, record: usize) -> bool {
        let people = self.people(record).to_vec();
        let carries = self.records.get(record).map(|r| r.carries).unwrap_or_default();
        people.is_empty()
            || people.into_iter().any(|person| {
                let verdict = self.verdict(person, carries, Some(Category::Unclassified));
                verdict.action == Action::Withhold
            })
    }

    /// A FHIR array is judged element by element.
    fn strip_field(&mut self, record: usize, site: Site, field: Field) {
        let array = self.doc.get(site.node).is_some_and(|node| node.kind == Json::Array);
        let elements: Vec<NodeId> = self.doc.children(site.node).map(|(id, _)| id).collect();
        let places = if self.terms.shape.fhir && array && !elements.is_empty() {
            elements
        } else {
            vec![site.node]
        };
        for place in places {
            if let Err(rules) = self.field_verdict(record, place, field) {
                self.remove(record, place, field.category.name(), rules);
            }
        }
    }

    /// A Provenance of which every target is gone, a container of which every record is gone,
    /// and what stands inside a record that is gone.
    fn withhold_what_hangs(&mut self) {
        for record in 0..self.records.len() {
            if !self.is_released(record) {
                continue;
            }
            if self.kind(record).name == "Provenance" && self.terms.shape.fhir {
                let targets = self.targets(record);
                if !targets.iter().any(|target| self.is_released(*target)) {
                    self.withhold(record, "every target is withheld or out of sight");
                }
            }
            let parent = self.records.get(record).and_then(|record| record.parent);
            if parent.is_some_and(|p| !self.is_released(p) && !self.is_container(p)) {
                let hidden = parent.and_then(|p| self.records.get(p));
                if hidden.is_some_and(|p| p.whose != Whose::Container) {
                    self.withhold(record, "the record around it is withheld");
                }
            }
        }
        // What is inside a record comes after it.
        let mut holds_something = vec![false; self.records.len()];
        for record in (0..self.records.len()).rev() {
            if self.is_container(record) && holds_something.get(record) != Some(&true) {
                self.withhold(record, "every record inside it is withheld");
            }
            let parent = self.records.get(record).filter(|r| r.released).and_then(|r| r.parent);
            if let Some(holds) = parent.and_then(|parent| holds_something.get_mut(parent)) {
                *holds = true;
            }
        }
    }

    /// Cuts the withheld records themselves.
    fn cut_withheld(&mut self) {
        for node in std::mem::take(&mut self.outside) {
            self.cut_outside(node);
            if self.terms.explain {
                self.outside.push(node);
            }
        }
        for record in 0..self.records.len() {
            let Some(this) = self.records.get(record) else { continue };
            if !this.released {
                let cut = this.cut;
                self.cut_outside(cut);
            } else if this.cut != this.root {
                self.cut_full_url(record);
            }
        }
    }

    /// Cuts a place outside records; an array of which all is cut goes if the shape says so.
    fn cut_outside(&mut self, mut node: NodeId) {
        loop {
            self.cuts.insert(node);
            let parent = self.doc.parent(node);
            let array = self.doc.get(parent).is_some_and(|parent| parent.kind == Json::Array);
            let root = parent == NodeId(0);
            if !self.terms.shape.omit || !array || root || !self.all_cut(parent) {
                return;
            }
            node = parent;
        }
    }

    pub(super) fn all_cut(&self, parent: NodeId) -> bool {
        self.doc.children(parent).all(|(child, _)| self.cuts.contains(child))
    }

    /// A `fullUrl` stays if it is a `urn:` or begins with our own address; without one, if it
    /// ends in the record's own `Type/id`.
    fn cut_full_url(&mut self, record: usize) {
        let Some(this) = self.records.get(record) else { return };
        let Some(url) = self.doc.member(this.cut, self.terms.shape.keys.full_url) else { return };
        let text = self.doc.text(url);
        let stays = text.as_deref().is_some_and(|text| {
            let own = || self.typed_name(this.root).map(|name| format!("/{name}"));
            text.starts_with("urn:")
                || match self.terms.public_url {
                    Some(base) => text.strip_prefix(base).is_some_and(|rest| rest.starts_with('/')),
                    None => own().is_some_and(|own| text.ends_with(&own)),
                }
        });
        if !stays {
            self.cuts.insert(url);
            if self.terms.explain {
                self.outside.push(url);
            }
        }
    }

    /// Members of others' records that no shape names, for the operator.
    pub(super) fn count_unknown_members(&mut self) {
        let own: Vec<bool> = (0..self.records.len()).map(|record| self.is_own(record)).collect();
        let mut count = 0_u64;
        for (record, own) in own.into_iter().enumerate() {
            if !own {
                let unknown = self.sites(record).iter().filter(|s| s.what == What::Unknown).count();
                count = count.saturating_add(u64::try_from(unknown).unwrap_or(u64::MAX));
            }
        }
        if count > 0 {
            self.report.findings.insert(Finding::UnknownMember, count);
        }
    }
}
