//! Which records leave, and what is cut from those that do (DESIGN 2, 3, 4.3, 4.4).

use super::beside::ours;
use super::classify::{
    Found, elements, field_nodes, is_foreign, is_only_to_public, is_public, kinds_within,
    select_below,
};
use super::fhir::{Target, target};
use super::json::{Id, Value};
use super::path::Path;
use super::records::{Body, Subject};
use super::rules::Rules;
use super::shape::Kind;
use sequester::engine::category::Category;
use sequester::engine::facts::PersonId;
use std::collections::{BTreeMap, BTreeSet};

/// What became of the records of a body.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Records that leave.
    pub leaving: BTreeSet<usize>,
    /// What is cut from each of them.
    pub cuts: BTreeMap<usize, BTreeSet<Id>>,
    /// Whether the reader's own psychotherapy note was withheld.
    pub own_note_withheld: bool,
}

/// A judge of one body.
pub struct Judge<'a> {
    pub body: &'a Body<'a>,
    pub found: &'a [Found],
    pub rules: &'a Rules,
    pub public_url: Option<&'a str>,
    /// The public kind that the request asks for by name, if it does.
    pub asked_public: Option<String>,
}

impl Judge<'_> {
    /// Begins with every record that its subjects let go, and takes away until nothing changes.
    pub fn judge(&self) -> Outcome {
        let all = 0..self.body.records.len();
        let mut leaving: BTreeSet<usize> = all.filter(|record| self.may_leave(*record)).collect();
        loop {
            let mut cuts = BTreeMap::new();
            let mut gone = BTreeSet::new();
            for record in &leaving {
                match self.cuts(*record, &leaving) {
                    Some(cut) => {
                        cuts.insert(*record, cut);
                    }
                    None => {
                        gone.insert(*record);
                    }
                }
            }
            let reached = self.reached(&leaving, &cuts);
            for record in &leaving {
                if !self.stays(*record, &leaving, &reached) {
                    gone.insert(*record);
                }
            }
            if gone.is_empty() {
                let own_note_withheld = self.own_note_withheld(&leaving, &cuts);
                return Outcome { leaving, cuts, own_note_withheld };
            }
            leaving.retain(|record| !gone.contains(record));
        }
    }

    fn kind(&self, record: usize) -> Option<&Kind> {
        self.body.kind(record)
    }

    fn is_public(&self, record: usize) -> bool {
        self.kind(record).is_some_and(|kind| kind.public)
    }

    /// Of an attached kind, and about nobody by itself.
    fn is_attached(&self, record: usize) -> bool {
        self.kind(record).is_some_and(|kind| kind.attached) && self.body.subjects(record).is_empty()
    }

    /// Without a subject, with records inside.
    fn is_container(&self, record: usize) -> bool {
        self.kind(record)
            .is_some_and(|kind| kind.subject.is_empty() && !kind.public && !kind.attached)
            && self.body.subjects(record).is_empty()
            && !self.body.records[record].nested.is_empty()
    }

    /// Whether a record may leave by itself, whatever becomes of the others.
    fn may_leave(&self, record: usize) -> bool {
        if self.body.records[record].node.is_none() || self.body.people.reader().is_none() {
            return false;
        }
        if self.body.is_barred(record) {
            return false;
        }
        if !self.body.subjects_inside(record).is_subset(self.body.subjects(record)) {
            return false;
        }
        if self.is_public(record) || self.is_attached(record) || self.is_container(record) {
            return true;
        }
        let subjects = self.body.subjects(record);
        if self.kind(record).is_none() && !(self.body.shape.fhir && self.body.all_reader(subjects))
        {
            return false;
        }
        !subjects.is_empty() && self.all_let(subjects, record)
    }

    /// Whether each of these people lets the reader see a record with these categories.
    fn all_let(&self, subjects: &BTreeSet<Subject>, record: usize) -> bool {
        subjects.iter().all(|subject| match subject {
            Subject::Unknown => false,
            Subject::Known(person) => {
                let standing = self.body.people.standing(*person);
                self.rules.record_leaves(&standing, self.found[record].all)
            }
        })
    }

    /// Whether a record can stay among those that leave.
    fn stays(&self, record: usize, leaving: &BTreeSet<usize>, reached: &BTreeSet<usize>) -> bool {
        let one = &self.body.records[record];
        if one.parent.is_some_and(|parent| !leaving.contains(&parent)) {
            return false;
        }
        if self.is_container(record) {
            return one.nested.iter().any(|nested| leaving.contains(nested));
        }
        if self.is_public(record) {
            return self.asked_public.as_deref() == Some(one.kind.as_str())
                || reached.contains(&record);
        }
        if self.is_attached(record) {
            return reached.contains(&record);
        }
        if self.body.shape.fhir && one.kind == "Provenance" {
            let targets = self.body.select(record, &Path::read("$.target[*]"));
            return targets.into_iter().any(|node| {
                self.body.pointed_at(node).iter().any(|target| leaving.contains(target))
            });
        }
        true
    }

    /// Public and attached records that a released record about a person points at, directly or
    /// over others of their kind.
    fn reached(
        &self,
        leaving: &BTreeSet<usize>,
        cuts: &BTreeMap<usize, BTreeSet<Id>>,
    ) -> BTreeSet<usize> {
        let all = 0..self.body.records.len();
        let withheld = all.filter(|record| !leaving.contains(record));
        let held_back: Vec<usize> =
            withheld.flat_map(|record| self.owned(record, &BTreeSet::new())).collect();
        let mut reached = BTreeSet::new();
        let mut starts: Vec<usize> = leaving
            .iter()
            .copied()
            .filter(|record| {
                let asked = self.asked_public.as_deref() == Some(&self.body.records[*record].kind);
                asked || !(self.is_public(*record) || self.is_attached(*record))
            })
            .collect();
        while let Some(record) = starts.pop() {
            let Some(cut) = cuts.get(&record) else { continue };
            for target in self.pointed_at(record, cut) {
                let wanted = self.is_public(target) || self.lets_attached(target, leaving);
                let wanted = wanted && leaving.contains(&target) && !held_back.contains(&target);
                if wanted && reached.insert(target) {
                    starts.push(target);
                }
            }
        }
        reached
    }

    /// Whether everyone whose records point at an attached one lets it go.
    fn lets_attached(&self, attached: usize, leaving: &BTreeSet<usize>) -> bool {
        let (about, _) = self.about_and_foreign(attached, leaving);
        self.is_attached(attached) && !about.is_empty() && self.all_let(&about, attached)
    }

    /// The records that References left in a record point at.
    fn pointed_at(&self, record: usize, cut: &BTreeSet<Id>) -> Vec<usize> {
        let mut records = Vec::new();
        for node in self.body.scope(record).iter().copied() {
            let Some(member) = self.body.doc.member(node, "reference") else { continue };
            if self.body.records[record].node == Some(node) {
                continue;
            }
            let line = [vec![member, node], self.body.doc.ancestors(node)].concat();
            if line.iter().any(|one| cut.contains(one)) {
                continue;
            }
            if let Some(reference) = self.body.reference(node) {
                records.extend(self.body.resolve(reference));
            }
        }
        // What has owners follows them alone.
        records.retain(|target| self.kind(*target).is_none_or(|kind| kind.owner.is_none()));
        records.extend(self.owned(record, cut));
        records
    }

    /// The records that places left in a record name as belonging to it.
    fn owned(&self, record: usize, cut: &BTreeSet<Id>) -> Vec<usize> {
        let mut records = Vec::new();
        let kind = &self.body.records[record].kind;
        let owners = self.body.shape.kinds.values().filter_map(|kind| kind.owner.as_ref());
        for (_, at) in owners.filter(|(owner, _)| owner == kind) {
            for node in self.body.select(record, at) {
                let line = [vec![node], self.body.doc.ancestors(node)].concat();
                let text = self.body.scalar(node).unwrap_or_default();
                let ours = ours(&text, &self.body.shape.base, self.public_url).is_some();
                if ours && !line.iter().any(|one| cut.contains(one)) {
                    records.extend(self.body.resolve(&text));
                }
            }
        }
        records
    }

    /// Everyone that a record speaks of: its subjects, or those of the records inside a
    /// container, or of the records that point at an attached one.
    fn about(&self, record: usize) -> BTreeSet<Subject> {
        let own = self.body.subjects(record).clone();
        if !self.is_container(record) {
            return own;
        }
        let nested = self.body.records[record].nested.iter();
        nested.flat_map(|nested| self.everyone_in(*nested)).collect()
    }

    /// The subjects of a record and of all records inside it.
    fn everyone_in(&self, record: usize) -> BTreeSet<Subject> {
        let mut people = self.body.subjects(record).clone();
        if self.body.records[record].node.is_none() {
            return people;
        }
        for nested in &self.body.records[record].nested {
            people.extend(self.everyone_in(*nested));
        }
        if people.is_empty() {
            people.insert(Subject::Unknown);
        }
        people
    }

    /// What is cut from a record, if `leaving` leave; `None` if it cannot leave for it.
    fn cuts(&self, record: usize, leaving: &BTreeSet<usize>) -> Option<BTreeSet<Id>> {
        let one = &self.body.records[record];
        let mut cut = BTreeSet::new();
        for nested in &one.nested {
            if !leaving.contains(nested) {
                cut.insert(self.body.records[*nested].cut);
            }
        }
        if self.is_public(record) {
            return Some(cut);
        }
        let (about, foreign) = self.about_and_foreign(record, leaving);
        cut.extend(self.field_cuts(record, &about));
        if foreign || self.is_container(record) {
            if self.body.shape.fhir {
                cut.extend(self.fhir_cuts(record, &about, leaving, &cut));
            } else {
                cut.extend(self.unnamed(record));
            }
        } else {
            cut.extend(self.unknown_of_others(record, &about));
        }
        self.close(record, &cut)
    }

    /// Whom a record is about, and whether any of them is another person than the reader.
    fn about_and_foreign(
        &self,
        record: usize,
        leaving: &BTreeSet<usize>,
    ) -> (BTreeSet<Subject>, bool) {
        if !self.is_attached(record) {
            return (self.about(record), is_foreign(self.body, record));
        }
        let mut about = BTreeSet::new();
        let mut seen = BTreeSet::from([record]);
        let mut targets = vec![record];
        while let Some(target) = targets.pop() {
            for pointing in leaving {
                if self.pointed_at(*pointing, &BTreeSet::new()).contains(&target)
                    && seen.insert(*pointing)
                {
                    about.extend(self.about(*pointing));
                    if self.is_attached(*pointing) {
                        targets.push(*pointing);
                    }
                }
            }
        }
        let foreign = !self.body.all_reader(&about);
        (about, foreign)
    }

    fn lets_field(&self, about: &BTreeSet<Subject>, record: usize, category: Category) -> bool {
        !about.is_empty()
            && about.iter().all(|subject| match subject {
                Subject::Unknown => false,
                Subject::Known(person) => {
                    let standing = self.body.people.standing(*person);
                    self.rules.field_leaves(&standing, self.found[record].all, category)
                }
            })
    }

    /// Fields that the reader may not see.
    fn field_cuts(&self, record: usize, about: &BTreeSet<Subject>) -> Vec<Id> {
        let mut cut = Vec::new();
        for (kind, top) in kinds_within(self.body, record) {
            for field in &self.body.shape.kinds[&kind].fields {
                for node in select_below(self.body, record, top, &field.at) {
                    for node in elements(self.body, node) {
                        let family = field.category == Category::Aggregate
                            && (field.about_contract
                                || self.everyone_in(record).len() > 1
                                || self.has_family_unit(node));
                        let mut people = about.clone();
                        if self.is_container(record) {
                            // Everyone on the reader's contract, and whoever else is in it.
                            let reader = self.body.people.reader().map(Subject::Known);
                            people = self.household(&reader.into_iter().collect());
                            people.extend(self.everyone_in(record));
                        } else if family {
                            people = self.household(about);
                            people.extend(self.everyone_in(record));
                        }
                        if !self.lets_field(&people, record, field.category) {
                            cut.push(node);
                        }
                    }
                }
            }
        }
        cut
    }

    /// FHIR `benefitBalance` and alike: with a unit that is not `individual`.
    fn has_family_unit(&self, node: Id) -> bool {
        let doc = self.body.doc;
        let unit = doc.member(node, "unit").filter(|unit| doc.nodes[*unit].value != Value::Null);
        let Some(unit) = unit.filter(|_| self.body.shape.fhir) else { return false };
        let individual = |node: Option<Id>| {
            node.and_then(|node| self.body.scalar(node))
                .is_some_and(|text| text.eq_ignore_ascii_case("individual"))
        };
        match doc.member(unit, "coding") {
            None => !individual(doc.member(unit, "text")),
            Some(coding) => {
                let codings = doc.children(coding);
                codings.is_empty()
                    || !codings.iter().all(|one| individual(doc.member(*one, "code")))
            }
        }
    }

    /// Everyone on the contracts of these people.
    fn household(&self, about: &BTreeSet<Subject>) -> BTreeSet<Subject> {
        let mut people = about.clone();
        for subject in about {
            if let Subject::Known(person) = subject {
                people.extend(self.body.people.household(*person).into_iter().map(Subject::Known));
            }
        }
        people
    }

    /// Of one's own record what the shape does not name, where it names another person under a
    /// key by which some kind names its subject.
    fn unknown_of_others(&self, record: usize, about: &BTreeSet<Subject>) -> Vec<Id> {
        let doc = self.body.doc;
        let keys: BTreeSet<&str> = self
            .body
            .shape
            .kinds
            .values()
            .flat_map(|kind| &kind.subject)
            .filter_map(Path::last_name)
            .collect();
        let unknown: BTreeSet<Id> = match self.kind(record) {
            Some(_) if self.body.shape.fhir => self.body.records[record].typed.unknown.clone(),
            Some(_) => self.unnamed(record).into_iter().collect(),
            None => {
                let members = self.body.records[record].node.map(|node| doc.children(node));
                let is_told = |node: &&Id| !matches!(doc.key(**node), Some("resourceType" | "id"));
                members.unwrap_or_default().iter().filter(is_told).copied().collect()
            }
        };
        let is_another = |node: Id| {
            let reference = doc.member(node, "reference").unwrap_or(node);
            let text = self.body.scalar(reference);
            let who = self.body.who_is(text.as_deref(), self.body.identifier(node).as_deref());
            matches!(who, Subject::Known(_)) && !about.contains(&who)
        };
        let top = unknown
            .iter()
            .copied()
            .filter(|node| doc.nodes[*node].parent.is_none_or(|parent| !unknown.contains(&parent)));
        let is_for_another = |node: Id| {
            doc.key(node).is_some_and(|key| keys.contains(key))
                && (is_another(node) || doc.children(node).iter().any(|one| is_another(*one)))
        };
        let named = top.filter(|node| doc.subtree(*node).into_iter().any(is_for_another));
        // A name by itself takes along what it is the name of, unless that is the record.
        let around = |node: Id| {
            let around = doc.nodes[node].parent.filter(|_| is_for_another(node));
            around.filter(|around| self.body.records[record].node != Some(*around)).unwrap_or(node)
        };
        named.map(around).collect()
    }

    /// House JSON of another person: what the kind does not name.
    fn unnamed(&self, record: usize) -> Vec<Id> {
        let kind = self.kind(record).unwrap();
        let node = self.body.records[record].node.unwrap();
        let mut named: Vec<&Path> = Vec::new();
        named.extend(&kind.id);
        named.extend(kind.subject.iter().chain(&kind.date).chain(kind.episode.iter().flatten()));
        named.extend(kind.evidence.iter().chain(&kind.clinical).chain(&kind.members));
        named.extend(kind.resolve.iter().map(|(link, _)| link));
        for code in &kind.codes {
            named.push(&code.at);
            named.extend(&code.system_at);
        }
        named.extend(kind.fields.iter().map(|field| &field.at));
        let nested = self.body.records[record].nested.iter().map(|n| self.body.records[*n].cut);
        let mut places = nested_places(self.body, record);
        let mut kept: BTreeSet<Id> = BTreeSet::new();
        for path in &named {
            for found in path.find(self.body.doc, node) {
                kept.extend(self.body.doc.subtree(found));
            }
        }
        for cut in nested {
            kept.extend(self.body.doc.subtree(cut));
        }
        places.extend(named.into_iter().cloned());
        for path in places {
            let way = path.on_the_way(self.body.doc, node);
            kept.extend(way.into_iter().filter(|id| self.body.doc.is_container(*id)));
        }
        let all = self.body.doc.subtree(node);
        all.into_iter().filter(|id| *id != node && !kept.contains(id)).collect()
    }

    /// FHIR of another person: unknown members, extensions, narrative, labels, versions,
    /// references and loose codes.
    fn fhir_cuts(
        &self,
        record: usize,
        about: &BTreeSet<Subject>,
        leaving: &BTreeSet<usize>,
        before: &BTreeSet<Id>,
    ) -> BTreeSet<Id> {
        let doc = self.body.doc;
        let typed = &self.body.records[record].typed;
        let mut cut: BTreeSet<Id> = before.union(&typed.unknown).copied().collect();
        cut.extend(typed.of.iter().filter(|(_, name)| *name == "Narrative").map(|(node, _)| *node));
        for (node, _) in typed.of.iter().filter(|(_, name)| *name == "Meta") {
            for name in ["security", "tag", "versionId", "lastUpdated", "profile", "source"] {
                cut.extend(doc.member(*node, name));
                cut.extend(doc.member(*node, &format!("_{name}")));
            }
        }
        for (node, name) in &typed.of {
            if name == "Extension" && !self.may_extend(record, *node) {
                cut.insert(*node);
            }
        }
        if !self.lets_field(about, record, Category::Unclassified) {
            for node in &self.found[record].loose_codes {
                self.lose(record, *node, ["system", "code"], &mut cut);
            }
        }
        for node in self.body.scope(record).iter().copied() {
            let typed = typed.of.get(&node).is_some_and(|name| name.starts_with("Reference"));
            let root = self.body.records[record].node == Some(node);
            let is_reference =
                !root && doc.is_object(node) && (typed || self.body.reference(node).is_some());
            if is_reference && !self.keeps(record, node, about, leaving) {
                self.lose(record, node, ["reference", "identifier"], &mut cut);
            }
        }
        cut
    }

    /// Cuts a reference or code: the element goes, or, where FHIR demands it and it has a
    /// `display`, only these members of it.
    fn lose(&self, record: usize, node: Id, members: [&str; 2], cut: &mut BTreeSet<Id>) {
        let doc = self.body.doc;
        if [vec![node], doc.ancestors(node)].concat().iter().any(|one| cut.contains(one)) {
            return;
        }
        let display = doc.member(node, "display").and_then(|display| self.body.scalar(display));
        if self.is_demanded(record, node, cut) && display.is_some() {
            cut.extend(members.iter().filter_map(|name| doc.member(node, name)));
        } else if self.take(record, node, cut).is_none() {
            cut.insert(node);
        }
    }

    /// Whether FHIR demands an element there: by its own minimum, or as the last that is left of
    /// a demanded array.
    fn is_demanded(&self, record: usize, node: Id, cut: &BTreeSet<Id>) -> bool {
        let demanded = &self.body.records[record].typed.demanded;
        let array =
            self.body.doc.nodes[node].parent.filter(|parent| self.body.doc.is_array(*parent));
        match array {
            None => demanded.contains(&node),
            Some(array) => {
                let elements = self.body.doc.children(array).iter();
                demanded.contains(&array) && elements.filter(|one| !cut.contains(one)).count() <= 1
            }
        }
    }

    /// Whether an extension may leave: its address is listed, and that of each around it.
    fn may_extend(&self, record: usize, node: Id) -> bool {
        let doc = self.body.doc;
        let typed = &self.body.records[record].typed;
        let line = [vec![node], doc.ancestors(node)].concat();
        line.into_iter()
            .filter(|one| typed.of.get(one).is_some_and(|name| name == "Extension"))
            .all(|one| {
                let url = doc.member_text(one, "url");
                url.is_some_and(|url| self.body.shape.extensions.contains(url))
            })
    }

    /// Whether a reference in another person's record is kept.
    fn keeps(
        &self,
        record: usize,
        node: Id,
        about: &BTreeSet<Subject>,
        leaving: &BTreeSet<usize>,
    ) -> bool {
        let body = self.body;
        let party =
            |people: BTreeSet<PersonId>| match people.into_iter().collect::<Vec<_>>().as_slice() {
                [person] => {
                    about.contains(&Subject::Known(*person))
                        || body.people.reader() == Some(*person)
                }
                _ => false,
            };
        let Some(reference) = body.reference(node) else {
            if body.doc.member(node, "reference").is_some() {
                return false;
            }
            let Some(identifier) = body.identifier(node) else {
                return body.doc.member(node, "identifier").is_none();
            };
            let person = body.people.find(&identifier).into_iter().collect();
            return is_only_to_public(body, record, node) || party(person);
        };
        let open = |kind: &str| kind == "Coverage" || is_public(body, kind);
        let targets = body.resolve(reference);
        match target(reference) {
            Target::Inside => true,
            Target::Searched(kind) => open(&kind),
            Target::Unreadable => false,
            Target::Named(kind, _) => {
                let called = body.called(reference);
                let unnamed = kind.is_none() && called.is_empty();
                kind.is_some_and(|kind| open(&kind))
                    || party(called)
                    || (targets.is_empty() && unnamed && is_only_to_public(body, record, node))
                    || (!targets.is_empty()
                        && targets.iter().all(|target| {
                            leaving.contains(target) || open(&body.records[*target].kind)
                        }))
            }
        }
    }

    /// Adds what goes with what is cut; `None` if the record itself does.
    fn close(&self, record: usize, cut: &BTreeSet<Id>) -> Option<BTreeSet<Id>> {
        let mut closed = cut.clone();
        for node in cut {
            // What goes with something around it takes nothing more along.
            if !self.body.doc.ancestors(*node).iter().any(|around| cut.contains(around)) {
                self.take(record, *node, &mut closed)?;
            }
        }
        Some(closed)
    }

    /// Cuts a value and what goes with it: an array or object of which all is cut; for what FHIR
    /// demands the nearest array element around it. `None` where there is none: the record goes.
    fn take(&self, record: usize, node: Id, cut: &mut BTreeSet<Id>) -> Option<()> {
        let doc = self.body.doc;
        let root = self.body.records[record].node?;
        let mut node = node;
        loop {
            if node == root {
                return None;
            }
            cut.insert(node);
            if !self.body.shape.omit {
                return Some(());
            }
            let parent = doc.nodes[node].parent?;
            let all_cut = doc.children(parent).iter().all(|child| cut.contains(child));
            // The arrays of a primitive and of its extensions go by place: whole or not.
            let beside =
                doc.is_array(parent) && doc.key(parent).is_some_and(|key| key.starts_with('_'));
            if doc.is_object(parent) && self.body.records[record].typed.demanded.contains(&node) {
                let line = [vec![parent], doc.ancestors(parent)].concat();
                node = line.into_iter().take_while(|one| *one != root).find(|one| {
                    doc.nodes[*one].parent.is_some_and(|parent| doc.is_array(parent))
                })?;
            } else if all_cut || beside {
                node = parent;
            } else {
                return Some(());
            }
        }
    }

    /// Whether one of the reader's own psychotherapy notes was withheld.
    fn own_note_withheld(
        &self,
        leaving: &BTreeSet<usize>,
        cuts: &BTreeMap<usize, BTreeSet<Id>>,
    ) -> bool {
        let own = (0..self.body.records.len()).filter(|record| {
            let (about, _) = self.about_and_foreign(*record, leaving);
            self.body.all_reader(&about) && !self.is_container(*record)
        });
        own.into_iter().any(|record| {
            let note = self.found[record].all.contains(Category::PsychotherapyNotes);
            match cuts.get(&record).filter(|_| leaving.contains(&record)) {
                None => note || !self.found[record].note_fields.is_empty(),
                Some(cut) => field_nodes(self.body, record).iter().any(|(node, category)| {
                    *category == Category::PsychotherapyNotes
                        && self.found[record].note_fields.contains(node)
                        && (cut.contains(node)
                            || self.body.doc.ancestors(*node).iter().any(|one| cut.contains(one)))
                }),
            }
        })
    }
}

/// The places of records inside a record of this kind, as the shape writes them.
pub fn nested_places(body: &Body<'_>, record: usize) -> Vec<Path> {
    fn look(places: &[super::shape::Place], kind: &str, found: &mut Vec<Path>) {
        for place in places {
            if place.kind == kind {
                found.extend(place.nested.iter().map(|nested| nested.cut.clone()));
            }
            look(&place.nested, kind, found);
        }
    }
    let mut found = Vec::new();
    look(&body.shape.records, &body.records[record].kind, &mut found);
    found
}
