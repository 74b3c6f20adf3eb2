//! `check --samples`: what bodies of an API hold that the policies do not name. Such a member,
//! kind or system is hidden from others, so it is no mistake; but somebody should know.

use super::{Streams, printable};
use crate::engine::set::PolicySet;
use crate::engine::survey::Survey;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// Longest body, bytes.
const BODY_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Deepest nesting of a body, levels.
const DEPTH_MAX: usize = 256;
/// Deepest folder looked into: a link that leads back up ends here.
const FOLDER_DEPTH_MAX: usize = 16;
/// Names told of each sort; a body of another API would tell thousands.
const NAMES_MAX: usize = 200;
/// Bodies between two signs of progress.
const PROGRESS_EVERY: u64 = 50;

/// Surveys every `*.json`, `*.ndjson` and `*.jsonl` below a folder and tells what was met.
pub(super) fn survey(set: &PolicySet, folder: &Path, streams: &mut Streams<'_>) -> io::Result<()> {
    let mut all = Survey::default();
    let mut bodies = 0_u64;
    let mut unread = 0_u64;
    for path in files_below(folder) {
        let mut look = |body: &[u8]| {
            bodies = bodies.saturating_add(1);
            match set.survey(body, DEPTH_MAX) {
                Ok(found) => all.add(found),
                Err(error) => {
                    unread = unread.saturating_add(1);
                    let (path, why) = (path.display(), error.why);
                    streams.say(format_args!("{path}: not readable at byte {}: {why}", error.at));
                }
            }
            if streams.progress && bodies.is_multiple_of(PROGRESS_EVERY) {
                write!(streams.stderr, "\r{bodies} bodies").unwrap_or_default();
            }
        };
        if let Err(error) = each_body(&path, &mut look) {
            unread = unread.saturating_add(1);
            streams.say(format_args!("{}: not readable: {error}", path.display()));
        }
    }
    if streams.progress && bodies >= PROGRESS_EVERY {
        write!(streams.stderr, "\r").unwrap_or_default();
    }
    writeln!(streams.stdout, "{} records in {bodies} bodies, {unread} not readable", all.records)?;
    for (what, names) in
        [("kinds", &all.kinds), ("members", &all.members), ("systems", &all.systems)]
    {
        tell(what, names, streams)?;
    }
    Ok(())
}

fn tell(what: &str, names: &BTreeMap<String, u64>, streams: &mut Streams<'_>) -> io::Result<()> {
    if names.is_empty() {
        return writeln!(streams.stdout, "{what}: all are named");
    }
    writeln!(streams.stdout, "{what} that are not named:")?;
    let mut names: Vec<(&String, &u64)> = names.iter().collect();
    names.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), name.as_str()));
    for (name, count) in names.iter().take(NAMES_MAX) {
        writeln!(streams.stdout, "{count:8} × {}", printable(name))?;
    }
    match names.len().checked_sub(NAMES_MAX) {
        Some(more) if more > 0 => writeln!(streams.stdout, "           and {more} more"),
        _ => Ok(()),
    }
}

/// The bodies below a folder, in the order of their names. What cannot be listed has none.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0_usize)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                if depth < FOLDER_DEPTH_MAX {
                    folders.push((path, depth.saturating_add(1)));
                }
            } else if is_lines(&path) || path.extension().is_some_and(|ending| ending == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "ndjson" || ending == "jsonl")
}

/// The document of a file, or each of its lines.
fn each_body(path: &Path, look: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let mut body = Vec::new();
    if !is_lines(path) {
        read_bounded(&mut file, &mut body, |part, body| part.read_to_end(body))?;
        look(&body);
        return Ok(());
    }
    loop {
        body.clear();
        let read = read_bounded(&mut file, &mut body, |part, body| part.read_until(b'\n', body))?;
        if read == 0 {
            return Ok(());
        }
        if !body.trim_ascii().is_empty() {
            look(body.trim_ascii());
        }
    }
}

/// BOUNDED: a body longer than [`BODY_BYTES_MAX`] is an error, never a part of one.
fn read_bounded(
    file: &mut BufReader<File>,
    body: &mut Vec<u8>,
    read: impl Fn(&mut io::Take<&mut BufReader<File>>, &mut Vec<u8>) -> io::Result<usize>,
) -> io::Result<usize> {
    let count = read(&mut file.take(BODY_BYTES_MAX), body)?;
    if u64::try_from(count).is_ok_and(|count| count < BODY_BYTES_MAX) {
        return Ok(count);
    }
    Err(io::Error::new(io::ErrorKind::FileTooLarge, "a body of 256 MiB or more"))
}
