//! CSV files with a header: columns by name, cells with their places, every mistake told.
//!
//! Stricter than CSV: a cell ends on its line, quotes stand around a whole cell or not at all,
//! and the file ends with a newline. What is half written or half quoted is refused, for a
//! quote in a wrong place would hide the rows behind it.

use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile, Span, did_you_mean};
use std::borrow::Cow;
use std::cmp::Ordering;

/// So many mistakes of one file are told: more help nobody, and a file may have millions of rows.
const MISTAKES_MAX: usize = 1_000;
const MORE: &str = "mend the first ones and try again";

/// A column that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its name in the header.
    pub(super) name: &'static str,
    /// Whether a file without it is refused.
    pub(super) required: bool,
}

/// A column that must be there.
pub(super) const fn required(name: &'static str) -> Column {
    Column { name, required: true }
}

/// A column that may be left out; its cells are empty then.
pub(super) const fn optional(name: &'static str) -> Column {
    Column { name, required: false }
}

/// One cell: its text without the space around it, and where it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) span: Span,
}

impl Cell<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The words between its spaces.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_whitespace()
    }
}

/// Whether the rows of a file are about people: then no message shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    OfPeople,
    Public,
}

/// Tells what is wrong with one file, without showing what it says of people.
#[derive(Debug)]
pub(super) struct Teller<'a> {
    file: &'a SourceFile,
    rows: Rows,
    shown: Option<SourceFile>,
    has_header: bool,
    mistakes: &'a mut Vec<Diagnostic>,
    errors: usize,
    told: usize,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        file: &'a SourceFile,
        rows: Rows,
        mistakes: &'a mut Vec<Diagnostic>,
    ) -> Teller<'a> {
        Teller { file, rows, shown: None, has_header: true, mistakes, errors: 0, told: 0 }
    }

    pub(super) fn error(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.errors = self.errors.saturating_add(1);
        self.tell(Severity::Error, Some(span), message.into(), help);
    }

    pub(super) fn warning(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.tell(Severity::Warning, Some(span), message.into(), help);
    }

    /// An error of the file as a whole.
    pub(super) fn refuse(&mut self, message: impl Into<String>, help: &str) {
        self.errors = self.errors.saturating_add(1);
        self.tell(Severity::Error, None, message.into(), help);
    }

    /// Whether the file can be taken.
    pub(super) fn is_content(&self) -> bool {
        self.errors == 0
    }

    /// The line of a place, from 1.
    pub(super) fn line(&self, span: Span) -> usize {
        let before = self.file.text.get(..span.start).unwrap_or_default();
        before.matches('\n').count().saturating_add(1)
    }

    fn tell(&mut self, severity: Severity, span: Option<Span>, message: String, help: &str) {
        self.told = self.told.saturating_add(1);
        let (message, help, span) = match self.told.cmp(&MISTAKES_MAX) {
            Ordering::Less => (message, help, span),
            Ordering::Equal => ("more mistakes, which are not told".to_owned(), MORE, None),
            Ordering::Greater => return,
        };
        let file = match self.rows {
            Rows::Public => self.file.clone(),
            Rows::OfPeople => {
                let (file, has_header) = (self.file, self.has_header);
                self.shown.get_or_insert_with(|| masked(file, has_header)).clone()
            }
        };
        let help = Some(help.to_owned());
        self.mistakes.push(Diagnostic { severity, message, file, span, help });
    }
}

/// The same file with every letter of its rows hidden, and every place where it was: what is
/// printed beside a message may end in a log.
fn masked(file: &SourceFile, has_header: bool) -> SourceFile {
    let text = &file.text;
    let header = if has_header { text.find('\n').unwrap_or(text.len()) } else { 0 };
    let mask = |(at, letter): (usize, char)| match letter.len_utf8() {
        _ if at < header || ",\"\r\n".contains(letter) => letter,
        1 => 'x',
        2 => '×',
        3 => '…',
        _ => '\u{1f512}',
    };
    let hidden: String = text.char_indices().map(mask).collect();
    SourceFile::new(file.path.clone(), hidden)
}

/// Reads a file row by row: `each` gets the cells in the order of `columns`. Returns how many
/// rows there are, or nothing if there is no telling.
pub(super) fn read_rows<'a, const N: usize>(
    columns: [Column; N],
    teller: &mut Teller<'a>,
    mut each: impl FnMut([Cell<'a>; N], &mut Teller<'a>),
) -> Option<usize> {
    let file = teller.file;
    if !file.text.ends_with('\n') {
        let help = "end the last line with a newline; a file that is still being written has none";
        teller.refuse("the file does not end with a newline", help);
        return None;
    }
    let mut lines = lines(file);
    let header = header(columns, lines.next()?, teller)?;
    let mut rows: usize = 0;
    for line in lines.filter(|(text, _)| !text.trim().is_empty()) {
        rows = rows.saturating_add(1);
        if teller.errors > MISTAKES_MAX {
            return None;
        }
        if let Some(cells) = row(&header, line, teller) {
            each(cells, teller);
        }
    }
    Some(rows)
}

