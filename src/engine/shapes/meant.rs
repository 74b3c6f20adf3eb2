//! Shapes as meant: compiled, cross-checked, ready to be walked.

pub use super::companies::{By, CompanySearch};
pub use super::gets::Get;
use super::keys::Keys;
pub use super::owners::Owner;
pub use super::paging::{Follow, Paging};
use super::written::{Body, Errors};
use crate::engine::category::Category;
use crate::engine::document::tape::Vocabulary;
use crate::engine::lending::Lending;
use crate::engine::memory::Memory;
use crate::engine::selectors::automaton::{Automaton, State};
use crate::engine::sites::Sites;
use crate::engine::told::Told;

/// One API.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// What all its paths begin with, e.g. `/api/v1`.
    pub base: String,
    /// Whether FHIR's own rules hold.
    pub fhir: bool,
    /// The form of our error bodies.
    pub errors: Errors,
    /// Whether an array (in FHIR also an object) of which all is cut goes with its member.
    pub omit: bool,
    /// Its routes.
    pub routes: Vec<Route>,
    /// Parameters any reader may send, sorted.
    pub open: Vec<String>,
    /// Parameters only in a request pinned to the reader, sorted.
    pub self_only: Vec<String>,
    /// Parameters any reader may send in a search for a public kind, sorted.
    pub public: Vec<String>,
    /// Parameters that pin, sorted.
    pub pinned_by: Vec<String>,
    /// FHIR: search parameters by which any reader may include, sorted.
    pub include: Vec<String>,
    /// Names from the root of a body to each array of records at the top.
    pub lists: Vec<Vec<String>>,
    /// The searches that find what may share an event with a record.
    pub company: Vec<CompanySearch>,
    /// Kinds by name, sorted.
    pub kinds: Vec<Kind>,
    /// Their names in that order.
    pub kind_names: Vocabulary,
    /// Where records may stand, flat; [`Spec::nested`] says which stand inside which.
    pub specs: Vec<Spec>,
    /// The state at the root of a body.
    pub body: State,
    /// Extension URLs that may leave to others, sorted.
    pub extensions: Vec<String>,
    /// Every key anything here asks for.
    pub vocabulary: Vocabulary,
    /// Numbers of the keys that code asks for.
    pub keys: Keys,
    /// Per key number: what a member of that key tells; see [`tell`].
    pub tells: Vec<u16>,
    /// All selectors and elements in one.
    pub automaton: Automaton,
    /// What each state of the automaton means.
    pub facts: Vec<StateFacts>,
    /// Marks of all states, flat.
    pub marks: Vec<Mark>,
    /// Lists for what a walk notes.
    pub(crate) sites: Lending<Sites>,
    /// What is remembered of its bodies.
    pub(crate) memories: Lending<Memory>,
    /// What codes and words of its records said.
    pub(crate) told: Lending<Told>,
    /// The elements' types, to step from a resource found inside another.
    pub unknown_kind: Kind,
}

/// One route and method.
#[derive(Clone, Debug)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Segments below the base.
    pub segments: Vec<Segment>,
    /// Method and template as the audit names them.
    pub template: String,
    /// What the body is.
    pub body: Body,
    /// Record by record.
    pub stream: bool,
    /// The spec of the one record that the whole body is.
    pub whole: Option<usize>,
    /// Of a POST, the segments of the GET that asks the same; else its own.
    pub get: Vec<Segment>,
    /// How it pages, if it does.
    pub paging: Option<Paging>,
    /// Whether the path names one thing: nothing released is then a 404.
    pub by_id: bool,
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// As written.
    Literal(String),
    /// A name in braces.
    Capture(String),
}

/// Where records stand.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The keys that lead from the cut element to the record, as numbers of the vocabulary.
    pub record: Vec<u16>,
    /// Which kind.
    pub kind: KindOf,
    /// Specs inside its records.
    pub nested: Vec<usize>,
    /// The state at the root of a record of each kind, by kind number; the last is for a kind
    /// that the shape does not name.
    pub starts: Vec<State>,
}

/// How a record's kind is told.
#[derive(Clone, Debug)]
pub enum KindOf {
    /// Always this one.
    Always(usize),
    /// By the string at these keys inside the record.
    Told(Vec<u16>),
}

