//! Who asked for a person's records, by day and reader: what that person is told.
//!
//! TWO-WORLDS: only records that are about nobody else count here. One that is about others too
//! may be hidden for their sake, and its count would tell. Of their own reads people are told what
//! they saw and no more, for the same reason: what was passed over on the way is not theirs to
//! count.

use super::recorded::Recorded;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What one reader asked of one person's records on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Requests that touched a record of the person.
    pub requests: u64,
    /// Records that left.
    pub released: u64,
    /// Records that did not.
    pub withheld: u64,
    /// The client applications.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub through: BTreeSet<String>,
    /// What was asked for, in words.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub asked: BTreeSet<String>,
    /// Streams that are counted as a request already.
    #[serde(skip)]
    streams: BTreeSet<String>,
}

/// Whose records, on which UTC day (`2026-11-22`), asked by whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// The member whom the records are about.
    pub subject: String,
    /// The day.
    pub day: String,
    /// The member who asked.
    pub reader: String,
}

/// Accesses of many people, sorted by person, day and reader.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    rows: BTreeMap<Key, Access>,
}

impl Accounts {
    /// Counts an entry, for `subject` alone if one is named.
    pub fn count(&mut self, entry: &Recorded, subject: Option<&str>) {
        let is_stream = match entry.event.as_str() {
            "answer" | "refuse" => false,
            "flush" | "close" => true,
            // Whatever else is recorded is no read.
            _ => return,
        };
        for (of, counts) in &entry.subjects {
            if of == "?" || subject.is_some_and(|asked| asked != of) {
                continue;
            }
            let released = counts.released.saturating_sub(counts.shared_released);
            let mut withheld = counts.withheld.saturating_sub(counts.shared_withheld);
            if *of == entry.reader {
                withheld = 0;
            }
            if released == 0 && withheld == 0 {
                continue;
            }
            let key = Key {
                subject: of.clone(),
                day: entry.day().to_owned(),
                reader: entry.reader.clone(),
            };
            let access = self.rows.entry(key).or_default();
            access.released = access.released.saturating_add(released);
            access.withheld = access.withheld.saturating_add(withheld);
            access.through.extend(entry.client.clone());
            access.asked.extend(entry.route.as_deref().map(in_words));
            if !is_stream || access.streams.insert(entry.request.clone()) {
                access.requests = access.requests.saturating_add(1);
            }
        }
    }

    /// All of them.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = (&Key, &Access)> {
        self.rows.iter()
    }

    /// Those of one person.
    pub(super) fn of<'a>(&'a self, subject: &str) -> impl Iterator<Item = (&'a Key, &'a Access)> {
        let from = Key { subject: subject.to_owned(), day: String::new(), reader: String::new() };
        self.rows.range(from..).take_while({
            let subject = subject.to_owned();
            move |(key, _)| key.subject == subject
        })
    }
}

/// A route in words: `GET /api/v1/family/{contract}/claims` is `family claims`.
pub fn in_words(route: &str) -> String {
    let path = route.split_once(' ').map_or(route, |(_, path)| path);
    let is_version = |word: &str| {
        word.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let words: Vec<&str> = path
        .split('/')
        .map(|word| word.trim_start_matches(['$', '_']))
        .filter(|word| !word.is_empty() && !word.starts_with('{') && !is_version(word))
        .filter(|word| !["api", "fhir"].contains(word))
        .collect();
    let words = if words.is_empty() { "health records".to_owned() } else { words.join(" ") };
    if path.ends_with("{id}") { format!("one of: {words}") } else { words }
}
