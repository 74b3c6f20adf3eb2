//! What each link of a body points at, read once: who is meant, and which records in sight.

use super::Body;
use crate::engine::document::ahead::Ahead;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::facts::PersonId;
use crate::engine::names::{self, Target, target};
use crate::engine::sites::{NOWHERE, Site, What};
use std::borrow::Cow;
use std::ops::Range;

/// The last link of each hash: those of a body have a few texts over and over.
type Known = [u32; KNOWN];

/// A power of two.
const KNOWN: usize = 128;

/// A link as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Points {
    /// `null`.
    Nothing,
    /// Nothing that could lead anywhere.
    Empty,
    /// A Reference by an `identifier` that has no value.
    Unidentified,
    /// A Reference by `identifier`.
    Identified,
    /// What is no link; whether it has an `identifier`.
    Broken(bool),
    /// `#id`: inside the record.
    Inside,
    /// `Type?search`.
    Searched(Kinship),
    /// A text that names nothing.
    Unreadable,
    /// A name, and the type it tells.
    Named(Option<Kinship>),
    /// A value of a dialect without references.
    Value,
}

/// What the type in a reference says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinship {
    /// The kind, if the shape names it.
    pub(super) kind: Option<usize>,
    pub(super) public: bool,
    who: Who,
}

/// Types by which a link may name somebody, or ties nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Patient,
    RelatedPerson,
    Person,
    Coverage,
    /// Every other type.
    Thing,
}

impl Kinship {
    pub(super) fn is_patient(self) -> bool {
        self.who == Who::Patient
    }

    pub(super) fn is_coverage(self) -> bool {
        self.who == Who::Coverage
    }

    /// Whether a link to one is never out of sight: who is meant is known, and it ties nothing.
    pub(super) fn is_known(self) -> bool {
        matches!(self.who, Who::Coverage | Who::Patient | Who::RelatedPerson)
    }
}

impl Points {
    /// Whether somebody can be meant.
    pub(super) fn may_be_person(self) -> bool {
        match self {
            Points::Named(kinship) => kinship.is_none_or(|kinship| {
                matches!(kinship.who, Who::Patient | Who::RelatedPerson | Who::Person)
            }),
            Points::Unreadable | Points::Value => true,
            _ => false,
        }
    }
}

/// A link, read.
#[derive(Clone, Debug)]
pub(super) struct Link<'a> {
    /// As written; empty if there is none.
    text: Cow<'a, str>,
    pub(super) points: Points,
    /// Who is meant by its text.
    pub(super) who: Option<PersonId>,
    bearers: Range<usize>,
    /// Where in the text its name stands; see [`Link::name`].
    name: Range<usize>,
}

impl Link<'_> {
    /// Whether it has a text, which then says who is meant.
    pub(super) fn has_text(&self) -> bool {
        use Points::{Inside, Named, Searched, Unreadable, Value};
        matches!(self.points, Inside | Searched(_) | Unreadable | Named(_) | Value)
    }

    /// As written; empty if there is none.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What it names, as records are called; the text itself if that is no name.
    pub(super) fn name(&self) -> &str {
        self.text.get(self.name.clone()).unwrap_or(&self.text)
    }
}

/// What a reference names, as records are called; the text itself if it names none.
pub(super) fn name_in(text: &str) -> &str {
    name_of(text, Some(target(text)))
}

fn name_of<'t>(text: &'t str, meant: Option<Target<'t>>) -> &'t str {
    if let Some(Target::Named { name, .. }) = meant { name } else { text }
}

impl<'a> Body<'a> {
    /// Reads every link of every record; each is asked for by several steps.
    pub(super) fn read_links(&mut self) {
        let mut sites = std::mem::take(&mut self.sites.others);
        let (mut known, mut read, mut ahead) =
            ([NOWHERE; KNOWN], Vec::new(), Ahead::texts(self.doc));
        for record in 0..self.records.len() {
            let numbers = self.site_numbers(record);
            let link = |site: &Site| site.what.is_link().then_some(site.node);
            ahead.look(&sites, numbers.start, link);
            let of_record = sites.get_mut(numbers).unwrap_or_default();
            self.read_links_of(of_record, &mut known, &mut read);
        }
        self.sites.others = sites;
    }

    /// The same of one record. A place may be several links, noted apart. Most come in document
    /// order: those are found again in `read`, and one that is not is read twice.
    fn read_links_of(
        &mut self,
        sites: &mut [Site],
        known: &mut Known,
        read: &mut Vec<(NodeId, u32)>,
    ) {
        read.clear();
        for site in sites.iter_mut().filter(|site| site.what.is_link()) {
            self.has_subjects_inside |= site.what == What::SubjectInside;
            // A part of a tuple may be a plain value.
            let value = || self.doc.get(site.node).is_some_and(|node| node.kind != Json::Object);
            if matches!(site.what, What::Tuple(..)) && value() {
                continue;
            }
            let is_next = read.last().is_none_or(|(last, _)| *last < site.node);
            let found = if is_next {
                Err(read.len())
            } else {
                read.binary_search_by_key(&site.node, |(node, _)| *node)
            };
            site.with = match found {
                Ok(at) => read.get(at).map_or(NOWHERE, |(_, link)| *link),
                Err(at) => {
                    let number = u32::try_from(self.links.len()).unwrap_or(NOWHERE);
                    let link = self.read_link(site.node, known);
                    self.links.push(link);
                    if at == read.len() {
                        read.push((site.node, number));
                    }
                    number
                }
            };
        }
    }

