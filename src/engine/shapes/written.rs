//! Shapes as users write them (DESIGN 4.3): one struct per mapping, nothing checked beyond types.

use crate::engine::diagnostics::At;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// One file of `policies/shapes/`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shape {
    /// Its name, as in messages and the audit.
    pub shape: At<String>,
    /// What all its routes begin with, e.g. `/api/v1`.
    pub base: At<String>,
    /// What a format defines by itself.
    pub dialect: Option<Dialect>,
    /// What our error bodies look like; `problem` if left out.
    pub errors: Option<Errors>,
    /// What becomes of an array of which all is cut; `keep` if left out.
    pub when_empty: Option<WhenEmpty>,
    /// The routes that are known. Everything else is a 404.
    pub routes: Vec<At<Route>>,
    /// Places outside records that may leave to every reader.
    #[serde(default)]
    pub envelope: Vec<At<String>>,
    /// Query parameters.
    #[serde(default)]
    pub query: Query,
    /// Where records stand in a body.
    #[serde(default)]
    pub records: Vec<Records>,
    /// Searches below `base` that find what may share an event with a record of a person
    /// (`{subject}`), or of everyone on a contract of theirs (`{contract}`): asked for records of
    /// others, where look-ups are done. All records that join events, but those of kinds that the
    /// upstream has none of.
    #[serde(default)]
    pub company: Vec<At<String>>,
    /// The kinds of records.
    pub kinds: BTreeMap<String, At<Kind>>,
    /// Element types of the dialect, by name: element → type. See [`Kind::elements`].
    #[serde(default)]
    pub types: BTreeMap<String, Elements>,
    /// Extension URLs that may leave to others.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Bodies in which every selector must match somewhere, relative to the shape's file.
    #[serde(default)]
    pub samples: Vec<At<String>>,
}

/// What a format defines by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// FHIR R4 JSON.
    Fhir,
}

/// The form of our error bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Errors {
    /// RFC 9457 `application/problem+json`.
    Problem,
    /// A FHIR `OperationOutcome`.
    OperationOutcome,
}

/// What becomes of an array (in FHIR also an object) of which all is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WhenEmpty {
    /// It stays as `[]`.
    Keep,
    /// Its member goes.
    Omit,
}

/// One route: a template per method, and what its bodies are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Route {
    /// Template below `base` for GET and HEAD.
    #[serde(rename = "GET")]
    pub get: Option<At<String>>,
    /// Template below `base` for POST (a search in a form body).
    #[serde(rename = "POST")]
    pub post: Option<At<String>>,
    /// What the body is.
    pub body: Body,
    /// Whole or record by record; `whole` if left out.
    pub judge: Option<Judge>,
    /// The kind of the one record that the whole body is, or each line, or each element of a
    /// streamed array (`body: json` and `ndjson` only).
    pub record: Option<At<String>>,
    /// How the route pages.
    pub paging: Option<At<Paging>>,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// A FHIR search set: an envelope of ours.
    Search,
    /// One FHIR resource.
    Resource,
    /// A FHIR Bundle whose envelope keeps the upstream's bytes.
    Bundle,
    /// Any JSON.
    Json,
    /// JSON lines.
    Ndjson,
}

/// How a body is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Judge {
    /// When it has ended.
    Whole,
    /// Record by record, as it comes: NDJSON, or in a house format an array, `$[*]` or `$.name[*]`.
    Stream,
}

/// How a route pages. Readers always page by a cursor of ours, in the parameter that `cursor`,
/// `offset` or `page` names; which of these it is says how the upstream is asked for more.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Paging {
    /// The parameter that says how many.
    pub size: Option<At<String>>,
    /// The parameter that says from where. The upstream is given what stands at `next`; in
    /// `body: search` it is sent to the link there, and readers page by `_cursor` if left out.
    pub cursor: Option<At<String>>,
    /// The parameter that says how many records to leave out.
    pub offset: Option<At<String>>,
    /// The parameter that says which page.
    pub page: Option<At<String>>,
    /// The number of the first page, for `page`; 1 if left out.
    pub first: Option<At<u32>>,
    /// Where the body tells the next page: names only but in `body: search`. Nothing, `null`,
    /// `false` or an empty text there is the end.
    pub next: Option<At<String>>,
}

/// Query parameters of a shape.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Query {
    /// Any reader may send these.
    #[serde(default)]
    pub open: Vec<String>,
    /// Any reader may send these in a search for a kind that is `belongs: public`: what finds a
    /// provider by address would find a hidden address of a person.
    #[serde(default)]
    pub public: Vec<String>,
    /// Only in a request pinned to the reader.
    #[serde(default)]
    pub self_only: Vec<String>,
    /// Pinned: exactly one value, and it is the reader.
    #[serde(default)]
    pub pinned_by: Vec<String>,
    /// FHIR: search parameters by which `_include` and `_revinclude` may go for any reader; by
    /// others only in a request pinned to the reader.
    #[serde(default)]
    pub include: Vec<String>,
}

