//! Which records a body holds, what they are called, and whose they are (DESIGN 3, 4.3).

use super::fhir::{Typed, plain_reference, type_named, types};
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
        let mut names = Vec::new();
        let one = &self.records[record];
        if one.node.is_none() {
            return names;
        }
        if !self.shape.fhir {
            names.extend(self.id(record));
            return names;
        }
        if let Some(id) = self.id(record) {
            names.push(format!("{}/{id}", one.kind));
        }
        if let Some(url) =
            self.doc.member_text(one.cut, "fullUrl").filter(|_| Some(one.cut) != one.node)
        {
            names.push(url.to_owned());
            names.push(plain_reference(url));
        }
        names
    }

    /// The records of the body that have this name.
    pub fn resolve(&self, name: &str) -> Vec<usize> {
        let plain = if self.shape.fhir { plain_reference(name) } else { name.to_owned() };
        let mut records: Vec<usize> = [name, &plain]
            .into_iter()
            .flat_map(|name| self.by_name.get(name).into_iter().flatten())
            .copied()
            .collect();
        records.sort_unstable();
        records.dedup();
        records
    }

    /// A string or number as text.
    pub fn scalar(&self, id: Id) -> Option<String> {
        match &self.doc.nodes[id].value {
            Value::Text(text) => Some(text.clone()),
            Value::Number(number) => Some(number.clone()),
            _ => None,
        }
    }

    /// The `reference` of a Reference, and the value of its `identifier`.
    pub fn reference(&self, id: Id) -> Option<&str> {
        self.doc.member_text(id, "reference")
    }

    pub fn identifier(&self, id: Id) -> Option<&str> {
        self.doc.member_text(self.doc.member(id, "identifier")?, "value")
    }

    /// The type of what a Reference points at, if it can be told.
    pub fn target_type(&self, id: Id) -> Option<String> {
        if let Some(reference) = self.reference(id) {
            if let Some(record) = self.resolve(reference).first() {
                return Some(self.records[*record].kind.clone());
            }
            if let Some(name) = type_named(reference) {
                return Some(name);
            }
        }
        self.doc.member_text(id, "type").map(str::to_owned)
    }

    /// Everyone that a subject place names: a Reference or an id.
    pub fn who(&self, record: usize, node: Id) -> Subject {
        let mut names = Vec::new();
        let called = |text: &str, names: &mut Vec<String>| {
            names.push(text.to_owned());
            if self.shape.fhir {
                names.push(plain_reference(text));
                for target in self.resolve(text) {
                    names.extend(self.names(target));
                }
            }
        };
        if self.own_id(record) == Some(node) || self.records[record].node == Some(node) {
            names.extend(self.names(record));
        }
        if let Some(text) = self.scalar(node) {
            called(&text, &mut names);
        }
        if let Some(reference) = self.reference(node) {
            called(reference, &mut names);
        }
        names.extend(self.identifier(node).map(str::to_owned));
        let people: BTreeSet<PersonId> =
            names.iter().filter_map(|name| self.people.find(name)).collect();
        match people.into_iter().collect::<Vec<_>>().as_slice() {
            [person] => Subject::Known(*person),
            _ => Subject::Unknown,
        }
    }

    /// Whose a record is.
    pub fn subjects(&self, record: usize) -> &BTreeSet<Subject> {
        &self.whose[record]
    }

    fn subjects_but(&self, record: usize, seen: &mut BTreeSet<usize>) -> BTreeSet<Subject> {
        let mut subjects = BTreeSet::new();
        if self.records[record].node.is_none() || !seen.insert(record) {
            return subjects;
        }
        let unknown = ["$.patient", "$.subject", "$.beneficiary"].map(Path::read);
        let paths: &[Path] = match self.kind(record) {
            Some(kind) => &kind.subject,
            None if self.shape.fhir => &unknown,
            None => &[],
        };
        for path in paths {
            for node in self.select(record, path) {
                let nodes = if self.doc.is_array(node) {
                    self.doc.children(node).to_vec()
                } else {
                    vec![node]
                };
                for node in nodes.into_iter().filter(|node| self.names_somebody(*node)) {
                    subjects.insert(self.who(record, node));
                }
            }
        }
        if subjects.is_empty() {
            for path in self.kind(record).map(|kind| kind.targets.as_slice()).unwrap_or_default() {
                for node in self.select(record, path) {
                    for target in self.reference(node).map(|r| self.resolve(r)).unwrap_or_default()
                    {
                        subjects.extend(self.subjects_but(target, seen));
                    }
                }
            }
        }
        if subjects.is_empty()
            && let Some(parent) = self.records[record].parent
        {
            return self.subjects_but(parent, seen);
        }
        subjects
    }

    /// Whether a node of a subject place names anybody: null and empty do not, and in FHIR a
    /// Reference to something that is no Patient does not.
    fn names_somebody(&self, node: Id) -> bool {
        match &self.doc.nodes[node].value {
            Value::Null => false,
            Value::Text(text) => !text.is_empty(),
            Value::Object(_)
                if self.shape.fhir && self.records.iter().all(|r| r.node != Some(node)) =>
            {
                self.target_type(node).is_none_or(|name| name == "Patient")
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
