//! What grants cover and what restrictions take away.

use crate::engine::category::{Categories, Category};
use crate::engine::facts::{AgeBand, Grant, GrantKind, Restriction, Scope, Standing};

/// What a grant for one of these also gives of the records that carry it: without them, a
/// released record would hide again because of a weaker sign of the same thing.
const WITH_MENTAL_HEALTH: [Category; 3] =
    [Category::PossibleMentalHealth, Category::Unclassified, Category::FreeText];

/// Whether a grant covers one category of a record that carries `whole`.
pub(super) fn covers(grant: &Grant, category: Category, whole: Categories) -> bool {
    match grant.scope {
        Scope::All => category != Category::PsychotherapyNotes,
        Scope::Named(named) if named.contains(Category::PsychotherapyNotes) => {
            // FLOOR: notes leave only on an authorization for exactly them (45 CFR
            // 164.508(b)(3)(ii)). Whatever else names them gives only what it names besides.
            let exact = grant.kind == GrantKind::Authorization
                && named == Categories::of(Category::PsychotherapyNotes);
            let gives = category == Category::PsychotherapyNotes
                || category == Category::MentalHealth
                || WITH_MENTAL_HEALTH.contains(&category);
            if exact {
                gives && whole.contains(Category::PsychotherapyNotes)
            } else {
                let rest = named.minus(Categories::of(Category::PsychotherapyNotes));
                named_covers(rest, category, whole)
            }
        }
        Scope::Named(named) => named_covers(named, category, whole),
    }
}

fn named_covers(named: Categories, category: Category, whole: Categories) -> bool {
    named.contains(category)
        || (named.contains(Category::MentalHealth)
            && whole.contains(Category::MentalHealth)
            && WITH_MENTAL_HEALTH.contains(&category))
}

/// Whether the grants together cover a whole record: each of its categories or, for a record
/// without any, a grant for `all`.
pub(super) fn cover_whole<'a>(
    grants: &(impl Iterator<Item = &'a Grant> + Clone),
    whole: Categories,
) -> bool {
    if whole.is_empty() {
        return grants.clone().any(|grant| grant.scope == Scope::All);
    }
    whole.iter().all(|category| grants.clone().any(|grant| covers(grant, category, whole)))
}

/// Whether representation grants alone cover a whole record: then the reader is the subject's
/// `representative` for it, and for no other record.
pub(super) fn represents(standing: &Standing, whole: Categories) -> bool {
    let representations =
        standing.grants.iter().filter(|grant| grant.kind == GrantKind::Representation);
    !standing.is_self() && cover_whole(&representations, whole)
}

/// Whether a restriction keeps these categories of a record that carries `whole` from the
/// reader. It never touches the subject.
pub(super) fn restricted(standing: &Standing, asked: Categories, whole: Categories) -> bool {
    !standing.is_self()
        && standing
            .restrictions
            .iter()
            .any(|restriction| restricts(restriction, standing, asked, whole))
}

fn restricts(
    restriction: &Restriction,
    standing: &Standing,
    asked: Categories,
    whole: Categories,
) -> bool {
    let later = standing.grants.iter().filter(|grant| is_later(grant, restriction, standing.age));
    match restriction.scope {
        Scope::All => !cover_whole(&later, whole),
        Scope::Named(named) => asked
            .iter()
            .filter(|category| named.contains(*category))
            .any(|category| !later.clone().any(|grant| covers(grant, category, whole))),
    }
}

/// Whether an adult subject authorized this after asking for the restriction. Where nobody
/// knows since when the restriction holds, no grant is known to be later (SILENCE-HIDES).
fn is_later(grant: &Grant, restriction: &Restriction, age: AgeBand) -> bool {
    let later = match (grant.from, restriction.since) {
        (Some(from), Some(since)) => from > since,
        (None, _) | (_, None) => false,
    };
    later && grant.kind == GrantKind::Authorization && age == AgeBand::Adult
}