/// One kind of record.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, none excludes another"
)]
#[derive(Clone, Debug, Default)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// Whether a `subject:` is declared.
    pub has_subject: bool,
    /// Whether the record itself is the subject (`subject: $`): a Patient.
    pub is_person: bool,
    /// Whether a record of it may be about those whose records it targets.
    pub has_targets: bool,
    /// Parts of each tuple of `episode:`.
    pub tuples: Vec<u8>,
    /// Those parts that name its subject: tuple, part.
    pub subject_parts: Vec<(u8, u8)>,
    /// Systems of `codes:` by number, where one is fixed.
    pub code_systems: Vec<Option<String>>,
    /// Whether it declares `clinical:` or `codes:`; else FHIR's clinical element names are taken.
    pub names_clinical: bool,
    /// `needs: codes`.
    pub needs_codes: bool,
    /// `belongs: public`.
    pub public: bool,
    /// `belongs: attached`.
    pub attached: bool,
    /// Whether it joins events.
    pub joins: bool,
    /// How its `resolve:` links are looked up, by number.
    pub gets: Vec<Get>,
    /// How those that it belongs to are found, where it is read by its id.
    pub owner: Option<Owner>,
}

/// A place with a category of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its category.
    pub category: Category,
    /// About everyone on the contract.
    pub about_contract: bool,
}

/// What a place bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A record's cut element, by spec.
    Cut(u16),
    /// May leave to every reader, with what is below it.
    Envelope,
    /// The record's id.
    Id,
    /// Whose it is.
    Subject,
    /// When; the lowest number that is there counts.
    Date(u8),
    /// An episode link.
    Episode,
    /// A part of a tuple: tuple, part.
    Tuple(u8, u8),
    /// An evidence link.
    Evidence,
    /// A code of `codes:`, by number.
    Code(u8),
    /// The system of a code of `codes:`, by number.
    SystemAt(u8),
    /// A record it speaks of.
    Target,
    /// A record that belongs to it.
    Owns,
    /// A link that may be looked up, by number in [`Kind::gets`].
    Resolve(u8),
    /// A place of `fields:`.
    Field(Field),
    /// Clinical, with what is below it.
    Clinical,
    /// Named by the shape: may leave to others, with what is below it.
    Named,
    /// Named by the shape for another purpose: may leave to others, and is not read for words.
    Told,
    /// An element of a dialect, with these [`StateFacts`] flags.
    Element(u32),
}

/// What a state means, worked out once.
#[derive(Clone, Copy, Debug, Default)]
pub struct StateFacts {
    /// See [`flag`].
    pub flags: u32,
    /// Its marks in [`Shape::marks`].
    pub marks: (u32, u32),
}

/// Bits of [`StateFacts::flags`].
pub mod flag {
    /// A `Mark::Named` is here.
    pub const NAMED: u32 = 1;
    /// A `Mark::Named` of `members:`, in which words are looked for. Inherited.
    pub const WORDY: u32 = 1 << 20;
    /// A selector passes through here.
    pub const LEADS: u32 = 1 << 1;
    /// A known element of the dialect.
    pub const ELEMENT: u32 = 1 << 2;
    /// … of a primitive type.
    pub const PRIMITIVE: u32 = 1 << 3;
    /// … that FHIR demands (min ≥ 1).
    pub const REQUIRED: u32 = 1 << 4;
    /// … whose text is human words.
    pub const WORDS: u32 = 1 << 5;
    /// … whose text is prose: what is found reaches the record only. Inherited.
    pub const PROSE: u32 = 1 << 6;
    /// … in which no words are looked for (names, addresses). Inherited.
    pub const QUIET: u32 = 1 << 7;
    /// … that holds a resource.
    pub const RESOURCE: u32 = 1 << 8;
    /// … a Reference whose every target is public: a link to a provider.
    pub const PROVIDERS: u32 = 1 << 9;
    /// … an Extension.
    pub const EXTENSION: u32 = 1 << 10;
    /// … a Coding.
    pub const CODING: u32 = 1 << 11;
    /// … cut from every record of others: narrative, labels, versions.
    pub const HOUSEKEEPING: u32 = 1 << 12;
    /// … markup.
    pub const MARKUP: u32 = 1 << 13;
    /// A `Mark::Clinical` is here.
    pub const CLINICAL: u32 = 1 << 14;
    /// A mark that is neither `Named`, `Clinical` nor `Element` is here.
    pub const MARKED: u32 = 1 << 15;
    /// A `Mark::Cut` is here.
    pub const CUT: u32 = 1 << 16;
    /// A `Mark::Envelope` is here.
    pub const ENVELOPE: u32 = 1 << 17;
    /// … an Attachment.
    pub const ATTACHMENT: u32 = 1 << 18;
    /// … a Reference.
    pub const REFERENCE: u32 = 1 << 19;
    /// Of a dialect without types: what tells of the record stands below, and nowhere else.
    pub const TELLS_BELOW: u32 = 1 << 21;
    /// … and it is whose the record is, or a note that is nobody's to read.
    pub const BARS_BELOW: u32 = 1 << 22;
}

