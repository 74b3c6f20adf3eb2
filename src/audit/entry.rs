//! One line of the log: who asked what kind of thing about whom, and what was made of it.

use crate::engine::released::{Report, Tally};
use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use std::collections::BTreeMap;

/// What a line tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A whole body, before its head leaves.
    Answer,
    /// A stream, before its head leaves.
    Open,
    /// Bytes of a stream, before they leave.
    Flush,
    /// The end of a stream, before it ends; with `fault` if it was cut.
    Close,
    /// An answer of ours, without a byte of the upstream's.
    Refuse,
    /// Something to look at, found over many requests; of no request, perhaps of a reader.
    Finding,
}

/// What is the same in all lines of one request.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Asker {
    /// The `X-Request-Id` of the answer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request: String,
    /// The reader's member id as the token or header names it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reader: String,
    /// The client application, where the token names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Method and route template; never a value of the path. None if no route is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The policy set that judged.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub policy: String,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<'a> {
    time: String,
    event: Event,
    #[serde(flatten)]
    asker: &'a Asker,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(flatten)]
    report: Option<ReportLine<'a>>,
    #[serde(flatten)]
    finding: Option<FindingLine>,
}

/// A finding as it is written.
#[derive(Clone, Debug, Serialize)]
struct FindingLine {
    finding: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    count: u64,
}

/// A report as it is written.
#[derive(Clone, Debug, Serialize)]
struct ReportLine<'a> {
    released: u64,
    withheld: u64,
    cut: u64,
    rules: &'a BTreeMap<String, u64>,
    #[serde(serialize_with = "people")]
    subjects: &'a BTreeMap<String, Tally>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    findings: BTreeMap<&'static str, u64>,
}

impl<'a> Entry<'a> {
    /// A line about this request, now.
    pub fn new(asker: &'a Asker, event: Event) -> Entry<'a> {
        let time = Timestamp::now().to_string();
        Entry {
            time,
            event,
            asker,
            status: None,
            fault: None,
            bytes: None,
            report: None,
            finding: None,
        }
    }

    /// The status the reader gets.
    #[must_use]
    pub fn status(mut self, status: u16) -> Entry<'a> {
        self.status = Some(status);
        self
    }

    /// Why it was refused or cut; words of ours.
    #[must_use]
    pub fn fault(mut self, fault: &'a str) -> Entry<'a> {
        self.fault = Some(fault);
        self
    }

    /// How many bytes leave.
    #[must_use]
    pub fn bytes(mut self, bytes: usize) -> Entry<'a> {
        self.bytes = Some(bytes);
        self
    }

    /// What the engine made of the body.
    #[must_use]
    pub fn report(mut self, report: &'a Report) -> Entry<'a> {
        let findings = report.findings.iter().map(|(finding, count)| (finding.name(), *count));
        self.report = Some(ReportLine {
            released: report.released,
            withheld: report.withheld,
            cut: report.cut,
            rules: &report.rules,
            subjects: &report.by_subject,
            findings: findings.collect(),
        });
        self
    }

    /// What was found, about whom, and how often or how many.
    #[must_use]
    pub fn finding(
        mut self,
        finding: &'static str,
        subject: Option<String>,
        count: u64,
    ) -> Entry<'a> {
        self.finding = Some(FindingLine { finding, subject, count });
        self
    }

    /// The object that the writer makes a line of.
    pub(super) fn object(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

fn people<S: Serializer>(
    by_subject: &BTreeMap<String, Tally>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Counts<'a> {
        released: u64,
        withheld: u64,
        #[serde(skip_serializing_if = "is_none")]
        shared_released: u64,
        #[serde(skip_serializing_if = "is_none")]
        shared_withheld: u64,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        rules: &'a BTreeMap<String, u64>,
    }
    let mut map = serializer.serialize_map(Some(by_subject.len()))?;
    for (subject, tally) in by_subject {
        let Tally { released, withheld, shared_released, shared_withheld, rules } = tally;
        let counts = Counts {
            released: *released,
            withheld: *withheld,
            shared_released: *shared_released,
            shared_withheld: *shared_withheld,
            rules,
        };
        map.serialize_entry(subject, &counts)?;
    }
    map.end()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}
