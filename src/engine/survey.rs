//! What stands in a body and is named nowhere: kinds, members, code systems. For `check
//! --samples`: an operator holds bodies of their API against the policies before the policies
//! hide what nobody named. Names only, never values.

use super::codes::CodeBook;
use super::document::read::Document;
use super::document::scan::ParseError;
use super::document::tape::{Kind as Json, NodeId, Tape};
use super::document::text;
use super::selectors::automaton::{Child, State};
use super::set::PolicySet;
use super::shapes::meant::{KindOf, Mark, Shape, flag};
use super::sites::{Sites, What};
use super::walk::Walk;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What was met and not named, with how often. Names are those of keys, kinds and systems.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Records met.
    pub records: u64,
    /// Kinds that the shape does not name: `fhir-r4 Contract`.
    pub kinds: BTreeMap<String, u64>,
    /// Members and extensions of records that the shape does not name: `family-account claim
    /// $.lines[*].cost`.
    pub members: BTreeMap<String, u64>,
    /// Code systems that no row of `systems.csv` declares.
    pub systems: BTreeMap<String, u64>,
}

impl Survey {
    /// Adds that of another body.
    pub fn add(&mut self, other: Survey) {
        self.records = self.records.saturating_add(other.records);
        for (all, more) in [
            (&mut self.kinds, other.kinds),
            (&mut self.members, other.members),
            (&mut self.systems, other.systems),
        ] {
            for (name, count) in more {
                let sum = all.entry(name).or_default();
                *sum = sum.saturating_add(count);
            }
        }
    }

    fn unnamed(&self) -> usize {
        self.kinds.len().saturating_add(self.members.len())
    }
}

impl PolicySet {
    /// Surveys one document: what says its `resourceType` by the FHIR shapes, all else by the
    /// others, and of these by the one that finds the most records in it. Of several ways to read
    /// it as one record the one counts that leaves the least unnamed.
    pub fn survey(&self, body: &[u8], depth: usize) -> Result<Survey, ParseError> {
        let mut best = Survey::default();
        for shape in &self.shapes {
            let mut tape = Tape::default();
            let json = shape.memories.lend().parse(body, depth, shape, &mut tape)?;
            let doc = Document { json, tape: &tape };
            let look = Look { shape, codes: &self.codes, doc };
            if doc.member_named(NodeId(0), "resourceType").is_some() != shape.fhir {
                continue;
            }
            let found = look.body();
            if found.records > best.records
                || (found.records == best.records && found.unnamed() < best.unnamed())
            {
                best = found;
            }
        }
        Ok(best)
    }
}

/// Places that are not named, and whether each is an extension: these go by their URL.
type Unnamed = BTreeMap<NodeId, bool>;

struct Look<'a> {
    shape: &'a Shape,
    codes: &'a CodeBook,
    doc: Document<'a>,
}

