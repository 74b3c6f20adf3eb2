//! The reader's relation to a subject, contract by contract (DESIGN section 1).

use super::roster::{Person, Roster};
use crate::engine::facts::{AgeBand, PersonId, Relation, Tie};
use crate::engine::policy::CHILDREN;
use jiff::civil::Date;

/// Those who are the subscriber's spouse or partner. `ex-spouse` is not among them.
const SPOUSES: [&str; 3] = ["spouse", "common", "partner"];

/// How a reader is tied to a subject today: one tie per contract on which both have a row in
/// force, or outside of all of them.
pub(super) fn ties(
    roster: &Roster,
    reader: Option<PersonId>,
    subject: PersonId,
    age: AgeBand,
    today: Date,
) -> Vec<Tie> {
    let person = roster.person(subject);
    if reader == Some(subject) && person.is_some() {
        return all_rows(person, Relation::SelfReader);
    }
    let mut ties = Vec::new();
    for row in person.into_iter().flat_map(|person| person.rows_in_force(today)) {
        let reads = reader
            .and_then(|reader| roster.person(reader))
            .and_then(|reader| reader.row_on(row.contract, today));
        let Some(reads) = reads else { continue };
        let subscriber = roster.subscriber(row.contract, today);
        let is_subscriber = subscriber.is_some() && subscriber == reader;
        let is_spouse = subscriber.is_some() && SPOUSES.contains(&reads.relationship);
        let is_child = age != AgeBand::Adult && CHILDREN.contains(&row.relationship);
        let relation = if is_child && (is_subscriber || is_spouse) {
            Relation::Guardian
        } else if is_subscriber {
            Relation::Subscriber
        } else if is_spouse {
            Relation::Spouse
        } else {
            Relation::Dependent
        };
        ties.push(Tie { relation, relationship: row.relationship.to_owned() });
    }
    if ties.is_empty() { all_rows(person, Relation::Outsider) } else { ties }
}

/// One relation, whatever the contract: with each relationship that the subject has to a
/// subscriber, so that rules which name one hold. Who has none has a tie all the same.
fn all_rows(person: Option<&Person>, relation: Relation) -> Vec<Tie> {
    let rows = person.map(|person| person.rows.as_slice()).unwrap_or_default();
    let mut ties: Vec<Tie> = rows
        .iter()
        .map(|row| Tie { relation, relationship: row.relationship.to_owned() })
        .collect();
    ties.sort();
    ties.dedup();
    if ties.is_empty() {
        ties.push(Tie { relation, relationship: String::new() });
    }
    ties
}
