//! The decision table: for each category, age and relation the rules that ask to withhold.

use super::rules::{Rule, Rules};
use super::{Action, Verdict, floor, grants};
use crate::engine::category::{Categories, Category};
use crate::engine::facts::{AgeBand, Grant, Relation, Standing, Tie};
use std::collections::{BTreeMap, BTreeSet};

/// The number of the FLOOR in every table.
pub(super) const FLOOR: u16 = 0;
/// The number of a subject's restriction in every table.
pub(super) const RESTRICTION: u16 = 1;
/// The number of the first rule.
const FIRST: u16 = 2;

/// What a rule is looked up by: a category (`None`: every record), age and relation.
type Cell = (Option<Category>, AgeBand, Relation);

/// All rules of a set that is whole.
#[derive(Debug)]
pub(super) struct Table {
    /// By number.
    ids: BTreeMap<u16, String>,
    /// By number.
    rules: BTreeMap<u16, Rule>,
    /// Which rules name a cell.
    cells: BTreeMap<Cell, Vec<u16>>,
}

/// What is decided: these categories of a record that carries `whole`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// The record's own categories, or the one of a field.
    pub(super) asked: Categories,
    /// All categories of the record, the field's too: grants are measured by it.
    pub(super) whole: Categories,
}

impl Table {
    /// Compiles rules. `None` if there are more than can be numbered.
    pub(super) fn compile(rules: Rules) -> Option<Table> {
        let mut table =
            Table { ids: BTreeMap::new(), rules: BTreeMap::new(), cells: BTreeMap::new() };
        table.ids.insert(FLOOR, "FLOOR".to_owned());
        table.ids.insert(RESTRICTION, "restriction".to_owned());
        for (position, rule) in rules.rules.into_iter().enumerate() {
            let number = FIRST.checked_add(u16::try_from(position).ok()?)?;
            for cell in cells(&rule) {
                table.cells.entry(cell).or_default().push(number);
            }
            table.ids.insert(number, rule.id.clone());
            table.rules.insert(number, rule);
        }
        Some(table)
    }

    /// The id of a rule.
    pub(super) fn id(&self, number: u16) -> Option<&str> {
        self.ids.get(&number).map(String::as_str)
    }

    /// UNION: whoever asks to withhold is heard, over all ties and all rules.
    pub(super) fn decide(&self, standing: &Standing, question: Question) -> Verdict {
        let mut rules = BTreeSet::new();
        if grants::restricted(standing, question.asked, question.whole) {
            rules.insert(RESTRICTION);
        }
        for (relation, relationship) in relations(standing, question.whole) {
            let (age, given) = (standing.age, &standing.grants);
            if floor::withholds(relation, age, given, question.asked, question.whole) {
                rules.insert(FLOOR);
            }
            let cells = question.asked.iter().map(Some).chain([None]);
            for category in cells {
                let numbers = self.cells.get(&(category, age, relation)).into_iter().flatten();
                rules.extend(numbers.filter(|number| {
                    self.rules.get(number).is_none_or(|rule| {
                        asks(rule, category, standing, relationship, question.whole)
                    })
                }));
            }
        }
        let action = if rules.is_empty() { Action::Release } else { Action::Withhold };
        Verdict { action, rules: rules.into_iter().collect() }
    }
}

/// The cells a rule names.
fn cells(rule: &Rule) -> BTreeSet<Cell> {
    let target = &rule.target;
    let categories = target.category_set().iter().map(Some).collect::<Vec<_>>();
    let any = target.any.then_some(None);
    let mut cells = BTreeSet::new();
    for category in categories.into_iter().chain(any) {
        for age in &target.ages {
            cells.extend(target.readers.iter().map(|relation| (category, *age, *relation)));
        }
    }
    cells
}

/// The reader's relations to the subject for a record that carries `whole`, each with the
/// subject's relationship to the subscriber if it is known.
fn relations(standing: &Standing, whole: Categories) -> Vec<(Relation, Option<&str>)> {
    let replaced = if standing.is_self() {
        Some(Relation::SelfReader)
    } else {
        grants::represents(standing, whole).then_some(Relation::Representative)
    };
    let of_tie = |tie: &Tie| {
        // Only grants make a representative, and only for what they cover.
        let claimed = tie.relation == Relation::Representative;
        replaced.unwrap_or(if claimed { Relation::Outsider } else { tie.relation })
    };
    let mut relations: Vec<_> = standing
        .ties
        .iter()
        .map(|tie| (of_tie(tie), Some(tie.relationship.as_str()).filter(|word| !word.is_empty())))
        .collect();
    if relations.is_empty() {
        // SILENCE-HIDES: who has no tie is an outsider.
        relations.push((replaced.unwrap_or(Relation::Outsider), None));
    }
    relations
}

/// Whether a rule found by category, age and relation holds, and no grant lifts it.
fn asks(
    rule: &Rule,
    category: Option<Category>,
    standing: &Standing,
    relationship: Option<&str>,
    whole: Categories,
) -> bool {
    let lifting =
        || standing.grants.iter().filter(|grant: &&Grant| rule.unless.contains(&grant.kind));
    let lifted = match category {
        Some(category) => lifting().any(|grant| grants::covers(grant, category, whole)),
        None => grants::cover_whole(&lifting(), whole),
    };
    rule.target.takes_state(standing.state.as_deref())
        && rule.target.takes_relationship(relationship)
        && !lifted
}
