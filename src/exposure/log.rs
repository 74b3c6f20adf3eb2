//! Access logs: files of lines, plain or gzip, in one of two forms.

use super::combined;
use super::json_lines::{self, Fields};
use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Longest line, bytes: a request line of 8 KiB, a referrer and an agent of as much.
const LINE_BYTES_MAX: u64 = 64 * 1024;

const GZIP: [u8; 2] = [0x1f, 0x8b];

/// In which form lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As the first letter of each line says: `{` begins JSON.
    Either,
    /// Common or Combined Log Format.
    Combined,
    /// JSON lines.
    Json,
}

/// How lines are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Their form.
    pub form: Form,
    /// The members of JSON lines.
    pub fields: Fields,
    /// What paths in the log begin with that those of the upstream do not; may be empty.
    pub prefix: String,
}

/// A request of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) reader: String,
    pub(super) time: Timestamp,
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// What was answered.
    pub(super) status: u16,
}

/// Why a line tells of no read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It cannot be read.
    Malformed,
    /// Nobody was known to ask.
    Nobody,
}

impl Reading {
    /// Reads one line.
    pub(super) fn line(&self, line: &str) -> Result<Line, Unread> {
        let is_json = match self.form {
            Form::Either => line.trim_start().starts_with('{'),
            Form::Combined => false,
            Form::Json => true,
        };
        let line =
            if is_json { json_lines::read(line, &self.fields) } else { combined::read(line) };
        let line = line?;
        let target = without_origin(&line.target);
        let below = target.strip_prefix(self.prefix.as_str()).filter(|path| path.starts_with('/'));
        Ok(Line { target: below.unwrap_or(target).to_owned(), ..line })
    }
}

/// The target without scheme and host, which some gateways write.
fn without_origin(target: &str) -> &str {
    let Some((_, rest)) = target.split_once("://").filter(|_| !target.starts_with('/')) else {
        return target;
    };
    rest.find('/').and_then(|at| rest.split_at_checked(at)).map_or("/", |(_, path)| path)
}

/// Gives each line of a log to `take`, without its end; `None` for one that is too long or no
/// text.
pub(super) fn each_line(path: &Path, mut take: impl FnMut(Option<&str>)) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let is_gzip = file.fill_buf()?.starts_with(&GZIP);
    let mut lines: Box<dyn BufRead> =
        if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        if !line.ends_with(b"\n") && line.len() >= usize::try_from(LINE_BYTES_MAX).unwrap_or(0) {
            lines.skip_until(b'\n')?;
            take(None);
            continue;
        }
        let line = line.trim_ascii_end();
        if !line.is_empty() {
            take(std::str::from_utf8(line).ok());
        }
    }
}
