//! What is to be found in a log, as the bookkeeping of the demo has it, and what a report says.

use super::past::{Past, Read, kept};
use crate::demo::family::{Privacy, Who};
use crate::demo::judge::records_in;
use crate::demo::payer_api::{self, Asked};
use crate::demo::world::{Record, World};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A row of the report: first read, last read, reads, records, fields.
pub(super) type Row = (Timestamp, Timestamp, u64, u64, u64);

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// By reader and subject.
    pub(super) withheld: BTreeMap<(String, String), Row>,
    /// By reader: reads that would be refused.
    pub(super) refused: BTreeMap<String, (Timestamp, Timestamp, u64)>,
}

/// Whose path a reader may not even name: that of people on another contract.
pub(super) fn is_refused(read: &Read) -> bool {
    let path = read.target.split('?').next().unwrap();
    let of = |who: &Who| {
        let (member, patient) = (who.person().member, who.patient());
        path.contains(&format!("/members/{member}/"))
            || path.starts_with(&format!("/fhir/Patient/{patient}/"))
            || path.split('/').any(|step| step == who.person().contract)
    };
    let contract = read.who.person().contract;
    Who::ALL.iter().any(|who| of(who) && who.person().contract != contract)
}

/// What would be withheld of an answer, by subject: records and fields.
pub(super) fn withheld(world: &World, who: Who, target: &str) -> BTreeMap<String, (u64, u64)> {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let answer = payer_api::answer(world, &Asked::read(target, "", "payer"));
    for (api, kind, id, body) in records_in(answer.body.as_bytes()) {
        let is_it = |record: &&Record| record.api == api && record.kind == kind && record.id == id;
        let Some(record) = world.records.iter().find(is_it) else { continue };
        if kind == "Provenance" && !target.contains('$') {
            // Without the record that it speaks of it tells of nobody, and nobody gets it.
            found.insert("?".to_owned(), (1, 0));
            continue;
        }
        for subject in &record.subjects {
            let sum = found.entry(subject.person().member.to_owned()).or_default();
            if !record.may_be_seen_by(who) {
                sum.0 += 1;
                continue;
            }
            // The entry of a list goes with what it points at: no rule names it, and it is not
            // counted.
            let parts = record.parts.iter().filter(|_| kind != "List");
            let may = |privacy: Privacy| record.subjects.iter().all(|of| privacy.lets(who, *of));
            let cut = parts.filter(|(at, privacy)| !may(*privacy) && body.pointer(at).is_some());
            sum.1 += u64::try_from(cut.count()).unwrap();
        }
    }
    found.retain(|_, sum| *sum != (0, 0));
    found
}

pub(super) fn expected(world: &World, reads: &[Read]) -> Found {
    let mut found = Found::default();
    let mut known: BTreeMap<(Who, String), BTreeMap<String, (u64, u64)>> = BTreeMap::new();
    for read in reads {
        let reader = read.who.person().member.to_owned();
        if is_refused(read) {
            let row = found.refused.entry(reader).or_insert((read.time, read.time, 0));
            *row = (row.0.min(read.time), row.1.max(read.time), row.2 + 1);
            continue;
        }
        let sums = known
            .entry((read.who, read.target.clone()))
            .or_insert_with(|| withheld(world, read.who, &read.target));
        for (subject, (records, fields)) in sums {
            let key = (reader.clone(), subject.clone());
            let row = found.withheld.entry(key).or_insert((read.time, read.time, 0, 0, 0));
            *row = (
                row.0.min(read.time),
                row.1.max(read.time),
                row.2 + 1,
                row.3 + *records,
                row.4 + *fields,
            );
        }
    }
    found
}

pub(super) fn reported(report: &Value) -> Found {
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let time = |row: &Value, name: &str| text(row, name).parse::<Timestamp>().unwrap();
    let count = |row: &Value, name: &str| row[name].as_u64().unwrap();
    let mut found = Found::default();
    for row in report["withheld"].as_array().unwrap() {
        let key = (text(row, "reader"), text(row, "subject"));
        let row = (
            time(row, "first_read"),
            time(row, "last_read"),
            count(row, "reads"),
            count(row, "records"),
            count(row, "fields"),
        );
        found.withheld.insert(key, row);
    }
    for row in report["refused"].as_array().unwrap() {
        let (first, last) = (time(row, "first_read"), time(row, "last_read"));
        let sum = found.refused.entry(text(row, "reader")).or_insert((first, last, 0));
        *sum = (sum.0.min(first), sum.1.max(last), sum.2 + count(row, "reads"));
    }
    found
}

/// Where subjects differ, request by request.
pub(super) fn differences(past: &Past, reads: &[Read]) -> Vec<String> {
    let named = |line: &Value| -> BTreeSet<String> {
        let withheld = line["found"]["judged"]["withheld"].as_array();
        let subjects = withheld.into_iter().flatten().map(|one| one["subject"].as_str().unwrap());
        subjects.map(str::to_owned).collect()
    };
    let kept: BTreeMap<String, BTreeSet<String>> = kept(past)
        .iter()
        .map(|line| (line["request"].as_str().unwrap().to_owned(), named(line)))
        .collect();
    let mut differences = BTreeSet::new();
    for read in reads.iter().filter(|read| !is_refused(read)) {
        let member = read.who.person().member;
        let digest = Sha256::digest(format!("{member}\n{}\n", read.target).as_bytes());
        let digest = u128::from_be_bytes(*digest.first_chunk().unwrap());
        let found = &kept[&format!("{digest:032x}")];
        let expected: BTreeSet<String> =
            withheld(&past.world, read.who, &read.target).into_keys().collect();
        if *found != expected {
            let [found, expected] =
                [found, &expected].map(|names| Vec::from_iter(names.clone()).join(" "));
            differences.insert(format!("{member} {}: {found}, not {expected}", read.target));
        }
    }
    differences.into_iter().collect()
}
