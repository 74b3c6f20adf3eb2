//! The report: by reader and subject, what today's policies would have withheld. Ids, counts,
//! times, names of rules and categories; for people, for programs, for a spreadsheet.

use super::found::{Outcome, Withheld};
use super::human::Human;
use super::requests::{Key, Lines, Request, Requests};
use super::state::By;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The hash of the policy set that judged.
    pub policy: String,
    /// The day by whose relations, ages and grants was judged; none if that of each read was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The first and the last read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<(Timestamp, Timestamp)>,
    /// What became of the lines of the log.
    pub lines: Lines,
    /// What became of the different requests in it.
    pub requests: Counts,
    /// What would have been withheld, by reader and subject.
    pub withheld: Vec<Exposure>,
    /// What would have been refused.
    pub refused: Vec<Refused>,
    /// Why the last request that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// Different requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All of them.
    pub all: usize,
    /// Of which nothing would have been withheld.
    pub whole: usize,
    /// Of which something would.
    pub withheld: usize,
    /// That would have been refused.
    pub refused: usize,
    /// Of things that the upstream has no more: what they showed is not known.
    pub gone: usize,
    /// That are still to be asked, because they failed.
    pub failed: usize,
}

/// What one reader read of one subject and would not get today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// Member ids.
    pub reader: String,
    /// `?`: somebody who is in no row of the members file.
    pub subject: String,
    /// The reader's place towards the subject.
    pub relation: String,
    /// Times of reads.
    pub first_read: Timestamp,
    /// Times of reads.
    pub last_read: Timestamp,
    /// How many reads.
    pub reads: u64,
    /// Records in them, each as often as it was read.
    pub records: u64,
    /// Fields of other records in them, likewise.
    pub fields: u64,
    /// Categories of what would be withheld, by how many reads.
    pub categories: BTreeMap<String, u64>,
    /// What would withhold it, by how many reads.
    pub rules: BTreeMap<String, u64>,
}

/// Reads that today's proxy would answer with an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// A member id.
    pub reader: String,
    /// Members whom the request names.
    pub about: BTreeSet<String>,
    /// The status instead.
    pub status: u16,
    /// Why.
    pub cause: String,
    /// Times of reads.
    pub first_read: Timestamp,
    /// Times of reads.
    pub last_read: Timestamp,
    /// How many reads.
    pub reads: u64,
}

/// By what was judged.
pub(super) struct Sources {
    pub(super) by: By,
    pub(super) today: String,
    pub(super) last_failure: Option<String>,
}

type Exposures = BTreeMap<(String, String), Exposure>;
type Refusals = BTreeMap<(String, BTreeSet<String>, u16, String), Refused>;

impl Report {
    pub(super) fn of(
        requests: &Requests,
        found: &HashMap<Key, Outcome>,
        sources: Sources,
    ) -> Report {
        let mut counts = Counts { all: requests.all.len(), ..Counts::default() };
        let mut exposures = Exposures::new();
        let mut refusals = Refusals::new();
        for request in &requests.all {
            let counter = match found.get(&request.key) {
                None => &mut counts.failed,
                Some(Outcome::Gone) => &mut counts.gone,
                Some(Outcome::Judged { withheld }) if withheld.is_empty() => &mut counts.whole,
                Some(Outcome::Judged { withheld }) => {
                    for one in withheld {
                        add(&mut exposures, request, one);
                    }
                    &mut counts.withheld
                }
                Some(Outcome::Refused { status, cause, about }) => {
                    let about: BTreeSet<String> = about.iter().cloned().collect();
                    refuse(&mut refusals, request, (*status, cause, about));
                    &mut counts.refused
                }
            };
            *counter = counter.saturating_add(1);
        }
        let firsts = requests.all.iter().map(|request| request.first).min();
        let lasts = requests.all.iter().map(|request| request.last).max();
        Report {
            policy: sources.by.policy,
            as_of: (!sources.by.as_of_read).then_some(sources.today),
            period: firsts.zip(lasts),
            lines: requests.lines,
            requests: counts,
            withheld: exposures.into_values().collect(),
            refused: refusals.into_values().collect(),
            last_failure: sources.last_failure,
        }
    }

    /// Whether no line of the log could be read: then nothing is known of who read what.
    pub fn is_of_nothing(&self) -> bool {
        self.lines.unreadable == self.lines.all
    }

    /// Whether every request was asked.
    pub fn is_whole(&self) -> bool {
        self.requests.failed == 0
    }

    /// For programs.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// For a spreadsheet.
    pub fn csv(&self) -> Result<String, csv::Error> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record([
            "outcome",
            "reader",
            "subject",
            "relation",
            "first_read",
            "last_read",
            "reads",
            "records",
            "fields",
            "categories",
            "rules",
            "status",
            "cause",
        ])?;
        let words = |counts: &BTreeMap<String, u64>| {
            counts.keys().map(String::as_str).collect::<Vec<_>>().join("; ")
        };
        for one in &self.withheld {
            out.write_record([
                "withheld",
                &one.reader,
                &one.subject,
                &one.relation,
                &one.first_read.to_string(),
                &one.last_read.to_string(),
                &one.reads.to_string(),
                &one.records.to_string(),
                &one.fields.to_string(),
                &words(&one.categories),
                &words(&one.rules),
                "",
                "",
            ])?;
        }
        for one in &self.refused {
            let about: Vec<&str> = one.about.iter().map(String::as_str).collect();
            out.write_record([
                "refused",
                &one.reader,
                &about.join("; "),
                "",
                &one.first_read.to_string(),
                &one.last_read.to_string(),
                &one.reads.to_string(),
                "",
                "",
                "",
                "",
                &one.status.to_string(),
                &one.cause,
            ])?;
        }
        let bytes = out.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// For people.
    pub fn human(&self) -> impl fmt::Display {
        Human(self)
    }
}

fn add(exposures: &mut Exposures, request: &Request, withheld: &Withheld) {
    let key = (request.reader.clone(), withheld.subject.clone());
    let one = exposures.entry(key).or_insert_with(|| Exposure {
        reader: request.reader.clone(),
        subject: withheld.subject.clone(),
        relation: withheld.relation.clone(),
        first_read: request.first,
        last_read: request.last,
        reads: 0,
        records: 0,
        fields: 0,
        categories: BTreeMap::new(),
        rules: BTreeMap::new(),
    });
    one.first_read = one.first_read.min(request.first);
    one.last_read = one.last_read.max(request.last);
    one.reads = one.reads.saturating_add(request.reads);
    one.records = one.records.saturating_add(withheld.records.saturating_mul(request.reads));
    one.fields = one.fields.saturating_add(withheld.fields.saturating_mul(request.reads));
    for (names, sums) in
        [(&withheld.categories, &mut one.categories), (&withheld.rules, &mut one.rules)]
    {
        for name in names {
            let sum = sums.entry(name.clone()).or_default();
            *sum = sum.saturating_add(request.reads);
        }
    }
}

fn refuse(
    refusals: &mut Refusals,
    request: &Request,
    (status, cause, about): (u16, &str, BTreeSet<String>),
) {
    let key = (request.reader.clone(), about.clone(), status, cause.to_owned());
    let one = refusals.entry(key).or_insert_with(|| Refused {
        reader: request.reader.clone(),
        about,
        status,
        cause: cause.to_owned(),
        first_read: request.first,
        last_read: request.last,
        reads: 0,
    });
    one.first_read = one.first_read.min(request.first);
    one.last_read = one.last_read.max(request.last);
    one.reads = one.reads.saturating_add(request.reads);
}
