//! What a set says nothing about. The domain is finite, so every combination of category, age,
//! relation, state and relationship is looked at: the FLOOR, a rule or a release must name it.

use super::floor;
use super::rules::Rules;
use super::target::{OTHERS, RELATIONSHIPS, Target};
use crate::engine::category::Category;
use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile};
use crate::engine::facts::{AgeBand, Relation};
use std::collections::{BTreeMap, BTreeSet};

/// The relationships of a child to the subscriber: who is listed so and not of age has guardians.
pub const CHILDREN: [&str; 6] = ["child", "adopted", "foster", "step", "ward", "grandchild"];

/// A state by its abbreviation, or every state that no rule names.
type State<'a> = Option<&'a str>;

/// Where in the domain something is missing: states and relationships.
type Corners<'a> = BTreeSet<(State<'a>, &'static str)>;

/// Pushes one error per gap, condensed: what is missing alike is told together.
pub(super) fn tell_gaps(rules: &Rules, file: &SourceFile, mistakes: &mut Vec<Diagnostic>) {
    let named = all_targets(rules);
    let states = states(&named);
    // What is missing: who may not be told about, where → categories → ages.
    let mut missing: BTreeMap<(String, String), BTreeMap<Category, BTreeSet<AgeBand>>> =
        BTreeMap::new();
    for category in Category::ALL {
        for age in AgeBand::ALL {
            for (place, readers) in missing_readers(&named, &states, category, age) {
                let key = (readers_in_words(&readers, category, age), place);
                missing.entry(key).or_default().entry(category).or_default().insert(age);
            }
        }
    }
    for ((readers, place), categories) in missing {
        let mut by_ages: BTreeMap<BTreeSet<AgeBand>, Vec<Category>> = BTreeMap::new();
        for (category, ages) in categories {
            by_ages.entry(ages).or_default().push(category);
        }
        mistakes.extend(by_ages.iter().map(|(ages, categories)| {
            let ages: Vec<_> = ages.iter().copied().map(AgeBand::name).collect();
            let categories: Vec<_> = categories.iter().copied().map(Category::name).collect();
            gap(file, &categories, &ages, &readers, &place)
        }));
    }
}

/// Pushes a warning for each category of a release that is named in vain: the FLOOR or a rule
/// withholds it wherever the release would open it.
pub(super) fn tell_vain_releases(rules: &Rules, mistakes: &mut Vec<Diagnostic>) {
    let withheld: Vec<&Target> = rules.rules.iter().map(|rule| &rule.target).collect();
    let all = all_targets(rules);
    let states = states(&all);
    for release in &rules.releases {
        for category in &release.target.categories {
            let opens = cells(&states, category.value)
                .filter(|cell| cell.is_named_by(&release.target))
                .any(|cell| !cell.is_named(&withheld));
            if opens {
                continue;
            }
            let mut mistake = Diagnostic::error(
                &release.file,
                category.span,
                format!(
                    "releasing `{}` here has no effect: it is always withheld",
                    category.value.name()
                ),
            );
            mistake.severity = Severity::Warning;
            mistakes.push(
                mistake.help("a release overrides neither the floor nor a rule: leave it out"),
            );
        }
    }
}

fn all_targets(rules: &Rules) -> Vec<&Target> {
    let rules_targets = rules.rules.iter().map(|rule| &rule.target);
    rules_targets.chain(rules.releases.iter().map(|release| &release.target)).collect()
}

/// Every state that is named anywhere, and all others as one.
fn states<'a>(targets: &[&'a Target]) -> Vec<State<'a>> {
    let named: BTreeSet<&str> = targets
        .iter()
        .filter_map(|it| it.states.as_deref())
        .flatten()
        .map(String::as_str)
        .collect();
    named.into_iter().map(Some).chain([None]).collect()
}

/// One point of the domain.
#[derive(Clone, Copy, Debug)]
struct Cell<'a> {
    category: Category,
    age: AgeBand,
    relation: Relation,
    state: State<'a>,
    relationship: &'static str,
}

impl Cell<'_> {
    fn is_named_by(&self, target: &Target) -> bool {
        let of_states = target.states.as_deref();
        let in_state = of_states.is_none_or(|states| {
            self.state.is_some_and(|here| states.iter().any(|state| state == here))
        });
        (target.any || target.category_set().contains(self.category))
            && target.ages.contains(&self.age)
            && target.readers.contains(&self.relation)
            && in_state
            && target.takes_relationship(Some(self.relationship))
    }

    fn is_named(&self, targets: &[&Target]) -> bool {
        floor::names(self.category, self.age, self.relation)
            || targets.iter().any(|target| self.is_named_by(target))
    }

    /// Whether there can be such a reader of such a subject, other than the subject.
    fn can_be(&self) -> bool {
        let is_child = CHILDREN.contains(&self.relationship) && self.age != AgeBand::Adult;
        match self.relation {
            Relation::SelfReader => false,
            Relation::Guardian => is_child,
            Relation::Subscriber => !is_child && self.relationship != "self",
            Relation::Spouse => !is_child,
            Relation::Representative | Relation::Dependent | Relation::Outsider => true,
        }
    }
}

