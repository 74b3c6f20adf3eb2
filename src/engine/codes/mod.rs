//! Code lists, systems and words → look-up (DESIGN 4.4).

use super::category::Categories;
use super::diagnostics::{Diagnostic, SourceFile};
use jiff::civil::Date;

/// What a code or a text says, apart by reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Categories of reach `record`.
    pub record: Categories,
    /// Categories of reach `episode`.
    pub episode: Categories,
}

/// What became of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Rows name it.
    Listed(Hits),
    /// No row names it, and its system is complete.
    Harmless,
    /// Its system is administrative: not looked at.
    Ignored,
    /// To be judged by its words; unclassified if it has none.
    ByWords,
}

/// A row of a list or a word entry, for `explain`: where it stands and what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Path of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// The pattern as written.
    pub pattern: String,
    /// Its categories.
    pub categories: Categories,
}

/// All code lists, systems and words of a policy set.
#[derive(Debug, Default)]
pub struct CodeBook {}

impl CodeBook {
    /// Reads `codes/*.csv`; `systems.csv` and `words.csv` are told by their file names. Every
    /// mistake of every file is pushed to `mistakes`.
    pub fn read(files: &[SourceFile], mistakes: &mut Vec<Diagnostic>) -> CodeBook {
        let _ = (files, mistakes);
        CodeBook {}
    }

    /// Judges a code. `system` is the URI or OID as it stands in the body, unescaped, or the key
    /// a shape names (`ICD-10-CM`); `date` is the record's, for `from`/`until` of rows.
    pub fn judge(&self, system: Option<&str>, code: &str, date: Option<Date>) -> Judgement {
        let _ = (system, code, date);
        Judgement::ByWords
    }

    /// What the words of a human text say. The text is unescaped and free of markup.
    pub fn words(&self, text: &str) -> Hits {
        let _ = text;
        Hits::default()
    }

    /// Whether the set holds any words; where it holds none, nothing is harmless by words.
    pub fn has_words(&self) -> bool {
        false
    }

    /// The rows behind [`CodeBook::judge`].
    pub fn rows_of_code(&self, system: Option<&str>, code: &str, date: Option<Date>) -> Vec<Row> {
        let _ = (system, code, date);
        Vec::new()
    }

    /// The entries behind [`CodeBook::words`].
    pub fn rows_of_words(&self, text: &str) -> Vec<Row> {
        let _ = text;
        Vec::new()
    }

    /// Whether `systems.csv` declares this URI or OID (for `check --samples`).
    pub fn knows_system(&self, system: &str) -> bool {
        let _ = system;
        false
    }
}
