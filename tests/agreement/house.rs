//! Random bodies of a house JSON: every place that its shape names, filled, empty, null or of the
//! wrong kind, and places that it does not name.

use super::oracle::path::{Path, Selector};
use super::oracle::shape::{Kind, Place, Shape};
use super::random::{Json, Random};
use super::vocabulary::Vocabulary;
use std::collections::BTreeMap;

pub struct Maker<'m> {
    pub shape: &'m Shape,
    pub words: &'m Vocabulary,
    pub random: &'m mut Random,
    pub people: usize,
}

/// What a path is for: what its values look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Id,
    Person,
    Day,
    Code,
    System,
    Link,
    Other,
}

/// The places of a kind as a tree: a name, or `None` for each element of an array.
#[derive(Debug, Default)]
struct Tree {
    of: Option<Use>,
    below: BTreeMap<Option<String>, Tree>,
}

impl Maker<'_> {
    /// A body with some records of the shape's places.
    pub fn body(&mut self) -> Json {
        let mut members = Vec::new();
        for place in self.shape.records.clone() {
            if self.random.once_in(2) {
                members.push((name_of(&place), self.records(&place)));
            }
        }
        for (name, value) in [
            ("asOf", Json::text("2026-11-21")),
            ("page", Json::object(vec![("total", Json::Raw("3".to_owned()))])),
            ("contractId", Json::text("C-1")),
        ] {
            if self.random.once_in(2) {
                members.push((name.to_owned(), value));
            }
        }
        self.random.shuffle(&mut members);
        Json::Object(members)
    }

    fn records(&mut self, place: &Place) -> Json {
        match self.random.below(24) {
            0 => return Json::Raw("null".to_owned()),
            1 => return Json::Raw("[]".to_owned()),
            2 => return Json::Raw("[1,null]".to_owned()),
            3 => return Json::object(vec![("a", self.record(place))]),
            _ => {}
        }
        let count = 1 + self.random.below(4);
        Json::Array((0..count).map(|_| self.record(place)).collect())
    }

    /// One record of a place, with the records inside it.
    pub fn record(&mut self, place: &Place) -> Json {
        let kind = self.shape.kinds[&place.kind].clone();
        let subject = self.random.below(self.people);
        let mut tree = Tree::default();
        for (path, of) in places(&kind) {
            tree.add(&path, of);
        }
        let mut members = match self.value(&tree, subject) {
            Json::Object(members) => members,
            _ => Vec::new(),
        };
        for nested in &place.nested {
            if !self.random.once_in(5) {
                members.push((name_of(nested), self.records(nested)));
            }
        }
        if self.random.once_in(3) {
            let name = *self.random.pick(&["surprise", "display", "description"]);
            let text = self.words.sentence(self.random);
            members.retain(|(key, _)| key != name);
            members.push((name.to_owned(), Json::text(text)));
        }
        if self.random.once_in(2) {
            self.random.shuffle(&mut members);
        }
        Json::Object(members)
    }

    fn value(&mut self, tree: &Tree, subject: usize) -> Json {
        if self.random.once_in(40) {
            let odd = ["null", "[]", "{}", "\"\"", "1.10", "[[]]", "true"];
            return Json::Raw((*self.random.pick(&odd)).to_owned());
        }
        if let Some(element) = tree.below.get(&None) {
            let count = self.random.below(3);
            return Json::Array((0..count).map(|_| self.value(element, subject)).collect());
        }
        if tree.below.is_empty() {
            return self.scalar(tree.of.unwrap_or(Use::Other), subject);
        }
        let mut members = Vec::new();
        for (name, below) in &tree.below {
            let usual = below.of.is_some_and(|of| of != Use::Other);
            if usual && !self.random.once_in(8) || self.random.once_in(2) {
                let name = name.clone().unwrap_or_default();
                members.push((name, self.value(below, subject)));
            }
        }
        if self.random.once_in(12) {
            members.push(("unnamed".to_owned(), Json::text(self.words.sentence(self.random))));
        }
        Json::Object(members)
    }

    fn scalar(&mut self, of: Use, subject: usize) -> Json {
        match of {
            Use::Person => {
                let number = if self.random.once_in(10) {
                    self.random.below(self.people + 2)
                } else {
                    subject
                };
                let letter = *self.random.pick(&["M", "M", "MBR"]);
                Json::text(format!("{letter}-{number}"))
            }
            Use::Id | Use::Link => match self.random.below(8) {
                0 => Json::text(""),
                1 => Json::Raw("7".to_owned()),
                _ => Json::text(format!("X-{}", self.random.below(6))),
            },
            Use::Day => Json::text(self.words.day(self.random)),
            Use::Code => {
                let (_, code) = self.words.code(self.random);
                Json::text(code)
            }
            Use::System => {
                let systems = [
                    "CPT",
                    "ICD-10-CM",
                    "SNOMED-CT",
                    "http://www.ama-assn.org/go/cpt",
                    "nobody",
                    "HCPCS-II",
                ];
                Json::text(*self.random.pick(&systems))
            }
            Use::Other => match self.random.below(3) {
                0 => Json::Raw("12.50".to_owned()),
                _ => Json::text(self.words.sentence(self.random)),
            },
        }
    }
}

impl Tree {
    fn add(&mut self, path: &Path, of: Use) {
        let mut at = self;
        for segment in &path.segments {
            let name = match &segment.selectors[0] {
                Selector::Name(name) => Some(name.clone()),
                _ => None,
            };
            at = at.below.entry(name).or_default();
        }
        if at.of.is_none_or(|before| before == Use::Other) {
            at.of = Some(of);
        }
    }
}

fn places(kind: &Kind) -> Vec<(Path, Use)> {
    let mut places: Vec<(Path, Use)> = Vec::new();
    places.extend(kind.subject.iter().map(|path| (path.clone(), Use::Person)));
    places.extend(kind.id.iter().map(|path| (path.clone(), Use::Id)));
    places.extend(kind.date.iter().map(|path| (path.clone(), Use::Day)));
    for code in &kind.codes {
        places.push((code.at.clone(), Use::Code));
        places.extend(code.system_at.iter().map(|path| (path.clone(), Use::System)));
    }
    places.extend(kind.episode.iter().flatten().map(|path| (path.clone(), Use::Link)));
    places.extend(kind.evidence.iter().map(|path| (path.clone(), Use::Link)));
    places.extend(kind.fields.iter().map(|field| (field.at.clone(), Use::Other)));
    places.extend(kind.members.iter().map(|path| (path.clone(), Use::Other)));
    places
}

/// The member under which the records of a place stand.
fn name_of(place: &Place) -> String {
    match &place.cut.segments[0].selectors[0] {
        Selector::Name(name) => name.clone(),
        other => panic!("a place that begins with {other:?}"),
    }
}
