//! What one request would be answered with today.

use crate::engine::explain::RecordAccount;
use crate::engine::facts::{People, Relation};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What today's proxy makes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// An answer, without what is withheld of it.
    Judged {
        /// Nothing is withheld if empty.
        withheld: Vec<Withheld>,
    },
    /// No answer.
    Refused {
        /// The status instead.
        status: u16,
        /// Why, in one word.
        cause: String,
        /// Members whom the request names.
        about: Vec<String>,
    },
    /// The upstream has it no more.
    Gone,
}

/// What is withheld of an answer about one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Withheld {
    /// Their member id; `?` for one that is unknown.
    pub(super) subject: String,
    /// The reader's place towards them.
    pub(super) relation: String,
    /// Whole records.
    pub(super) records: u64,
    /// Fields cut from others.
    pub(super) fields: u64,
    pub(super) rules: BTreeSet<String>,
    pub(super) categories: BTreeSet<String>,
}

/// Adds up by subject. A record about nobody (a pharmacy, the frame around a family's letters)
/// counts for nobody: it is hidden with what points at it.
pub(super) fn by_subject(records: &[RecordAccount], people: &dyn People) -> Vec<Withheld> {
    let mut found: BTreeMap<&str, Withheld> = BTreeMap::new();
    for record in records {
        for subject in &record.subjects {
            let sum = found.entry(subject).or_default();
            if record.released {
                for cut in record.cuts.iter().filter(|cut| !cut.rules.is_empty()) {
                    sum.fields = sum.fields.saturating_add(1);
                    sum.rules.extend(cut.rules.iter().cloned());
                    sum.categories.insert(cut.because.clone());
                }
            } else {
                sum.records = sum.records.saturating_add(1);
                sum.rules.extend(record.rules.iter().cloned());
                sum.categories.extend(record.categories.iter().map(|&name| name.to_owned()));
            }
        }
    }
    let named = |(subject, sum): (&str, Withheld)| {
        let standing = people.find(subject).map(|subject| people.standing(subject));
        let relation = standing.and_then(|standing| standing.relation());
        let relation = relation.unwrap_or(Relation::Outsider).name();
        Withheld { subject: subject.to_owned(), relation: relation.to_owned(), ..sum }
    };
    found.into_iter().map(named).collect()
}

/// The members whom a path or query names.
pub(super) fn named_in(target: &str, people: &dyn People) -> Vec<String> {
    let mut named = BTreeSet::new();
    for word in target.split(['/', '?', '&', '=', ',']) {
        let word = word.replace("%2F", "/").replace("%2f", "/");
        let word = word.rsplit('/').next().unwrap_or_default();
        let person = people.find(word).or_else(|| people.find(&format!("Patient/{word}")));
        named.extend(person.and_then(|person| people.member_id(person)).map(str::to_owned));
    }
    named.into_iter().collect()
}
