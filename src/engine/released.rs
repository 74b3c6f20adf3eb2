//! What comes out of the engine, and nothing else does: released bytes, a report, or a refusal.
//!
//! NO-EXIT-WITHOUT-VERDICT: the bytes of a [`Released`] are private to the engine; only
//! [`Released::open`] gives them, and only the audit log calls it (held by a test).

use super::explain::Account;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;

/// Bytes that a reader may have.
pub struct Released {
    bytes: Bytes,
    /// The account of these bytes (of a whole body, or of one flush of a stream).
    pub report: Report,
}

impl Released {
    pub(in crate::engine) fn new(bytes: Bytes, report: Report) -> Released {
        Released { bytes, report }
    }

    /// How many bytes will leave.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing will leave.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// RECORD-BEFORE-RELEASE: called by `audit` once the entry is on disk, by nobody else.
    pub(crate) fn open(self) -> Bytes {
        self.bytes
    }
}

impl fmt::Debug for Released {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Released").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// The account of one response: counts, rule ids, ids of people; never content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records released.
    pub released: u64,
    /// Records withheld.
    pub withheld: u64,
    /// Fields cut from released records.
    pub cut: u64,
    /// How often each rule withheld a record or cut a field, by rule id.
    pub rules: BTreeMap<String, u64>,
    /// Member ids of the subjects of released records, sorted.
    pub subjects: Vec<String>,
    /// Records by subject: released and withheld. An unknown subject is `?`.
    pub by_subject: BTreeMap<String, Tally>,
    /// What an operator should look at, with how often.
    pub findings: BTreeMap<Finding, u64>,
    /// Whether the reader's own psychotherapy note was withheld (4.5: they are told).
    pub own_note_withheld: bool,
    /// What was hidden and why, if it was asked for.
    pub account: Option<Account>,
}

impl Report {
    /// Adds the account of one more record of a stream, or of one more flush.
    pub(crate) fn add(&mut self, other: Report) {
        if *self == Report::default() {
            *self = other;
            return;
        }
        self.released = self.released.saturating_add(other.released);
        self.withheld = self.withheld.saturating_add(other.withheld);
        self.cut = self.cut.saturating_add(other.cut);
        for (rule, count) in other.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        for (subject, tally) in other.by_subject {
            self.by_subject.entry(subject).or_default().add(tally);
        }
        for (finding, count) in other.findings {
            *self.findings.entry(finding).or_default() += count;
        }
        self.subjects.extend(other.subjects);
        self.subjects.sort_unstable();
        self.subjects.dedup();
        self.own_note_withheld |= other.own_note_withheld;
        if let Some(account) = other.account {
            let all = self.account.get_or_insert_default();
            all.records.extend(account.records);
            all.envelope.extend(account.envelope);
        }
    }
}

/// Records of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// That left.
    pub released: u64,
    /// That did not.
    pub withheld: u64,
    /// Of those that left, how many are about others too.
    pub shared_released: u64,
    /// Of those that did not.
    pub shared_withheld: u64,
    /// How often each rule withheld a record that is about nobody else, by rule id.
    pub rules: BTreeMap<String, u64>,
}

/// Does something to what has that name; the name is copied the first time only.
pub(in crate::engine) fn at_name<T: Default>(
    all: &mut BTreeMap<String, T>,
    name: &str,
    does: impl FnOnce(&mut T),
) {
    match all.get_mut(name) {
        Some(one) => does(one),
        None => does(all.entry(name.to_owned()).or_default()),
    }
}

impl Tally {
    /// Counts one record. `rules` are those that withheld it, `shared` is one about others too.
    pub(in crate::engine) fn count<'r>(
        &mut self,
        released: bool,
        shared: bool,
        rules: impl Iterator<Item = &'r str>,
    ) {
        let (all, of_others) = if released {
            (&mut self.released, &mut self.shared_released)
        } else {
            (&mut self.withheld, &mut self.shared_withheld)
        };
        *all = all.saturating_add(1);
        *of_others = of_others.saturating_add(shared.into());
        if !released && !shared {
            for rule in rules {
                at_name(&mut self.rules, rule, |count| *count += 1);
            }
        }
    }

    fn add(&mut self, other: Tally) {
        self.released = self.released.saturating_add(other.released);
        self.withheld = self.withheld.saturating_add(other.withheld);
        self.shared_released = self.shared_released.saturating_add(other.shared_released);
        self.shared_withheld = self.shared_withheld.saturating_add(other.shared_withheld);
        for (rule, count) in other.rules {
            *self.rules.entry(rule).or_default() += count;
        }
    }
}

