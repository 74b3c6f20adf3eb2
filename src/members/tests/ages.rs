//! Bands by birthday, state and day.

use super::*;
use proptest::prelude::*;

fn band(born: &str, state: &str, today: &str) -> &'static str {
    let members = format!("M-1,C-1,child,{born},{state},,,\n");
    let people = view(&register(&members, "", ""), "M-1", today);
    standing(&people, "M-1").age.name()
}

#[test]
fn of_age_on_the_birthday_itself() {
    assert_eq!(band("2008-11-21", "OH", "2026-11-20"), "consenting-minor");
    assert_eq!(band("2008-11-21", "OH", "2026-11-21"), "adult");
    assert_eq!(band("2008-11-21", "AL", "2026-11-21"), "adult", "majority at 19 does not count");
    assert_eq!(band("2008-11-21", "MS", "2026-11-21"), "adult", "nor at 21");
}

#[test]
fn consents_from_the_age_of_the_state_but_never_below_twelve() {
    assert_eq!(band("2012-11-21", "OH", "2026-11-20"), "minor");
    assert_eq!(band("2012-11-21", "OH", "2026-11-21"), "consenting-minor", "14 in Ohio");
    assert_eq!(band("2014-11-21", "CA", "2026-11-20"), "minor");
    assert_eq!(band("2014-11-21", "CA", "2026-11-21"), "consenting-minor", "12 in California");
    for state in ["NY", "KS", "GA", "", "ZZ", "ontario"] {
        assert_eq!(band("2014-11-22", state, "2026-11-21"), "minor", "{state}");
        assert_eq!(band("2014-11-21", state, "2026-11-21"), "consenting-minor", "{state}");
    }
    assert_eq!(band("2008-11-22", "AZ", "2026-11-21"), "minor", "no band in Arizona");
    assert_eq!(band("2008-11-22", "NE", "2026-11-21"), "minor", "18 in Nebraska: of age by then");
}

#[test]
fn the_twenty_ninth_of_february_counts_as_the_twenty_eighth() {
    assert_eq!(band("2008-02-29", "OH", "2026-02-27"), "consenting-minor");
    assert_eq!(band("2008-02-29", "OH", "2026-02-28"), "adult");
    assert_eq!(band("2004-02-29", "OH", "2022-02-28"), "adult");
}

#[test]
fn a_partial_date_is_the_earliest_it_allows() {
    assert_eq!(band("2008", "OH", "2025-12-31"), "consenting-minor");
    assert_eq!(band("2008", "OH", "2026-01-01"), "adult");
    assert_eq!(band("2008-07", "OH", "2026-06-30"), "consenting-minor");
    assert_eq!(band("2008-07", "OH", "2026-07-01"), "adult");
}

#[test]
fn who_has_no_birth_date_that_makes_sense_is_an_adult() {
    for born in ["", "unknown", "2027-01-01", "09/09/2018", "2018-13-01", "20180909", "+2018-01-1"]
    {
        assert_eq!(band(born, "OH", TODAY), "adult", "{born}");
    }
    assert_eq!(band(TODAY, "OH", TODAY), "minor", "born today");
}

#[test]
fn of_two_rows_the_strictest_holds() {
    let members = "
M-1,C-1,child,2013-01-01,OH,,,
M-1,C-2,child,2013-01-01,CA,,,
M-2,C-1,child,2013-01-01,OH,,,
M-2,C-2,child,2013-01-02,OH,,,
M-3,C-1,child,2013-01-01,OH,,,
M-3,C-2,child,,OH,,,
M-4,C-1,child,2013-01-01,OH,,,
M-4,C-2,child,2013-01-01,oh,2001-01-01,2001-12-31,
M-9,C-1,self,1980,OH,,,
M-9,C-2,self,1980,OH,,,
";
    let register = register(members, "", "");
    let people = view(&register, "M-1", TODAY);
    let of = |name| standing(&people, name);
    assert_eq!((of("M-1").age, of("M-1").state), (AgeBand::ConsentingMinor, None));
    assert_eq!(of("M-2").age, AgeBand::Adult);
    assert_eq!(of("M-3").age, AgeBand::Adult);
    assert_eq!((of("M-4").age, of("M-4").state.as_deref()), (AgeBand::Minor, Some("OH")));
    let told = told(&files(members, "", ""));
    assert_eq!(
        told,
        [
            "warning: `birth_date` differs from an earlier row at 5:15",
            "warning: `birth_date` differs from an earlier row at 7:15",
        ]
    );
}

#[test]
fn a_birthday_begins_where_days_begin_first() {
    let at = |text: &str| today_at_utc_plus_14(text.parse().unwrap());
    assert_eq!(at("2026-11-20T09:59:59Z"), day("2026-11-20"));
    assert_eq!(at("2026-11-20T10:00:00Z"), day("2026-11-21"), "midnight on Kiritimati");
    assert_eq!(at("2026-11-20T23:59:59-12:00"), day("2026-11-22"));
    // The daughter's parent in Ohio, early in the morning of the day before.
    let now = at("2026-11-20T05:00:00-05:00").to_string();
    assert_eq!(now, "2026-11-21");
    assert_eq!(band("2008-11-21", "OH", &now), "adult");
}

#[test]
fn mistakes_of_the_states_file() {
    let mistakes = |rows: &str| {
        let header = "state,age_of_majority,minor_mh_outpatient_consent_age\n";
        let file = SourceFile::new("states.csv", format!("{header}{rows}"));
        let mut mistakes = Vec::new();
        assert!(States::read(&file, &mut mistakes).is_none());
        mistakes.iter().map(ToString::to_string).collect::<String>()
    };
    assert_eq!(
        mistakes("OH,eighteen,14\n"),
        "error: the age of majority is no number of years\n --> states.csv:2:4\n  |\n\
         2 | OH,eighteen,14\n  |    ^^^^^^^^\n  = help: write a number, e.g. `18`\n",
        "these rows are of nobody, and are shown"
    );
    assert!(mistakes("OH,18,matur\n").contains("did you mean `mature`?"));
    assert!(mistakes("OH,18,14\noh,18,12\n").contains("`oh` has two rows"));
    assert!(mistakes(",18,14\n").contains("a row without `state`"));
    assert!(mistakes("OH,18,-1\n").contains("neither a number"));
}

proptest! {
    /// A day later nobody is younger, whatever the state.
    #[test]
    fn bands_only_grow(
        born in 0..12_000_i64,
        days in 0..12_000_i64,
        state in prop::sample::select(vec![None, Some("OH"), Some("AZ"), Some("AL"), Some("NY")]),
    ) {
        let (states, epoch) = (states(), day("2000-01-01"));
        let born = epoch + jiff::Span::new().days(born);
        let today = born + jiff::Span::new().days(days);
        let tomorrow = today.tomorrow().unwrap();
        let now = states.band(Some(born), state, today);
        prop_assert!(now <= states.band(Some(born), state, tomorrow));
        prop_assert!(now <= states.band(None, state, today));
        prop_assert_eq!(states.band(Some(tomorrow), state, today), AgeBand::Adult);
    }
}
