//! `explain`: what is hidden from a reader, where, by which rule and on what evidence; never the
//! content.

use super::answer::{Judged, Question, method_and_target};
use super::arguments::{Asked, Format};
use super::deployment::{Deployment, today};
use super::{Exit, Streams, printable};
use crate::engine::explain::{Account, CutAccount, Evidence, RecordAccount};
use crate::engine::released::Refusal;
use jiff::civil::Date;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io;

pub(super) fn explain(
    asked: &Asked,
    format: Format,
    streams: &mut Streams<'_>,
) -> io::Result<Exit> {
    let Some((method, target)) = method_and_target(&asked.request) else {
        streams
            .say("error: `--request` must be a method and a target, like `GET /fhir/Patient/p-1`");
        return Ok(Exit::Usage);
    };
    let deployment = match Deployment::load(&asked.config) {
        Ok(deployment) => deployment,
        Err(failure) => return Ok(failure.tell(streams)),
    };
    let today = asked.today.unwrap_or_else(today);
    let judge = deployment.judge(&asked.reader, today, true);
    let content_type = asked.content_type.as_deref();
    let question = Question { method, target, status: asked.status, content_type };
    let judged = match judge.judge(&question, streams.stdin, &mut |_| Ok(())) {
        Ok(judged) => judged,
        Err(error) => {
            streams.say(format_args!("error: the body cannot be read: {error}"));
            return Ok(Exit::Usage);
        }
    };
    let about = About { reader: &asked.reader, today, policies: &judge.set.hash };
    let text = match format {
        Format::Human => human(&about, &judged),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(&as_json(&about, &judged))?;
            text.push('\n');
            text
        }
    };
    streams.stdout.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// What the explanation is of.
struct About<'a> {
    reader: &'a str,
    today: Date,
    policies: &'a str,
}

/// For people.
fn human(about: &About<'_>, judged: &Judged) -> String {
    let mut text = String::new();
    let mut line = |parts: std::fmt::Arguments<'_>| {
        // Writing to a `String` cannot fail.
        writeln!(text, "{parts}").unwrap_or_default();
    };
    let route = judged.plan.as_ref().map_or("no route", |plan| plan.template.as_str());
    line(format_args!("{route}, read by {} on {}", printable(about.reader), about.today));
    if let Some(refusal) = &judged.refusal {
        line(format_args!("the answer is {} {}", refusal.status(), refusal.for_operator()));
    } else {
        line(format_args!("the answer is 200"));
    }
    let empty = Account::default();
    let account = judged.report.account.as_ref().unwrap_or(&empty);
    let released = account.records.iter().filter(|record| record.released).count();
    let withheld = account.records.len().saturating_sub(released);
    line(format_args!(
        "{released} released, {withheld} withheld, {} cut from those released",
        plural(account.records.iter().map(|record| record.cuts.len()).sum(), "place"),
    ));
    for record in &account.records {
        line(format_args!(""));
        record_for_people(record, &mut line);
    }
    if !account.envelope.is_empty() {
        line(format_args!("\noutside records, cut"));
        for place in &account.envelope {
            line(format_args!("  {}", printable(place)));
        }
    }
    if !judged.report.findings.is_empty() {
        line(format_args!("\nfindings"));
        for (finding, count) in &judged.report.findings {
            line(format_args!("  {} × {count}", finding.name()));
        }
    }
    text
}

fn record_for_people(record: &RecordAccount, line: &mut dyn FnMut(std::fmt::Arguments<'_>)) {
    let verdict = if record.released { "released" } else { "WITHHELD" };
    let id = record.id.as_deref().map(|id| format!(" {}", printable(id))).unwrap_or_default();
    line(format_args!(
        "{verdict}  {}{id}  at {}",
        printable(&record.kind),
        printable(&record.place)
    ));
    if !record.subjects.is_empty() {
        line(format_args!("  about     {}", printable(&record.subjects.join(", "))));
    }
    if !record.categories.is_empty() {
        line(format_args!("  category  {}", record.categories.join(", ")));
    }
    if !record.rules.is_empty() {
        line(format_args!("  rule      {}", record.rules.join(", ")));
    }
    let rows = record.evidence.iter().map(|Evidence { categories, place, because }| {
        [printable(place), categories.join(", "), printable(because)]
    });
    table("because", &rows.collect::<Vec<_>>(), line);
    let rows = record.cuts.iter().map(|CutAccount { place, because, rules, .. }| {
        [printable(place), printable(because), rules.join(", ")]
    });
    table("cut", &rows.collect::<Vec<_>>(), line);
}

/// Rows of three, aligned, the word before the first of them.
fn table(word: &str, rows: &[[String; 3]], line: &mut dyn FnMut(std::fmt::Arguments<'_>)) {
    let width = |part: fn(&[String; 3]) -> &String| {
        rows.iter().map(|row| part(row).chars().count()).max().unwrap_or(0)
    };
    let (first, second) = (width(|row| &row[0]), width(|row| &row[1]));
    let mut word = word;
    for [place, what, why] in rows {
        let text = format!("  {word:8}  {place:first$}  {what:second$}  {why}");
        line(format_args!("{}", text.trim_end()));
        word = "";
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// For programs.
fn as_json(about: &About<'_>, judged: &Judged) -> Value {
    let report = &judged.report;
    let account = report.account.as_ref();
    let records = account.map(|account| account.records.iter().map(record_as_json).collect());
    let records: Vec<Value> = records.unwrap_or_default();
    let findings = report.findings.iter().map(|(finding, count)| (finding.name(), *count));
    let findings: std::collections::BTreeMap<&str, u64> = findings.collect();
    json!({
        "route": judged.plan.as_ref().map(|plan| plan.template.as_str()),
        "reader": about.reader,
        "today": about.today.to_string(),
        "policies": about.policies,
        "status": judged.status(),
        "refusal": judged.refusal.as_ref().map(Refusal::for_operator),
        "records": records,
        "envelope": account.map(|account| account.envelope.as_slice()).unwrap_or_default(),
        "findings": findings,
    })
}

fn record_as_json(record: &RecordAccount) -> Value {
    let evidence = record.evidence.iter().map(|Evidence { categories, place, because }| {
        json!({ "place": place, "categories": categories, "because": because })
    });
    let cuts = record.cuts.iter().map(|CutAccount { place, because, rules, .. }| {
        json!({ "place": place, "because": because, "rules": rules })
    });
    json!({
        "place": record.place,
        "kind": record.kind,
        "id": record.id,
        "subjects": record.subjects,
        "categories": record.categories,
        "verdict": if record.released { "released" } else { "withheld" },
        "rules": record.rules,
        "evidence": evidence.collect::<Vec<_>>(),
        "cuts": cuts.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
