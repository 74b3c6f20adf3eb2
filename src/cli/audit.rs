//! `audit`: whether the log is what was written, and what it tells.

pub(super) mod export;
pub(super) mod report;

use super::arguments::{Days, Verify};
use super::{Exit, Streams};
use crate::audit::PublicKey;
use crate::audit::recorded::Recorded;
use crate::audit::verify::{Against, LogFiles, Mistake, Summary, verify as look};
use std::io;
use std::path::PathBuf;

/// Most mistakes that are told one by one.
const TOLD_MAX: u64 = 100;

/// Bytes after which it is shown that the work goes on.
const PROGRESS_BYTES: u64 = 64 << 20;

pub(super) fn verify(asked: &Verify, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let mut keys = Vec::new();
    for file in &asked.keys {
        match PublicKey::read(file) {
            Ok(key) => keys.push(key),
            Err(why) => {
                streams.say(format_args!("error: {why}"));
                return Ok(Exit::Usage);
            }
        }
    }
    let logs = match found(&asked.paths) {
        Ok(logs) => logs,
        Err(why) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let against = Against { keys, heads: asked.heads.clone(), from: asked.from };
    let mut exit = Exit::Done;
    for log in &logs {
        let summary = one(log, &against, streams)?;
        if summary.mistakes > 0 {
            exit = Exit::No;
        }
        told(&summary, &against, streams)?;
    }
    Ok(exit)
}

/// The logs of these paths; the error is words for who asks.
pub(super) fn found(paths: &[PathBuf]) -> Result<Vec<LogFiles>, String> {
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        return Err(format!("no such file: {}", missing.display()));
    }
    let logs = LogFiles::at(paths).map_err(|error| error.to_string())?;
    if logs.is_empty() {
        return Err("no log is here".to_owned());
    }
    Ok(logs)
}

fn one(log: &LogFiles, against: &Against, streams: &mut Streams<'_>) -> io::Result<Summary> {
    let mut told = 0u64;
    let mut outcome = Ok(());
    let mut next_bytes = PROGRESS_BYTES;
    let Streams { stdout, stderr, progress, .. } = streams;
    let mut tell = |mistake: Mistake| {
        told = told.saturating_add(1);
        if told <= TOLD_MAX && outcome.is_ok() {
            outcome = writeln!(stdout, "{}", line_of(&mistake));
        }
    };
    let mut show = |bytes: u64| {
        if *progress && bytes >= next_bytes {
            next_bytes = bytes.saturating_add(PROGRESS_BYTES);
            write!(stderr, "\r{} MB read", bytes / 1_000_000).unwrap_or_default();
        }
    };
    let summary = look(log, against, &mut tell, &mut show)?;
    if *progress && next_bytes > PROGRESS_BYTES {
        writeln!(stderr).unwrap_or_default();
    }
    outcome?;
    if summary.mistakes > TOLD_MAX {
        writeln!(stdout, "and {} more", summary.mistakes.saturating_sub(TOLD_MAX))?;
    }
    Ok(summary)
}

fn line_of(mistake: &Mistake) -> String {
    let file = mistake.file.display();
    match mistake.line {
        Some(line) => format!("{file}:{line}: {}", mistake.what),
        None => format!("{file}: {}", mistake.what),
    }
}

fn told(summary: &Summary, against: &Against, streams: &mut Streams<'_>) -> io::Result<()> {
    let Summary { segments, lines, bytes, head, .. } = summary;
    let whole = match summary.mistakes {
        0 => "whole",
        1 => "1 mistake",
        _ => "mistakes",
    };
    let segments =
        if *segments == 1 { "1 segment".to_owned() } else { format!("{segments} segments") };
    writeln!(streams.stdout, "{segments}, {lines} lines, {bytes} bytes: {whole}")?;
    match &summary.signed {
        Some(signed) => {
            let behind = head.n.saturating_sub(signed.n);
            writeln!(
                streams.stdout,
                "signed up to line {}, {behind} lines stand behind",
                signed.n
            )?;
        }
        None => writeln!(streams.stdout, "not signed: who can write it can make it anew")?,
    }
    if against.keys.is_empty() {
        for key in &summary.keys {
            writeln!(streams.stdout, "by the key {key}; name yours by `--key`")?;
        }
    }
    writeln!(streams.stdout, "head {head}")
}

/// Whether every log is whole; if not, that is said, for what it tells may be wrong.
fn are_whole(logs: &[LogFiles], streams: &mut Streams<'_>) -> io::Result<bool> {
    let against = Against { from: 0, ..Against::default() };
    let mut mistakes = 0u64;
    for log in logs {
        let mut tell = |mistake: Mistake| {
            if mistakes == 0 {
                streams.say(format_args!("error: {}", line_of(&mistake)));
            }
            mistakes = mistakes.saturating_add(1);
        };
        look(log, &against, &mut tell, &mut |_| {})?;
    }
    if mistakes > 0 {
        streams.say("  = help: the log is not what was written; see `sequester audit verify`");
    }
    Ok(mistakes == 0)
}

/// Whether an entry is of these days.
fn is_of(entry: &Recorded, days: &Days) -> bool {
    let day = entry.day();
    days.from.is_none_or(|from| from.to_string().as_str() <= day)
        && days.to.is_none_or(|to| day <= to.to_string().as_str())
}
