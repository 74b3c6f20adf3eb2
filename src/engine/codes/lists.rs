//! Rows of code lists, and the cells that they share with `words.csv`.

use super::lines::{Column, Line, lines};
use super::patterns::Pattern;
use super::systems::unmatchable;
use super::{Hits, Row};
use crate::engine::category::{Categories, Category};
use crate::engine::diagnostics::{At, Diagnostic, Severity, SourceFile, Span, did_you_mean};
use jiff::civil::Date;
use std::sync::Arc;

/// Where a row stands, for `explain`.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Path of the file.
    pub(super) file: Arc<str>,
    /// From 1.
    pub(super) line: usize,
    /// The pattern or entry as written.
    pub(super) written: Arc<str>,
}

impl Place {
    /// The place of a cell.
    pub(super) fn of(file: &SourceFile, line: &Line, cell: &At<String>) -> Place {
        Place {
            file: Arc::clone(&file.path),
            line: line.number,
            written: Arc::from(cell.value.as_str()),
        }
    }
}

/// What a row of a code list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// `not`: cancels rows with a wider pattern.
    Cancels,
    /// Gives these categories, apart by reach.
    Gives(Categories, Hits),
}

/// A row of a code list.
#[derive(Clone, Debug)]
pub(super) struct CodeRow {
    /// The codes it names.
    pub(super) pattern: Pattern,
    /// What it says of them.
    pub(super) says: Says,
    /// First date of record it counts for.
    pub(super) from: Option<Date>,
    /// Last date of record it counts for.
    pub(super) until: Option<Date>,
    /// Where it stands.
    pub(super) place: Place,
}

impl CodeRow {
    /// The row as `explain` shows it; `None` for a `not` row, which explains nothing hidden.
    pub(super) fn as_row(&self) -> Option<Row> {
        match self.says {
            Says::Gives(categories, _) => Some(Row::of(&self.place, categories)),
            Says::Cancels => None,
        }
    }

    /// Whether it counts for a record of that date. Of an unknown date it counts if it gives, and
    /// does not if it cancels.
    pub(super) fn is_in_force(&self, date: Option<Date>) -> bool {
        match date {
            Some(date) => {
                self.from.is_none_or(|from| from <= date)
                    && self.until.is_none_or(|until| date <= until)
            }
            None => {
                matches!(self.says, Says::Gives(..))
                    || (self.from.is_none() && self.until.is_none())
            }
        }
    }
}

const CODE_COLUMNS: [Column; 9] = [
    Column::required(&["system"]),
    Column::required(&["code_or_range"]),
    Column::required(&["category"]),
    Column::optional(&["subcategory"]),
    Column::optional(&["reach"]),
    Column::optional(&["from"]),
    Column::optional(&["until"]),
    Column::optional(&["source"]),
    Column::optional(&["note"]),
];
const SYSTEM: usize = 0;
const CODE: usize = 1;
const CATEGORY: usize = 2;
const REACH: usize = 4;
const FROM: usize = 5;
const UNTIL: usize = 6;

