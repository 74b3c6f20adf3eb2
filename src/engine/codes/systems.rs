//! Code systems: which one a URI, an OID or a key names, how far its lists go, and its rows.

use super::Hits;
use super::lines::{Column, Line, lines};
use super::lists::{self, CodeRow};
use super::names::{NAME_BYTES_MAX, Spellings, comparable, declared_name};
use super::patterns::{CodeKey, Table, surviving};
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, did_you_mean};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// The systems a code is tried against that has none, an unknown one, or the wrong one of these.
/// Their codes have forms by which they are told from one another.
const TRIED_WITHOUT_SYSTEM: [(&str, Form); 5] = [
    ("ICD-10-CM", Form::Icd10Cm),
    ("CPT", Form::Cpt),
    ("HCPCS-II", Form::HcpcsII),
    ("NUCC", Form::Nucc),
    ("LOINC", Form::Loinc),
];

/// What a code of a system looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A letter, a digit, one to five letters or digits. Two characters would be a category of
    /// no code, and are claim-line modifiers in practice (`F2`, a finger).
    Icd10Cm,
    /// Four digits and a letter or digit.
    Cpt,
    /// A letter and four digits.
    HcpcsII,
    /// Ten letters or digits.
    Nucc,
    /// Digits, a dash, a check digit.
    Loinc,
}

impl Form {
    fn fits(self, code: &CodeKey) -> bool {
        let digits = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
        let plain = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_alphanumeric);
        match (self, code.as_bytes()) {
            (Form::Icd10Cm, [letter, digit, rest @ ..]) => {
                letter.is_ascii_uppercase()
                    && digit.is_ascii_digit()
                    && (1..=5).contains(&rest.len())
                    && plain(rest)
            }
            (Form::Cpt, [number @ .., last]) => {
                number.len() == 4 && digits(number) && last.is_ascii_alphanumeric()
            }
            (Form::HcpcsII, [letter, number @ ..]) => {
                letter.is_ascii_uppercase() && number.len() == 4 && digits(number)
            }
            (Form::Nucc, all) => all.len() == 10 && plain(all),
            (Form::Loinc, [number @ .., b'-', check]) => digits(number) && check.is_ascii_digit(),
            _ => false,
        }
    }

    /// Whether codes of this form may hold a dash.
    fn has_dash(self) -> bool {
        self == Form::Loinc
    }
}

/// How far the lists of a system go, as `systems.csv` declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coverage {
    /// A code that no row names is harmless.
    Complete,
    /// A code that no row names is judged by its words.
    Partial,
    /// Its codes are not looked at.
    Administrative,
    /// Declared complete, and the set holds no row of it: as good as unknown.
    CompleteWithoutRows,
}

/// One code system.
#[derive(Debug)]
pub(super) struct System {
    key: String,
    /// How far its lists go.
    pub(super) coverage: Coverage,
    form: Option<Form>,
    rows: Vec<CodeRow>,
    table: Table,
}

impl System {
    /// What its rows say of a code.
    pub(super) fn look_up(&self, code: &CodeKey, date: Option<Date>) -> Option<Hits> {
        self.table.look_up(code, date)
    }

    /// The rows behind [`System::look_up`], found row by row.
    pub(super) fn rows_of(&self, code: &CodeKey, date: Option<Date>) -> Vec<&CodeRow> {
        let code = *code;
        let rows = self.rows.iter().filter(move |row| row.pattern.matches(&code));
        surviving(rows, date).map(|(row, _)| row).collect()
    }

    /// Whether a code is surely not of this system, whatever the body says: then it may be of
    /// another. CPT codes under the HCPCS URI (of which they are Level I) are the usual case.
    pub(super) fn is_mislabelled(&self, code: &CodeKey) -> bool {
        self.form.is_some_and(|form| !form.fits(code))
    }

    /// Whether an unlisted code can be called harmless: it must be one plain code. Two codes in
    /// one string (`90837, F32.1`), a code with a modifier (`90837-95`) or an expression are not
    /// the code that a list would name.
    pub(super) fn is_plain(&self, code: &CodeKey) -> bool {
        let dash = self.form.is_none_or(Form::has_dash);
        let plain = |b: &u8| b.is_ascii_alphanumeric() || (dash && matches!(b, b'-' | b'_'));
        code.as_bytes().iter().all(plain)
    }
}

/// Which system of a [`super::CodeBook`] a name means. Good for the book that gave it only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemId(Option<u32>);

impl SystemId {
    /// No system was named, or one that `systems.csv` does not declare.
    pub const UNKNOWN: SystemId = SystemId(None);

    fn of(index: usize) -> SystemId {
        SystemId(u32::try_from(index).ok())
    }
}