impl Look<'_> {
    fn body(&self) -> Survey {
        let root = NodeId(0);
        let mut cuts = Vec::new();
        self.cuts(root, self.shape.body, &mut cuts);
        if !cuts.is_empty() {
            return self.records(cuts);
        }
        let wholes: BTreeSet<usize> =
            self.shape.routes.iter().filter_map(|route| route.whole).collect();
        let surveys = wholes.into_iter().map(|spec| self.records(vec![(root, spec)]));
        surveys.filter(|found| found.records > 0).min_by_key(Survey::unnamed).unwrap_or_default()
    }

    /// The cut elements of the records of a body, each with its spec.
    fn cuts(&self, id: NodeId, state: State, found: &mut Vec<(NodeId, usize)>) {
        let facts = self.shape.facts(state);
        if facts.flags & flag::CUT != 0 {
            let spec = self.shape.marks(facts).iter().find_map(|mark| spec_of(*mark));
            found.extend(spec.map(|spec| (id, spec)));
            return;
        }
        let Some(node) = self.doc.get(id) else { return };
        let array = node.kind == Json::Array;
        for (index, (child, inner)) in self.doc.children(id).enumerate() {
            let step = Child { node: child, key: inner.key, index: array.then_some(index) };
            let next = self.shape.automaton.step(state, step, self.doc);
            self.cuts(child, next, found);
        }
    }

    /// Surveys records and those inside them.
    fn records(&self, mut queue: Vec<(NodeId, usize)>) -> Survey {
        let mut survey = Survey::default();
        while let Some((cut, spec)) = queue.pop() {
            let Some((root, kind, name)) = self.told(cut, spec) else { continue };
            survey.records = survey.records.saturating_add(1);
            if kind == usize::MAX {
                count(&mut survey.kinds, format!("{} {name}", self.shape.name));
                continue;
            }
            let starts = self.shape.specs.get(spec).map(|spec| spec.starts.as_slice());
            let mut memory = self.shape.memories.lend();
            let mut walk =
                Walk::new(self.doc, self.shape, self.codes, Sites::default(), &mut memory);
            walk.record(root, kind, starts.unwrap_or_default());
            for site in &walk.sites.others {
                if let What::Nested(spec) = site.what {
                    queue.push((site.node, usize::from(spec)));
                }
            }
            self.systems(&walk.sites, &mut survey);
            let sites = walk.sites.others.iter();
            let unnamed: Unnamed = sites
                .filter(|site| matches!(site.what, What::Unknown | What::Extension))
                .map(|site| (site.node, site.what == What::Extension))
                .collect();
            let place = format!("{} {name} $", self.shape.name);
            self.members(root, &place, &unnamed, &mut survey);
        }
        survey
    }

    /// The record in a cut element, its kind by number and by name.
    fn told(&self, cut: NodeId, spec: usize) -> Option<(NodeId, usize, String)> {
        let spec = self.shape.specs.get(spec)?;
        let root = self.doc.at_keys(cut, &spec.record)?;
        if self.doc.get(root)?.kind != Json::Object {
            return None;
        }
        match &spec.kind {
            KindOf::Always(kind) => Some((root, *kind, self.shape.kind(*kind).name.clone())),
            KindOf::Told(keys) => {
                let name = self.doc.text(self.doc.at_keys(root, keys)?)?.into_owned();
                Some((root, self.shape.kind_number(&name).unwrap_or(usize::MAX), name))
            }
        }
    }

    /// The systems of the codes of a record.
    fn systems(&self, sites: &Sites, survey: &mut Survey) {
        let codes =
            sites.codes.iter().filter_map(|code| self.doc.member_named(code.node, "system"));
        let told = sites.others.iter().filter(|site| matches!(site.what, What::SystemAt(_)));
        for place in codes.chain(told.map(|site| site.node)) {
            let system = self.doc.text(place).filter(|system| !self.codes.knows_system(system));
            if let Some(system) = system {
                count(&mut survey.systems, system.into_owned());
            }
        }
    }

    /// The places of the unnamed members below a place, `[*]` for every index.
    fn members(&self, at: NodeId, place: &str, unnamed: &Unnamed, survey: &mut Survey) {
        for (child, node) in self.doc.children(at) {
            let place = if node.is_element {
                format!("{place}[*]")
            } else {
                named(place, &text::key_of(self.doc.json, node))
            };
            match unnamed.get(&child) {
                None => self.members(child, &place, unnamed, survey),
                Some(false) => count(&mut survey.members, place),
                Some(true) => {
                    let url =
                        self.doc.member_named(child, "url").and_then(|url| self.doc.text(url));
                    let url = url.unwrap_or(Cow::Borrowed("without a url"));
                    count(&mut survey.members, format!("{place} {url}"));
                }
            }
        }
    }
}

fn spec_of(mark: Mark) -> Option<usize> {
    if let Mark::Cut(spec) = mark { Some(usize::from(spec)) } else { None }
}

/// A member's place in the notation of the shapes: `.name`, or `['other name']`.
fn named(place: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !key.starts_with(|letter: char| letter.is_ascii_digit());
    if plain { format!("{place}.{key}") } else { format!("{place}['{key}']") }
}

fn count(all: &mut BTreeMap<String, u64>, name: String) {
    let sum = all.entry(name).or_default();
    *sum = sum.saturating_add(1);
}
