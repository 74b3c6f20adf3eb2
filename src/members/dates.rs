//! Dates as the files write them, and the periods they make.

use super::table::{Cell, Teller};
use jiff::civil::Date;

/// The earliest day that `1999`, `1999-07` or `1999-07-15` can mean; `None` if it is no date.
pub(super) fn earliest(text: &str) -> Option<Date> {
    match text.len() {
        4 => iso(&format!("{text}-01-01")),
        7 => iso(&format!("{text}-01")),
        _ => iso(text),
    }
}

/// Nobody on file was born, and nothing on file began, before: such a date is a slip (`0026-03-01`).
const YEAR_MIN: i16 = 1900;

/// An ISO 8601 calendar date, `2026-11-21`, and nothing else, of a year that can be meant.
pub(super) fn iso(text: &str) -> Option<Date> {
    let has_form = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let date = if has_form { text.parse().ok() } else { None };
    date.filter(|date: &Date| date.year() >= YEAR_MIN)
}

/// From a day to a day, both inclusive; `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: Option<Date>,
    pub(super) until: Option<Date>,
}

impl Period {
    /// Reads two cells. Dates that cannot be read, and an end before the beginning, are told.
    pub(super) fn read(
        (from_name, from): (&str, &Cell<'_>),
        (until_name, until): (&str, &Cell<'_>),
        teller: &mut Teller<'_>,
    ) -> Option<Period> {
        let (begins, ends) = (day(from_name, from, teller), day(until_name, until, teller));
        let period = Period { from: begins?, until: ends? };
        if let (Some(from), Some(ends)) = (period.from, period.until)
            && ends < from
        {
            let message = format!("`{until_name}` is before `{from_name}`");
            teller.error(until.span, message, "both days count; leave a cell empty for no limit");
            return None;
        }
        Some(period)
    }

    /// Whether it holds on that day.
    pub(super) fn contains(self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether there is a day in both.
    pub(super) fn overlaps(self, other: Period) -> bool {
        let begins_in_time = |one: Period, other: Period| match (one.from, other.until) {
            (Some(from), Some(until)) => from <= until,
            (None, _) | (_, None) => true,
        };
        begins_in_time(self, other) && begins_in_time(other, self)
    }
}

/// The day in a cell: `Some(None)` for an empty one, `None` for a mistake.
#[expect(clippy::option_option, reason = "a date, no date, or a mistake that is told")]
fn day(name: &str, cell: &Cell<'_>, teller: &mut Teller<'_>) -> Option<Option<Date>> {
    if cell.is_empty() {
        return Some(None);
    }
    let date = iso(&cell.text);
    if date.is_none() {
        let message = format!("`{name}` is no date");
        let help = format!("write it as year-month-day, e.g. `2026-11-21`, from {YEAR_MIN} on");
        teller.error(cell.span, message, &help);
    }
    date.map(Some)
}