/// Reads a code list: the cell that names the system of each row, which is not looked up here, and
/// the row unless it has mistakes.
pub(super) fn code_rows(
    file: &SourceFile,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<(At<String>, Option<CodeRow>)> {
    let lines = lines(file, &CODE_COLUMNS, mistakes);
    lines.iter().filter_map(|line| code_row(file, line, mistakes)).collect()
}

fn code_row(
    file: &SourceFile,
    line: &Line,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<(At<String>, Option<CodeRow>)> {
    // Each cell is read before any is given up on, so that all mistakes of a line are told.
    let system = line.cell(SYSTEM);
    if system.is_some_and(|cell| cell.value.is_empty()) {
        mistakes.push(Diagnostic::error(file, line.span, "the row names no system"));
    }
    let code = line.cell(CODE);
    let pattern = code.and_then(|cell| {
        let odd = system.and_then(|system| unmatchable(&system.value, &cell.value));
        let read = odd.map_or_else(|| Pattern::parse(&cell.value).map_err(str::to_owned), Err);
        read.map_err(|why| {
            let help = "write a code, `F2*` for all that start so, or `F20..F29`";
            let place = if cell.value.is_empty() { line.span } else { cell.span };
            mistakes.push(Diagnostic::error(file, place, why).help(help));
        })
        .ok()
    });
    let says = says(file, line, mistakes);
    let from = date(file, line.filled(FROM), mistakes);
    let until = date(file, line.filled(UNTIL), mistakes);
    if let (Some(from), Some(until)) = (from, until)
        && from > until
    {
        let place = line.cell(FROM).map_or(line.span, |cell| cell.span);
        mistakes.push(Diagnostic::error(file, place, "`from` is later than `until`"));
    }
    let row = || {
        let place = Place::of(file, line, code?);
        Some(CodeRow { pattern: pattern?, says: says?, from, until, place })
    };
    Some((system?.clone(), row()))
}

fn says(file: &SourceFile, line: &Line, mistakes: &mut Vec<Diagnostic>) -> Option<Says> {
    let is_not = line.cell(CATEGORY).is_some_and(|cell| cell.value == "not");
    let reach = reach(file, line.filled(REACH), mistakes);
    if is_not {
        if let Some(cell) = line.filled(REACH) {
            mistakes.push(Diagnostic::error(file, cell.span, "a `not` row has no reach"));
        }
        return Some(Says::Cancels);
    }
    let categories = categories(file, line, CATEGORY, &["not"], mistakes)?;
    Some(Says::Gives(categories, Hits::of(categories, reach?)))
}

/// How far what a row gives is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// This record.
    Record,
    /// All records of its event of care.
    Episode,
}

/// Reads a `reach` cell; empty is `episode`.
pub(super) fn reach(
    file: &SourceFile,
    cell: Option<&At<String>>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Reach> {
    let Some(cell) = cell else { return Some(Reach::Episode) };
    match cell.value.as_str() {
        "episode" => Some(Reach::Episode),
        "record" => Some(Reach::Record),
        other => {
            let message = format!("unknown reach `{other}`");
            let help = did_you_mean(other, ["episode", "record"])
                .unwrap_or_else(|| "it is `record`, or `episode`, or empty for `episode`".into());
            mistakes.push(Diagnostic::error(file, cell.span, message).help(help));
            None
        }
    }
}

/// Reads a `category` cell: names separated by spaces. `alone` are words that another reader of
/// the cell takes, and that may stand in it only by themselves.
pub(super) fn categories(
    file: &SourceFile,
    line: &Line,
    column: usize,
    alone: &[&'static str],
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Categories> {
    let cell = line.cell(column)?;
    if cell.value.is_empty() {
        let help = "a row that gives nothing is left out";
        mistakes.push(Diagnostic::error(file, line.span, "the row names no category").help(help));
        return None;
    }
    let before = mistakes.len();
    let mut categories = Categories::NONE;
    for name in cell.value.split_whitespace() {
        let names = Category::ALL.into_iter().map(Category::name);
        let (message, help) = if let Some(category) = Category::named(name) {
            categories.insert(category);
            continue;
        } else if alone.contains(&name) {
            (format!("`{name}` stands beside a category"), Some("write two rows".to_owned()))
        } else {
            let near = did_you_mean(name, names.clone().chain(alone.iter().copied()));
            let all = || format!("the categories are {}", names.collect::<Vec<_>>().join(", "));
            (format!("unknown category `{name}`"), Some(near.unwrap_or_else(all)))
        };
        let mistake = Diagnostic::error(file, cell.span, message);
        mistakes.push(Diagnostic { help, ..mistake });
    }
    (mistakes.len() == before).then_some(categories)
}

fn date(
    file: &SourceFile,
    cell: Option<&At<String>>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Date> {
    let cell = cell?;
    // The parser takes more forms than the files have.
    let is_iso = cell.value.len() == 10 && cell.value.bytes().filter(|b| *b == b'-').count() == 2;
    let date = cell.value.parse().ok().filter(|_| is_iso);
    if date.is_none() {
        let message = format!("`{}` is no date", cell.value);
        let help = "write it as `2007-10-01`";
        mistakes.push(Diagnostic::error(file, cell.span, message).help(help));
    }
    date
}

/// A mistake that does not break the set.
pub(super) fn warning(file: &SourceFile, span: Span, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..Diagnostic::error(file, span, message) }
}
