//! A policy set: shapes, codes, rules, whole or not at all (LAST-GOOD).

use super::codes::CodeBook;
use super::diagnostics::{Diagnostic, SourceFile};
use super::policy::DecisionTable;

/// Everything the engine judges by, compiled.
#[derive(Debug)]
pub struct PolicySet {
    /// `codes/*.csv`.
    pub codes: CodeBook,
    /// `rules/*.yaml` and the FLOOR.
    pub rules: DecisionTable,
    /// SHA-256 over all files, hex: names the set in the audit.
    pub hash: String,
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
        (Some(PolicySet { codes, rules, hash: String::new() }), mistakes)
    }
}
