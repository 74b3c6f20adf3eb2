//! Rules and FLOOR, evaluated rule by rule (DESIGN 2, 4.5).

use super::yaml::Plain;
use sequester::engine::category::{Categories, Category};
use sequester::engine::diagnostics::SourceFile;
use sequester::engine::facts::{
    AgeBand, Grant, GrantKind, Relation, Restriction, Scope, Standing, Tie,
};

/// All rules of all files.
#[derive(Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// `None` is `any`: every record.
    categories: Option<Vec<Category>>,
    ages: Vec<String>,
    states: Vec<String>,
    relationships: Vec<String>,
    readers: Vec<String>,
    withholds: bool,
    unless: Vec<GrantKind>,
}

/// What is judged: a record as a whole, or one field of it.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// The categories that rules look at.
    categories: Categories,
    /// The categories of the record.
    record: Categories,
}

impl Rules {
    pub fn read(files: &[SourceFile]) -> Rules {
        let mut rules = Vec::new();
        for file in files {
            let yaml = Plain::read(&file.text);
            for rule in yaml.at("rules").list() {
                rules.push(read_rule(rule));
            }
        }
        Rules { rules }
    }

    /// Whether a record of these categories may leave, as far as this subject is concerned.
    pub fn record_leaves(&self, standing: &Standing, categories: Categories) -> bool {
        let judged = Judged { categories, record: categories };
        self.leaves(standing, judged)
    }

    /// Whether a field of that category in a record of these may leave.
    pub fn field_leaves(&self, standing: &Standing, record: Categories, field: Category) -> bool {
        // Grants are measured by the record with its field.
        let asked = Categories::of(field);
        self.leaves(standing, Judged { categories: asked, record: record.union(asked) })
    }

    fn leaves(&self, standing: &Standing, judged: Judged) -> bool {
        // FLOOR: psychotherapy notes leave only on an authorization for exactly them.
        let only_notes = Scope::Named(Categories::of(Category::PsychotherapyNotes));
        if judged.categories.contains(Category::PsychotherapyNotes)
            && !standing
                .grants
                .iter()
                .any(|grant| grant.kind == GrantKind::Authorization && grant.scope == only_notes)
        {
            return false;
        }
        standing.ties.iter().all(|tie| self.leaves_by_tie(standing, tie, judged))
            && !standing
                .restrictions
                .iter()
                .any(|restriction| !standing.is_self() && restricted(standing, restriction, judged))
    }

    fn leaves_by_tie(&self, standing: &Standing, tie: &Tie, judged: Judged) -> bool {
        let relation = relation(standing, tie, judged.record);
        let is_self = relation == Relation::SelfReader;
        let all: Vec<&Grant> = standing.grants.iter().collect();
        // FLOOR: outsiders and dependents get nothing about others but by grant.
        if matches!(relation, Relation::Outsider | Relation::Dependent)
            && !wholly_covered(&all, judged.record)
        {
            return false;
        }
        // FLOOR: of an adult these leave only to self or by grant.
        let floor = [
            Category::MentalHealth,
            Category::PossibleMentalHealth,
            Category::SubstanceUse,
            Category::Unclassified,
            Category::FreeText,
        ];
        if standing.age == AgeBand::Adult && !is_self {
            for category in judged.categories.iter().filter(|category| floor.contains(category)) {
                if !covered(&all, judged.record, category) {
                    return false;
                }
            }
        }
        self.rules.iter().all(|rule| !rule.withholds(standing, tie, relation, judged))
    }
}

