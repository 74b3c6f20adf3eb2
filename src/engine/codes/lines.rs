//! The files of `codes/` as written: columns by name, cells with their places.

use crate::engine::diagnostics::{At, Diagnostic, SourceFile, Span, did_you_mean};

/// A column that a file may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// Its header; a second spelling is taken too.
    pub(super) names: &'static [&'static str],
    /// Whether the file is broken without it.
    pub(super) required: bool,
}

impl Column {
    /// A column that must be there.
    pub(super) const fn required(names: &'static [&'static str]) -> Column {
        Column { names, required: true }
    }

    /// A column that may be left out; its cells then count as empty.
    pub(super) const fn optional(names: &'static [&'static str]) -> Column {
        Column { names, required: false }
    }
}

/// One line of a file below its header.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: usize,
    /// The whole line.
    pub(super) span: Span,
    /// In the order of the columns asked for; `None` where the file has no such column.
    cells: Vec<Option<At<String>>>,
}

impl Line {
    /// The trimmed cell of a column, by its place in the list of columns asked for. `None` if
    /// the file has no such column, which is reported once, at the header.
    pub(super) fn cell(&self, column: usize) -> Option<&At<String>> {
        self.cells.get(column)?.as_ref()
    }

    /// The cell, if there is anything in it.
    pub(super) fn filled(&self, column: usize) -> Option<&At<String>> {
        self.cell(column).filter(|cell| !cell.value.is_empty())
    }
}

/// Reads a file with these columns. A file without header or final newline is refused, so that
/// one cut short by a full disk is not taken for whole.
pub(super) fn lines(
    file: &SourceFile,
    columns: &[Column],
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<Line> {
    let whole = Span { start: 0, end: file.text.len() };
    let mut records = records(file, mistakes).into_iter();
    let Some(header) = records.next() else {
        let names: Vec<_> =
            columns.iter().filter_map(|column| column.names.first()).copied().collect();
        let help = format!("its first line names the columns: `{}`", names.join(","));
        mistakes.push(Diagnostic::error(file, whole, "the file is empty").help(help));
        return Vec::new();
    };
    if !file.text.ends_with('\n') {
        let end = Span { start: whole.end, end: whole.end };
        let mistake = Diagnostic::error(file, end, "the file does not end with a newline");
        mistakes.push(mistake.help("it may have been cut short; end its last line with a newline"));
    }
    let Some(places) = places_of_columns(file, columns, &header, mistakes) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    for record in records {
        if record.cells.len() != header.cells.len() {
            let message = format!(
                "this line has {} cells and the header {}",
                record.cells.len(),
                header.cells.len()
            );
            let help = "a cell that contains a comma stands in double quotes";
            mistakes.push(Diagnostic::error(file, record.span, message).help(help));
            continue;
        }
        let cell = |place: &Option<usize>| place.and_then(|place| record.cells.get(place).cloned());
        let cells = places.iter().map(cell).collect();
        lines.push(Line { number: record.number, span: record.span, cells });
    }
    lines
}

/// Where each column asked for stands; `None` if the line is no header at all.
fn places_of_columns(
    file: &SourceFile,
    columns: &[Column],
    header: &Record,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Vec<Option<usize>>> {
    let names = || columns.iter().flat_map(|column| column.names).copied();
    if !header.cells.iter().any(|cell| names().any(|name| name == cell.value)) {
        let message = "the first line is no header: it names none of the columns";
        let help = format!("the columns are `{}`", names().collect::<Vec<_>>().join(","));
        mistakes.push(Diagnostic::error(file, header.span, message).help(help));
        return None;
    }
    let mut places = vec![None; columns.len()];
    for (index, cell) in header.cells.iter().enumerate() {
        let known = columns.iter().position(|column| column.names.contains(&cell.value.as_str()));
        match known.and_then(|column| places.get_mut(column)) {
            Some(place @ None) => *place = Some(index),
            Some(Some(_)) => {
                let message = format!("the column `{}` stands here twice", cell.value);
                mistakes.push(Diagnostic::error(file, cell.span, message));
            }
            None => {
                let mistake =
                    Diagnostic::error(file, cell.span, format!("unknown column `{}`", cell.value));
                let near = did_you_mean(&cell.value, names());
                let all = || format!("the columns are `{}`", names().collect::<Vec<_>>().join(","));
                mistakes.push(mistake.help(near.unwrap_or_else(all)));
            }
        }
    }
    for (column, place) in columns.iter().zip(&places) {
        if let (true, None, Some(name)) = (column.required, place, column.names.first()) {
            let message = format!("the column `{name}` is missing");
            mistakes.push(Diagnostic::error(file, header.span, message));
        }
    }
    Some(places)
}

/// A line as `csv` reads it, with the place of each cell.
struct Record {
    number: usize,
    span: Span,
    cells: Vec<At<String>>,
}

fn records(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Vec<Record> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let mut scanner = Scanner { text: file.text.as_bytes(), at: 0, number: 1, open_quote: false };
    scanner.at = file.text.len().saturating_sub(text.len());
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let number = scanner.next_line();
        let start = scanner.at;
        let places = scanner.cells();
        let span = Span { start, end: places.last().map_or(start, |place| place.end) };
        let Ok(record) = record else {
            mistakes.push(Diagnostic::error(file, span, "this line cannot be read as CSV"));
            continue;
        };
        if scanner.open_quote {
            let mistake = Diagnostic::error(file, span, "a double quote is not closed");
            mistakes.push(mistake.help("write a double quote inside a quoted cell twice"));
        }
        let cell = |(value, span): (&str, Span)| At { value: value.trim().to_owned(), span };
        records.push(Record { number, span, cells: record.iter().zip(places).map(cell).collect() });
    }
    records
}

/// Follows the bytes beside `csv`, which tells where a line starts but not where its cells do.
struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
    /// The line `at` stands on, from 1.
    number: usize,
    open_quote: bool,
}

impl Scanner<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn step(&mut self) {
        if self.byte() == Some(b'\n') {
            self.number = self.number.saturating_add(1);
        }
        self.at = self.at.saturating_add(1);
    }

    /// Goes to the first byte of the next line that is not empty; its number.
    fn next_line(&mut self) -> usize {
        while let Some(b'\r' | b'\n') = self.byte() {
            self.step();
        }
        self.number
    }

    /// Goes to the end of the line; where its cells stand, quotes included.
    fn cells(&mut self) -> Vec<Span> {
        let mut cells = Vec::new();
        loop {
            let start = self.at;
            self.cell();
            cells.push(Span { start, end: self.at });
            if self.byte() != Some(b',') {
                return cells;
            }
            self.step();
        }
    }

    fn cell(&mut self) {
        if self.byte() == Some(b'"') {
            self.step();
            loop {
                match self.byte() {
                    None => {
                        self.open_quote = true;
                        return;
                    }
                    Some(b'"') => {
                        self.step();
                        if self.byte() != Some(b'"') {
                            break;
                        }
                    }
                    Some(_) => {}
                }
                self.step();
            }
        }
        while let Some(byte) = self.byte() {
            if matches!(byte, b',' | b'\r' | b'\n') {
                return;
            }
            self.step();
        }
    }
}
