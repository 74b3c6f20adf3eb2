//! Look-ups: what a verdict needs and a body does not hold. The engine says what it wants
//! ([`LookUp`]), the caller asks the upstream, and an answer is reduced to [`Looked`]: facts that
//! are the same whoever reads, so that they may be shared and kept.
//!
//! What is looked up counts as if it stood in the body, and never leaves. A record's look-ups
//! follow its own links and those of its event; a chain that ends out of sight
//! (a link with no answer, or too many, or too far) makes the record `unclassified`, since what
//! stands there could be the very thing that tells. TWO-WORLDS: all these limits but
//! [`PER_BODY_MAX`] count what one record needs, so that a hidden one takes nothing from another.

mod kept;
mod nobody;

pub use kept::{Kept, NothingKept};
pub(crate) use nobody::Nobody;

use super::body::{self, Terms};
use super::codes::Hits;
use super::company::{Company, Reading};
use super::document::read::Document;
use super::document::tape::Tape;
use super::is_expected;
use super::request::{Plan, target, types};
use super::set::PolicySet;
use super::shapes::meant::{By, CompanySearch, Route, Segment, Shape};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most links from a record to what is looked up for it. A claim leads to its visit, the visit to
/// the appointment, the appointment to the order: beyond, it is another story.
pub const STEPS_MAX: u8 = 3;

/// Most look-ups for one record. A long hospital claim names some dozen procedures and diagnoses.
pub const PER_RECORD_MAX: usize = 64;

/// Most records that share an event with one, found for it: those of a long stay in a hospital.
/// One with more is hidden from others.
pub const COMPANY_MAX: usize = 2048;

/// Most look-ups for one body, or for what came of a stream since its last flush: eight for each
/// of the records that a full `hold` has in practice.
pub const PER_BODY_MAX: usize = 8192;

/// What was looked up for one body so far; `None` is out of sight.
pub(crate) type Known = BTreeMap<String, Option<Arc<Found>>>;

/// What a body may have looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    /// The number of the shape in its set.
    pub(crate) shape: usize,
    /// What is known.
    pub(crate) known: &'a Known,
    /// What is kept, and what was taken of it: a verdict is not to change with what is forgotten.
    pub(crate) kept: &'a dyn Kept,
    pub(crate) taken: &'a RefCell<Known>,
    /// Whether more may be asked.
    pub(crate) may_ask: bool,
}

/// Whether the head of an answer to such a plan lets its body be read.
pub fn takes(policy: &PolicySet, plan: &Plan, status: u16, content_types: &[&str]) -> bool {
    let (shape, route) = plan.route;
    let Some(shape) = policy.shapes.get(shape) else { return false };
    let Some(route) = shape.routes.get(route) else { return false };
    status == 200 && matches!(content_types, [one] if is_expected(one, shape.fhir, route.body))
}

/// Records of one page of a search for company: about a megabyte of bills.
const COMPANY_PAGE_RECORDS: &str = "100";

/// Room for what follows the base of a shape in most targets, bytes.
const WAY_BYTES: usize = 80;

/// What is to be looked up.
#[derive(Clone, Debug)]
pub struct LookUp {
    plan: Plan,
    target: String,
    /// What the one record is called; `None` of a search for company.
    name: Option<String>,
}

/// Where the record that a link names is asked for.
#[derive(Debug)]
pub(crate) struct Way<'t> {
    target: String,
    /// By number in its shape.
    route: usize,
    kind: Option<usize>,
    id: &'t str,
}

