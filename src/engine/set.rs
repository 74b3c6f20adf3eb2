//! A policy set: shapes, codes, rules, whole or not at all (LAST-GOOD).

use super::codes::CodeBook;
use super::diagnostics::{Diagnostic, Severity, SourceFile};
use super::policy::DecisionTable;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

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
        // LAST-GOOD: whole or not at all.
        if mistakes.iter().any(|mistake| mistake.severity == Severity::Error) {
            return (None, mistakes);
        }
        (Some(PolicySet { codes, rules, hash: files.hash() }), mistakes)
    }
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
