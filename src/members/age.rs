//! Ages: who is of age, who may consent to their own care (DESIGN 4.6).

use super::table::{Cell, Rows, Teller, optional, read_rows, required};
use crate::engine::diagnostics::{Diagnostic, SourceFile, did_you_mean};
use crate::engine::facts::AgeBand;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Nobody is taken to be a minor beyond this age, whatever the state says of majority.
const ADULT_AT_MOST: i16 = 18;
/// Nobody is taken to consent below this age, and where nobody knows it is this age.
const CONSENT_AT_LEAST: i16 = 12;
/// A number over this is no age in years.
const AGE_MAX: i16 = 99;
/// Words for "it depends" or "we do not know".
const FROM_TWELVE: [&str; 3] = ["any", "mature", "unknown"];
/// The word for "minors do not consent here".
const NO_BAND: &str = "none";

/// `policies/states.csv`: the ages of each state. The default knows none, which is the strictest
/// that is known: consent from 12.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct States {
    by_state: BTreeMap<String, Ages>,
}

/// The ages of one state, in years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ages {
    adult: i16,
    /// `None`: minors do not consent there.
    consent: Option<i16>,
}

impl Ages {
    const UNKNOWN: Ages = Ages { adult: ADULT_AT_MOST, consent: Some(CONSENT_AT_LEAST) };
}

impl States {
    /// Reads the file. Every mistake is told; any error and there are no states.
    pub fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<States> {
        let columns = [
            required("state"),
            required("age_of_majority"),
            required("minor_mh_outpatient_consent_age"),
            optional("confidential_communication_law"),
            optional("default_or_request"),
            optional("citation"),
            optional("verified"),
        ];
        let mut teller = Teller::new(file, Rows::Public, mistakes);
        let mut states = States::default();
        read_rows(columns, &mut teller, |[state, majority, consent, ..], teller| {
            let ages =
                Ages { adult: adult(&majority, teller), consent: self::consent(&consent, teller) };
            let name = state.text.to_uppercase();
            if name.is_empty() {
                teller.error(
                    state.span,
                    "a row without `state`",
                    "name the state or delete the row",
                );
            } else if states.by_state.insert(name, ages).is_some() {
                let message = format!("`{}` has two rows", state.text);
                teller.error(state.span, message, "keep one row per state");
            }
        })?;
        teller.is_content().then_some(states)
    }

    /// The state by the name it has here, if it has a row.
    pub fn known(&self, state: &str) -> Option<&str> {
        self.by_state.get_key_value(state).map(|(name, _)| name.as_str())
    }

    /// The band of a person who was born on that day. SILENCE-HIDES: without a day, or with one
    /// that is still to come, they are an adult; without a state that has a row, minors consent
    /// from 12.
    pub fn band(&self, born: Option<Date>, state: Option<&str>, today: Date) -> AgeBand {
        let Some(born) = born.filter(|born| *born <= today) else { return AgeBand::Adult };
        let ages = state.and_then(|state| self.by_state.get(state)).unwrap_or(&Ages::UNKNOWN);
        // Edges are inclusive: on the birthday they have the age.
        let has = |years: i16| birthday(born, years).is_none_or(|birthday| birthday <= today);
        if has(ages.adult) {
            AgeBand::Adult
        } else if ages.consent.is_some_and(has) {
            AgeBand::ConsentingMinor
        } else {
            AgeBand::Minor
        }
    }
}

/// The day on which somebody is surely of age, wherever they live.
pub(super) fn comes_of_age(born: Date) -> Option<Date> {
    birthday(born, ADULT_AT_MOST)
}

/// The birthday on which somebody becomes that old; 29 February counts as 28. `None` is beyond
/// the calendar.
fn birthday(born: Date, years: i16) -> Option<Date> {
    let leap = born.month() == 2 && born.day() == 29;
    let day = if leap { 28 } else { born.day() };
    Date::new(born.year().checked_add(years)?, born.month(), day).ok()
}

fn adult(cell: &Cell<'_>, teller: &mut Teller<'_>) -> i16 {
    let Some(age) = years(&cell.text) else {
        let message = "the age of majority is no number of years";
        teller.error(cell.span, message, "write a number, e.g. `18`");
        return ADULT_AT_MOST;
    };
    age.min(ADULT_AT_MOST)
}

fn consent(cell: &Cell<'_>, teller: &mut Teller<'_>) -> Option<i16> {
    if cell.text == NO_BAND {
        return None;
    }
    if FROM_TWELVE.contains(&&*cell.text) {
        return Some(CONSENT_AT_LEAST);
    }
    let Some(age) = years(&cell.text) else {
        let words = FROM_TWELVE.into_iter().chain([NO_BAND]);
        let help = did_you_mean(&cell.text, words).unwrap_or_else(|| {
            format!("write a number, `{}` or `{NO_BAND}`", FROM_TWELVE.join("`, `"))
        });
        teller.error(cell.span, "the age of consent is neither a number nor a known word", &help);
        return Some(CONSENT_AT_LEAST);
    };
    Some(age.max(CONSENT_AT_LEAST))
}

fn years(text: &str) -> Option<i16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().filter(|age| *age <= AGE_MAX) } else { None }
}
