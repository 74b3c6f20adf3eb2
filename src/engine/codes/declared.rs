//! `systems.csv` as written, and the code lists joined to it.

use super::lines::{Column, Line, lines};
use super::lists;
use super::names::declared_name;
use super::systems::{Coverage, System, Systems};
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, did_you_mean};
use std::collections::{BTreeMap, BTreeSet};

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
        self.systems.push(System::new(key, coverage));
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
                    if let Some(row) = row {
                        system.add(row);
                    }
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
        self.spellings.retain(|(name, _)| !name.ends_with('*'));
        Systems::of(self.systems, self.spellings, self.names)
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
