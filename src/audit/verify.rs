//! Finds out whether a log is what was written: every line there, in its place, unchanged.
//!
//! Without a key and without a head from elsewhere this finds accidents and careless hands. Who
//! can write the files can also make a whole new chain: signatures by a key that they do not have
//! prevent that. And who cuts off the end, the head file beside it too, leaves a log that was
//! whole at an earlier time: only a head that was kept elsewhere tells.

use super::chain::{Broken, Chain, Hash, Head, Line, Lines};
use super::head_file;
use super::key::PublicKey;
use super::mark::{Event, Mark};
use super::recovery::told_of;
use super::segments::Names;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

/// Bytes read at a time.
const READ_BYTES: usize = 1 << 20;

/// The files of a log, in order.
#[derive(Clone, Debug)]
pub struct LogFiles {
    names: Names,
    /// With the number of the segment, for closed ones.
    files: Vec<(PathBuf, Option<u64>)>,
}

impl LogFiles {
    /// The logs at these paths: all of a folder whose names end in `.jsonl`, a log by the file that
    /// is written to (and its closed segments beside it), or closed segments alone.
    pub fn at(paths: &[PathBuf]) -> io::Result<Vec<LogFiles>> {
        let mut logs: Vec<LogFiles> = Vec::new();
        let mut add = |names: Names, file: PathBuf, number: Option<u64>| {
            if let Some(log) = logs.iter_mut().find(|log| log.names == names) {
                log.files.push((file, number));
            } else {
                logs.push(LogFiles { names, files: vec![(file, number)] });
            }
        };
        for path in paths {
            if path.is_dir() {
                for entry in std::fs::read_dir(path)? {
                    let path = entry?.path();
                    if path.extension().is_none_or(|ending| ending != "jsonl") {
                        continue;
                    }
                    match Names::of_closed(&path) {
                        Some((names, number)) => add(names, path, Some(number)),
                        None => add(Names::of(&path)?, path, None),
                    }
                }
            } else if let Some((names, number)) = Names::of_closed(path) {
                add(names, path.clone(), Some(number));
            } else {
                let names = Names::of(path)?;
                for (number, closed) in names.list_closed()? {
                    add(names.clone(), closed, Some(number));
                }
                add(names, path.clone(), None);
            }
        }
        for log in &mut logs {
            log.files.sort_by_key(|(_, number)| number.unwrap_or(u64::MAX));
            log.files.dedup();
        }
        Ok(logs)
    }

    /// The files, in the order of their lines.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }
}

/// What a log is held against.
#[derive(Clone, Debug)]
pub struct Against {
    /// Every mark must be signed by one of these; by any, or none, if empty.
    pub keys: Vec<PublicKey>,
    /// Heads that were kept elsewhere.
    pub heads: Vec<Head>,
    /// The first segment that should be here, for older ones are in an archive; any if 0.
    pub from: u64,
}

/// Against nothing but itself, from its first segment on.
impl Default for Against {
    fn default() -> Against {
        Against { keys: Vec::new(), heads: Vec::new(), from: 1 }
    }
}

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// In this file.
    pub file: PathBuf,
    /// At this line of it, from 1; in all of it if `None`.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// What was looked at.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Segments.
    pub segments: u64,
    /// Lines of all of them.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The last line.
    pub head: Head,
    /// The last signed line; `None` if nothing is signed.
    pub signed: Option<Head>,
    /// The keys by which marks are signed, in the order in which they are met.
    pub keys: Vec<PublicKey>,
    /// How many mistakes were told.
    pub mistakes: u64,
}