/// Every line with where it begins, without its end.
fn lines(file: &SourceFile) -> impl Iterator<Item = (&str, usize)> {
    let bom = if file.text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut at = bom;
    file.text.get(bom..).unwrap_or_default().split_inclusive('\n').map(move |line| {
        let begin = at;
        at = at.saturating_add(line.len());
        let text = line.strip_suffix('\n').unwrap_or(line);
        (text.strip_suffix('\r').unwrap_or(text), begin)
    })
}

/// For each column of the file, which known one it is.
fn header<const N: usize>(
    columns: [Column; N],
    line: (&str, usize),
    teller: &mut Teller<'_>,
) -> Option<Vec<usize>> {
    let names = columns.map(|column| column.name);
    let cells = cells(line, teller)?;
    if !cells.iter().any(|cell| names.contains(&&*cell.text)) {
        // Then it is a row, perhaps, and is not shown.
        teller.has_header = false;
        let help = format!("the first line names the columns: `{}`", names.join("`, `"));
        teller.refuse("the file has no header", &help);
        return None;
    }
    let errors = teller.errors;
    let mut known: Vec<usize> = Vec::new();
    for cell in &cells {
        let Some(position) = names.iter().position(|name| *name == cell.text) else {
            let help = did_you_mean(&cell.text, names)
                .unwrap_or_else(|| format!("the columns are `{}`", names.join("`, `")));
            teller.error(cell.span, format!("unknown column `{}`", cell.text), &help);
            continue;
        };
        if known.contains(&position) {
            let message = format!("the column `{}` is there twice", cell.text);
            teller.error(cell.span, message, "keep one of them");
        }
        known.push(position);
    }
    for (position, column) in columns.iter().enumerate() {
        if column.required && !known.contains(&position) {
            let span = Span { start: line.1, end: line.1.saturating_add(line.0.len()) };
            let message = format!("the column `{}` is missing", column.name);
            teller.error(span, message, "add it to the header and to every row");
        }
    }
    (teller.errors == errors).then_some(known)
}

fn row<'a, const N: usize>(
    header: &[usize],
    line: (&'a str, usize),
    teller: &mut Teller<'_>,
) -> Option<[Cell<'a>; N]> {
    let cells = cells(line, teller)?;
    let span = Span { start: line.1, end: line.1.saturating_add(line.0.len()) };
    if cells.len() != header.len() {
        let message = format!("{} cells where the header has {}", cells.len(), header.len());
        teller.error(span, message, "give every row a cell for every column, empty or not");
        return None;
    }
    let empty = Span { start: span.end, end: span.end };
    let mut row = std::array::from_fn(|_| Cell { text: Cow::Borrowed(""), span: empty });
    for (cell, position) in cells.into_iter().zip(header) {
        if let Some(place) = row.get_mut(*position) {
            *place = cell;
        }
    }
    Some(row)
}

/// The cells of one line.
fn cells<'a>((line, begin): (&'a str, usize), teller: &mut Teller<'_>) -> Option<Vec<Cell<'a>>> {
    if let Some(at) = line.find(char::is_control) {
        let at = begin.saturating_add(at);
        let span = Span { start: at, end: at.saturating_add(1) };
        teller.error(span, "a control character", "take it out");
        return None;
    }
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        let at = begin.saturating_add(line.len().saturating_sub(rest.len()));
        let Some((cell, after)) = cell(rest, at) else {
            let span = Span { start: at, end: begin.saturating_add(line.len()) };
            let help = "put quotes around the whole cell, on one line, and double those inside";
            teller.error(span, "a quote that does not stand around a whole cell", help);
            return None;
        };
        cells.push(cell);
        match after {
            Some(after) => rest = after,
            None => return Some(cells),
        }
    }
}

/// The first cell of what is left of a line, and what is behind its comma.
fn cell(rest: &str, at: usize) -> Option<(Cell<'_>, Option<&str>)> {
    let Some(mut open) = rest.strip_prefix('"') else {
        let (raw, after) = match rest.split_once(',') {
            Some((raw, after)) => (raw, Some(after)),
            None => (rest, None),
        };
        let start = at.saturating_add(raw.len().saturating_sub(raw.trim_start().len()));
        let text = raw.trim();
        let span = Span { start, end: start.saturating_add(text.len()) };
        return (!raw.contains('"')).then_some((Cell { text: Cow::Borrowed(text), span }, after));
    };
    let mut text = String::new();
    loop {
        let (part, behind) = open.split_once('"')?;
        text.push_str(part);
        if let Some(more) = behind.strip_prefix('"') {
            text.push('"');
            open = more;
            continue;
        }
        let end = at.saturating_add(rest.len().saturating_sub(behind.len()));
        let cell = Cell { text: Cow::Owned(text.trim().to_owned()), span: Span { start: at, end } };
        return match behind.strip_prefix(',') {
            Some(after) => Some((cell, Some(after))),
            None => behind.is_empty().then_some((cell, None)),
        };
    }
}