/// All systems of a set.
#[derive(Debug, Default)]
pub(super) struct Systems {
    all: Vec<System>,
    /// As declared, hashed: the spelling that nearly all bodies use.
    spellings: Spellings,
    /// By comparable form, sorted.
    names: Vec<(Vec<u8>, SystemId)>,
    /// Declared with a final `*`, the longest first.
    prefixes: Vec<(Vec<u8>, SystemId)>,
    /// Those of [`TRIED_WITHOUT_SYSTEM`] that the set has.
    tried: Vec<(Form, SystemId)>,
}

const COLUMNS: [Column; 5] = [
    Column::required(&["key"]),
    Column::required(&["uri_or_oid"]),
    Column::required(&["complete|partial|administrative", "status"]),
    Column::optional(&["source"]),
    Column::optional(&["note"]),
];
const KEY: usize = 0;
const NAME: usize = 1;
const COVERAGE: usize = 2;

/// What is read of `systems.csv` before the lists are joined to it.
#[derive(Default)]
struct Declared {
    systems: Vec<System>,
    by_key: BTreeMap<String, usize>,
    /// Comparable name, whether a prefix → system.
    names: BTreeMap<(Vec<u8>, bool), usize>,
    spellings: Vec<(String, usize)>,
}

impl Systems {
    /// Reads the declarations and joins the rows of the code lists to them.
    pub(super) fn read<'f>(
        declarations: impl Iterator<Item = &'f SourceFile>,
        lists: impl Iterator<Item = &'f SourceFile>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Systems {
        let mut declared = Declared::default();
        for file in declarations {
            for line in lines(file, &COLUMNS, mistakes) {
                declared.declare(file, &line, mistakes);
            }
        }
        for file in lists {
            declared.join(file, mistakes);
        }
        declared.compile()
    }

    /// The system of that number.
    pub(super) fn of(&self, id: SystemId) -> Option<&System> {
        self.all.get(usize::try_from(id.0?).ok()?)
    }

    /// Which system a name means.
    pub(super) fn named(&self, name: &str) -> SystemId {
        if let Some(id) = self.spellings.find(name.as_bytes()) {
            return id;
        }
        let mut buffer = [0; NAME_BYTES_MAX];
        let Some(name) = comparable(name, &mut buffer) else { return SystemId::UNKNOWN };
        if let Ok(place) = self.names.binary_search_by(|(other, _)| other.as_slice().cmp(name)) {
            return self.names.get(place).map_or(SystemId::UNKNOWN, |(_, id)| *id);
        }
        let prefix = self.prefixes.iter().find(|(prefix, _)| name.starts_with(prefix));
        prefix.map_or(SystemId::UNKNOWN, |(_, id)| *id)
    }

    /// The systems to try a code against that has no system of its own.
    pub(super) fn tried(&self, code: CodeKey) -> impl Iterator<Item = &System> {
        let fitting = self.tried.iter().filter(move |(form, _)| form.fits(&code));
        fitting.filter_map(|(_, id)| self.of(*id))
    }
}

impl Declared {
    fn declare(&mut self, file: &SourceFile, line: &Line, mistakes: &mut Vec<Diagnostic>) {
        let mut filled = |column, what| {
            let cell = line.filled(column);
            if cell.is_none() && line.cell(column).is_some() {
                mistakes.push(Diagnostic::error(
                    file,
                    line.span,
                    format!("the row names no {what}"),
                ));
            }
            cell
        };
        let key = filled(KEY, "key");
        let name = filled(NAME, "URI or OID");
        let coverage = filled(COVERAGE, "coverage");
        let coverage = coverage.and_then(|cell| coverage_of(file, cell, mistakes));
        let (Some(key), Some(name)) = (key, name) else { return };
        let index = match self.by_key.get(&key.value) {
            Some(index) => *index,
            None => self.add(&key.value, coverage.unwrap_or(Coverage::Partial)),
        };
        let declared = self.systems.get(index).map(|system| system.coverage);
        if coverage.is_some() && coverage != declared {
            let message = format!("`{}` is declared otherwise above", key.value);
            let help = "all rows of a key say the same: complete, partial or administrative";
            mistakes.push(Diagnostic::error(file, line.span, message).help(help));
        }
        self.name(file, name, index, mistakes);
        self.spellings.push((name.value.clone(), index));
    }

    fn add(&mut self, key: &str, coverage: Coverage) -> usize {
        let index = self.systems.len();
        let form = TRIED_WITHOUT_SYSTEM.iter().find(|(tried, _)| *tried == key);
        let form = form.map(|(_, form)| *form);
        let (rows, table) = (Vec::new(), Table::default());
        self.systems.push(System { key: key.to_owned(), coverage, form, rows, table });
        self.by_key.insert(key.to_owned(), index);
        index
    }

