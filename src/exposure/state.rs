//! What was found so far, on disk: a search that was ended begins again where it was. It holds
//! digests of requests, ids of members, counts and names of rules; no request and no content.

use super::found::Outcome;
use super::requests::Key;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What all of it was found by. Other policies or people find other things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct By {
    /// The hash of the policy set.
    pub(super) policy: String,
    /// The hash of members, grants and restrictions.
    pub(super) people: String,
    /// Whether the day of the read was the day it was judged by.
    pub(super) as_of_read: bool,
    /// By which parameters the old portal turned pages.
    pub(super) page_parameters: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    #[serde(flatten)]
    by: By,
    /// The day on which the search began.
    today: String,
}

#[derive(Serialize, Deserialize)]
struct Found {
    request: String,
    found: Outcome,
}

/// The file, and what stood in it.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    file: File,
    pub(super) found: HashMap<Key, Outcome>,
    /// The day on which the search began.
    pub(super) today: String,
}

impl State {
    /// Opens or begins it. The error is words for an operator.
    pub(super) fn open(path: &Path, by: &By, today: &str) -> Result<State, String> {
        let cannot = |error: io::Error| {
            format!("{}: the state cannot be read or written: {error}", path.display())
        };
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(cannot)?;
        if file.metadata().map_err(cannot)?.len() == 0 {
            let head = Head { by: by.clone(), today: today.to_owned() };
            let mut state = State {
                path: path.to_owned(),
                file,
                found: HashMap::new(),
                today: today.to_owned(),
            };
            state.line(&head).map_err(cannot)?;
            return Ok(state);
        }
        let mut lines = BufReader::new(&file);
        let mut line = String::new();
        lines.read_line(&mut line).map_err(cannot)?;
        let other = || format!("{}: this is no state of `exposure`; name another", path.display());
        let head: Head = serde_json::from_str(&line).map_err(|_| other())?;
        if head.by != *by {
            return Err(format!(
                "{}: begun with other policies, people or options; to begin anew remove it or \
                 name another with `--state`",
                path.display()
            ));
        }
        let mut found = HashMap::new();
        let mut good_bytes = line.len();
        loop {
            line.clear();
            lines.read_line(&mut line).map_err(cannot)?;
            // A last line without its end was being written when the search ended.
            if !line.ends_with('\n') {
                break;
            }
            let one: Found = serde_json::from_str(&line).map_err(|_| other())?;
            found.insert(from_hex(&one.request).ok_or_else(other)?, one.found);
            good_bytes = good_bytes.saturating_add(line.len());
        }
        let good_bytes = u64::try_from(good_bytes).unwrap_or(u64::MAX);
        file.set_len(good_bytes).map_err(cannot)?;
        file.seek(SeekFrom::End(0)).map_err(cannot)?;
        Ok(State { path: path.to_owned(), file, found, today: head.today })
    }

    /// Keeps what was found of a request. The error is words for an operator.
    pub(super) fn keep(&mut self, request: Key, found: Outcome) -> Result<(), String> {
        let line = Found { request: to_hex(&request), found };
        self.line(&line)
            .map_err(|error| format!("{}: cannot be written: {error}", self.path.display()))?;
        self.found.insert(request, line.found);
        Ok(())
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line).map_err(io::Error::other)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

fn to_hex(key: &Key) -> String {
    format!("{:032x}", u128::from_be_bytes(*key))
}

fn from_hex(text: &str) -> Option<Key> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}
