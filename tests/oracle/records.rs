//! Which records a body holds, what they are called, and whose they are (DESIGN 3, 4.3).

use super::classify::select_below;
use super::fhir::{Target, Typed, target, types};
use super::forms::misformed;
use super::json::{Doc, Id, Value};
use super::path::Path;
use super::shape::{Kind, Place, Shape};
use sequester::engine::facts::{People, PersonId};
use std::collections::{BTreeMap, BTreeSet};

/// One record of a body.
#[derive(Debug)]
pub struct Record {
    /// What goes when it is withheld.
    pub cut: Id,
    /// Its own node; `None` if the place holds none.
    pub node: Option<Id>,
    pub kind: String,
    pub parent: Option<usize>,
    pub nested: Vec<usize>,
    pub typed: Typed,
}

/// Whose a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Known(PersonId),
    /// Named, but by nobody's name, or by the names of two people.
    Unknown,
}

/// A body with its records found.
#[derive(Debug)]
pub struct Body<'a> {
    pub shape: &'a Shape,
    pub people: &'a dyn People,
    pub doc: &'a Doc,
    pub records: Vec<Record>,
    /// What `remember` wrote down, so that bodies of thousands of records can be judged at all.
    scopes: Vec<BTreeSet<Id>>,
    by_name: BTreeMap<String, Vec<usize>>,
    whose: Vec<BTreeSet<Subject>>,
}

impl<'a> Body<'a> {
    pub fn new(shape: &'a Shape, people: &'a dyn People, doc: &'a Doc) -> Body<'a> {
        Body {
            shape,
            people,
            doc,
            records: Vec::new(),
            scopes: Vec::new(),
            by_name: BTreeMap::new(),
            whose: Vec::new(),
        }
    }

    /// To be called once when all records are found.
    pub fn remember(&mut self) {
        for record in 0..self.records.len() {
            let scope = self.scope_of(record);
            self.scopes.push(scope);
        }
        for record in 0..self.records.len() {
            for name in self.names(record) {
                let records = self.by_name.entry(name).or_default();
                if !records.contains(&record) {
                    records.push(record);
                }
            }
        }
        for record in 0..self.records.len() {
            let whose = self.subjects_but(record, &mut BTreeSet::new());
            self.whose.push(whose);
        }
    }

    /// Finds the records of the shape's places.
    pub fn find(&mut self, places: &[Place], top: Id, parent: Option<usize>) {
        for place in places {
            for cut in place.cut.find(self.doc, top) {
                if self.records.iter().any(|one| one.cut == cut) {
                    continue;
                }
                let node = match &place.record {
                    None => Some(cut),
                    Some(path) => path.find(self.doc, cut).first().copied(),
                };
                let node = node.filter(|node| self.doc.is_object(*node));
                self.add(cut, node, &place.kind, parent, &place.nested);
            }
        }
    }

    /// Adds one record and those nested in it.
    pub fn add(
        &mut self,
        cut: Id,
        node: Option<Id>,
        kind: &str,
        parent: Option<usize>,
        nested: &[Place],
    ) {
        let kind = match node {
            Some(node) if kind.starts_with('$') => Path::read(kind)
                .find(self.doc, node)
                .first()
                .and_then(|id| self.doc.text(*id))
                .unwrap_or_default()
                .to_owned(),
            _ => kind.to_owned(),
        };
        let number = self.records.len();
        let typed = match node {
            Some(node) if self.shape.fhir => types(self.doc, self.shape, node),
            _ => Typed::default(),
        };
        self.records.push(Record { cut, node, kind, parent, nested: Vec::new(), typed });
        if let Some(parent) = parent {
            self.records[parent].nested.push(number);
        }
        if let Some(node) = node {
            self.find(nested, node, Some(number));
        }
    }

    pub fn kind(&self, record: usize) -> Option<&'a Kind> {
        self.shape.kinds.get(&self.records[record].kind)
    }