impl<'t> Way<'t> {
    /// Made from the shape's template and an id, or nothing: whatever else stands in a reference
    /// never becomes part of a request. `gets` are the numbers of the templates.
    pub(crate) fn of(
        shape: &Shape,
        kind: usize,
        gets: &[u8],
        text: &'t str,
        public_url: Option<&str>,
    ) -> Option<Way<'t>> {
        let (wanted, id) = if shape.fhir {
            let (kind, id) = fhir_id(text, shape, public_url)?;
            (Some(shape.kind_number(kind)?), id)
        } else {
            (None, Some(text).filter(|text| is_house_id(text))?)
        };
        let kind_name = wanted.map(|wanted| shape.kind(wanted).name.as_str());
        let of_kind = shape.kind(kind).gets.iter().enumerate();
        let mut fitting = of_kind.filter(|(at, get)| {
            gets.iter().any(|number| usize::from(*number) == *at)
                && (get.kind.is_none() || get.kind == wanted)
        });
        let (_, get) = fitting.next()?;
        let mut target = String::with_capacity(shape.base.len().saturating_add(WAY_BYTES));
        target.push_str(&shape.base);
        for segment in &get.segments {
            target.push('/');
            target.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Capture(name) if name == "type" => kind_name?,
                Segment::Capture(_) => id,
            });
        }
        Some(Way { target, route: get.route, kind: wanted, id })
    }

    /// See [`LookUp::target`].
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// What is asked there.
    pub(crate) fn look_up(&self, (number, shape): (usize, &Shape)) -> Option<LookUp> {
        let plan = plan((number, self.route), shape, self.target.clone(), self.kind)?;
        let kind = self.kind.map(|kind| shape.kind(kind).name.as_str());
        let name = kind.map_or_else(|| self.id.to_owned(), |kind| format!("{kind}/{}", self.id));
        Some(LookUp { plan, target: self.target.clone(), name: Some(name) })
    }
}

impl LookUp {
    /// Where the company of a person is searched for, by a name of theirs or of their contract.
    /// Nothing if that is no name that may stand in a request.
    pub(crate) fn company_target(
        shape: &Shape,
        search: &CompanySearch,
        name: &str,
    ) -> Option<String> {
        let id = match search.by {
            By::Subject if shape.fhir => name.strip_prefix("Patient/").filter(|id| is_fhir_id(id)),
            By::Subject | By::Contract => Some(name).filter(|name| is_house_id(name)),
        }?;
        let mut target = shape.base.clone();
        for segment in &search.segments {
            target.push('/');
            target.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Capture(_) => id,
            });
        }
        if let Some(parameter) = &search.parameter {
            target.push('?');
            target.push_str(parameter);
            target.push_str(name);
        }
        Some(target)
    }

    /// A search for company at such a target.
    pub(crate) fn company(
        (number, shape): (usize, &Shape),
        search: &CompanySearch,
        target: String,
    ) -> Option<LookUp> {
        let plan = plan((number, search.route), shape, target.clone(), None)?;
        let Route { paging, .. } = shape.routes.get(search.route)?;
        let size = paging.as_ref().and_then(|paging| paging.size.as_deref());
        let plan = match size {
            Some(size) => plan.with(size, COMPANY_PAGE_RECORDS),
            None => plan,
        };
        Some(LookUp { plan, target, name: None })
    }

    /// What to ask the upstream.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// A name for it within a policy set: where it is asked for, without the size of a page.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// How a search for company is read, page by page; `None` if this is for one record.
    pub fn company_reading(&self) -> Option<Reading> {
        self.name.is_none().then(|| Reading::new(self.clone()))
    }

    /// The facts of an answer that is one record; nothing if it cannot be read, or is another
    /// record than the one that was asked for.
    pub fn read(&self, policy: &PolicySet, depth: usize, bytes: &[u8]) -> Option<Found> {
        let shape = policy.shapes.get(self.plan.route.0)?;
        let (mut tape, mut memory) = (Tape::default(), shape.memories.lend());
        let json = memory.parse(bytes, depth, shape, &mut tape).ok()?;
        let terms = Terms::of_nobody(policy, shape, shape.routes.get(self.plan.route.1)?, &Nobody);
        let name = self.name.as_deref()?;
        body::reduce(terms, Document { json, tape: &tape }, &mut memory, name)
            .map(|looked| Found::Record(Arc::new(looked)))
    }
}

fn plan(route: (usize, usize), shape: &Shape, target: String, kind: Option<usize>) -> Option<Plan> {
    let of = shape.routes.get(route.1)?;
    let (accept, content_type) = types(shape.fhir, of.body);
    Some(Plan {
        method: "GET",
        target,
        form: None,
        accept,
        page: None,
        self_only: false,
        template: of.template.clone(),
        stream: false,
        head: false,
        content_type,
        errors: shape.errors,
        route,
        asked_kind: kind,
    })
}

/// What came of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The one record.
    Record(Arc<Looked>),
    /// All that a search for company found.
    Company(Company),
    /// What all searches for the company of somebody found, by target; those that found nothing
    /// left out.
    Companies(Vec<(String, Arc<Found>)>),
}