/// Every point that can be, of one category.
fn cells<'a>(states: &[State<'a>], category: Category) -> impl Iterator<Item = Cell<'a>> {
    AgeBand::ALL.into_iter().flat_map(move |age| cells_of_age(states, category, age))
}

fn cells_of_age<'a>(
    states: &[State<'a>],
    category: Category,
    age: AgeBand,
) -> impl Iterator<Item = Cell<'a>> {
    let states = states.to_vec();
    Relation::ALL.into_iter().flat_map(move |relation| {
        let corners =
            states.clone().into_iter().flat_map(|state| RELATIONSHIPS.map(|it| (state, it)));
        corners
            .map(move |(state, relationship)| Cell { category, age, relation, state, relationship })
            .filter(Cell::can_be)
            .collect::<Vec<_>>()
    })
}

/// The relations that nothing names, by where they are missing (empty: everywhere).
fn missing_readers<'a>(
    named: &[&Target],
    states: &[State<'a>],
    category: Category,
    age: AgeBand,
) -> BTreeMap<String, BTreeSet<Relation>> {
    let mut possible: BTreeMap<Relation, Corners<'a>> = BTreeMap::new();
    let mut missing: BTreeMap<Relation, Corners<'a>> = BTreeMap::new();
    for cell in cells_of_age(states, category, age) {
        let corner = (cell.state, cell.relationship);
        possible.entry(cell.relation).or_default().insert(corner);
        if !cell.is_named(named) {
            missing.entry(cell.relation).or_default().insert(corner);
        }
    }
    let mut by_place: BTreeMap<String, BTreeSet<Relation>> = BTreeMap::new();
    for (relation, corners) in missing {
        let whole = possible.get(&relation).unwrap_or(&corners);
        by_place.entry(place_in_words(&corners, whole)).or_default().insert(relation);
    }
    by_place
}

/// Where it is missing, if not everywhere, e.g. ` in states other than CA`.
fn place_in_words(missing: &Corners<'_>, possible: &Corners<'_>) -> String {
    let states = |corners: &Corners<'_>| -> BTreeSet<Option<String>> {
        corners.iter().map(|(state, _)| state.map(str::to_owned)).collect()
    };
    let relationships = |corners: &Corners<'_>| -> BTreeSet<&'static str> {
        corners.iter().map(|(_, relationship)| *relationship).collect()
    };
    let (here, everywhere) = (states(missing), states(possible));
    let in_states = if here == everywhere {
        String::new()
    } else if here.contains(&None) {
        let rest: Vec<_> = everywhere.difference(&here).flatten().cloned().collect();
        format!(" in states other than `{}`", rest.join("`, `"))
    } else {
        format!(" in `{}`", here.into_iter().flatten().collect::<Vec<_>>().join("`, `"))
    };
    let (here, everywhere) = (relationships(missing), relationships(possible));
    let listed_as = if here == everywhere {
        String::new()
    } else {
        format!(" listed as `{}`", here.into_iter().collect::<Vec<_>>().join("`, `"))
    };
    in_states + &listed_as
}

/// `others` if it is everyone the FLOOR leaves open, else the relations.
fn readers_in_words(readers: &BTreeSet<Relation>, category: Category, age: AgeBand) -> String {
    let open: BTreeSet<Relation> = cells_of_age(&[None], category, age)
        .filter(|cell| !floor::names(category, age, cell.relation))
        .map(|cell| cell.relation)
        .collect();
    if *readers == open {
        return OTHERS.to_owned();
    }
    one_or_list(&readers.iter().copied().map(Relation::name).collect::<Vec<_>>())
}

/// As YAML: `word` or `[word, word]`.
fn one_or_list(words: &[&str]) -> String {
    match words {
        [word] => (*word).to_owned(),
        _ => format!("[{}]", words.join(", ")),
    }
}

fn gap(
    file: &SourceFile,
    categories: &[&str],
    ages: &[&str],
    readers: &str,
    place: &str,
) -> Diagnostic {
    let subject = if ages.len() == AgeBand::ALL.len() {
        String::new()
    } else {
        format!("subject: {{ age: {} }}, ", one_or_list(ages))
    };
    let message = format!(
        "no rule and no release says whether `{readers}` may see `{}` of a subject who is `{}`{place}",
        categories.join("`, `"),
        ages.join("`, `")
    );
    let help = format!(
        "withhold it by a rule, or add under `releases:` - {{ category: {}, {subject}reader: \
         {readers}, why: say why }}",
        one_or_list(categories)
    );
    Diagnostic {
        severity: Severity::Error,
        message,
        file: file.clone(),
        span: None,
        help: Some(help),
    }
}