/// What an operator should look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Finding {
    /// A psychotherapy note in the upstream: a payer should not hold one.
    PsychotherapyNote,
    /// A member of another's record that the shape does not name.
    UnknownMember,
    /// A kind that the shape does not name.
    UnknownKind,
    /// A code system that no list declares.
    UnknownSystem,
    /// A record whose subject is in no row of the members file.
    UnknownSubject,
    /// A look-up that gave nothing to judge by: what needed it is hidden.
    LookUpFailed,
    /// A search of more pages than `upstream-pages`: nobody can read it.
    UpstreamPages,
    /// The upstream answered 401 or 403: its rules for the reader, or a credential that does not
    /// hold. The reader sees nothing of it.
    UpstreamForbids,
}

impl Finding {
    /// Its name in the audit and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Finding::PsychotherapyNote => "psychotherapy-note-upstream",
            Finding::UnknownMember => "unknown-member",
            Finding::UnknownKind => "unknown-kind",
            Finding::UnknownSystem => "unknown-system",
            Finding::UnknownSubject => "unknown-subject",
            Finding::LookUpFailed => "look-up-failed",
            Finding::UpstreamPages => "upstream-pages",
            Finding::UpstreamForbids => "upstream-forbids",
        }
    }
}

/// Why nothing (more) is released. What the reader reads and what the operator reads differ;
/// neither quotes the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request cannot be read: a path with two readings, a bad escape.
    Malformed {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A query parameter that is unknown or not open to this reader.
    Parameter {
        /// Its name as the reader sent it, at most 64 characters.
        name: String,
    },
    /// No such route, or nothing there for this reader: the one 404.
    NotFound,
    /// A known route by another method.
    Method {
        /// For `Allow`.
        allow: &'static str,
    },
    /// The upstream answered with a status that cannot be passed on.
    UpstreamStatus {
        /// Its status.
        status: u16,
    },
    /// The upstream's body is of a type that cannot be judged.
    ContentType,
    /// The upstream's body is longer than its limit.
    TooLong {
        /// The limit's name, e.g. `hold`.
        limit: &'static str,
    },
    /// The upstream's pages cannot be followed to their end.
    Pages {
        /// What is wrong with them.
        why: &'static str,
    },
    /// The upstream's body cannot be read.
    Unreadable {
        /// Byte offset in the decoded body.
        at: u64,
        /// What is wrong there.
        why: &'static str,
    },
}

impl Refusal {
    /// The status the reader gets (DESIGN section 6).
    pub fn status(&self) -> u16 {
        match self {
            Refusal::Malformed { .. } | Refusal::Parameter { .. } => 400,
            Refusal::NotFound => 404,
            Refusal::Method { .. } => 405,
            Refusal::UpstreamStatus { status } => match status {
                400 | 422 => 400,
                503 | 429 => 503,
                504 => 504,
                _ => 502,
            },
            Refusal::ContentType
            | Refusal::TooLong { .. }
            | Refusal::Pages { .. }
            | Refusal::Unreadable { .. } => 502,
        }
    }

    /// What the reader reads.
    pub fn for_reader(&self) -> String {
        match self {
            Refusal::Malformed { .. } => "malformed request".to_owned(),
            Refusal::Parameter { name } => format!("query parameter `{name}` is not open here"),
            Refusal::NotFound => "not found".to_owned(),
            Refusal::Method { .. } => "method not allowed".to_owned(),
            Refusal::UpstreamStatus { .. } => match self.status() {
                400 => "the request was not understood".to_owned(),
                503 => "unavailable".to_owned(),
                504 => "upstream timeout".to_owned(),
                _ => "bad gateway".to_owned(),
            },
            Refusal::ContentType
            | Refusal::TooLong { .. }
            | Refusal::Pages { .. }
            | Refusal::Unreadable { .. } => "bad gateway".to_owned(),
        }
    }

    /// What the operator reads: `redact` prints it, the log holds it.
    pub fn for_operator(&self) -> String {
        match self {
            Refusal::Malformed { why } => format!("malformed request: {why}"),
            Refusal::UpstreamStatus { status } => format!("upstream answered {status}"),
            Refusal::ContentType => "a body of a content type that cannot be judged".to_owned(),
            Refusal::TooLong { limit } => format!("a body over the limit `{limit}`"),
            Refusal::Pages { why } => format!("the upstream's pages cannot be followed: {why}"),
            Refusal::Unreadable { at, why } => format!("unreadable body at byte {at}: {why}"),
            Refusal::Parameter { .. } | Refusal::NotFound | Refusal::Method { .. } => {
                self.for_reader()
            }
        }
    }
}