/// Where records stand.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Records {
    /// What goes when the record is withheld; relative to the body or the enclosing record.
    pub cut: At<String>,
    /// The record inside it; the same node if left out.
    pub record: Option<At<String>>,
    /// A kind's name, or a selector for it inside the record.
    pub kind: At<String>,
    /// Records inside this one.
    #[serde(default)]
    pub records: Vec<Records>,
}

/// One selector or several.
pub type OneOrMany = At<StringOrList>;

/// An episode link: one selector (a reference or a visit number), or a tuple of the record's own
/// values that together name an event.
pub type EpisodeLink = At<StringOrList>;

/// A string, or a list of them. Read by hand: `untagged` would lose the positions.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum StringOrList {
    /// One.
    One(String),
    /// Several.
    Many(Vec<At<String>>),
}

impl<'de> Deserialize<'de> for StringOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StringOrList, D::Error> {
        deserializer.deserialize_any(StringOrListVisitor)
    }
}

struct StringOrListVisitor;

impl<'de> Visitor<'de> for StringOrListVisitor {
    type Value = StringOrList;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<StringOrList, E> {
        Ok(StringOrList::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<StringOrList, A::Error> {
        let mut many = Vec::new();
        while let Some(item) = items.next_element()? {
            many.push(item);
        }
        Ok(StringOrList::Many(many))
    }
}

/// One kind of record.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Kind {
    /// Its identity in cases and links.
    pub id: Option<At<String>>,
    /// Whose record it is: a Reference or an id; several people may be selected.
    pub subject: Option<OneOrMany>,
    /// The records it speaks of (Provenance, List): where `subject` selects nobody, the subjects
    /// of those of the same body are its own.
    #[serde(default)]
    pub targets: Vec<At<String>>,
    /// When it happened; the first that is there counts.
    pub date: Option<OneOrMany>,
    /// Codes that the dialect does not know by itself.
    #[serde(default)]
    pub codes: Vec<Code>,
    /// Links that put it into an event.
    #[serde(default)]
    pub episode: Vec<EpisodeLink>,
    /// One-way links: it takes the target's own categories.
    #[serde(default)]
    pub evidence: Vec<At<String>>,
    /// Links that may be looked up.
    #[serde(default)]
    pub resolve: Vec<Resolve>,
    /// Places in which an unclassified code makes the record unclassified.
    #[serde(default)]
    pub clinical: Vec<At<String>>,
    /// Places that have a category by themselves.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// What may leave to others besides what is named elsewhere.
    #[serde(default)]
    pub members: Vec<At<String>>,
    /// What it must have.
    pub needs: Option<Needs>,
    /// Whose it is if it is nobody's.
    pub belongs: Option<Belongs>,
    /// What a kind that is `belongs: attached` belongs to where it is read by its id.
    pub owner: Option<Owner>,
    /// Whether it joins events; `event` if left out.
    pub joins: Option<Joins>,
    /// The elements of a dialect's kind: name (`!` after it: FHIR demands it) → type. A type is
    /// a name of `types` or a primitive, `Reference A|B`, `#path.in.this.kind`, or a nested
    /// mapping.
    #[serde(default)]
    pub elements: Elements,
}

/// Element name → type.
pub type Elements = BTreeMap<String, ElementType>;

/// The type of an element.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ElementType {
    /// By name.
    Named(String),
    /// Spelled out.
    Nested(BTreeMap<String, ElementType>),
}

/// A place that holds codes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Code {
    /// The codes.
    pub at: At<String>,
    /// Their system: a key or URI of `systems.csv`.
    pub system: Option<At<String>>,
    /// Where each code's system stands: a sibling of the code, with the same `[*]` before it.
    pub system_at: Option<At<String>>,
}

/// A link that the proxy may look up.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Resolve {
    /// One of the kind's links.
    pub link: At<String>,
    /// The route that answers it with one record, e.g. `/Encounter/{id}`; with `{type}`, whatever
    /// type the link names.
    pub get: At<String>,
}

/// What an attached record belongs to: it may be read by its id by whoever may see all of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Owner {
    /// The kind it belongs to.
    pub kind: At<String>,
    /// Where a record of that kind names what belongs to it.
    pub at: At<String>,
    /// The search that finds them, e.g. `/DocumentReference?location={name}`.
    pub get: At<String>,
}

/// A place that has a category by itself.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Field {
    /// The place.
    pub at: At<String>,
    /// Its category.
    pub category: At<String>,
    /// `contract`: a family total, about everyone on the contract.
    pub about: Option<About>,
}

/// Whom a field is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// The subject of the record.
    Subject,
    /// Everyone on the contract.
    Contract,
}

/// What a kind must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// At least one code that is known.
    Codes,
}

/// Whose a kind is if it is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Belongs {
    /// Nobody's: may be read and searched for by itself.
    Public,
    /// To whatever released record points at it.
    Attached,
}

/// Whether a kind joins events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Joins {
    /// It ties and is tied.
    Event,
    /// It points at many events and is part of none (Provenance, List, `CarePlan` …).
    Nothing,
}