    /// Notes a name, refusing one that means another system already.
    fn name(
        &mut self,
        file: &SourceFile,
        name: &At<String>,
        index: usize,
        mistakes: &mut Vec<Diagnostic>,
    ) {
        let Some((comparable, is_prefix)) = declared_name(&name.value) else {
            let message = format!("`{}` cannot name a system", name.value);
            let help = "write a URI or an OID of at most 512 bytes, or the start of one and `*`";
            mistakes.push(Diagnostic::error(file, name.span, message).help(help));
            return;
        };
        let mut holder = *self.names.entry((comparable, is_prefix)).or_insert(index);
        if holder == index {
            holder = self.by_key.get(&name.value).copied().unwrap_or(index);
        }
        if let (true, Some(holder)) = (holder != index, self.systems.get(holder)) {
            let message = format!("`{}` already belongs to `{}`", name.value, holder.key);
            let help = "names are compared without scheme, letter case, version and final slash";
            mistakes.push(Diagnostic::error(file, name.span, message).help(help));
        }
    }

    /// Adds the rows of one code list to the systems they name.
    fn join(&mut self, file: &SourceFile, mistakes: &mut Vec<Diagnostic>) {
        let mut told = BTreeSet::new();
        for (key, row) in lists::code_rows(file, mistakes) {
            let index = self.by_key.get(&key.value);
            match index.and_then(|index| self.systems.get_mut(*index)) {
                Some(system) if system.coverage != Coverage::Administrative => {
                    system.rows.extend(row);
                }
                Some(_) if told.insert(key.value.clone()) => {
                    let message = format!("`{}` is an administrative system", key.value);
                    let help = "its codes are not looked at; declare it `partial` or `complete`";
                    mistakes.push(Diagnostic::error(file, key.span, message).help(help));
                }
                None if !key.value.is_empty() && told.insert(key.value.clone()) => {
                    let message = format!("no row of systems.csv has the key `{}`", key.value);
                    let near = did_you_mean(&key.value, self.by_key.keys().map(String::as_str));
                    let help = near.unwrap_or_else(|| "declare it there, with its URIs".to_owned());
                    mistakes.push(Diagnostic::error(file, key.span, message).help(help));
                }
                // Told already: once for each list is enough.
                Some(_) | None => {}
            }
        }
    }

    /// Makes keys names too: as written, and in any letter case where that is clear.
    fn name_by_keys(&mut self) {
        let mut lower = BTreeMap::<_, Vec<usize>>::new();
        for (key, index) in &self.by_key {
            self.spellings.push((key.clone(), *index));
            if let Some((name, false)) = declared_name(key) {
                lower.entry((name, false)).or_default().push(*index);
            }
        }
        for (name, holders) in lower {
            if let [holder] = holders.as_slice() {
                self.names.entry(name).or_insert(*holder);
            }
        }
    }

    fn compile(mut self) -> Systems {
        self.name_by_keys();
        let mut systems = Systems { all: self.systems, ..Systems::default() };
        for system in &mut systems.all {
            let gives = system.rows.iter().any(|row| matches!(row.says, lists::Says::Gives(..)));
            if system.coverage == Coverage::Complete && !gives {
                system.coverage = Coverage::CompleteWithoutRows;
            }
            system.table = Table::of(&system.rows);
        }
        for ((name, is_prefix), index) in self.names {
            let names = if is_prefix { &mut systems.prefixes } else { &mut systems.names };
            names.push((name, SystemId::of(index)));
        }
        systems.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        let spellings = self.spellings.into_iter().filter(|(name, _)| !name.ends_with('*'));
        systems.spellings =
            Spellings::of(spellings.map(|(name, index)| (name.into(), SystemId::of(index))));
        let index = |key: &str| self.by_key.get(key).map(|index| SystemId::of(*index));
        let tried = TRIED_WITHOUT_SYSTEM.iter();
        systems.tried = tried.filter_map(|(key, form)| Some((*form, index(key)?))).collect();
        systems
    }
}

fn coverage_of(
    file: &SourceFile,
    cell: &At<String>,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Coverage> {
    match cell.value.as_str() {
        "complete" => Some(Coverage::Complete),
        "partial" => Some(Coverage::Partial),
        "administrative" => Some(Coverage::Administrative),
        other => {
            let message = format!("unknown coverage `{other}`");
            let known = ["complete", "partial", "administrative"];
            let help = did_you_mean(other, known)
                .unwrap_or_else(|| "it is `complete`, `partial` or `administrative`".to_owned());
            mistakes.push(Diagnostic::error(file, cell.span, message).help(help));
            None
        }
    }
}