    pub fn kind_is(&self, name: &str, of: fn(&Kind) -> bool) -> bool {
        self.shape.kinds.get(name).is_some_and(of)
    }

    /// The nodes of a record without those of records inside it.
    pub fn scope(&self, record: usize) -> &BTreeSet<Id> {
        &self.scopes[record]
    }

    fn scope_of(&self, record: usize) -> BTreeSet<Id> {
        let record = &self.records[record];
        let Some(node) = record.node else { return BTreeSet::new() };
        let inside: BTreeSet<Id> = record
            .nested
            .iter()
            .flat_map(|nested| self.doc.subtree(self.records[*nested].cut))
            .collect();
        self.doc.subtree(node).into_iter().filter(|id| !inside.contains(id)).collect()
    }

    /// What a path selects in a record, records inside it left out.
    pub fn select(&self, record: usize, path: &Path) -> Vec<Id> {
        let Some(node) = self.records[record].node else { return Vec::new() };
        let scope = self.scope(record);
        path.find(self.doc, node).into_iter().filter(|id| scope.contains(id)).collect()
    }

    fn own_id(&self, record: usize) -> Option<Id> {
        let node = self.records[record].node?;
        match self.kind(record).and_then(|kind| kind.id.as_ref()) {
            Some(path) => self.select(record, path).first().copied(),
            None if self.shape.fhir => self.doc.member(node, "id"),
            None => None,
        }
    }

    /// The id of a record, for messages and links.
    pub fn id(&self, record: usize) -> Option<String> {
        self.scalar(self.own_id(record)?)
    }

    /// All names by which links call a record.
    pub fn names(&self, record: usize) -> Vec<String> {
        let one = &self.records[record];
        let Some(node) = one.node else { return Vec::new() };
        if !self.shape.fhir {
            return self.id(record).into_iter().collect();
        }
        let mut names = Vec::new();
        if let Some(id) = self.doc.member_text(node, "id") {
            names.push(format!("{}/{id}", one.kind));
        }
        if let Some(url) = self.full_url(record) {
            names.push(match target(url) {
                Target::Named(_, name) => name,
                _ => url.to_owned(),
            });
        }
        names
    }

    fn full_url(&self, record: usize) -> Option<&str> {
        let one = &self.records[record];
        if one.node == Some(one.cut) { None } else { self.doc.member_text(one.cut, "fullUrl") }
    }

    /// The records of the body that a reference names (in a house body: a text that is an id).
    pub fn resolve(&self, reference: &str) -> Vec<usize> {
        let name = if self.shape.fhir {
            match target(reference) {
                Target::Named(_, name) => name,
                _ => return Vec::new(),
            }
        } else {
            reference.to_owned()
        };
        self.by_name.get(&name).cloned().unwrap_or_default()
    }

    /// The records that a Reference, or the text of one, points at.
    pub fn pointed_at(&self, node: Id) -> Vec<usize> {
        let text = self.reference(node).map(str::to_owned).or_else(|| self.scalar(node));
        text.map(|text| self.resolve(&text)).unwrap_or_default()
    }

