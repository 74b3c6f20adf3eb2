//! What becomes of each record by the rules; places of `fields:` too.

use super::{Body, Whose, withholds};
use crate::engine::category::Category;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
use crate::engine::shapes::meant::Field;

impl Body<'_> {
    /// Every record that is somebody's. Public and attached ones and containers follow in
    /// [`Body::settle`], from those that stay.
    pub(super) fn decide(&mut self) {
        for record in 0..self.records.len() {
            let Some(this) = self.records.get(record) else { continue };
            let carries = this.carries;
            let parent = this.parent.and_then(|parent| self.records.get(parent));
            let parent_gone =
                parent.is_some_and(|parent| !parent.released && parent.whose != Whose::Container);
            match this.whose.clone() {
                // A kind that the shape does not name is its subject's alone.
                Whose::People(_) if self.is_unnamed(record) && !self.is_own(record) => {
                    self.withhold(record, "a kind that the shape does not name");
                }
                // SILENCE-HIDES: whose such a record is cannot be told.
                _ if self.holds_another(record) => {
                    self.withhold(record, "a resource inside it is another person's");
                }
                _ if parent_gone => self.withhold(record, "the record around it is withheld"),
                Whose::People(people) => {
                    let mut rules = Vec::new();
                    let mut hidden = false;
                    // Every subject must let the reader see it; all are asked, so that the
                    // report names every rule.
                    for person in people {
                        hidden |= withholds(self.verdict(person, carries, None), &mut rules);
                    }
                    if let Some(this) = self.records.get_mut(record) {
                        this.released = !hidden;
                        this.rules = rules;
                    }
                }
                Whose::Unknown => self.withhold(record, "its subject is not known"),
                Whose::Public | Whose::Attached => {}
                Whose::Container => {
                    if let Some(this) = self.records.get_mut(record) {
                        this.released = true;
                    }
                }
            }
        }
    }

    fn is_unnamed(&self, record: usize) -> bool {
        self.records.get(record).is_some_and(|record| record.kind == usize::MAX)
    }

    /// Whom a record speaks of: its subjects, or those of the records inside it; and whether
    /// there is somebody among them who is not known.
    fn spoken_of(&self, record: usize) -> (Vec<PersonId>, bool) {
        let mut people: Vec<PersonId> = Vec::new();
        let mut unknown = false;
        // What is inside a record follows it.
        let inside = self.records.iter().enumerate().skip(record.saturating_add(1));
        let inside = inside.take_while(|(at, _)| self.is_inside(*at, record));
        let all = self.records.get(record).into_iter().chain(inside.map(|(_, record)| record));
        for other in all {
            match &other.whose {
                Whose::People(of) => people.extend(of),
                Whose::Unknown => unknown = true,
                Whose::Public | Whose::Attached | Whose::Container => {}
            }
        }
        people.sort_unstable();
        people.dedup();
        (people, unknown)
    }

    fn is_inside(&self, mut record: usize, outer: usize) -> bool {
        while let Some(parent) = self.records.get(record).and_then(|record| record.parent) {
            if parent == outer {
                return true;
            }
            record = parent;
        }
        false
    }

    /// Whether the reader may see a place of `fields:`, else the rules that say no.
    pub(super) fn field_verdict(
        &mut self,
        record: usize,
        node: NodeId,
        field: Field,
    ) -> Result<(), Vec<u16>> {
        let Some(this) = self.records.get(record) else { return Err(Vec::new()) };
        let (carries, is_container) = (this.carries, this.whose == Whose::Container);
        let mut people = self.people(record).to_vec();
        let reader = self.terms.people.reader();
        let is_total = field.category == Category::Aggregate;
        if is_container || is_total {
            // SILENCE-HIDES: it may be about whoever is in it, and a total holds what is hidden.
            let (spoken_of, unknown) = self.spoken_of(record);
            if unknown {
                return Err(Vec::new());
            }
            // OWN-DATA: a family total is about everyone on the contract. TWO-WORLDS: what
            // surrounds lines of several people always is, whose of them its lines happen to be.
            let family = is_container
                || field.about_contract
                || spoken_of.len() > 1
                || (self.terms.shape.fhir && self.is_family_unit(node));
            if family {
                let of = if is_container { reader.into_iter().collect() } else { people };
                let homes = of.iter().flat_map(|person| self.terms.people.household(*person));
                people = homes.chain(of.iter().copied()).chain(spoken_of).collect();
                people.extend(reader.filter(|_| !people.is_empty()));
                people.sort_unstable();
                people.dedup();
            }
        }
        if people.is_empty() {
            return Err(Vec::new());
        }
        let mut rules = Vec::new();
        let mut hidden = false;
        for person in people {
            let verdict = self.verdict(person, carries, Some(field.category));
            hidden |= withholds(verdict, &mut rules);
        }
        if hidden { Err(rules) } else { Ok(()) }
    }

    /// A FHIR `benefitBalance` or alike: without a unit it is the subject's own, and any unit
    /// but `individual` is taken for the family's.
    fn is_family_unit(&self, node: NodeId) -> bool {
        let keys = &self.terms.shape.keys;
        let unit = self.doc.member(node, keys.unit).and_then(|at| Some((at, self.doc.get(at)?)));
        let Some((unit, inner)) = unit else { return false };
        if inner.kind == Json::Null {
            return false;
        }
        let is_individual = |at: Option<NodeId>| {
            at.and_then(|at| self.doc.scalar(at))
                .is_some_and(|s| s.eq_ignore_ascii_case("individual"))
        };
        let Some(coding) = self.doc.member(unit, keys.coding) else {
            return !is_individual(self.doc.member(unit, keys.text));
        };
        let mut codings = self.doc.children(coding).peekable();
        codings.peek().is_none()
            || !codings.all(|(one, _)| is_individual(self.doc.member(one, keys.code)))
    }
}
