//! Random families: contracts, relationships, ages, grants, restrictions, and who reads.

use super::oracle::people::{Family, GrantRow, RestrictionRow, Row};
use super::random::Random;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use sequester::engine::category::{Categories, Category};
use sequester::engine::facts::{Grant, GrantKind, Restriction, Scope};

/// The day on which everybody reads.
pub const TODAY: Date = date(2026, 11, 21);

/// Up to seven people on up to two contracts, one of whom reads.
pub fn family(random: &mut Random) -> Family {
    let count = 3 + random.below(4);
    let words =
        ["spouse", "partner", "child", "step", "ward", "grandchild", "ex-spouse", "other", "child"];
    let births = [
        "1973-04-02",
        "2001-02-03",
        "2008-11-22",
        "2008-11-21",
        "2012",
        "2013-03",
        "2018-05-06",
        "2014-11-22",
        "",
        "x",
    ];
    let states = ["OH", "CA", "AL", "", "ZZ"];
    let mut rows = Vec::new();
    for number in 0..count {
        let plain = random.once_in(2);
        let relationship = match number {
            0 => "self",
            1 if plain => "spouse",
            _ if plain => "child",
            _ => *random.pick(&words),
        };
        let young = random.once_in(2);
        let birth = match number {
            0 => "1973-04-02",
            _ if young => "2018-05-06",
            _ => *random.pick(&births),
        };
        let contract = if number > 2 && random.once_in(4) { "C-2" } else { "C-1" };
        let row = Row {
            member: format!("M-{number}"),
            contract: contract.to_owned(),
            relationship: relationship.to_owned(),
            birth: birth.to_owned(),
            state: (*random.pick(&states)).to_owned(),
            from: random.once_in(3).then(|| TODAY.checked_sub(400.days()).unwrap()),
            until: random.once_in(8).then(|| day_near(random)),
            ids: vec![
                format!("Patient/p-{number}"),
                format!("RelatedPerson/rp-{number}"),
                format!("MBR-{number}"),
            ],
        };
        if random.once_in(8) {
            let contract = if contract == "C-1" { "C-2" } else { "C-1" };
            let relationship = (*random.pick(&words)).to_owned();
            rows.push(Row {
                contract: contract.to_owned(),
                relationship,
                ids: Vec::new(),
                ..row.clone()
            });
        }
        rows.push(row);
    }
    let reader = random.below(count + 1);
    let mut family = Family {
        rows,
        grants: Vec::new(),
        restrictions: Vec::new(),
        states: vec![("AL".to_owned(), 19, 16), ("CA".to_owned(), 18, 12)],
        reader: format!("M-{}", if random.once_in(3) { 0 } else { reader }),
        today: TODAY,
    };
    for number in 0..random.below(3) {
        let grant = grant(random, number);
        family.grants.push(GrantRow {
            subject: member(random, count),
            reader: family.reader.clone(),
            grant,
        });
    }
    if random.once_in(4) {
        let restriction = Restriction {
            id: "R-0".to_owned(),
            scope: scope(random),
            since: random.once_in(5).then_some(TODAY).or(Some(day_near(random))),
        };
        let reader = random.once_in(2).then(|| family.reader.clone());
        family.restrictions.push(RestrictionRow {
            subject: member(random, count),
            reader,
            restriction,
        });
    }
    family
}

fn member(random: &mut Random, count: usize) -> String {
    format!("M-{}", random.below(count))
}

fn day_near(random: &mut Random) -> Date {
    let days = i64::try_from(random.below(60)).unwrap() - 30;
    TODAY.checked_add(days.days()).unwrap()
}

fn scope(random: &mut Random) -> Scope {
    if random.once_in(3) {
        return Scope::All;
    }
    let count = 1 + random.below(3);
    let categories: Categories = (0..count)
        .map(|_| *random.pick(&Category::ALL))
        .filter(|category| *category != Category::PsychotherapyNotes)
        .collect();
    Scope::Named(categories)
}

fn grant(random: &mut Random, number: usize) -> Grant {
    let kind = if random.once_in(2) { GrantKind::Authorization } else { GrantKind::Representation };
    let notes = kind == GrantKind::Authorization && random.once_in(4);
    let named = if random.once_in(2) { Category::MentalHealth } else { Category::SubstanceUse };
    let scope = if notes {
        Scope::Named(Categories::of(Category::PsychotherapyNotes))
    } else if random.once_in(2) {
        Scope::Named(Categories::of(named))
    } else {
        scope(random)
    };
    Grant { id: format!("G-{number}"), kind, scope, from: Some(day_near(random)) }
}