/// Looks at all of a log. `tell` gets each mistake, `progress` the bytes that were read so far.
pub fn verify(
    log: &LogFiles,
    against: &Against,
    tell: &mut dyn FnMut(Mistake),
    progress: &mut dyn FnMut(u64),
) -> io::Result<Summary> {
    // Read before the log is: a process that writes on only makes the log longer.
    let kept = head_file::kept_in(&log.names.head())?;
    let is_whole = log.files.iter().any(|(_, number)| number.is_none());
    let mut pins: Vec<(Head, &'static str)> =
        against.heads.iter().map(|head| (*head, "the head that was named")).collect();
    pins.extend(kept.filter(|_| is_whole).map(|head| (head, "the head file")));
    let mut checker = Checker {
        names: &log.names,
        against,
        pins,
        chain: None,
        segment: against.from,
        tell,
        summary: Summary {
            segments: 0,
            lines: 0,
            bytes: 0,
            head: Head::START,
            signed: None,
            keys: Vec::new(),
            mistakes: 0,
        },
    };
    for (path, number) in &log.files {
        checker.file(path, *number, progress)?;
    }
    checker.end(log);
    Ok(checker.summary)
}

struct Checker<'a> {
    names: &'a Names,
    against: &'a Against,
    /// Heads that are still to be met, and who says so.
    pins: Vec<(Head, &'static str)>,
    chain: Option<Chain>,
    /// The segment that should come next.
    segment: u64,
    tell: &'a mut dyn FnMut(Mistake),
    summary: Summary,
}

/// Where something is.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a Path,
    line: u64,
}

