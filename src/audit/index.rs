//! Finds a person's accesses without reading the whole log: one sorted file beside each closed
//! segment, and what the open segment holds in memory.
//!
//! The files are made of the log and of nothing else; one that is missing is made anew. They are
//! read for `/.sequester/my-access` only. What must hold before a court is read from the log.
//! BOUNDED: memory holds the rows of one segment, of which the configuration says the size.

use super::accounts::{Access, Accounts, Key};
use super::chain::{Line, Lines};
use super::mark::{Event, Mark};
use super::recorded::Recorded;
use super::segments::Names;
use crate::durable::replace_whole;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Most rows of one answer: three years of one reader on every day.
pub(super) const ROWS_MAX: usize = 1000;

/// A line of an index file.
#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(flatten)]
    key: Key,
    #[serde(flatten)]
    access: Access,
}

/// The index of one log, as far as it has been read.
#[derive(Debug)]
pub(super) struct Index {
    names: Names,
    /// The file that is being written to, read up to `offset`.
    open: Option<File>,
    offset: u64,
    accounts: Accounts,
}

impl Index {
    pub(super) fn of(names: Names) -> Index {
        Index { names, open: None, offset: 0, accounts: Accounts::default() }
    }

    /// Reads what has been written since, up to line `until`: what stands behind it is not yet
    /// recorded, and may be taken back. The first time this may be all of the log.
    pub(super) fn catch_up(&mut self, until: u64) -> io::Result<()> {
        self.follow(until)?;
        self.index_closed()
    }

    /// Reads on in the open segment, and in those after it.
    fn follow(&mut self, until: u64) -> io::Result<()> {
        loop {
            let file = match &self.open {
                Some(file) => file.try_clone()?,
                None => match File::open(&self.names.open) {
                    Ok(file) => file,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                    Err(error) => return Err(error),
                },
            };
            let read = read_on(&file, self.offset, until, &mut self.accounts)?;
            self.offset = read.offset;
            match read.sealed {
                None => {
                    self.open = Some(file);
                    return Ok(());
                }
                Some(segment) => {
                    write_index(&self.names, segment, &self.accounts)?;
                    (self.open, self.offset, self.accounts) = (None, 0, Accounts::default());
                    // Not yet renamed: the same file would be read again.
                    if !self.names.closed(segment).exists() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The newest rows about a person, newest first, at most [`ROWS_MAX`], and whether there are
    /// older ones.
    pub(super) fn rows(&self, subject: &str) -> io::Result<(Vec<(Key, Access)>, bool)> {
        let mut rows: Vec<(Key, Access)> =
            self.accounts.of(subject).map(|(key, access)| (key.clone(), access.clone())).collect();
        let mut closed = self.names.list_closed()?;
        while rows.len() <= ROWS_MAX
            && let Some((segment, _)) = closed.pop()
        {
            for (key, access) in rows_in(&index_path(&self.names, segment), subject)? {
                match rows.iter_mut().find(|(other, _)| *other == key) {
                    Some((_, sum)) => add(sum, access),
                    None => rows.push((key, access)),
                }
            }
        }
        rows.sort_by(|(one, _), (other, _)| other.cmp(one));
        let has_older = rows.len() > ROWS_MAX;
        rows.truncate(ROWS_MAX);
        Ok((rows, has_older))
    }

    /// Makes the files of closed segments that have none.
    fn index_closed(&self) -> io::Result<()> {
        for (segment, path) in self.names.list_closed()? {
            if !index_path(&self.names, segment).exists() {
                let mut accounts = Accounts::default();
                read_on(&File::open(path)?, 0, u64::MAX, &mut accounts)?;
                write_index(&self.names, segment, &accounts)?;
            }
        }
        Ok(())
    }
}

/// A day that falls into two segments is one row.
fn add(sum: &mut Access, other: Access) {
    sum.requests = sum.requests.saturating_add(other.requests);
    sum.released = sum.released.saturating_add(other.released);
    sum.withheld = sum.withheld.saturating_add(other.withheld);
    sum.through.extend(other.through);
    sum.asked.extend(other.asked);
}

/// How far a segment was read.
struct ReadOn {
    offset: u64,
    /// The number of the segment, once its seal is read.
    sealed: Option<u64>,
}

/// Counts the whole lines of a segment from there on.
fn read_on(
    mut file: &File,
    offset: u64,
    until: u64,
    accounts: &mut Accounts,
) -> io::Result<ReadOn> {
    file.seek(SeekFrom::Start(offset))?;
    let mut lines = Lines::of(BufReader::with_capacity(1 << 16, file));
    let mut read = ReadOn { offset, sealed: None };
    while let Some(text) = lines.next_line()? {
        if !text.ends_with(b"\n") {
            break;
        }
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if let Some(line) = Line::read(text) {
            if line.n > until {
                break;
            }
            if let Some(mark) = Mark::read(&line) {
                read.sealed = (mark.event == Event::Seal).then_some(mark.segment);
            } else if let Some(entry) = Recorded::read(&line) {
                accounts.count(&entry, None);
            }
        }
        read.offset = read.offset.saturating_add(bytes);
    }
    Ok(read)
}

fn index_path(names: &Names, segment: u64) -> PathBuf {
    names.closed(segment).with_extension("accounts")
}

/// Writes the rows of a segment, whole or not at all.
fn write_index(names: &Names, segment: u64, accounts: &Accounts) -> io::Result<()> {
    replace_whole(&index_path(names, segment), |out| {
        for (key, access) in accounts.rows() {
            let row = Row { key: key.clone(), access: access.clone() };
            serde_json::to_writer(&mut *out, &row)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// The rows about a person in the file of a closed segment: sorted, so found by halving.
fn rows_in(path: &Path, subject: &str) -> io::Result<Vec<(Key, Access)>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    // Every line that begins before `low` is about somebody before the person.
    let (mut low, mut high) = (0, file.metadata()?.len());
    while low < high {
        let middle = low.midpoint(high);
        match row_from(&mut file, middle)? {
            Some((row, end)) if row.key.subject.as_str() < subject => low = end,
            _ => high = middle,
        }
    }
    file.seek(SeekFrom::Start(low))?;
    let mut rows = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        let Some(row) = row_of(&line?) else { continue };
        if row.key.subject.as_str() > subject {
            break;
        }
        if row.key.subject == subject {
            rows.push((row.key, row.access));
        }
    }
    Ok(rows)
}

/// The first whole row that begins at this byte or behind it, and where it ends.
fn row_from(file: &mut File, from: u64) -> io::Result<Option<(Row, u64)>> {
    // One byte back, so that a row that begins here is a whole one.
    let start = from.saturating_sub(1);
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::with_capacity(4096, file.take(u64::MAX));
    let mut line = Vec::new();
    let mut at = start;
    if from > 0 {
        at = at.saturating_add(u64::try_from(reader.read_until(b'\n', &mut line)?).unwrap_or(0));
        line.clear();
    }
    let read = u64::try_from(reader.read_until(b'\n', &mut line)?).unwrap_or(0);
    Ok(row_of(&line).map(|row| (row, at.saturating_add(read))))
}

fn row_of(line: &[u8]) -> Option<Row> {
    serde_json::from_slice(line).ok()
}
