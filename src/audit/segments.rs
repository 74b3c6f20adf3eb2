//! The files of one log: `audit.jsonl` is written to, `audit-00000001.jsonl` and so on are closed.

use super::chain::{Head, Line};
use super::mark::{Event, Mark};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Longest mark, bytes: a few ids, hashes and a signature.
const MARK_BYTES_MAX: u64 = 4 * 1024;

/// Digits of the number in the name of a closed segment.
const DIGITS: usize = 8;

/// The names of the files of one log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Names {
    /// The file that is written to.
    pub(super) open: PathBuf,
    folder: PathBuf,
    /// `audit` of `audit.jsonl`.
    stem: String,
    /// `.jsonl` of it.
    ending: String,
}

impl Names {
    /// Of the log that is written to this file.
    pub(super) fn of(open: &Path) -> io::Result<Names> {
        let name = open.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| io::Error::other("this is no name of a file"))?;
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
            _ => (name, String::new()),
        };
        let folder = open.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).to_owned();
        Ok(Names { open: open.to_owned(), folder, stem: stem.to_owned(), ending })
    }

    /// Of the log that this closed segment is of, with the segment's number.
    pub(super) fn of_closed(closed: &Path) -> Option<(Names, u64)> {
        let names = Names::of(closed).ok()?;
        let (stem, digits) = names.stem.rsplit_once('-')?;
        let all_digits = digits.len() == DIGITS && digits.bytes().all(|b| b.is_ascii_digit());
        let number = all_digits.then(|| digits.parse().ok()).flatten()?;
        let open = names.folder.join(format!("{stem}{}", names.ending));
        Some((Names { open, stem: stem.to_owned(), ..names }, number))
    }

    pub(super) fn closed(&self, segment: u64) -> PathBuf {
        self.folder.join(format!("{}-{segment:0DIGITS$}{}", self.stem, self.ending))
    }

    /// Holds the last signed head, and is locked by who writes.
    pub(super) fn head(&self) -> PathBuf {
        self.beside(".head")
    }

    /// What stood torn where line `n` stands now.
    pub(super) fn torn(&self, n: u64) -> PathBuf {
        self.beside(&format!(".torn-{n}"))
    }

    pub(super) fn in_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn beside(&self, more: &str) -> PathBuf {
        self.folder.join(format!("{}{}{more}", self.stem, self.ending))
    }

    /// The closed segments that are here, by number.
    pub(super) fn list_closed(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut closed = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if let Some((names, number)) = Names::of_closed(&path)
                && names.stem == self.stem
                && names.ending == self.ending
            {
                closed.push((number, path));
            }
        }
        closed.sort();
        Ok(closed)
    }

    /// Makes new and renamed files of the folder durable.
    pub(super) fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

/// The seal at the end of a closed segment; `None` if there is none.
pub(super) fn seal_of(closed: &Path) -> io::Result<Option<Head>> {
    let mut file = File::open(closed)?;
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(bytes.saturating_sub(MARK_BYTES_MAX)))?;
    let mut end = Vec::new();
    file.take(MARK_BYTES_MAX).read_to_end(&mut end)?;
    let last = end.split_inclusive(|byte| *byte == b'\n').next_back();
    let Some(line) = last.and_then(Line::read) else { return Ok(None) };
    let is_seal = Mark::read(&line).is_some_and(|mark| mark.event == Event::Seal);
    Ok(is_seal.then_some(Head { n: line.n, hash: line.hash }))
}
