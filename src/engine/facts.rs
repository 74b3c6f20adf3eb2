//! What a decision may ask about people: plain data that `members` works out for one reader on
//! one day. The engine never sees a roster, a file or a clock.

use super::category::Categories;
use jiff::civil::Date;
use std::fmt::Debug;

/// A person of the roster, by position. Two names of one person give the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub u32);

/// The reader's place towards the subject (DESIGN section 1). `Representative` is not told
/// here: it depends on the record, so the decision finds it from [`Standing::grants`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The reader is the subject.
    SelfReader,
    /// A representation grant in force names every category of the record.
    Representative,
    /// Subscriber or spouse towards a minor child.
    Guardian,
    /// The policy holder.
    Subscriber,
    /// The subscriber's spouse or partner, or the subscriber read by them.
    Spouse,
    /// Anyone else on the contract.
    Dependent,
    /// Shares no contract in force with the subject.
    Outsider,
}

impl Relation {
    /// Every relation, in the order in which the first that fits is taken.
    pub const ALL: [Relation; 7] = [
        Relation::SelfReader,
        Relation::Representative,
        Relation::Guardian,
        Relation::Subscriber,
        Relation::Spouse,
        Relation::Dependent,
        Relation::Outsider,
    ];

    /// The name users write, e.g. `guardian`.
    pub fn name(self) -> &'static str {
        match self {
            Relation::SelfReader => "self",
            Relation::Representative => "representative",
            Relation::Guardian => "guardian",
            Relation::Subscriber => "subscriber",
            Relation::Spouse => "spouse",
            Relation::Dependent => "dependent",
            Relation::Outsider => "outsider",
        }
    }
}

/// The subject's age band on the day of the request (DESIGN 4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AgeBand {
    /// Below the age of consent.
    Minor,
    /// May consent to their own outpatient mental-health care.
    ConsentingMinor,
    /// Of age, or of unknown age.
    Adult,
}

impl AgeBand {
    /// Every band.
    pub const ALL: [AgeBand; 3] = [AgeBand::Minor, AgeBand::ConsentingMinor, AgeBand::Adult];

    /// The name users write, e.g. `consenting-minor`.
    pub fn name(self) -> &'static str {
        match self {
            AgeBand::Minor => "minor",
            AgeBand::ConsentingMinor => "consenting-minor",
            AgeBand::Adult => "adult",
        }
    }
}

/// One contract that reader and subject share (or the lack of any: `Outsider`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// Never `Representative`.
    pub relation: Relation,
    /// The subject's relationship to the subscriber as the members file says, lower case.
    pub relationship: String,
}

/// What a grant gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// 45 CFR 164.508.
    Authorization,
    /// 45 CFR 164.502(g).
    Representation,
}

/// The categories a grant or restriction names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `all`: for a grant, everything but psychotherapy notes; for a restriction, every record.
    All,
    /// Those named.
    Named(Categories),
}

/// A grant from this subject to this reader that is in force today (verified, begun, not over,
/// not revoked). Others are never told to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// `grant_id`.
    pub id: String,
    /// Authorization or representation.
    pub kind: GrantKind,
    /// What it names.
    pub scope: Scope,
    /// When it began; `None` only for a representation without a beginning.
    pub from: Option<Date>,
}

/// A restriction of this subject against this reader that is in force today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// `restriction_id`.
    pub id: String,
    /// What it names.
    pub scope: Scope,
    /// When it began; `None` is "always".
    pub since: Option<Date>,
}

/// How the reader stands towards one subject today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The subject.
    pub subject: PersonId,
    /// One per shared contract, at least one; the strongest action over all of them wins.
    pub ties: Vec<Tie>,
    /// The subject's band today.
    pub age: AgeBand,
    /// The subject's state, upper case, if known.
    pub state: Option<String>,
    /// In force, from this subject to this reader.
    pub grants: Vec<Grant>,
    /// In force, of this subject against this reader. Never for `self`.
    pub restrictions: Vec<Restriction>,
}

impl Standing {
    /// Whether the reader is the subject.
    pub fn is_self(&self) -> bool {
        self.ties.iter().any(|tie| tie.relation == Relation::SelfReader)
    }

    /// The first relation that fits (DESIGN section 1), as it is told; what decides are all ties.
    pub fn relation(&self) -> Option<Relation> {
        self.ties.iter().map(|tie| tie.relation).min()
    }
}

/// The people of one request: one reader, one day. Implemented by `members`, and by tests.
pub trait People: Debug + Send + Sync {
    /// The reader, if they are in a row of the members file.
    fn reader(&self) -> Option<PersonId>;
    /// Who has this name: a member id or one of its `ids`, exactly as written.
    fn find(&self, name: &str) -> Option<PersonId>;
    /// How the reader stands towards that person. An unknown reader is `Outsider` to all.
    fn standing(&self, subject: PersonId) -> Standing;
    /// Everyone on a contract in force with that person, the person too, each once, sorted.
    fn household(&self, person: PersonId) -> Vec<PersonId>;
    /// The contracts that a person is on today, by name, sorted.
    fn contracts(&self, person: PersonId) -> Vec<String>;
    /// Whether the reader is on that contract today.
    fn reader_is_on(&self, contract: &str) -> bool;
    /// The contracts on which the reader is today.
    fn reader_contracts(&self) -> Vec<String>;
    /// The member id of a person who is in a row of the members file.
    fn member_id(&self, person: PersonId) -> Option<&str>;
    /// All names of a person, the member id first.
    fn names(&self, person: PersonId) -> Vec<String>;
    /// The day of the request at UTC+14.
    fn today(&self) -> Date;
}
