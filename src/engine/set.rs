//! A policy set: shapes, codes, rules, whole or not at all (LAST-GOOD).

use super::codes::CodeBook;
use super::diagnostics::{Diagnostic, Severity, SourceFile};
use super::document::tape::Tape;
use super::lending::Lending;
use super::policy::DecisionTable;
use super::shapes::compile::{Origin, compile as compile_shape};
use super::shapes::meant::Shape;
use super::shapes::{samples, written};
use super::yaml;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Everything the engine judges by, compiled.
#[derive(Debug)]
pub struct PolicySet {
    /// `shapes/*.yaml`.
    pub shapes: Vec<Shape>,
    /// `codes/*.csv`.
    pub codes: CodeBook,
    /// `rules/*.yaml` and the FLOOR.
    pub rules: DecisionTable,
    /// SHA-256 over all files, hex: names the set in the audit.
    pub hash: String,
    /// Tapes for the next bodies.
    pub(super) tapes: Lending<Tape>,
}

/// The files of a policy folder, as read.
#[derive(Clone, Debug, Default)]
pub struct PolicyFiles {
    /// `shapes/*.yaml`.
    pub shapes: Vec<SourceFile>,
    /// Sample bodies that shapes name, by path relative to `shapes/` (`samples/family.json`).
    pub samples: Vec<SourceFile>,
    /// `codes/*.csv`.
    pub codes: Vec<SourceFile>,
    /// `rules/*.yaml`.
    pub rules: Vec<SourceFile>,
    /// `states.csv`.
    pub states: Option<SourceFile>,
}

impl PolicySet {
    /// Compiles a set. Every mistake of every file is told; any error and there is no set.
    pub fn compile(files: &PolicyFiles) -> (Option<PolicySet>, Vec<Diagnostic>) {
        let mut mistakes = Vec::new();
        let codes = CodeBook::read(&files.codes, &mut mistakes);
        let rules = DecisionTable::read(&files.rules, &mut mistakes);
        let (shapes, _) = shapes(files, &codes, &mut mistakes);
        // LAST-GOOD: whole or not at all.
        if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
            return (None, mistakes);
        }
        let (hash, tapes) = (files.hash(), Lending::default());
        (Some(PolicySet { shapes, codes, rules, hash, tapes }), mistakes)
    }

    /// What `check` tells besides: selectors that no sample of their shape matches. Such a
    /// selector is how a redactor fails open unnoticed.
    pub fn check_samples(files: &PolicyFiles) -> Vec<Diagnostic> {
        let mut mistakes = Vec::new();
        let codes = CodeBook::read(&files.codes, &mut mistakes);
        mistakes.clear();
        let (_, origins) = shapes(files, &codes, &mut mistakes);
        mistakes.clear();
        for (file, written, shape, marks) in &origins {
            samples::check(file, written, shape, marks, &files.samples, &mut mistakes);
        }
        mistakes
    }
}

type Checked<'f> = (&'f SourceFile, written::Shape, Shape, BTreeMap<u32, Origin>);

/// Reads and compiles every shape; those that could be are given twice over, to judge by and to
/// check.
fn shapes<'f>(
    files: &'f PolicyFiles,
    codes: &CodeBook,
    mistakes: &mut Vec<Diagnostic>,
) -> (Vec<Shape>, Vec<Checked<'f>>) {
    let mut meant: Vec<Shape> = Vec::new();
    let mut checked = Vec::new();
    for file in &files.shapes {
        let Some(written) = yaml::read::<written::Shape>(file, mistakes) else { continue };
        let systems = written.kinds.values().flat_map(|kind| &kind.value.codes);
        for system in systems.filter_map(|code| code.system.as_ref()) {
            if !codes.knows_system(&system.value) {
                let message = format!("no row of `systems.csv` declares `{}`", system.value);
                mistakes.push(Diagnostic::error(file, system.span, message));
            }
        }
        let taken =
            meant.iter().find(|other| other.base == written.base.value.trim_end_matches('/'));
        if let Some(other) = taken {
            let message = format!("shape `{}` has the same base", other.name);
            mistakes.push(Diagnostic::error(file, written.base.span, message));
        }
        if let Some((shape, _)) = compile_shape(file, &written, mistakes) {
            meant.push(shape);
        }
        if let Some((shape, origins)) = compile_shape(file, &written, &mut Vec::new()) {
            checked.push((file, written, shape, origins));
        }
    }
    if files.shapes.is_empty() {
        let message = "the set holds no shape, so no route would be known";
        mistakes.push(Diagnostic::of_file("shapes/", message));
    }
    (meant, checked)
}

impl PolicyFiles {
    /// SHA-256, hex, over what every file is for, its name and its text. The folder they were
    /// read from does not count, nor the order: the same set has the same hash everywhere.
    pub fn hash(&self) -> String {
        let states: Vec<SourceFile> = self.states.iter().cloned().collect();
        let folders: [(&str, &[SourceFile]); 5] = [
            ("shapes", &self.shapes),
            ("samples", &self.samples),
            ("codes", &self.codes),
            ("rules", &self.rules),
            ("states", &states),
        ];
        let mut hasher = Sha256::new();
        for (folder, files) in folders {
            let mut files: Vec<(&str, &str)> = files
                .iter()
                .map(|file| (file.path.rsplit('/').next().unwrap_or_default(), &*file.text))
                .collect();
            files.sort_unstable();
            for (name, text) in files {
                // Each part with its length, so that no two sets run into the same bytes.
                for part in [folder, name, text] {
                    hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
                    hasher.update(part.as_bytes());
                }
            }
        }
        let mut hex = String::with_capacity(64);
        for byte in hasher.finalize() {
            // Writing to a `String` cannot fail.
            write!(hex, "{byte:02x}").unwrap_or_default();
        }
        hex
    }
}

#[cfg(test)]
mod tests;
