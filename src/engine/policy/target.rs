//! Whom and what a rule or a release speaks of: the words of the files, checked against the
//! words there are.

use super::written::Subject;
use crate::engine::category::{Categories, Category};
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, did_you_mean};
use crate::engine::facts::{AgeBand, Relation};
use crate::engine::shapes::written::{OneOrMany, StringOrList};

/// The word for every record.
pub(super) const ANY: &str = "any";
/// The word for all readers but the subject.
pub(super) const OTHERS: &str = "others";
/// The word for all readers.
const ANYONE: &str = "anyone";

/// The relationships of a subject to the subscriber (DESIGN 4.2); every other word is `other`.
pub const RELATIONSHIPS: [&str; 14] = [
    "self",
    "spouse",
    "common",
    "partner",
    "child",
    "adopted",
    "foster",
    "step",
    "ward",
    "grandchild",
    "parent",
    "ex-spouse",
    "injured",
    "other",
];

/// Postal abbreviations of the states, the District of Columbia and the territories.
const STATES: [&str; 56] = [
    "AK", "AL", "AR", "AS", "AZ", "CA", "CO", "CT", "DC", "DE", "FL", "GA", "GU", "HI", "IA", "ID",
    "IL", "IN", "KS", "KY", "LA", "MA", "MD", "ME", "MI", "MN", "MO", "MP", "MS", "MT", "NC", "ND",
    "NE", "NH", "NJ", "NM", "NV", "NY", "OH", "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX",
    "UT", "VA", "VI", "VT", "WA", "WI", "WV", "WY",
];

/// Whom and what a rule or a release speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The categories it names, each with its place.
    pub(super) categories: Vec<At<Category>>,
    /// Whether it names `any`.
    pub(super) any: bool,
    /// Ages of the subject.
    pub(super) ages: Vec<AgeBand>,
    /// States of the subject; `None`: every one.
    pub(super) states: Option<Vec<String>>,
    /// Relationships of the subject to the subscriber; `None`: every one.
    pub(super) relationships: Option<Vec<String>>,
    /// Relations of the reader to the subject.
    pub(super) readers: Vec<Relation>,
}

impl Target {
    /// Checks the words. `None` if any of them is wrong; all that are wrong are told.
    pub(super) fn read(
        file: &SourceFile,
        category: &OneOrMany,
        subject: Option<&Subject>,
        reader: &OneOrMany,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Target> {
        let before = mistakes.len();
        let mut words = Words { file, mistakes };
        let named = words.known("category", category, |word| match Category::named(word) {
            Some(category) => Some(Some(category)),
            None => (word == ANY).then_some(None),
        });
        let subject = subject.cloned().unwrap_or_default();
        let ages = subject.age.map(|age| words.known("age", &age, age_named));
        let states = subject.state.map(|state| words.known("state", &state, state_named));
        let relationships = subject
            .relationship
            .map(|relationship| words.known("relationship", &relationship, relationship_named));
        let readers = words.known("reader", reader, readers_named);
        words.self_is_no_reader(reader);
        words.anyone_is_rare(reader, &named);
        (mistakes.len() == before).then(|| Target {
            any: named.iter().any(|name| name.value.is_none()),
            categories: named
                .into_iter()
                .filter_map(|name| Some(At { value: name.value?, span: name.span }))
                .collect(),
            ages: ages.map_or_else(|| AgeBand::ALL.to_vec(), values),
            states: states.map(values),
            relationships: relationships.map(values),
            readers: values(readers).concat(),
        })
    }

    /// The categories without their places.
    pub(super) fn category_set(&self) -> Categories {
        self.categories.iter().map(|category| category.value).collect()
    }

    /// Whether it speaks of subjects in this state. One that is not known might be any
    /// (SILENCE-HIDES).
    pub(super) fn takes_state(&self, state: Option<&str>) -> bool {
        holds(self.states.as_deref(), state)
    }

    /// Whether it speaks of subjects in this relationship to the subscriber; as with states.
    pub(super) fn takes_relationship(&self, relationship: Option<&str>) -> bool {
        holds(self.relationships.as_deref(), relationship)
    }
}

fn holds(condition: Option<&[String]>, fact: Option<&str>) -> bool {
    match (condition, fact) {
        (Some(words), Some(fact)) => words.iter().any(|word| word == fact),
        (None, _) | (_, None) => true,
    }
}

fn values<T>(words: Vec<At<T>>) -> Vec<T> {
    words.into_iter().map(|word| word.value).collect()
}

fn age_named(word: &str) -> Option<AgeBand> {
    AgeBand::ALL.into_iter().find(|age| age.name() == word)
}

fn state_named(word: &str) -> Option<String> {
    STATES.contains(&word).then(|| word.to_owned())
}

fn relationship_named(word: &str) -> Option<String> {
    RELATIONSHIPS.contains(&word).then(|| word.to_owned())
}

fn readers_named(word: &str) -> Option<Vec<Relation>> {
    let others = || Relation::ALL.into_iter().filter(|it| *it != Relation::SelfReader).collect();
    match word {
        OTHERS => Some(others()),
        ANYONE => Some(Relation::ALL.to_vec()),
        _ => Relation::ALL.into_iter().find(|it| it.name() == word).map(|it| vec![it]),
    }
}

/// The words there are, for "did you mean".
fn known_words(what: &str) -> Vec<&'static str> {
    match what {
        "category" => Category::ALL.into_iter().map(Category::name).chain([ANY]).collect(),
        "age" => AgeBand::ALL.into_iter().map(AgeBand::name).collect(),
        "state" => STATES.to_vec(),
        "relationship" => RELATIONSHIPS.to_vec(),
        _ => Relation::ALL
            .into_iter()
            .filter(|relation| *relation != Relation::SelfReader)
            .map(Relation::name)
            .chain([OTHERS, ANYONE])
            .collect(),
    }
}

