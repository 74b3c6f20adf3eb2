//! `members.csv`: every person once, their names, their rows on contracts.

use super::dates::{self, Period};
use super::table::{Cell, Rows, Teller, optional, read_rows, required};
use crate::engine::diagnostics::{Diagnostic, SourceFile, Span};
use crate::engine::facts::PersonId;
use crate::engine::policy::RELATIONSHIPS;
use foldhash::fast::RandomState;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;

/// What every word that is not listed means.
const OTHER: &str = "other";
/// The relationship of the subscriber.
pub(super) const SUBSCRIBER: &str = "self";

/// A contract, by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ContractId(u32);

/// All people of `members.csv`.
#[derive(Debug, Default)]
pub(super) struct Roster {
    people: Vec<Person>,
    names: HashMap<Arc<str>, PersonId, RandomState>,
    contracts: HashMap<Arc<str>, ContractId>,
    /// Who has a row on it, in force or not, by contract.
    on_contract: Vec<Vec<PersonId>>,
    /// By contract.
    contract_names: Vec<Arc<str>>,
    /// How many rows the file has: the next one may not have many fewer.
    pub(super) row_count: usize,
}

/// One person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person {
    /// All their names, the member id first.
    pub(super) names: Vec<Arc<str>>,
    /// `None`: not known, not readable, or told differently by two rows.
    pub(super) born: Option<Date>,
    /// Upper case; `None` where a row names none. Several if two rows differ.
    pub(super) states: Vec<Option<Box<str>>>,
    /// One per contract.
    pub(super) rows: Vec<Row>,
}

/// A person on a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) contract: ContractId,
    /// To the subscriber; one of [`RELATIONSHIPS`].
    pub(super) relationship: &'static str,
    pub(super) period: Period,
}

impl Person {
    /// Their row on a contract, if it is in force.
    pub(super) fn row_on(&self, contract: ContractId, today: Date) -> Option<Row> {
        self.rows_in_force(today).find(|row| row.contract == contract)
    }

    pub(super) fn rows_in_force(&self, today: Date) -> impl Iterator<Item = Row> {
        self.rows.iter().copied().filter(move |row| row.period.contains(today))
    }
}

impl Roster {
    /// Reads the file. Every mistake is told; any error and there is no roster.
    pub(super) fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Roster> {
        let columns = [
            required("member_id"),
            required("contract_id"),
            required("relationship"),
            required("birth_date"),
            optional("state"),
            optional("from"),
            optional("until"),
            optional("ids"),
        ];
        let mut teller = Teller::new(file, Rows::OfPeople, mistakes);
        let mut reading = Reading::default();
        let row_count =
            read_rows(columns, &mut teller, |cells, teller| reading.take(cells, teller))?;
        if !teller.is_content() {
            return None;
        }
        reading.tell_of_contracts_without_subscriber(&mut teller);
        let mut roster = reading.roster;
        roster.row_count = row_count;
        Some(roster)
    }

    /// Who has this name.
    pub(super) fn find(&self, name: &str) -> Option<PersonId> {
        self.names.get(name).copied()
    }

    pub(super) fn person(&self, id: PersonId) -> Option<&Person> {
        self.people.get(usize::try_from(id.0).ok()?)
    }

    pub(super) fn contract(&self, name: &str) -> Option<ContractId> {
        self.contracts.get(name).copied()
    }

    /// Its name.
    pub(super) fn contract_name(&self, contract: ContractId) -> Option<&str> {
        let position = usize::try_from(contract.0).ok()?;
        self.contract_names.get(position).map(AsRef::as_ref)
    }

    /// Who has a row on it, in force or not.
    pub(super) fn people_on(&self, contract: ContractId) -> &[PersonId] {
        usize::try_from(contract.0)
            .ok()
            .and_then(|position| self.on_contract.get(position))
            .map_or(&[], Vec::as_slice)
    }

    /// The subscriber of a contract today. Two at a time are none: it is not known who of them
    /// may see the others (SILENCE-HIDES).
    pub(super) fn subscriber(&self, contract: ContractId, today: Date) -> Option<PersonId> {
        let is_subscriber = |id: &&PersonId| {
            let row = self.person(**id).and_then(|person| person.row_on(contract, today));
            row.is_some_and(|row| row.relationship == SUBSCRIBER)
        };
        let mut subscribers = self.people_on(contract).iter().filter(is_subscriber);
        let first = subscribers.next().copied();
        first.filter(|_| subscribers.next().is_none())
    }
}

/// A roster that is being read.
#[derive(Debug, Default)]
struct Reading {
    roster: Roster,
    /// Where each name was first.
    first_named: HashMap<Arc<str>, Span>,
    /// Where each contract was first, in the order of the roster.
    first_on: Vec<(ContractId, Span)>,
    /// The subscribers of each contract.
    subscribers: HashMap<ContractId, Vec<(PersonId, Period)>>,
}

