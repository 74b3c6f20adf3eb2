//! Charges as one decision, and tables that are full.

use super::super::charge::Taking;
use super::super::table::Tables;
use super::*;

const TAKE: Taking = Taking::IfThere { share: 1 };
const NOW: u64 = 100 * DAY_US;

#[test]
fn the_request_after_the_last_is_refused_and_told_when_to_come_back() {
    let tables = Tables::new(&rates(&["reader requests 3 per 1m"]), 1_000);
    let line = [line(Scope::Reader, 1, requests(1))];
    for _ in 0..3 {
        assert!(tables.charge(&line, NOW, TAKE).is_ok());
    }
    let over = tables.charge(&line, NOW, TAKE).unwrap_err();
    assert_eq!((over.scope, over.dimension(), over.retry_after_s), (Scope::Reader, "requests", 20));
    assert!(tables.charge(&line, NOW + 19 * 1_000_000, TAKE).is_err());
    assert!(tables.charge(&line, NOW + 20 * 1_000_000, TAKE).is_ok());
}

#[test]
fn the_tightest_wins_and_the_longest_wait_is_told() {
    let tables = Tables::new(
        &rates(&[
            "reader requests 100 per 1m",
            "reader requests 2 per 1d",
            "client requests 1 per 1h",
        ]),
        1_000,
    );
    let lines = [line(Scope::Reader, 1, requests(1)), line(Scope::Client, 9, requests(1))];
    assert!(tables.charge(&lines, NOW, TAKE).is_ok());
    let over = tables.charge(&lines, NOW, TAKE).unwrap_err();
    assert_eq!((over.scope, over.retry_after_s), (Scope::Client, 3600));
    assert!(tables.charge(&lines[..1], NOW, TAKE).is_ok());
    let over = tables.charge(&lines, NOW, TAKE).unwrap_err();
    assert_eq!((over.scope, over.retry_after_s), (Scope::Reader, 43_200));
}

#[test]
fn a_refusal_uses_nothing_up() {
    let tables = Tables::new(
        &rates(&[
            "reader records 10 per 1d",
            "contract records 1000 per 1d",
            "reader subjects 5 per 1d",
        ]),
        1_000,
    );
    let charge = |amount, subjects: &[u64]| {
        let mut lines =
            [line(Scope::Reader, 1, records(amount)), line(Scope::Contract, 2, records(amount))];
        lines[0].subjects = subjects.to_vec();
        tables.charge(&lines, NOW, TAKE)
    };
    assert!(charge(10, &[1]).is_ok());
    for _ in 0..500 {
        assert!(charge(5, &[2, 3, 4, 5]).is_err());
    }
    // The contract was charged for the ten that left; another of its readers has the rest.
    let rest =
        |amount| [line(Scope::Reader, 7, records(0)), line(Scope::Contract, 2, records(amount))];
    assert!(tables.charge(&rest(991), NOW, TAKE).is_err());
    assert!(tables.charge(&rest(990), NOW, TAKE).is_ok());
    // Nor were they seen: four others fit.
    let mut others = [line(Scope::Reader, 1, records(0))];
    others[0].subjects = vec![11, 12, 13, 14];
    assert!(tables.charge(&others, NOW, TAKE).is_ok());
}

