//! What one request may take: whose budgets it draws on, and what each is charged.
//!
//! TWO-WORLDS: what is charged follows from what was asked and what was released, never from what
//! was withheld. A contract is charged for what its people are shown about others only: else who
//! reads their own hidden records would use up, visibly, what the rest of the family may ask.

use super::Limits;
use super::charge::{Amounts, Left, Line, OverLimit};
use super::keys::Key;
use super::long_reads::LongRead;
use super::seen::SubjectHash;
use crate::config::meant::Scope;
use crate::engine::released::Report;
use hyper::header::HeaderMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Subjects of one answer remembered as counted; past it a long stream counts them again.
const COUNTED_MAX: usize = 4096;

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The reader's member id.
    pub reader: &'a str,
    /// The contracts they are on today.
    pub contracts: &'a [String],
    /// The client application, where the token names one.
    pub client: Option<&'a str>,
}

/// The budgets of one request.
#[derive(Clone, Debug)]
pub struct Budget {
    limits: Arc<Limits>,
    reader: String,
    reader_key: Key,
    contracts: Vec<Key>,
    client: Option<Key>,
    /// Pairs of reader and subject whose `requests` this request has been charged to.
    counted: BTreeSet<Key>,
    left: Option<Left>,
}

impl Budget {
    pub(super) fn of(limits: &Arc<Limits>, who: Who<'_>) -> Budget {
        let key = |scope, name: &str| limits.hasher.key(scope, &[name.as_bytes()]);
        let contracts = who.contracts.iter().map(|name| key(Scope::Contract, name));
        Budget {
            reader: who.reader.to_owned(),
            reader_key: key(Scope::Reader, who.reader),
            contracts: contracts.collect(),
            client: who.client.map(|name| key(Scope::Client, name)),
            counted: BTreeSet::new(),
            left: None,
            limits: Arc::clone(limits),
        }
    }

    /// Charges one request, whatever becomes of it.
    pub async fn request(&mut self) -> Result<(), OverLimit> {
        let amounts = Amounts::ONE_REQUEST;
        let line = |scope, key| Line { scope, key, amounts, subjects: Vec::new() };
        let contracts = self.contracts.iter().map(|key| line(Scope::Contract, *key));
        let client = self.client.map(|key| line(Scope::Client, key));
        let lines: Vec<Line> = [line(Scope::Reader, self.reader_key)]
            .into_iter()
            .chain(contracts)
            .chain(client)
            .collect();
        self.charge(&lines).await
    }

    /// Charges what is about to leave: all of it, or nothing and it must not leave.
    pub async fn release(&mut self, report: &Report, bytes: usize) -> Result<(), OverLimit> {
        let lines = self.lines(report, u64::try_from(bytes).unwrap_or(u64::MAX));
        self.charge(&lines).await
    }

    /// One more long read of this reader, if not too many are under way.
    pub fn long_read(&self) -> Result<LongRead, OverLimit> {
        self.limits.long_reads.begin(self.reader_key)
    }

    /// What is left to the reader, as of the last charge.
    pub fn tell(&self, fields: &mut HeaderMap) {
        if let Some(left) = self.left {
            self.limits.fields.tell(left, fields);
        }
    }

    async fn charge(&mut self, lines: &[Line]) -> Result<(), OverLimit> {
        let left = self.limits.charge(lines).await?;
        // Of another rate there may be less still.
        let earlier = self.left.filter(|it| left.is_none_or(|new| new.rate != it.rate));
        self.left = left.into_iter().chain(earlier).min_by_key(|left| left.millionths);
        Ok(())
    }

    fn lines(&mut self, report: &Report, bytes: u64) -> Vec<Line> {
        let limits = Arc::clone(&self.limits);
        let shown = report.by_subject.iter().filter(|(_, tally)| tally.released > 0);
        let shown: Vec<(&str, u64)> =
            shown.map(|(subject, tally)| (subject.as_str(), tally.released)).collect();
        let hash = |(subject, _): &(&str, u64)| limits.hasher.subject(subject);
        let all_hashes: Vec<SubjectHash> = shown.iter().map(hash).collect();
        let hashes = |own: bool| {
            let subjects = shown.iter().zip(&all_hashes);
            let subjects = subjects.filter(|((subject, _), _)| own || *subject != self.reader);
            subjects.map(|(_, hash)| *hash).collect::<Vec<_>>()
        };
        let records = report.released;
        let all = Amounts { requests: 0, records, bytes };
        let mut lines = vec![Line {
            scope: Scope::Reader,
            key: self.reader_key,
            amounts: all,
            subjects: hashes(true),
        }];
        let others = shown.iter().filter(|(subject, _)| *subject != self.reader);
        let others = others.fold(0u64, |sum, (_, released)| sum.saturating_add(*released));
        let about_others = Amounts {
            requests: 0,
            records: others.min(records),
            bytes: share(bytes, others, records),
        };
        let amounts = about_others;
        lines.extend(self.contracts.iter().map(|key| Line {
            scope: Scope::Contract,
            key: *key,
            amounts,
            subjects: hashes(false),
        }));
        if let Some(key) = self.client {
            let subjects = hashes(true);
            lines.push(Line { scope: Scope::Client, key, amounts: all, subjects });
        }
        if limits.tables.of(Scope::Subject).is_some() {
            for (subject, released) in shown {
                let names = [self.reader.as_bytes(), subject.as_bytes()];
                let key = limits.hasher.key(Scope::Subject, &names);
                if self.counted.len() >= COUNTED_MAX {
                    self.counted.clear();
                }
                let requests = u64::from(self.counted.insert(key));
                let bytes = share(bytes, released, records);
                let amounts = Amounts { requests, records: released, bytes };
                lines.push(Line { scope: Scope::Subject, key, amounts, subjects: Vec::new() });
            }
        }
        lines
    }
}

/// The part of these bytes that so many of all records have, rounded up.
fn share(bytes: u64, records: u64, all: u64) -> u64 {
    let part = u128::from(bytes).saturating_mul(u128::from(records.min(all)));
    u64::try_from(part.div_ceil(u128::from(all.max(1)))).unwrap_or(u64::MAX)
}