impl Reading {
    fn take(&mut self, cells: [Cell<'_>; 8], teller: &mut Teller<'_>) {
        let [member_id, contract_id, relationship, birth_date, state, from, until, ids] = cells;
        let period = Period::read(("from", &from), ("until", &until), teller);
        let contract = self.contract(&contract_id, teller);
        let Some(id) = self.person(&member_id, teller) else { return };
        for name in ids.words() {
            self.name(name, id, ids.span, teller);
        }
        self.personal(id, &birth_date, &state, teller);
        let (Some(contract), Some(period)) = (contract, period) else { return };
        let row = Row { contract, relationship: known_relationship(&relationship.text), period };
        self.row(id, row, &contract_id, teller);
        if row.relationship == SUBSCRIBER {
            self.subscriber(id, row, &relationship, teller);
        }
    }

    /// The person of a row: a new one, or the one of an earlier row with the same member id.
    fn person(&mut self, member_id: &Cell<'_>, teller: &mut Teller<'_>) -> Option<PersonId> {
        let text = &*member_id.text;
        if text.is_empty() {
            teller.error(member_id.span, "a row without `member_id`", "give every row its member");
            return None;
        }
        if text.contains(char::is_whitespace) {
            let help = "names are separated by spaces in `ids`, so none has one inside";
            teller.error(member_id.span, "a `member_id` with a space inside", help);
            return None;
        }
        let known = self.roster.find(text);
        let is_theirs = |id| {
            self.roster.person(id).is_some_and(|person| {
                person.names.first().is_some_and(|member_id| **member_id == *text)
            })
        };
        if let Some(id) = known.filter(|id| is_theirs(*id)) {
            return Some(id);
        }
        let Ok(position) = u32::try_from(self.roster.people.len()) else {
            teller.error(member_id.span, "more members than can be numbered", "split the book");
            return None;
        };
        let id = PersonId(position);
        let nobody = Person { names: Vec::new(), born: None, states: Vec::new(), rows: Vec::new() };
        self.roster.people.push(nobody);
        self.name(text, id, member_id.span, teller);
        Some(id)
    }

    /// A name belongs to one member: else a record could be taken for somebody else's.
    fn name(&mut self, name: &str, id: PersonId, span: Span, teller: &mut Teller<'_>) {
        match self.roster.find(name) {
            Some(same) if same == id => {}
            Some(_) => {
                let line = self.first_named.get(name).map_or(0, |first| teller.line(*first));
                let message = format!("a name that belongs to another member, in line {line}");
                teller.error(
                    span,
                    message,
                    "a name belongs to one member: take it from one of them",
                );
            }
            None => {
                let name: Arc<str> = name.into();
                self.first_named.insert(Arc::clone(&name), span);
                self.roster.names.insert(Arc::clone(&name), id);
                if let Some(person) = self.person_mut(id) {
                    person.names.push(name);
                }
            }
        }
    }

    fn contract(&mut self, cell: &Cell<'_>, teller: &mut Teller<'_>) -> Option<ContractId> {
        if cell.is_empty() {
            let help = "give every row its contract: people without one must not share it";
            teller.error(cell.span, "a row without `contract_id`", help);
            return None;
        }
        if let Some(contract) = self.roster.contract(&cell.text) {
            return Some(contract);
        }
        let contract = ContractId(u32::try_from(self.roster.on_contract.len()).ok()?);
        let name: Arc<str> = cell.text.as_ref().into();
        self.roster.contracts.insert(Arc::clone(&name), contract);
        self.roster.contract_names.push(name);
        self.roster.on_contract.push(Vec::new());
        self.first_on.push((contract, cell.span));
        Some(contract)
    }

    /// What a row says of the person. Where two rows differ the most protective holds: an adult,
    /// the strictest of the states.
    fn personal(
        &mut self,
        id: PersonId,
        birth_date: &Cell<'_>,
        state: &Cell<'_>,
        teller: &mut Teller<'_>,
    ) {
        let born = dates::earliest(&birth_date.text);
        if born.is_none() && !birth_date.is_empty() {
            let help =
                "write it as year-month-day, e.g. `1973-04-02`; until then they are an adult";
            teller.warning(birth_date.span, "`birth_date` is no date", help);
        }
        let state = (!state.is_empty()).then(|| state.text.to_uppercase().into_boxed_str());
        let Some(person) = self.person_mut(id) else { return };
        let is_first = person.states.is_empty();
        if is_first {
            person.born = born;
        } else if person.born != born {
            person.born = None;
            let help = "write the same date in every row of a member; until then they are an adult";
            teller.warning(birth_date.span, "`birth_date` differs from an earlier row", help);
        }
        if !person.states.contains(&state) {
            person.states.push(state);
        }
    }

    fn row(&mut self, id: PersonId, row: Row, contract_id: &Cell<'_>, teller: &mut Teller<'_>) {
        let Some(person) = self.person_mut(id) else { return };
        if person.rows.iter().any(|earlier| earlier.contract == row.contract) {
            let help = "keep one row per person and contract: the one that holds today";
            teller.error(contract_id.span, "a second row of one member on one contract", help);
            return;
        }
        person.rows.push(row);
        let position = usize::try_from(row.contract.0).ok();
        if let Some(people) = position.and_then(|it| self.roster.on_contract.get_mut(it)) {
            people.push(id);
        }
    }

    fn subscriber(
        &mut self,
        id: PersonId,
        row: Row,
        relationship: &Cell<'_>,
        teller: &mut Teller<'_>,
    ) {
        let subscribers = self.subscribers.entry(row.contract).or_default();
        if subscribers.iter().any(|(_, period)| period.overlaps(row.period)) {
            let message = "a second subscriber of one contract at the same time";
            let help = "one `self` per contract; while there are two, nobody there sees others";
            teller.warning(relationship.span, message, help);
        }
        subscribers.push((id, row.period));
    }

    fn tell_of_contracts_without_subscriber(&self, teller: &mut Teller<'_>) {
        for (contract, span) in &self.first_on {
            if !self.subscribers.contains_key(contract) {
                let message = "a contract on which nobody ever was `self`";
                let help = "is its id written as in the other rows? letter case counts";
                teller.warning(*span, message, help);
            }
        }
    }

    fn person_mut(&mut self, id: PersonId) -> Option<&mut Person> {
        self.roster.people.get_mut(usize::try_from(id.0).ok()?)
    }
}

/// The relationship by that word; one that is not listed is `other`.
fn known_relationship(word: &str) -> &'static str {
    let word = word.to_lowercase();
    RELATIONSHIPS.into_iter().find(|known| *known == word).unwrap_or(OTHER)
}