/// What was probably meant, or all that could be.
fn near_or_all(what: &str, word: &str) -> String {
    let known = known_words(what);
    let folded = known.iter().find(|name| name.eq_ignore_ascii_case(word));
    folded
        .map(|name| format!("did you mean `{name}`?"))
        .or_else(|| did_you_mean(word, known.iter().copied()))
        .unwrap_or_else(|| match what {
            "state" => "write its postal abbreviation, e.g. `CA`".to_owned(),
            _ => format!("one of `{}`", known.join("`, `")),
        })
}

/// One string or several, each with its place.
pub(super) fn each_word(words: &OneOrMany) -> Vec<At<String>> {
    match &words.value {
        StringOrList::One(word) => vec![At { value: word.clone(), span: words.span }],
        StringOrList::Many(many) => many.clone(),
    }
}

/// The checks, with where to tell what is wrong.
struct Words<'a> {
    file: &'a SourceFile,
    mistakes: &'a mut Vec<Diagnostic>,
}

impl Words<'_> {
    /// The meaning of each word, or a mistake for each that has none.
    fn known<T>(
        &mut self,
        what: &str,
        words: &OneOrMany,
        meaning: impl Fn(&str) -> Option<T>,
    ) -> Vec<At<T>> {
        let written = each_word(words);
        if written.is_empty() {
            let message = format!("the list under `{what}` is empty");
            let help = format!("name at least one {what}");
            self.mistakes.push(Diagnostic::error(self.file, words.span, message).help(help));
        }
        let mut meant = Vec::new();
        for word in written {
            if let Some(value) = meaning(&word.value) {
                meant.push(At { value, span: word.span });
                continue;
            }
            let message = format!("unknown {what} `{}`", word.value);
            let help = near_or_all(what, &word.value);
            self.mistakes.push(Diagnostic::error(self.file, word.span, message).help(help));
        }
        meant
    }

    /// OWN-DATA: nothing is said about a person reading their own records, except to `anyone`.
    fn self_is_no_reader(&mut self, reader: &OneOrMany) {
        let own = Relation::SelfReader.name();
        for word in each_word(reader).into_iter().filter(|word| word.value == own) {
            let message =
                format!("`{own}` cannot be a reader here: a person sees their own records");
            let help = format!(
                "leave it out; what nobody may see, not even the subject, is written with `{ANYONE}`"
            );
            self.mistakes.push(Diagnostic::error(self.file, word.span, message).help(help));
        }
    }

    /// OWN-DATA: only psychotherapy notes and running totals are kept from the subject.
    fn anyone_is_rare(&mut self, reader: &OneOrMany, named: &[At<Option<Category>>]) {
        let may = [Some(Category::PsychotherapyNotes), Some(Category::Aggregate)];
        let all_may = named.iter().all(|name| may.contains(&name.value));
        for word in each_word(reader).into_iter().filter(|word| word.value == ANYONE && !all_may) {
            let message = format!(
                "`{ANYONE}` would keep from people what is theirs: it goes with `{}` and `{}` only",
                Category::PsychotherapyNotes.name(),
                Category::Aggregate.name()
            );
            let help = format!("write `{OTHERS}`: everyone but the subject");
            self.mistakes.push(Diagnostic::error(self.file, word.span, message).help(help));
        }
    }
}