    /// The link at a site.
    pub(super) fn link_at(&self, site: Site) -> Option<&Link<'a>> {
        self.links.get(usize::try_from(site.with).unwrap_or(usize::MAX))
    }

    /// The records in sight that it names.
    pub(super) fn bearers(&self, link: &Link<'_>) -> &[usize] {
        self.names.at(&link.bearers)
    }

    /// The records in sight that the link at a site names.
    pub(super) fn in_sight(&self, site: Site) -> &[usize] {
        self.link_at(site).map_or(&[], |link| self.bearers(link))
    }

    fn read_link(&self, node: NodeId, known: &mut Known) -> Link<'a> {
        let plain = |points| {
            let text = Cow::Borrowed("");
            Link { text, points, who: None, bearers: 0..0, name: 0..0 }
        };
        let keys = &self.terms.shape.keys;
        let text = match self.doc.get(node).map(|node| node.kind) {
            None | Some(Json::Null) => return plain(Points::Nothing),
            Some(Json::Array | Json::True | Json::False) => return plain(Points::Broken(false)),
            Some(Json::String | Json::Number) => match self.doc.scalar(node) {
                Some(text) => text,
                None => return plain(Points::Empty),
            },
            Some(Json::Object) => {
                let reference = self.doc.member(node, keys.reference);
                let identifier = || self.identifier(node);
                match (reference, reference.and_then(|at| self.doc.text(at))) {
                    (_, Some(text)) => text,
                    (Some(_), None) => return plain(Points::Broken(identifier().is_some())),
                    (None, None) => {
                        let Some(identifier) = identifier() else {
                            let member = self.doc.member(node, keys.identifier);
                            return plain(member.map_or(Points::Empty, |_| Points::Unidentified));
                        };
                        let who = self.terms.people.find(&identifier);
                        return Link { who, ..plain(Points::Identified) };
                    }
                }
            }
        };
        // The link that is read now will have the next number.
        let number = u32::try_from(self.links.len()).unwrap_or(NOWHERE);
        let hash = names::hash(&text) >> (u64::BITS - KNOWN.trailing_zeros());
        let slot = known.get_mut(usize::try_from(hash).unwrap_or(0));
        let last = slot.map_or(NOWHERE, |slot| std::mem::replace(slot, number));
        match self.links.get(usize::try_from(last).unwrap_or(usize::MAX)) {
            Some(last) if last.text == text => Link { text, ..last.clone() },
            _ => self.read_text(text),
        }
    }

    fn read_text(&self, text: Cow<'a, str>) -> Link<'a> {
        let meant = self.meant(&text);
        let (points, bearers) = self.points_to(&text, meant);
        let who = if points.may_be_person() { self.person_meant(&text, meant) } else { None };
        let name = name_of(&text, meant);
        // Mostly at the end; before it are bases, after it versions.
        let from = match text.strip_suffix(name) {
            Some(base) => base.len(),
            None => text.find(name).unwrap_or(0),
        };
        let name = from..from.saturating_add(name.len());
        Link { text, points, who, bearers, name }
    }

    pub(super) fn points(&self, text: &str) -> (Points, Range<usize>) {
        self.points_to(text, self.meant(text))
    }

    /// What a reference says it points at; nothing in a dialect without references.
    pub(super) fn meant<'t>(&self, text: &'t str) -> Option<Target<'t>> {
        self.terms.shape.fhir.then(|| target(text))
    }

    fn points_to(&self, text: &str, meant: Option<Target<'_>>) -> (Points, Range<usize>) {
        let Some(meant) = meant else { return (Points::Value, self.names.find(text)) };
        let points = match meant {
            Target::Inside => Points::Inside,
            Target::Searched { kind } => Points::Searched(self.kinship(kind)),
            Target::Unreadable => Points::Unreadable,
            Target::Named { kind, name } => {
                let kinship = kind.map(|kind| self.kinship(kind));
                return (Points::Named(kinship), self.names.find(name));
            }
        };
        (points, 0..0)
    }

    fn kinship(&self, name: &str) -> Kinship {
        let shape = self.terms.shape;
        let kind = shape.kind_number(name);
        Kinship {
            kind,
            public: kind.is_some_and(|kind| shape.kind(kind).public),
            who: match name {
                "Patient" => Who::Patient,
                "RelatedPerson" => Who::RelatedPerson,
                "Person" => Who::Person,
                "Coverage" => Who::Coverage,
                _ => Who::Thing,
            },
        }
    }
}
