//! The people of a look-up.

use crate::engine::facts::{AgeBand, People, PersonId, Standing};
use jiff::civil::Date;

/// The people of a look-up: whose a record is, is told where it is used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nobody;

impl People for Nobody {
    fn reader(&self) -> Option<PersonId> {
        None
    }

    fn find(&self, _: &str) -> Option<PersonId> {
        None
    }

    fn standing(&self, subject: PersonId) -> Standing {
        // Never asked: nobody is found.
        Standing {
            subject,
            ties: Vec::new(),
            age: AgeBand::Adult,
            state: None,
            grants: Vec::new(),
            restrictions: Vec::new(),
        }
    }

    fn household(&self, _: PersonId) -> Vec<PersonId> {
        Vec::new()
    }

    fn contracts(&self, _: PersonId) -> Vec<String> {
        Vec::new()
    }

    fn reader_is_on(&self, _: &str) -> bool {
        false
    }

    fn reader_contracts(&self) -> Vec<String> {
        Vec::new()
    }

    fn member_id(&self, _: PersonId) -> Option<&str> {
        None
    }

    fn names(&self, _: PersonId) -> Vec<String> {
        Vec::new()
    }

    fn today(&self) -> Date {
        Date::ZERO
    }
}
