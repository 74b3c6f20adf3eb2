//! What has been used up, kept from one start to the next: written beside the file and renamed
//! over it, so that there is always a whole one.
//!
//! Lines of JSON: a head with the secret of the keys and the windows of each scope, a line for
//! each row that is not as good as new, and a last line with their number. Times are those of the
//! clock of the machine. Windows that the deployment no longer has are dropped; new ones begin
//! empty. Nothing in it is a name; with its secret names can be tried out: mode 0600.

use super::bucket::TimeUs;
use super::keys::{Key, SECRET_BYTES};
use super::row::{Columns, Row};
use super::seen::{Seen, SubjectHash};
use super::table::Tables;
use crate::config::meant::Scope;
use crate::durable::replace_whole;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    sequester_limits: u32,
    secret: String,
    scopes: Vec<HeadScope>,
}

/// The windows of a scope, microseconds: sums with what they sum, and those of subjects.
#[derive(Serialize, Deserialize)]
struct HeadScope {
    scope: String,
    sums: Vec<(String, u64)>,
    seen: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct RowLine(usize, String, Vec<TimeUs>, Vec<Vec<(SubjectHash, TimeUs)>>);

#[derive(Serialize, Deserialize)]
struct Last {
    rows: u64,
}

/// Writes all rows.
pub(super) fn write(
    path: &Path,
    secret: &[u8; SECRET_BYTES],
    tables: &Tables,
    now: TimeUs,
) -> io::Result<()> {
    let scopes = tables.all().iter().map(|table| head_of(table.scope, &table.columns)).collect();
    let head = Head { sequester_limits: VERSION, secret: STANDARD.encode(secret), scopes };
    replace_whole(path, |out| {
        line(out, &head)?;
        let mut rows: u64 = 0;
        for (number, table) in tables.all().iter().enumerate() {
            for lines in table.by_stripe(|key, row| row_line(number, key, row, now)) {
                for text in lines {
                    out.write_all(&text)?;
                    rows = rows.saturating_add(1);
                }
            }
        }
        line(out, &Last { rows })
    })
}

fn line(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

/// None for a row as good as new.
fn row_line(number: usize, key: Key, row: &Row, now: TimeUs) -> Option<Vec<u8>> {
    if row.full_at.iter().all(|full_at| *full_at <= now) && row.subjects() == 0 {
        return None;
    }
    let seen = row.seen.iter().map(Seen::to_pairs).collect();
    let key = format!("{:032x}", key.0);
    let mut text = serde_json::to_vec(&RowLine(number, key, row.full_at.to_vec(), seen)).ok()?;
    text.push(b'\n');
    Some(text)
}

fn head_of(scope: Scope, columns: &Columns) -> HeadScope {
    let sums = columns.buckets.iter();
    let sums = sums.map(|(bucket, rate)| (rate.dimension.name().to_owned(), bucket.per_us()));
    let seen = columns.seen.iter().map(|(limit, _)| limit.per_us()).collect();
    HeadScope { scope: scope.name().to_owned(), sums: sums.collect(), seen }
}

/// The secret of the keys in the file; none if there is no file. The error is words for an
/// operator.
pub(super) fn read_secret(path: &Path) -> Result<Option<[u8; SECRET_BYTES]>, String> {
    let Some(mut lines) = lines_of(path)? else { return Ok(None) };
    let head = read_head(&mut lines, path)?;
    Ok(Some(secret_of(&head).ok_or_else(|| unusable(path, "its secret is broken"))?))
}

/// Puts all rows back. The error is words for an operator.
pub(super) fn read(path: &Path, tables: &Tables, now: TimeUs) -> Result<(), String> {
    let Some(mut lines) = lines_of(path)? else { return Ok(()) };
    let head = read_head(&mut lines, path)?;
    let mut rows: u64 = 0;
    for text in lines {
        let text = text.map_err(|error| unusable(path, &error.to_string()))?;
        if let Ok(last) = serde_json::from_str::<Last>(&text) {
            let all = last.rows == rows;
            return if all { Ok(()) } else { Err(unusable(path, "rows are missing")) };
        }
        let row: RowLine =
            serde_json::from_str(&text).map_err(|_| unusable(path, "a line is broken"))?;
        restore(&head, row, tables, now).ok_or_else(|| unusable(path, "a row is broken"))?;
        rows = rows.saturating_add(1);
    }
    Err(unusable(path, "its end is missing"))
}

fn restore(head: &Head, line: RowLine, tables: &Tables, now: TimeUs) -> Option<()> {
    let RowLine(number, key, full_at, seen) = line;
    let written = head.scopes.get(number)?;
    let key = Key(u128::from_str_radix(&key, 16).ok()?);
    let Some(table) = tables.all().iter().find(|table| table.scope.name() == written.scope) else {
        return Some(());
    };
    let mut row = table.columns.new_row();
    for ((bucket, rate), to) in table.columns.buckets.iter().zip(&mut row.full_at) {
        let same = |(dimension, per_us): &(String, u64)| {
            dimension == rate.dimension.name() && *per_us == bucket.per_us()
        };
        if let Some(at) = written.sums.iter().position(same) {
            // A clock that was ahead must not lock anybody out for longer than a window.
            *to = (*full_at.get(at)?).min(now.saturating_add(bucket.per_us()));
        }
    }
    for ((limit, _), to) in table.columns.seen.iter().zip(&mut row.seen) {
        if let Some(at) = written.seen.iter().position(|per_us| *per_us == limit.per_us()) {
            let pairs = seen.get(at)?.iter().map(|(subject, last)| (*subject, (*last).min(now)));
            *to = Seen::from_pairs(pairs.collect());
        }
    }
    if !table.columns.is_idle(&mut row, now) {
        table.restore(key, row);
    }
    Some(())
}

type Lines = io::Lines<BufReader<File>>;

fn lines_of(path: &Path) -> Result<Option<Lines>, String> {
    match File::open(path) {
        Ok(file) => Ok(Some(BufReader::new(file).lines())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(path, &error.to_string())),
    }
}

fn read_head(lines: &mut Lines, path: &Path) -> Result<Head, String> {
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    let head: Option<Head> = serde_json::from_str(&first).ok();
    let head = head.filter(|head| head.sequester_limits == VERSION);
    head.ok_or_else(|| unusable(path, "it does not begin like one"))
}

fn secret_of(head: &Head) -> Option<[u8; SECRET_BYTES]> {
    STANDARD.decode(&head.secret).ok()?.try_into().ok()
}

fn unusable(path: &Path, why: &str) -> String {
    format!(
        "{}: no state of limits that can be used: {why}; move it away to begin with nothing read",
        path.display()
    )
}
