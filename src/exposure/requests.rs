//! What the log asks: each request of each reader once, with how often and when it was made.

use super::log::{Line, Reading, Unread, each_line};
use super::{Deployment, Wanted};
use crate::members::today_at_utc_plus_14;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// Most different requests, about 300 bytes each: those of some hundred thousand families in three
/// years. A log with more is to be given in parts.
const REQUESTS_MAX: usize = 5_000_000;

/// A request is known by the SHA-256 of all that makes it, cut to 128 bits.
pub(super) type Key = [u8; 16];

/// One request of one reader, however often it was made.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) key: Key,
    /// The member id.
    pub(super) reader: String,
    /// Path and query, without the parameters by which the old portal turned pages.
    pub(super) target: String,
    /// Those.
    pub(super) page: Vec<(String, String)>,
    /// As of which day it is judged.
    pub(super) day: Date,
    pub(super) reads: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
}

/// What became of the lines of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// All of them.
    pub all: u64,
    /// That are reads of a member.
    pub reads: u64,
    /// That could not be read.
    pub unreadable: u64,
    /// With nobody known to ask.
    pub nobody: u64,
    /// Of users who are in no row of the members file.
    pub unknown_readers: u64,
    /// Answered with nothing to read.
    pub not_answered: u64,
    /// By methods whose bodies no log holds.
    pub not_answerable: u64,
}

/// All requests of some logs.
#[derive(Debug, Default)]
pub(super) struct Requests {
    pub(super) all: Vec<Request>,
    pub(super) lines: Lines,
    by_key: HashMap<Key, usize>,
    /// Members by the names that the log calls them.
    members: HashMap<String, String>,
}

impl Requests {
    /// Reads logs. The error is words for an operator.
    pub(super) fn read(
        wanted: &Wanted,
        deployment: &Deployment,
        today: Date,
    ) -> Result<Requests, String> {
        let mut requests = Requests::default();
        let mut too_many = false;
        for path in &wanted.logs {
            let read = each_line(path, |line| {
                too_many |= !requests.take(line, wanted, deployment, today);
            });
            read.map_err(|error| format!("{}: the log cannot be read: {error}", path.display()))?;
            if too_many {
                return Err(format!(
                    "{}: over {REQUESTS_MAX} different requests: give the log in parts",
                    path.display()
                ));
            }
        }
        Ok(requests)
    }

    /// Takes a line; false if there is no room for it.
    fn take(
        &mut self,
        line: Option<&str>,
        wanted: &Wanted,
        deployment: &Deployment,
        today: Date,
    ) -> bool {
        let lines = &mut self.lines;
        lines.all = lines.all.saturating_add(1);
        let Some(line) = read(line, &wanted.reading, lines) else { return true };
        let Some(reader) = self.member(&line.reader, deployment, today) else {
            self.lines.unknown_readers = self.lines.unknown_readers.saturating_add(1);
            return true;
        };
        self.lines.reads = self.lines.reads.saturating_add(1);
        let day = if wanted.as_of_read { today_at_utc_plus_14(line.time) } else { today };
        let key = key(&reader, &line.target, wanted.as_of_read.then_some(day));
        if let Some(request) = self.by_key.get(&key).and_then(|at| self.all.get_mut(*at)) {
            request.reads = request.reads.saturating_add(1);
            request.first = request.first.min(line.time);
            request.last = request.last.max(line.time);
            return true;
        }
        if self.all.len() >= REQUESTS_MAX {
            return false;
        }
        let (target, page) = without_page(&line.target, &wanted.page_parameters);
        self.by_key.insert(key, self.all.len());
        let (first, last) = (line.time, line.time);
        self.all.push(Request { key, reader, target, page, day, reads: 1, first, last });
        true
    }

    /// The member id of a user.
    fn member(&mut self, user: &str, deployment: &Deployment, today: Date) -> Option<String> {
        if let Some(member) = self.members.get(user) {
            return Some(member.clone());
        }
        let people = deployment.people(user, today);
        let member = people.member_id(people.reader()?)?.to_owned();
        self.members.insert(user.to_owned(), member.clone());
        Some(member)
    }
}

/// A line that tells of a read; others are counted.
fn read(line: Option<&str>, reading: &Reading, lines: &mut Lines) -> Option<Line> {
    let line = line.ok_or(Unread::Malformed).and_then(|line| reading.line(line));
    let counter = match line {
        Err(Unread::Malformed) => &mut lines.unreadable,
        Err(Unread::Nobody) => &mut lines.nobody,
        // 304: what was read before was shown again.
        Ok(line) if !matches!(line.status, 200..=299 | 304) => &mut lines.not_answered,
        Ok(line) if !matches!(line.method.as_str(), "GET" | "HEAD") => &mut lines.not_answerable,
        Ok(line) => return Some(line),
    };
    *counter = counter.saturating_add(1);
    None
}

fn key(reader: &str, target: &str, day: Option<Date>) -> Key {
    let day = day.map(|day| day.to_string()).unwrap_or_default();
    let whole = format!("{reader}\n{target}\n{day}");
    Sha256::digest(whole.as_bytes()).first_chunk().copied().unwrap_or_default()
}

/// Takes parameters off a target.
fn without_page(target: &str, names: &[String]) -> (String, Vec<(String, String)>) {
    let Some((path, query)) = target.split_once('?').filter(|_| !names.is_empty()) else {
        return (target.to_owned(), Vec::new());
    };
    let (mut kept, mut page) = (Vec::new(), Vec::new());
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some((name, value)) if names.iter().any(|own| own == name) => {
                page.push((name.to_owned(), value.to_owned()));
            }
            _ => kept.push(pair),
        }
    }
    let kept = kept.join("&");
    (if kept.is_empty() { path.to_owned() } else { format!("{path}?{kept}") }, page)
}
