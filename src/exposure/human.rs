//! The report for people: two tables and what they rest on.

use super::report::{Counts, Exposure, Refused, Report};
use super::requests::Lines;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt;

/// A report as a person reads it.
pub(super) struct Human<'r>(pub(super) &'r Report);

impl fmt::Display for Human<'_> {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.opening(text)?;
        let others: Vec<&Exposure> =
            self.0.withheld.iter().filter(|one| one.relation != "self").collect();
        let own: Vec<&Exposure> =
            self.0.withheld.iter().filter(|one| one.relation == "self").collect();
        if self.0.is_of_nothing() {
            text.write_str("\nno line of the log could be read: who read what is not known\n")?;
        } else if others.is_empty() {
            text.write_str("\nnobody read what is withheld today from them about somebody else\n")?;
        } else {
            text.write_str("\nread by others, and withheld today:\n\n")?;
            table(text, &others)?;
        }
        if !own.is_empty() {
            text.write_str("\nread by the subjects themselves, and withheld today:\n\n")?;
            table(text, &own)?;
        }
        if !self.0.refused.is_empty() {
            text.write_str("\nanswered then, and refused today:\n\n")?;
            refusals(text, &self.0.refused)?;
        }
        self.closing(text)
    }
}

impl Human<'_> {
    fn opening(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        text.write_str("What today's policies would have withheld")?;
        if let Some((first, last)) = self.0.period {
            write!(text, " of reads from {} to {}", day(first), day(last))?;
        }
        let how = match &self.0.as_of {
            Some(today) => format!(
                "people, ages and grants are those of {today}, not of the days of the reads \
                 (`--as-of-read` takes those)"
            ),
            None => "relations, ages and grants are those of the day of each read, by today's \
                     members file"
                .to_owned(),
        };
        writeln!(text, "\npolicy set {}; {how}", self.0.policy)?;
        Ok(())
    }

    fn closing(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lines { all, reads, unreadable, nobody, unknown_readers, .. } = self.0.lines;
        let Lines { not_answered, not_answerable, .. } = self.0.lines;
        write!(text, "\n{all} lines of log, {reads} of them reads of members")?;
        let rest = [
            (unknown_readers, "by users who are in no row of the members file"),
            (nobody, "with nobody known to ask"),
            (not_answered, "that got no content"),
            (not_answerable, "by methods whose bodies no log holds"),
            (unreadable, "that could not be read"),
        ];
        for (count, what) in rest.into_iter().filter(|(count, _)| *count > 0) {
            write!(text, "\n  {count} {what}")?;
        }
        let Counts { all, whole, withheld, refused, gone, failed } = self.0.requests;
        write!(
            text,
            "\n{all} different requests: {whole} get the same today, {withheld} less, {refused} \
             nothing\n"
        )?;
        if gone > 0 {
            writeln!(
                text,
                "  {gone} for what the upstream has no more: what they showed is not known"
            )?;
        }
        if failed > 0 {
            let why = self.0.last_failure.as_deref().unwrap_or("the search ended early");
            writeln!(text, "  {failed} still to be asked ({why}): run the same command again")?;
        }
        Ok(())
    }
}

fn day(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).date().to_string()
}

fn table(text: &mut fmt::Formatter<'_>, exposures: &[&Exposure]) -> fmt::Result {
    let reader = widest("reader", exposures.iter().map(|one| one.reader.as_str()));
    let subject = widest("subject", exposures.iter().map(|one| one.subject.as_str()));
    let relation = widest("relation", exposures.iter().map(|one| one.relation.as_str()));
    writeln!(
        text,
        "{:reader$}  {:subject$}  {:relation$}  first read  last read   {:>7}  {:>7}  {:>7}",
        "reader", "subject", "relation", "reads", "records", "fields"
    )?;
    for one in exposures {
        writeln!(
            text,
            "{:reader$}  {:subject$}  {:relation$}  {}  {}  {:>7}  {:>7}  {:>7}",
            one.reader,
            one.subject,
            one.relation,
            day(one.first_read),
            day(one.last_read),
            one.reads,
            one.records,
            one.fields
        )?;
        for (what, counts) in [("of", &one.categories), ("by", &one.rules)] {
            let counts: Vec<String> =
                counts.iter().map(|(name, reads)| format!("{name} {reads}")).collect();
            if !counts.is_empty() {
                writeln!(text, "    {what}: {}", counts.join(", "))?;
            }
        }
    }
    Ok(())
}

fn refusals(text: &mut fmt::Formatter<'_>, refused: &[Refused]) -> fmt::Result {
    let about = |one: &Refused| one.about.iter().cloned().collect::<Vec<_>>().join(" ");
    let abouts: Vec<String> = refused.iter().map(about).collect();
    let reader = widest("reader", refused.iter().map(|one| one.reader.as_str()));
    let wide = widest("about", abouts.iter().map(String::as_str));
    writeln!(
        text,
        "{:reader$}  {:wide$}  first read  last read   {:>7}  today",
        "reader", "about", "reads"
    )?;
    for (one, about) in refused.iter().zip(&abouts) {
        writeln!(
            text,
            "{:reader$}  {about:wide$}  {}  {}  {:>7}  {} {}",
            one.reader,
            day(one.first_read),
            day(one.last_read),
            one.reads,
            one.status,
            one.cause
        )?;
    }
    Ok(())
}

fn widest<'t>(head: &'t str, texts: impl Iterator<Item = &'t str>) -> usize {
    texts.chain([head]).map(|text| text.chars().count()).max().unwrap_or_default()
}
