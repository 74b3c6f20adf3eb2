//! From verdicts to cuts: what goes from the records that stay, and what stays only because
//! something that stays points at it. A cut may take its record with it, which may take others,
//! so this runs until nothing changes; records are only ever lost on the way.

use super::{Body, CutOut, Whose, withholds};
use crate::engine::category::Category;
use crate::engine::document::cut::Cuts;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
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
    fn strip(&mut self, record: usize) {
        let own = self.is_own(record);
        let blind = !own && self.may_not_see_unclassified(record);
        for number in self.site_numbers(record) {
            let Some(site) = self.site(number) else { continue };
            let because = match site.what {
                What::Field(field) => {
                    self.strip_field(record, site, field);
                    continue;
                }
                What::Unknown if !own => "not named by the shape",
                What::Housekeeping if !own => "narrative, labels and versions of others",
                What::Extension if !own => "an extension that may not leave to others",
                _ => continue,
            };
            self.remove(record, site.node, because, Vec::new());
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

    /// Public and attached records stay if something that stays points at them; public ones
    /// also where they were asked for by themselves.
    fn reach(&mut self) {
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
                if !matches!(site.what, What::Reference(_)) || self.is_inside_cut(site.node) {
                    continue;
                }
                for target in self.in_sight(site).to_vec() {
                    if self.reached(target, &people) {
                        queue.push(target);
                    }
                }
            }
        }
    }

    /// Notes that a released record of these people points at a record; whether that is news.
    fn reached(&mut self, target: usize, people: &[PersonId]) -> bool {
        let Some(this) = self.records.get_mut(target) else { return false };
        if this.barred {
            return false;
        }
        match this.whose {
            Whose::Public => !std::mem::replace(&mut this.released, true),
            Whose::Attached => {
                let before = this.borrowed.len();
                this.borrowed.extend(people);
                this.borrowed.sort_unstable();
                this.borrowed.dedup();
                let more = this.borrowed.len() > before;
                let (carries, everyone) = (this.carries, this.borrowed.clone());
                let mut rules = Vec::new();
                let mut hidden = everyone.is_empty();
                for person in everyone {
                    hidden |= withholds(self.verdict(person, carries, None), &mut rules);
                }
                let Some(this) = self.records.get_mut(target) else { return false };
                let news = !hidden && (more || !this.released);
                this.released = !hidden;
                this.rules = rules;
                if news {
                    self.strip(target);
                }
                news
            }
            Whose::People(_) | Whose::Unknown | Whose::Container => false,
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
        for record in (0..self.records.len()).rev() {
            if self.is_container(record) {
                let inside = |r: &super::Record| r.parent == Some(record) && r.released;
                if !self.records.iter().any(inside) {
                    self.withhold(record, "every record inside it is withheld");
                }
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

    /// Cuts a place from a record with all that FHIR leaves no room without; if nothing is left
    /// to cut around it, the record is withheld.
    pub(super) fn remove(
        &mut self,
        record: usize,
        node: NodeId,
        because: &'static str,
        rules: Vec<u16>,
    ) {
        if self.is_inside_cut(node) {
            return;
        }
        let root = self.records.get(record).map_or(NodeId(0), |record| record.root);
        match self.cut_up(node, root) {
            Some(went) => {
                self.cut_outs.push(CutOut { record, node: went, asked: node, because, rules });
            }
            None => self.withhold(record, "what must be cut from it cannot be missing"),
        }
    }

    /// The outermost node that went; `None` if there was no room.
    fn cut_up(&mut self, mut node: NodeId, root: NodeId) -> Option<NodeId> {
        loop {
            if node == root {
                return None;
            }
            self.cuts.insert(node);
            if !self.terms.shape.omit {
                return Some(node);
            }
            let parent = self.doc.parent(node);
            if self.doc.get(parent)?.kind == Json::Array {
                if !self.is_sibling_array(parent) && !self.all_cut(parent) {
                    return Some(node);
                }
                node = parent;
            } else if self.is_required(node) {
                node = self.element_around(parent, root)?;
            } else if self.all_cut(parent) {
                node = parent;
            } else {
                return Some(node);
            }
        }
    }

    /// The arrays of a primitive and of its extensions go by place: `_given` goes whole or stays
    /// whole.
    fn is_sibling_array(&self, array: NodeId) -> bool {
        self.doc.get(array).is_some_and(|node| {
            node.key_start != u32::MAX
                && crate::engine::document::text::key_of(self.doc.json, node).starts_with('_')
        })
    }

    pub(super) fn is_required(&self, node: NodeId) -> bool {
        let at = usize::try_from(node.0).unwrap_or(usize::MAX);
        self.required.get(at).copied().unwrap_or(false)
    }

    /// The nearest array element at or above a node, inside the record.
    fn element_around(&self, mut node: NodeId, root: NodeId) -> Option<NodeId> {
        while node != root {
            let parent = self.doc.parent(node);
            if self.doc.get(parent)?.kind == Json::Array {
                return Some(node);
            }
            node = parent;
        }
        None
    }

    /// Whether the node or something around it is cut.
    pub(super) fn is_inside_cut(&self, mut node: NodeId) -> bool {
        loop {
            if self.cuts.contains(node) {
                return true;
            }
            let parent = self.doc.parent(node);
            if parent == node {
                return false;
            }
            node = parent;
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