/// Bits of [`Shape::tells`].
pub mod tell {
    use super::Vocabulary;

    /// `code`
    pub const CODE: u16 = 1;
    /// `system`
    pub const SYSTEM: u16 = 1 << 1;
    /// `value`
    pub const VALUE: u16 = 1 << 2;
    /// `reference`
    pub const REFERENCE: u16 = 1 << 3;
    /// `data`
    pub const DATA: u16 = 1 << 4;
    /// Those by which an object is known for a code, a Reference, an Attachment.
    pub const SEEN: u16 = CODE | SYSTEM | VALUE | REFERENCE | DATA;
    /// `coding`
    pub const CODING: u16 = 1 << 8;
    /// A clinical element of FHIR by its name, for kinds that declare none.
    pub const CLINICAL: u16 = 1 << 9;
    /// Human words by its name.
    pub const WORDS: u16 = 1 << 10;
    /// Human words by its name in FHIR, where the element is not known.
    pub const FHIR_WORDS: u16 = 1 << 11;
    /// Markup by its name.
    pub const MARKUP: u16 = 1 << 12;
    /// `resourceType`, `id`
    pub const WHAT_IT_IS: u16 = 1 << 13;
    /// The name of a subject in some kind.
    pub const SUBJECT: u16 = 1 << 14;

    const NAMES: [(u16, &[&str]); 11] = [
        (CODE, &["code"]),
        (SYSTEM, &["system"]),
        (VALUE, &["value"]),
        (REFERENCE, &["reference"]),
        (DATA, &["data"]),
        (CODING, &["coding"]),
        (
            CLINICAL,
            &[
                "category",
                "code",
                "diagnosis",
                "medicationCodeableConcept",
                "medicationReference",
                "procedure",
                "productOrService",
                "reasonCode",
                "revenue",
                "specialty",
                "type",
            ],
        ),
        (WORDS, &["display", "text", "title", "description"]),
        (FHIR_WORDS, &["div", "valueString", "valueMarkdown"]),
        (MARKUP, &["div"]),
        (WHAT_IT_IS, &["resourceType", "id"]),
    ];

    /// The names, for the vocabulary.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().flat_map(|(_, names)| names.iter().copied())
    }

    /// What each key of a vocabulary tells, by its number.
    pub(crate) fn of(vocabulary: &Vocabulary) -> Vec<u16> {
        let mut tells = vec![0; vocabulary.len().saturating_add(1)];
        for (bit, names) in NAMES {
            for name in names {
                let number = usize::from(vocabulary.number(name));
                if let (1.., Some(slot)) = (number, tells.get_mut(number)) {
                    *slot |= bit;
                }
            }
        }
        tells
    }
}

impl Shape {
    /// The number of a kind.
    pub fn kind_number(&self, name: &str) -> Option<usize> {
        usize::from(self.kind_names.number(name)).checked_sub(1)
    }

    /// A kind by number; a number out of range is the kind that the shape does not name.
    pub fn kind(&self, number: usize) -> &Kind {
        self.kinds.get(number).unwrap_or(&self.unknown_kind)
    }

    /// What a state means.
    #[inline]
    pub fn facts(&self, state: State) -> StateFacts {
        let at = usize::try_from(state).unwrap_or(usize::MAX);
        self.facts.get(at).copied().unwrap_or_default()
    }

    /// Its marks.
    #[inline]
    pub fn marks(&self, facts: StateFacts) -> &[Mark] {
        let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        self.marks.get(at(facts.marks.0)..at(facts.marks.1)).unwrap_or_default()
    }
}
