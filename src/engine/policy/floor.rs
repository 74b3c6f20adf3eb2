//! FLOOR: what is withheld whatever the files say. No file switches it off, and neither does the
//! absence of one.

use super::grants;
use crate::engine::category::{Categories, Category};
use crate::engine::facts::{AgeBand, Grant, Relation};

/// What leaves of an adult only to themselves or by a grant.
const OF_AN_ADULT: [Category; 5] = [
    Category::MentalHealth,
    Category::PossibleMentalHealth,
    Category::SubstanceUse,
    Category::Unclassified,
    Category::FreeText,
];

/// Whether this reader gets nothing about others but by a grant for whole records.
pub(super) fn is_shut_out(relation: Relation) -> bool {
    match relation {
        Relation::Dependent | Relation::Outsider => true,
        Relation::SelfReader
        | Relation::Representative
        | Relation::Guardian
        | Relation::Subscriber
        | Relation::Spouse => false,
    }
}

/// Whether the FLOOR decides about this category of such a subject for such a reader, so that no
/// rule or release needs to.
pub(super) fn names(category: Category, age: AgeBand, relation: Relation) -> bool {
    if category == Category::PsychotherapyNotes {
        return true;
    }
    // OWN-DATA: of everything else the subject is told.
    relation != Relation::SelfReader
        && (is_shut_out(relation) || (age == AgeBand::Adult && OF_AN_ADULT.contains(&category)))
}

/// Whether the FLOOR withholds one of the categories `asked` of a record that carries `whole`.
pub(super) fn withholds(
    relation: Relation,
    age: AgeBand,
    given: &[Grant],
    asked: Categories,
    whole: Categories,
) -> bool {
    let shut_out = is_shut_out(relation) && !grants::cover_whole(&given.iter(), whole);
    shut_out
        || asked
            .iter()
            .filter(|category| names(*category, age, relation))
            .any(|category| !given.iter().any(|grant| grants::covers(grant, category, whole)))
}