impl Found {
    /// About how much memory it takes, bytes.
    pub fn bytes(&self) -> usize {
        match self {
            Found::Record(looked) => looked.bytes(),
            Found::Company(company) => company.bytes(),
            Found::Companies(all) => all.iter().map(|(at, found)| at.len() + found.bytes()).sum(),
        }
    }
}

/// Type and id of a reference of ours, without version: relative, or at our own address. One at
/// another's names a record that is not here.
pub(crate) fn fhir_id<'t>(
    text: &'t str,
    shape: &Shape,
    public_url: Option<&str>,
) -> Option<(&'t str, &'t str)> {
    let below = |url: &str| text.strip_prefix(url)?.strip_prefix(shape.base.as_str());
    let relative = match public_url.and_then(below) {
        Some(rest) => rest.strip_prefix('/')?,
        None => text,
    };
    let mut parts = relative.split('/');
    let (kind, id) = (parts.next()?, parts.next()?);
    let version = match (parts.next(), parts.next(), parts.next()) {
        (None, None, None) => None,
        (Some("_history"), Some(version), None) => Some(version),
        _ => return None,
    };
    let all_ids = is_fhir_id(id) && version.is_none_or(is_fhir_id);
    all_ids.then_some((kind, id))
}

/// FHIR R4 `id`: `[A-Za-z0-9\-\.]{1,64}`; dots alone would be a step in a path.
pub(crate) fn is_fhir_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
        && id.bytes().any(|byte| byte != b'.')
}

/// What may stand as one segment of a path, and is nothing but a name there.
fn is_house_id(id: &str) -> bool {
    target::is_id(id)
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.bytes().any(|byte| byte != b'.')
}

/// What is known of a record that was looked up: nothing of it depends on who reads, nothing of
/// it can leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Its kind, by number in its shape.
    pub(crate) kind: usize,
    /// What it is called: `Type/id`, or the id of a house record.
    pub(crate) name: String,
    /// Whom it names as its subjects.
    pub(crate) subjects: Vec<Subject>,
    /// Its own categories.
    pub(crate) own: Hits,
    /// Whether a code in a clinical place of it is known.
    pub(crate) knows_codes: bool,
    /// Where it leads.
    pub(crate) links: Vec<Link>,
    /// The parts of its tuples: tuple, part, value.
    pub(crate) parts: Vec<(u8, u8, Piece)>,
}

impl Looked {
    /// About how much memory it takes, bytes.
    pub fn bytes(&self) -> usize {
        let subjects = self.subjects.iter().map(|subject| {
            let texts = [&subject.reference, &subject.identifier];
            texts.into_iter().flatten().map(String::len).sum::<usize>() + size_of::<Subject>()
        });
        let links = self.links.iter().map(|link| {
            let text = if let Said::Text(text) = &link.said { text.len() } else { 0 };
            text + link.gets.len() + size_of::<Link>()
        });
        let parts = self.parts.iter().map(|(_, _, piece)| {
            let (Piece::Named(text) | Piece::Value(text)) = piece;
            text.len() + size_of::<(u8, u8, Piece)>()
        });
        let all = subjects.chain(links).chain(parts);
        all.sum::<usize>() + self.name.len() + size_of::<Looked>()
    }
}

/// A part of a tuple as a record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The text of a reference.
    Named(String),
    /// A value; of a date-time the day.
    Value(String),
}

/// One subject as a record names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// A reference, or an id.
    pub(crate) reference: Option<String>,
    /// The value of an identifier beside it.
    pub(crate) identifier: Option<String>,
}

/// A link of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Whether it puts the record into an event.
    pub(crate) episode: bool,
    /// Whether the record takes the target's categories.
    pub(crate) evidence: bool,
    /// Whether it can only be to a provider.
    pub(crate) providers: bool,
    /// What it says.
    pub(crate) said: Said,
    /// How it is looked up, by number in its kind's `gets`.
    pub(crate) gets: Vec<u8>,
}

/// What stands at a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// Something that is no link.
    Unreadable,
    /// An identifier alone.
    Unnamed,
    /// The text of a reference, or an id.
    Text(String),
}

#[cfg(test)]
mod tests;
