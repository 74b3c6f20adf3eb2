//! One reader on one day: what the engine may ask about people.

use super::age::States;
use super::register::Register;
use super::relation;
use super::roster::Person;
use crate::engine::facts::{AgeBand, People, PersonId, Standing};
use jiff::civil::Date;
use std::fmt;
use std::sync::Arc;

/// The people as one reader stands towards them on one day.
pub(super) struct View {
    register: Arc<Register>,
    states: Arc<States>,
    reader: Option<PersonId>,
    today: Date,
}

impl View {
    /// The reader may have a name that nobody has: then they are an outsider to all.
    pub(super) fn new(
        register: Arc<Register>,
        reader_name: &str,
        today: Date,
        states: Arc<States>,
    ) -> View {
        let reader = register.roster.find(reader_name);
        View { register, states, reader, today }
    }

    /// The strictest band over all that rows say of a person.
    fn age(&self, person: Option<&Person>) -> AgeBand {
        let Some(person) = person else { return AgeBand::Adult };
        let bands = person
            .states
            .iter()
            .map(|state| self.states.band(person.born, state.as_deref(), self.today));
        bands.max().unwrap_or(AgeBand::Adult)
    }

    /// The state, if it is one and has a row in `states.csv`.
    fn state(&self, person: Option<&Person>) -> Option<String> {
        match person.map(|person| person.states.as_slice()) {
            Some([Some(state)]) => self.states.known(state).map(str::to_owned),
            _ => None,
        }
    }
}

impl People for View {
    fn reader(&self) -> Option<PersonId> {
        self.reader
    }

    fn find(&self, name: &str) -> Option<PersonId> {
        self.register.roster.find(name)
    }

    fn standing(&self, subject: PersonId) -> Standing {
        let person = self.register.roster.person(subject);
        let age = self.age(person);
        let (register, today) = (&self.register, self.today);
        let is_self = person.is_some() && self.reader == Some(subject);
        let grants = self.reader.map(|reader| register.grants(subject, reader, today));
        Standing {
            subject,
            ties: relation::ties(&register.roster, self.reader, subject, age, today),
            age,
            state: self.state(person),
            grants: grants.unwrap_or_default(),
            restrictions: if is_self {
                Vec::new()
            } else {
                register.restrictions(subject, self.reader, today)
            },
        }
    }

    fn household(&self, person: PersonId) -> Vec<PersonId> {
        let (roster, today) = (&self.register.roster, self.today);
        let mut household = vec![person];
        for row in roster.person(person).into_iter().flat_map(|it| it.rows_in_force(today)) {
            let in_force = |id: &PersonId| {
                roster.person(*id).is_some_and(|it| it.row_on(row.contract, today).is_some())
            };
            household.extend(roster.people_on(row.contract).iter().copied().filter(in_force));
        }
        household.sort_unstable();
        household.dedup();
        household
    }

    fn contracts(&self, person: PersonId) -> Vec<String> {
        let roster = &self.register.roster;
        let rows = roster.person(person).into_iter().flat_map(|it| it.rows_in_force(self.today));
        let names = rows.filter_map(|row| roster.contract_name(row.contract));
        let mut names: Vec<String> = names.map(str::to_owned).collect();
        names.sort_unstable();
        names
    }

    fn reader_is_on(&self, contract: &str) -> bool {
        let roster = &self.register.roster;
        let reader = self.reader.and_then(|reader| roster.person(reader));
        match (reader, roster.contract(contract)) {
            (Some(reader), Some(contract)) => reader.row_on(contract, self.today).is_some(),
            (None, _) | (_, None) => false,
        }
    }

    fn reader_contracts(&self) -> Vec<String> {
        let roster = &self.register.roster;
        let reader = self.reader.and_then(|reader| roster.person(reader));
        let rows = reader.into_iter().flat_map(|reader| reader.rows_in_force(self.today));
        rows.filter_map(|row| roster.contract_name(row.contract).map(str::to_owned)).collect()
    }

    fn member_id(&self, person: PersonId) -> Option<&str> {
        self.register.roster.person(person)?.names.first().map(AsRef::as_ref)
    }

    fn names(&self, person: PersonId) -> Vec<String> {
        let person = self.register.roster.person(person);
        let names = person.map(|person| person.names.as_slice()).unwrap_or_default();
        names.iter().map(|name| name.as_ref().to_owned()).collect()
    }

    fn today(&self) -> Date {
        self.today
    }
}

/// Shows nobody: Debug output ends in logs.
impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("today", &self.today).finish_non_exhaustive()
    }
}