    /// A string or number as text, trimmed; nothing of an empty one.
    pub fn scalar(&self, id: Id) -> Option<String> {
        let text = match &self.doc.nodes[id].value {
            Value::Text(text) => text.trim(),
            Value::Number(number) => number,
            _ => return None,
        };
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The `reference` of a Reference, and the value of its `identifier`.
    pub fn reference(&self, id: Id) -> Option<&str> {
        self.doc.member_text(id, "reference")
    }

    pub fn identifier(&self, id: Id) -> Option<String> {
        self.scalar(self.doc.member(self.doc.member(id, "identifier")?, "value")?)
    }

    /// The person that a subject place names: a Reference or an id. A name that is nobody's, or
    /// names of two people, and it is nobody we know.
    pub fn who(&self, record: usize, node: Id) -> Subject {
        let people = if self.records[record].node == Some(node) {
            self.bearer(record)
        } else if self.doc.is_object(node) {
            let mut people = BTreeSet::new();
            if let Some(reference) = self.reference(node) {
                people = self.called(reference);
                if people.is_empty() {
                    return Subject::Unknown;
                }
            }
            people.extend(self.identifier(node).and_then(|id| self.people.find(&id)));
            people
        } else {
            self.scalar(node).map(|text| self.called(&text)).unwrap_or_default()
        };
        match people.into_iter().collect::<Vec<_>>().as_slice() {
            [person] => Subject::Known(*person),
            _ => Subject::Unknown,
        }
    }

    /// What a record names as its subjects, as text: a reference or id, and an identifier.
    /// Nothing if it is a subject itself.
    pub fn named_subjects(&self, record: usize) -> Option<Vec<(Option<String>, Option<String>)>> {
        let mut named = Vec::new();
        for path in self.kind(record).map(|kind| kind.subject.as_slice()).unwrap_or_default() {
            for node in self.select(record, path) {
                if self.records[record].node == Some(node) {
                    return None;
                }
                if !self.names_somebody(node) {
                    continue;
                }
                named.push(if self.doc.is_object(node) {
                    (self.reference(node).map(str::to_owned), self.identifier(node))
                } else {
                    (self.scalar(node), None)
                });
            }
        }
        Some(named)
    }

    /// The person that such texts mean.
    pub fn who_is(&self, reference: Option<&str>, identifier: Option<&str>) -> Subject {
        let mut people = BTreeSet::new();
        if let Some(reference) = reference {
            people = self.called(reference);
            if people.is_empty() {
                return Subject::Unknown;
            }
        }
        people.extend(identifier.and_then(|id| self.people.find(id)));
        match people.into_iter().collect::<Vec<_>>().as_slice() {
            [person] => Subject::Known(*person),
            _ => Subject::Unknown,
        }
    }

    /// Everyone whom a name or reference means.
    pub fn called(&self, text: &str) -> BTreeSet<PersonId> {
        let mut people: BTreeSet<PersonId> = self.people.find(text).into_iter().collect();
        if !self.shape.fhir {
            return people;
        }
        match target(text) {
            Target::Named(kind, name) => {
                let persons = ["Patient", "RelatedPerson", "Person"];
                if kind.is_some_and(|kind| !persons.contains(&kind.as_str())) {
                    return BTreeSet::new();
                }
                people.extend(self.people.find(&name));
                for record in self.resolve(text) {
                    if self.is_person(record) {
                        people.extend(self.bearer(record));
                    }
                }
            }
            Target::Unreadable => people.extend(self.people.find(&format!("Patient/{text}"))),
            Target::Inside | Target::Searched(_) => return BTreeSet::new(),
        }
        people
    }

    /// Whether a record is a person: its own subject.
    fn is_person(&self, record: usize) -> bool {
        self.kind(record)
            .is_some_and(|kind| kind.subject.iter().any(|path| path.segments.is_empty()))
    }

    /// Who a Patient of this body is, by `Type/id` and by `fullUrl`.
    fn bearer(&self, record: usize) -> BTreeSet<PersonId> {
        let mut names = self.names(record);
        names.extend(self.full_url(record).map(str::to_owned));
        names.iter().filter_map(|name| self.people.find(name)).collect()
    }

    /// Whose a record is.
    pub fn subjects(&self, record: usize) -> &BTreeSet<Subject> {
        &self.whose[record]
    }

    /// Whether somebody whom no selector found may be a subject.
    pub fn is_barred(&self, record: usize) -> bool {
        misformed(self, record).iter().any(|(_, bars)| *bars)
    }

    /// Whose the resources contained in a record are; somebody unknown is none of its own.
    pub fn subjects_inside(&self, record: usize) -> BTreeSet<Subject> {
        let unnamed = ["$.patient", "$.subject", "$.beneficiary"].map(Path::read);
        let Typed { resources, unnamed: others, .. } = &self.records[record].typed;
        let named = resources.iter().map(|(node, kind)| (*node, &*self.shape.kinds[kind].subject));
        let others = others.iter().map(|node| (*node, &unnamed[..]));
        let mut subjects = BTreeSet::new();
        for (resource, paths) in named.chain(others) {
            if Some(resource) == self.records[record].node {
                continue;
            }
            for node in paths.iter().flat_map(|path| select_below(self, record, resource, path)) {
                if node != resource && self.names_somebody(node) {
                    subjects.insert(self.who(record, node));
                }
            }
        }
        subjects
    }

    fn subjects_but(&self, record: usize, seen: &mut BTreeSet<usize>) -> BTreeSet<Subject> {
        let mut subjects = BTreeSet::new();
        if self.records[record].node.is_none() || !seen.insert(record) {
            return subjects;
        }
        if self.is_barred(record) {
            return BTreeSet::from([Subject::Unknown]);
        }
        let unnamed = ["$.patient", "$.subject", "$.beneficiary"].map(Path::read);
        let paths: &[Path] = match self.kind(record) {
            Some(kind) => &kind.subject,
            None if self.shape.fhir => &unnamed,
            None => &[],
        };
        for path in paths {
            for node in self.select(record, path) {
                if self.names_somebody(node) {
                    subjects.insert(self.who(record, node));
                }
            }
        }
        if ["RelatedPerson", "Person"].contains(&&*self.records[record].kind)
            && let [person] = self.bearer(record).into_iter().collect::<Vec<_>>().as_slice()
        {
            subjects.insert(Subject::Known(*person));
        }
        if subjects.is_empty() {
            for path in self.kind(record).map(|kind| kind.targets.as_slice()).unwrap_or_default() {
                for node in self.select(record, path) {
                    for target in self.pointed_at(node) {
                        let of_target = self.subjects_but(target, &mut seen.clone());
                        let nobodys = self.kind(target).is_some_and(|k| k.public || k.attached);
                        if of_target.is_empty() && !nobodys {
                            subjects.insert(Subject::Unknown);
                        }
                        subjects.extend(of_target);
                    }
                }
            }
        }
        let nobodys = self.kind(record).is_some_and(|kind| kind.public || kind.attached);
        if subjects.is_empty()
            && !nobodys
            && let Some(parent) = self.records[record].parent
        {
            // Pieces of one object where several records should stand.
            let around = |record: &Record| self.doc.nodes[record.cut].parent;
            let object = around(&self.records[record]).filter(|at| self.doc.is_object(*at));
            let mut others = self.records.iter().filter(|other| other.node.is_none());
            if object.is_some() && others.any(|other| around(other) == object) {
                return BTreeSet::from([Subject::Unknown]);
            }
            return self.subjects_but(parent, seen);
        }
        subjects
    }

    /// Whether a node of a subject place names anybody: null does not, and in FHIR a Reference
    /// to something that is no Patient does not.
    fn names_somebody(&self, node: Id) -> bool {
        if self.doc.nodes[node].value == Value::Null {
            return false;
        }
        let text = self.reference(node).or(self.doc.text(node));
        let Some(reference) = text.filter(|_| self.shape.fhir) else { return true };
        match target(reference) {
            Target::Named(Some(kind), _) => kind == "Patient",
            Target::Named(None, _) => {
                let records = self.resolve(reference);
                records.is_empty() || records.iter().any(|record| self.is_person(*record))
            }
            _ => true,
        }
    }

    /// Whether all of these are the reader.
    pub fn all_reader(&self, subjects: &BTreeSet<Subject>) -> bool {
        let reader = self.people.reader().map(Subject::Known);
        !subjects.is_empty() && subjects.iter().all(|subject| Some(*subject) == reader)
    }
}