impl Rule {
    fn withholds(
        &self,
        standing: &Standing,
        tie: &Tie,
        relation: Relation,
        judged: Judged,
    ) -> bool {
        let named = |list: &[String], value: Option<&str>| {
            // SILENCE-HIDES: what is not known is as if it were named.
            list.is_empty() || value.is_none_or(|value| list.iter().any(|one| one == value))
        };
        let reader = self.readers.iter().any(|word| match word.as_str() {
            "anyone" => true,
            "others" => relation != Relation::SelfReader,
            word => word == relation.name(),
        });
        if !self.withholds
            || !reader
            || !named(&self.ages, Some(standing.age.name()))
            || !named(&self.states, standing.state.as_deref())
            || !named(&self.relationships, Some(&tie.relationship))
        {
            return false;
        }
        let grants: Vec<&Grant> =
            standing.grants.iter().filter(|grant| self.unless.contains(&grant.kind)).collect();
        match &self.categories {
            None => !wholly_covered(&grants, judged.record),
            Some(categories) => judged.categories.iter().any(|category| {
                categories.contains(&category) && !covered(&grants, judged.record, category)
            }),
        }
    }
}

/// The relation for this record: representation grants that alone cover it replace the tie's.
fn relation(standing: &Standing, tie: &Tie, record: Categories) -> Relation {
    let representations: Vec<&Grant> =
        standing.grants.iter().filter(|grant| grant.kind == GrantKind::Representation).collect();
    if tie.relation != Relation::SelfReader && wholly_covered(&representations, record) {
        Relation::Representative
    } else {
        tie.relation
    }
}

/// Whether the grants cover every category of a record; one without any only `all` covers.
fn wholly_covered(grants: &[&Grant], record: Categories) -> bool {
    if record.is_empty() {
        return grants.iter().any(|grant| grant.scope == Scope::All);
    }
    record.iter().all(|category| covered(grants, record, category))
}

/// Whether one of the grants covers that category of a record of these categories.
fn covered(grants: &[&Grant], record: Categories, category: Category) -> bool {
    use Category::{
        FreeText, MentalHealth, PossibleMentalHealth, PsychotherapyNotes, Unclassified,
    };
    let notes = Categories::of(PsychotherapyNotes);
    let near = [PossibleMentalHealth, Unclassified, FreeText].contains(&category);
    grants.iter().any(|grant| match grant.scope {
        Scope::All => category != PsychotherapyNotes,
        Scope::Named(named) if named == notes && grant.kind == GrantKind::Authorization => {
            record.contains(PsychotherapyNotes)
                && (near || [MentalHealth, PsychotherapyNotes].contains(&category))
        }
        Scope::Named(named) => {
            let named = named.minus(notes);
            named.contains(category)
                || (named.contains(MentalHealth) && record.contains(MentalHealth) && near)
        }
    })
}

/// Whether the restriction withholds it.
fn restricted(standing: &Standing, restriction: &Restriction, judged: Judged) -> bool {
    let newer: Vec<&Grant> = standing
        .grants
        .iter()
        .filter(|grant| {
            grant.kind == GrantKind::Authorization
                && standing.age == AgeBand::Adult
                && grant.from.zip(restriction.since).is_some_and(|(from, since)| from > since)
        })
        .collect();
    match restriction.scope {
        Scope::All => !wholly_covered(&newer, judged.record),
        Scope::Named(named) => judged
            .categories
            .iter()
            .any(|category| named.contains(category) && !covered(&newer, judged.record, category)),
    }
}

fn read_rule(yaml: &Plain) -> Rule {
    let names = yaml.at("category").texts();
    let any = names.iter().any(|name| name == "any");
    let subject = yaml.at("subject");
    let unless = yaml.at("unless").texts();
    Rule {
        categories: (!any).then(|| names.iter().map(|n| Category::named(n).unwrap()).collect()),
        ages: subject.at("age").texts(),
        states: subject.at("state").texts(),
        relationships: subject.at("relationship").texts(),
        readers: yaml.at("reader").texts(),
        withholds: yaml.at("then").text() == Some("withhold"),
        unless: unless
            .iter()
            .map(|word| match word.as_str() {
                "authorization" => GrantKind::Authorization,
                "representation" => GrantKind::Representation,
                other => panic!("unknown exception {other}"),
            })
            .collect(),
    }
}
