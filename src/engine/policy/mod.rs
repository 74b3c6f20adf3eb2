//! Rules as written → as meant → one decision table; the FLOOR; the gaps of a set.

pub mod written;

mod floor;
mod gaps;
mod grants;
mod rules;
mod table;
mod target;
#[cfg(test)]
mod tests;

pub use gaps::CHILDREN;
pub use target::RELATIONSHIPS;

use super::category::{Categories, Category};
use super::diagnostics::{Diagnostic, Severity, SourceFile};
use super::facts::Standing;
use super::yaml;
use table::{FLOOR, Question, Table};

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

/// All rules of a policy set, compiled. The default, as that of a set with mistakes, withholds
/// everything from everyone.
#[derive(Debug, Default)]
pub struct DecisionTable {
    /// `None`: the set is broken, and nothing leaves by it.
    table: Option<Table>,
}

impl DecisionTable {
    /// Reads `rules/*.yaml`. Mistakes and gaps are pushed to `mistakes`. With any error the
    /// table withholds everything.
    pub fn read(files: &[SourceFile], mistakes: &mut Vec<Diagnostic>) -> DecisionTable {
        let before = errors(mistakes);
        let mut written = Vec::new();
        for file in files {
            let read = yaml::read::<written::RulesFile>(file, mistakes);
            written.extend(read.map(|rules| (file.clone(), rules)));
        }
        let all_are_read = written.len() == files.len() && errors(mistakes) == before;
        let table = compile(written, all_are_read, mistakes);
        DecisionTable { table: table.filter(|_| errors(mistakes) == before) }
    }

    /// Decides a record that carries these categories.
    pub fn record(&self, standing: &Standing, categories: Categories) -> Verdict {
        self.decide(standing, Question { asked: categories, whole: categories })
    }

    /// Decides a field of that category inside a record that carries `record`.
    pub fn field(&self, standing: &Standing, record: Categories, field: Category) -> Verdict {
        let asked = Categories::of(field);
        self.decide(standing, Question { asked, whole: record.union(asked) })
    }

    fn decide(&self, standing: &Standing, question: Question) -> Verdict {
        match &self.table {
            Some(table) => table.decide(standing, question),
            None => Verdict { action: Action::Withhold, rules: vec![FLOOR] },
        }
    }

    /// The id of a rule: `FLOOR`, `us-federal/adult-reproductive`, `restriction`, ….
    pub fn rule_id(&self, number: u16) -> &str {
        self.table.as_ref().and_then(|table| table.id(number)).unwrap_or("FLOOR")
    }
}

/// Checks and compiles files as written. They have no order (UNION). Gaps are looked for only
/// where all files are read and right: else they would be told of things that are there.
fn compile(
    mut files: Vec<(SourceFile, written::RulesFile)>,
    all_are_read: bool,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Table> {
    files.sort_by(|(one, _), (other, _)| one.path.cmp(&other.path));
    let rules = rules::read(&files, mistakes).filter(|_| all_are_read)?;
    match files.first() {
        Some((first, _)) if !(rules.rules.is_empty() && rules.releases.is_empty()) => {
            gaps::tell_gaps(&rules, first, mistakes);
            gaps::tell_vain_releases(&rules, mistakes);
        }
        _ => mistakes.push(empty_set()),
    }
    let table = Table::compile(rules);
    if table.is_none() {
        mistakes.push(nowhere(format!("more than {} rules in one set", u16::MAX)));
    }
    table
}

fn errors(mistakes: &[Diagnostic]) -> usize {
    mistakes.iter().filter(|mistake| mistake.severity == Severity::Error).count()
}

/// A folder of rules that was emptied opens nothing by that: it is refused.
fn empty_set() -> Diagnostic {
    nowhere("the set has no rules and no releases".to_owned())
        .help("add a file under `rules/` with `rules:` or `releases:`")
}

fn nowhere(message: String) -> Diagnostic {
    Diagnostic::of_file("rules", message)
}