#[test]
fn bypass_L9_charges_at_once_do_not_overspend() {
    let tables = Tables::new(
        &rates(&[
            "reader records 1000 per 30d",
            "contract records 2500 per 30d",
            "client records 4000 per 30d",
        ]),
        1_000,
    );
    let taken: u64 = std::thread::scope(|threads| {
        let tables = &tables;
        let threads: Vec<_> = (0..8u64)
            .map(|thread| {
                threads.spawn(move || {
                    let mut taken = 0;
                    for step in 0..2_000 {
                        let amount = step % 7 + 1;
                        // Four readers of two contracts, one application; in both orders.
                        let mut lines = vec![
                            line(Scope::Reader, u128::from(thread % 4), records(amount)),
                            line(Scope::Contract, u128::from(thread % 2), records(amount)),
                            line(Scope::Client, 1, records(amount)),
                        ];
                        if thread >= 4 {
                            lines.reverse();
                        }
                        if tables.charge(&lines, NOW, TAKE).is_ok() {
                            taken += amount;
                        }
                    }
                    taken
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(taken <= 4_000, "{taken}");
    assert!(taken >= 3_994, "nothing was lost: {taken}");
}

#[test]
fn bypass_L5_who_finds_no_room_shares_and_locks_out_nobody() {
    // One row in each stripe.
    let tables = Tables::new(&rates(&["reader requests 5 per 1d"]), 64);
    let known = [line(Scope::Reader, 3, requests(1))];
    assert!(tables.charge(&known, NOW, TAKE).is_ok());
    let mut let_through = 0;
    for reader in 0..100_000 {
        let newcomer = [line(Scope::Reader, 1_000 + reader, requests(1))];
        let_through += usize::from(tables.charge(&newcomer, NOW, TAKE).is_ok());
    }
    // What they share is bounded, and so is the table.
    assert!(tables.rows() <= 64 + 64 * 64, "{}", tables.rows());
    assert!(let_through <= (64 + 64 * 64) * 5, "{let_through}");
    // Who was there before has what they had.
    for left in (0..4).rev() {
        let told = tables.charge(&known, NOW, TAKE).unwrap().unwrap();
        assert_eq!(told.rest, left);
    }
    assert!(tables.charge(&known, NOW, TAKE).is_err());
    // As soon as the others have everything back, there is room again.
    let later = NOW + 2 * DAY_US;
    let newcomer = [line(Scope::Reader, 77_777_777, requests(5))];
    assert!(tables.charge(&newcomer, later, TAKE).is_ok());
    tables.forget(later);
    assert_eq!(tables.rows(), 1);
}

#[test]
fn subjects_remembered_are_bounded_too() {
    let tables = Tables::new(&rates(&["reader subjects 5000 per 1d"]), 640);
    let mut refused = 0;
    for reader in 1..=8u128 {
        // All of one stripe, which has room for ten rows and 1,024 subjects.
        let mut one = [line(Scope::Reader, reader * 64, records(1))];
        one[0].subjects = (0..300).collect();
        refused += usize::from(tables.charge(&one, NOW, TAKE).is_err());
    }
    assert_eq!(refused, 5);
    tables.forget(NOW + 2 * DAY_US);
    assert_eq!(tables.rows(), 0);
    let mut one = [line(Scope::Reader, 6400, records(1))];
    one[0].subjects = (0..300).collect();
    assert!(tables.charge(&one, NOW + 2 * DAY_US, TAKE).is_ok());
}

#[test]
fn a_look_takes_nothing_and_anyway_takes_more_than_there_is() {
    let tables = Tables::new(&rates(&["reader requests 2 per 1m"]), 1_000);
    let one = [line(Scope::Reader, 1, requests(1))];
    for _ in 0..10 {
        assert!(tables.charge(&one, NOW, Taking::Look).is_ok());
    }
    for _ in 0..4 {
        assert!(tables.charge(&one, NOW, Taking::Anyway).is_ok());
    }
    assert!(tables.charge(&one, NOW, Taking::Look).is_err());
    // Four were taken where two were there: the debt is paid first.
    assert!(tables.charge(&one, NOW + MINUTE_US, TAKE).is_err());
    assert!(tables.charge(&one, NOW + MINUTE_US * 3 / 2, TAKE).is_ok());
}

#[test]
fn one_of_several_shares_takes_its_part() {
    let tables =
        Tables::new(&rates(&["reader records 300 per 1d", "reader subjects 6 per 1d"]), 1_000);
    let third = Taking::IfThere { share: 3 };
    let one = |amount| [line(Scope::Reader, 1, records(amount))];
    assert!(tables.charge(&one(101), NOW, third).is_err());
    assert!(tables.charge(&one(100), NOW, third).is_ok());
    assert!(tables.charge(&one(1), NOW, third).is_err());
    let mut seen = [line(Scope::Reader, 2, records(1))];
    seen[0].subjects = vec![1, 2, 3];
    assert!(tables.charge(&seen, NOW, third).is_err());
    seen[0].subjects = vec![1, 2];
    assert!(tables.charge(&seen, NOW, third).is_ok());
}
