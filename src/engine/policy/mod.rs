//! Rules as written → as meant → one decision table; the FLOOR; the gaps of a set.

use super::category::{Categories, Category};
use super::diagnostics::{Diagnostic, SourceFile};
use super::facts::Standing;

/// What is done with a record or field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It leaves.
    Release,
    /// It does not.
    Withhold,
}

/// What the rules made of one record or field, and the rules that caused it (numbers for
/// [`DecisionTable::rule_id`]; empty when released).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The strongest action (UNION).
    pub action: Action,
    /// Every rule that asked for it, sorted.
    pub rules: Vec<u16>,
}

/// All rules of a policy set, compiled.
#[derive(Debug, Default)]
pub struct DecisionTable {}

impl DecisionTable {
    /// Reads `rules/*.yaml`. Mistakes and gaps are pushed to `mistakes`.
    pub fn read(files: &[SourceFile], mistakes: &mut Vec<Diagnostic>) -> DecisionTable {
        let _ = (files, mistakes);
        DecisionTable {}
    }

    /// Decides a record that carries these categories.
    pub fn record(&self, standing: &Standing, categories: Categories) -> Verdict {
        let _ = (standing, categories);
        Verdict { action: Action::Withhold, rules: Vec::new() }
    }

    /// Decides a field of that category inside a record that carries `record`.
    pub fn field(&self, standing: &Standing, record: Categories, field: Category) -> Verdict {
        let _ = (standing, record, field);
        Verdict { action: Action::Withhold, rules: Vec::new() }
    }

    /// The id of a rule: `FLOOR`, `us-federal/adult-reproductive`, `restriction`, ….
    pub fn rule_id(&self, number: u16) -> &str {
        let _ = number;
        "FLOOR"
    }
}
