//! The limits that hold where a deployment names none, over a month of an honest family.

use super::super::charge::Taking;
use super::super::table::Tables;
use super::*;
use crate::config::reads::usual_of_all;

/// Requests for one page of a portal, records and bytes of each answer.
const REQUESTS: u64 = 30;
const RECORDS: u64 = 20;
const BYTES: u64 = 60_000;

#[test]
fn an_honest_family_never_meets_the_usual_limits() {
    let tables = Tables::new(&usual_of_all(), 1_000);
    let mut now = 100 * DAY_US;
    let take = |lines: &[Line], now| tables.charge(lines, now, Taking::IfThere { share: 1 });
    for day in 0..35u64 {
        // Six people, all at once, three times a day 60 pages each, one every three seconds; on
        // Sundays one of them looks at a page a second for two minutes.
        let (pages, every_us) = if day % 7 == 6 { (120, 1_000_000) } else { (60, 3_000_000) };
        for sitting in 0..3u64 {
            for page in 0..pages {
                for person in 0..6u128 {
                    let subject = page % 6;
                    let (records, bytes) = (REQUESTS * RECORDS, REQUESTS * BYTES);
                    let shown = Amounts { requests: REQUESTS, records, bytes };
                    let mut shown = [
                        line(Scope::Reader, person, shown),
                        line(Scope::Contract, 1, shown),
                        line(Scope::Subject, person * 6 + u128::from(subject), shown),
                    ];
                    shown[0].subjects = vec![subject];
                    shown[1].subjects = vec![subject];
                    take(&shown, now).unwrap_or_else(|over| panic!("day {day}: {over}"));
                    if every_us == 1_000_000 {
                        break;
                    }
                }
                now += every_us;
            }
            now += sitting * 3_600_000_000;
        }
        now = (101 + day) * DAY_US;
    }
}

#[test]
fn who_reads_everything_there_is_meets_them_on_the_first_day() {
    let tables = Tables::new(&usual_of_all(), 1_000);
    let take = |lines: &[Line]| tables.charge(lines, 100 * DAY_US, Taking::IfThere { share: 1 });
    let mut people = 0;
    for subject in 0..10_000 {
        let mut shown = [line(Scope::Reader, 1, records(1))];
        shown[0].subjects = vec![subject];
        people += u64::from(take(&shown).is_ok());
    }
    assert_eq!(people, 50);
    let mut read = 0;
    while take(&[line(Scope::Reader, 2, records(200))]).is_ok() {
        read += 200;
    }
    assert_eq!(read, 400_000);
}
