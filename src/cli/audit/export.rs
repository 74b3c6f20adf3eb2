//! `audit export`: entries in forms that others read.

use super::super::arguments::{Export, ExportFormat};
use super::super::{Exit, Streams};
use super::{are_whole, found, is_of};
use crate::audit::accounts::in_words;
use crate::audit::balp;
use crate::audit::recorded::{self, Recorded};
use std::io::{self, Write};

pub(in crate::cli) fn export(asked: &Export, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let logs = match found(&asked.paths) {
        Ok(logs) => logs,
        Err(why) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let is_whole = are_whole(&logs, streams)?;
    let subject = asked.subject.as_deref();
    match asked.format {
        ExportFormat::Fhir => {
            for log in &logs {
                recorded::read(log, &mut |entry| {
                    if is_of(&entry, &asked.days) {
                        for event in balp::events(&entry, &asked.server, subject) {
                            writeln!(streams.stdout, "{event}")?;
                        }
                    }
                    Ok(())
                })?;
            }
        }
        ExportFormat::Csv => {
            let mut table = csv::Writer::from_writer(&mut *streams.stdout);
            table.write_record(COLUMNS)?;
            for log in &logs {
                recorded::read(log, &mut |entry| {
                    if is_of(&entry, &asked.days) {
                        disclosures(&entry, subject, &mut table)?;
                    }
                    Ok(())
                })?;
            }
            table.flush()?;
        }
    }
    Ok(if is_whole { Exit::Done } else { Exit::No })
}

/// 45 CFR 164.528(b)(2): when, to whom, what, and why; then what makes it findable.
const COLUMNS: [&str; 8] =
    ["date", "recipient", "through", "what", "purpose", "subject", "request", "policy"];

/// What an entry tells of as left to others than the subject. What people read of their own is
/// no disclosure to be accounted for (164.528(a)(1)(ii)).
fn disclosures(
    entry: &Recorded,
    subject: Option<&str>,
    table: &mut csv::Writer<impl Write>,
) -> io::Result<()> {
    for (of, counts) in &entry.subjects {
        let is_asked = subject.is_none_or(|asked| asked == of);
        if of == "?" || *of == entry.reader || counts.released == 0 || !is_asked {
            continue;
        }
        let records = if counts.released == 1 { "record" } else { "records" };
        let route = entry.route.as_deref().map(in_words).unwrap_or_default();
        let what = format!("{} {records} ({route})", counts.released);
        let through = entry.client.as_deref().unwrap_or_default();
        let row = [
            &entry.time,
            &entry.reader,
            through,
            &what,
            "read in the member portal at the recipient's own request",
            of,
            &entry.request,
            &entry.policy,
        ];
        table.write_record(row.map(no_formula))?;
    }
    Ok(())
}

/// A cell that a spreadsheet would take for a formula is made plain text.
fn no_formula(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}