impl Checker<'_> {
    fn wrong(&mut self, place: Place<'_>, what: impl Into<String>) {
        self.summary.mistakes = self.summary.mistakes.saturating_add(1);
        let line = (place.line > 0).then_some(place.line);
        (self.tell)(Mistake { file: place.file.to_owned(), line, what: what.into() });
    }

    fn file(
        &mut self,
        path: &Path,
        closed: Option<u64>,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let mut lines = Lines::of(BufReader::with_capacity(READ_BYTES, File::open(path)?));
        let mut last = None;
        let mut place = Place { file: path, line: 0 };
        while let Some(text) = lines.next_line()? {
            let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
            place.line = place.line.saturating_add(1);
            let Some(line) = Line::read(text) else {
                if closed.is_none()
                    && !text.ends_with(b"\n")
                    && head_file::is_locked(&self.names.head())
                {
                    // The writer is at it: the line is not yet there.
                    continue;
                }
                self.unreadable(place, text.ends_with(b"\n"));
                last = None;
                continue;
            };
            let mark = Mark::read(&line);
            if place.line == 1 {
                self.begin(place, &line, mark.as_ref(), closed);
            } else if mark.as_ref().is_some_and(|mark| mark.event == Event::Begin) {
                self.wrong(place, "begins a segment, but is not the first line of its file");
            }
            if last == Some(Event::Seal) {
                self.wrong(place, "stands behind the seal");
            }
            self.line(place, &line, mark.as_ref());
            last = mark.map(|mark| mark.event);
            self.summary.lines = self.summary.lines.saturating_add(1);
            self.summary.bytes = self.summary.bytes.saturating_add(bytes);
            progress(self.summary.bytes);
        }
        if closed.is_some() && last != Some(Event::Seal) {
            self.wrong(place, "has no seal behind it: the end of the segment was cut off");
        }
        if place.line == 0 && closed.is_none() && self.chain.is_none() {
            self.wrong(place, "is empty");
        }
        self.summary.segments = self.summary.segments.saturating_add(1);
        Ok(())
    }

    fn unreadable(&mut self, place: Place<'_>, is_ended: bool) {
        let what = if is_ended { "is not a line of the log" } else { "is cut off" };
        self.wrong(place, what);
        self.chain.get_or_insert(Chain::after(Head::START)).unreadable();
    }

    /// The first line of a file.
    fn begin(
        &mut self,
        place: Place<'_>,
        line: &Line<'_>,
        mark: Option<&Mark>,
        closed: Option<u64>,
    ) {
        let begin = mark.filter(|mark| mark.event == Event::Begin);
        let after = begin.and_then(|mark| mark.after.as_deref());
        let after = after.and_then(|after| Hash::from_hex(after.as_bytes()));
        let (Some(begin), Some(after)) = (begin, after) else {
            self.wrong(place, "does not begin a segment: lines before it were cut off");
            let before = Head { n: line.n.saturating_sub(1), hash: Hash::NONE };
            let mut chain = Chain::after(before);
            chain.unreadable();
            self.chain.get_or_insert(chain);
            return;
        };
        let said = Head { n: line.n.saturating_sub(1), hash: after };
        if closed.is_some_and(|number| number != begin.segment) {
            self.wrong(place, format!("is of segment {}, not of this file", begin.segment));
        }
        let expected = if self.segment == 0 { begin.segment } else { self.segment };
        if begin.segment != expected {
            let what = if begin.segment > expected {
                let last = begin.segment.saturating_sub(1);
                format!("segments {expected} to {last} are missing before it")
            } else {
                format!("is of segment {}, where {expected} belongs", begin.segment)
            };
            self.wrong(place, what);
            self.chain = Some(Chain::after(said));
        } else if begin.segment == 1 && said != Head::START {
            self.wrong(place, "is not the first line of a log");
        }
        self.segment = begin.segment.saturating_add(1);
        let before = if begin.segment == 1 { Head::START } else { said };
        self.chain.get_or_insert(Chain::after(before));
    }

    fn line(&mut self, place: Place<'_>, line: &Line<'_>, mark: Option<&Mark>) {
        let Some(chain) = &mut self.chain else { return };
        let followed = chain.follow(line);
        self.summary.head = chain.head();
        if self.pins.iter().any(|(pin, _)| pin.n == line.n) {
            self.meet(place, line);
        }
        let before = match followed {
            Ok(before) => before,
            Err(broken) => return self.wrong(place, words(broken, line.n)),
        };
        if line.is_mark() {
            match (mark, before) {
                (None, _) => self.wrong(place, "is a mark that cannot be read"),
                (Some(mark), Some(before)) => self.mark(place, line, mark, before),
                (Some(_), None) => {}
            }
        }
    }

    /// A line that somebody knows the hash of.
    fn meet(&mut self, place: Place<'_>, line: &Line<'_>) {
        let met: Vec<_> = self.pins.extract_if(.., |(pin, _)| pin.n == line.n).collect();
        for (pin, who) in met {
            if pin.hash != line.hash {
                self.wrong(place, format!("line {} is not the one that {who} says", pin.n));
            }
        }
    }

    fn mark(&mut self, place: Place<'_>, line: &Line<'_>, mark: &Mark, before: Hash) {
        let keys = &self.against.keys;
        match mark.signed_by(line, before) {
            Err(_) => self.wrong(place, "has a signature that does not hold"),
            Ok(Some(key)) if keys.is_empty() || keys.contains(&key) => {
                self.summary.signed = Some(self.summary.head);
                if !self.summary.keys.contains(&key) {
                    self.summary.keys.push(key);
                }
            }
            Ok(Some(_)) => self.wrong(place, "is signed by another key than was named"),
            Ok(None) if keys.is_empty() => {}
            Ok(None) => self.wrong(place, "is not signed"),
        }
        if let Some(torn) = &mark.torn {
            let name = Path::new(&torn.file).file_name().and_then(|name| name.to_str());
            let beside = self.names.in_folder(name.unwrap_or_default());
            // It may be in an archive.
            if let Ok(Some(found)) = told_of(&beside)
                && found != *torn
            {
                self.wrong(Place { file: &beside, line: 0 }, "is not what was kept there");
            }
        }
    }

    /// What should have been met by now.
    fn end(&mut self, log: &LogFiles) {
        let last = log.files.last().map(|(path, _)| path.as_path());
        let place = Place { file: last.unwrap_or(&self.names.open), line: 0 };
        for (pin, who) in std::mem::take(&mut self.pins) {
            let last = self.summary.head.n;
            let what = if pin.n > last {
                format!("ends at line {last}, but {who} says line {}: its end was cut off", pin.n)
            } else {
                format!("has no line {}, which {who} says", pin.n)
            };
            self.wrong(place, what);
        }
    }
}

fn words(broken: Broken, n: u64) -> String {
    match broken {
        Broken::Changed => format!("line {n} was changed, or what stood before it"),
        Broken::Missing { from, to } if from == to => format!("line {from} is missing before it"),
        Broken::Missing { from, to } => format!("lines {from} to {to} are missing before it"),
        Broken::Misplaced { expected } => {
            format!("line {n} stands where line {expected} belongs: moved, or there twice")
        }
    }
}
