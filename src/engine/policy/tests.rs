//! The rules as users write them, decided for readers as `members` finds them.

use super::*;
use crate::engine::facts::{
    AgeBand, Grant, GrantKind, PersonId, Relation, Restriction, Scope, Tie,
};
use proptest::prelude::*;

mod decisions;
mod mistakes;
mod properties;

fn us_federal() -> &'static str {
    include_str!("../../../policies/rules/us-federal.yaml")
}

fn file(name: &str, text: &str) -> SourceFile {
    SourceFile::new(format!("rules/{name}.yaml"), text)
}

/// Everything the FLOOR leaves open stays open.
const OPEN: &str = "
pack: open
releases:
  - { category: any, reader: others, why: a test of the floor alone }
";

#[track_caller]
fn table(texts: &[&str]) -> DecisionTable {
    let files: Vec<_> =
        texts.iter().enumerate().map(|(n, text)| file(&format!("{n}"), text)).collect();
    let mut mistakes = Vec::new();
    let table = DecisionTable::read(&files, &mut mistakes);
    let told: String = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(errors(&mistakes), 0, "{told}");
    table
}

fn default_table() -> DecisionTable {
    table(&[us_federal()])
}

fn set(names: &str) -> Categories {
    names.split_whitespace().map(|name| Category::named(name).expect("a category")).collect()
}

fn day(text: &str) -> jiff::civil::Date {
    text.parse().expect("a date")
}

fn standing(relation: Relation, age: AgeBand) -> Standing {
    let relationship = if relation == Relation::SelfReader { "self" } else { "child" };
    Standing {
        subject: PersonId(1),
        ties: vec![Tie { relation, relationship: relationship.to_owned() }],
        age,
        state: Some("OH".to_owned()),
        grants: Vec::new(),
        restrictions: Vec::new(),
    }
}

fn grant(kind: GrantKind, names: &str) -> Grant {
    let scope = if names == "all" { Scope::All } else { Scope::Named(set(names)) };
    Grant { id: "G-1".to_owned(), kind, scope, from: Some(day("2026-01-01")) }
}

fn authorization(names: &str) -> Grant {
    grant(GrantKind::Authorization, names)
}

fn representation(names: &str) -> Grant {
    grant(GrantKind::Representation, names)
}

fn restriction(names: &str, since: Option<&str>) -> Restriction {
    let scope = if names == "all" { Scope::All } else { Scope::Named(set(names)) };
    Restriction { id: "R-1".to_owned(), scope, since: since.map(day) }
}

fn with(mut standing: Standing, grants: &[Grant]) -> Standing {
    standing.grants.extend(grants.iter().cloned());
    standing
}

fn against(mut standing: Standing, restrictions: &[Restriction]) -> Standing {
    standing.restrictions.extend(restrictions.iter().cloned());
    standing
}

/// The ids of the rules that withhold a record with these categories; empty: it leaves.
fn record(table: &DecisionTable, standing: &Standing, names: &str) -> Vec<String> {
    ids(table, &table.record(standing, set(names)))
}

/// The same of a field in such a record.
fn field(table: &DecisionTable, standing: &Standing, names: &str, field: &str) -> Vec<String> {
    let field = Category::named(field).expect("a category");
    ids(table, &table.field(standing, set(names), field))
}

fn ids(table: &DecisionTable, verdict: &Verdict) -> Vec<String> {
    assert_eq!(verdict.action == Action::Release, verdict.rules.is_empty());
    assert!(verdict.rules.is_sorted());
    verdict.rules.iter().map(|number| table.rule_id(*number).to_owned()).collect()
}
