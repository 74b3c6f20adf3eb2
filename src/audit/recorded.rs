//! Entries read back from a log.

use super::chain::{Line, Lines};
use super::verify::LogFiles;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};

/// An entry as it was written; what is not needed of it is not read.
#[derive(Clone, Debug, Deserialize)]
pub struct Recorded {
    /// The number of its line.
    pub n: u64,
    /// RFC 3339, UTC.
    pub time: String,
    /// `answer`, `open`, `flush`, `close`, `refuse`; others may come.
    pub event: String,
    /// The `X-Request-Id` of the answer.
    #[serde(default)]
    pub request: String,
    /// Who asked.
    #[serde(default)]
    pub reader: String,
    /// Through what.
    pub client: Option<String>,
    /// Method and route template.
    pub route: Option<String>,
    /// The policy set that judged.
    #[serde(default)]
    pub policy: String,
    /// What the reader got.
    pub status: Option<u16>,
    /// Why it was refused or cut.
    pub fault: Option<String>,
    /// Records by subject.
    #[serde(default)]
    pub subjects: BTreeMap<String, Counts>,
}

/// Records of one subject.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Counts {
    /// That left.
    pub released: u64,
    /// That did not.
    pub withheld: u64,
    /// Of those that left, about others too.
    #[serde(default)]
    pub shared_released: u64,
    /// Of those that did not.
    #[serde(default)]
    pub shared_withheld: u64,
    /// By which rules.
    #[serde(default)]
    pub rules: BTreeMap<String, u64>,
}

impl Recorded {
    /// The UTC day, `2026-11-22`.
    pub fn day(&self) -> &str {
        self.time.split_once('T').map_or(self.time.as_str(), |(day, _)| day)
    }

    /// The entry of a line; `None` for a mark, or what cannot be read.
    pub(super) fn read(line: &Line<'_>) -> Option<Recorded> {
        if line.is_mark() {
            return None;
        }
        serde_json::from_slice(&line.object()).ok()
    }
}

/// Reads all entries of a log, in order. What is no entry is passed over: `verify` tells of it.
pub fn read(log: &LogFiles, each: &mut dyn FnMut(Recorded) -> io::Result<()>) -> io::Result<()> {
    for path in log.paths() {
        let mut lines = Lines::of(BufReader::with_capacity(1 << 20, File::open(path)?));
        while let Some(text) = lines.next_line()? {
            if let Some(entry) = Line::read(text).as_ref().and_then(Recorded::read) {
                each(entry)?;
            }
        }
    }
    Ok(())
}
