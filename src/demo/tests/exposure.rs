//! `exposure` over a generated log of the family's portal: it must find exactly the reads that
//! the policies would have stopped, as the bookkeeping of the demo has it, which asks no engine.

use crate::cli;
use crate::demo::deployment::{Addresses, Deployment};
use crate::demo::family::{Privacy, Who};
use crate::demo::judge::{clinical_in, records_in};
use crate::demo::payer_api::{self, Asked, PayerApi};
use crate::demo::walk;
use crate::demo::world::{Record, World};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The stage without the proxy: the payer, and a deployment that names it.
struct Past {
    world: Arc<World>,
    folder: tempfile::TempDir,
    settings: PathBuf,
    _deployment: Deployment,
    _payer: tokio::runtime::Runtime,
}

impl Past {
    fn new() -> Past {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let world = Arc::new(World::on(today));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let api = runtime.block_on(PayerApi::bind(([127, 0, 0, 1], 0).into())).unwrap();
        let payer = api.address;
        let held = Arc::clone(&world);
        runtime.spawn(async move { match api.serve(held).await {} });
        let deployment = Deployment::prepare(today).unwrap();
        let nowhere = ([127, 0, 0, 1], 1).into();
        let addresses = Addresses { payer, proxy: nowhere, admin: ([127, 0, 0, 1], 2).into() };
        let settings = deployment.settings(addresses).unwrap();
        let folder = tempfile::tempdir().unwrap();
        Past { world, folder, settings, _deployment: deployment, _payer: runtime }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the command; its exit code, stdout and stderr.
    fn exposure(&self, log: &Path, more: &[&str]) -> (u8, String, String) {
        let (state, settings) = (self.file("state"), &self.settings);
        let mut arguments: Vec<OsString> = vec!["sequester".into(), "exposure".into()];
        for (name, path) in [("--config", settings.as_path()), ("--state", &state), ("--log", log)]
        {
            arguments.extend([name.into(), path.into()]);
        }
        let usual = ["--rate", "100000/s", "--page-parameter", "_offset", "--fields", FIELDS];
        arguments.extend(usual.iter().chain(more).map(Into::into));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut streams = cli::Streams {
            stdin: &mut std::io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            progress: true,
        };
        let exit = cli::run(arguments, &mut streams);
        (exit.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn report(&self, log: &Path) -> Value {
        let (code, stdout, stderr) = self.exposure(log, &["--format", "json"]);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str(&stdout).unwrap()
    }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// A read of the past.
#[derive(Clone)]
struct Read {
    who: Who,
    target: String,
    time: Timestamp,
}

/// What people asked the old portal for.
fn targets(world: &World) -> Vec<String> {
    let asks = walk::requests(world);
    let mut targets: Vec<String> =
        asks.into_iter().filter(|ask| ask.form.is_none()).map(|ask| ask.target).collect();
    for who in Who::ALL {
        let (member, patient) = (who.person().member, who.patient());
        for from in [0, 9, 18] {
            targets.push(format!("/api/v1/members/{member}/claims?pageSize=9&cursor={from}"));
            targets.push(format!(
                "/fhir/ExplanationOfBenefit?patient={patient}&_count=7&_offset={from}"
            ));
        }
    }
    targets.push("/api/v1/family/C-1/claims".to_owned());
    targets
}

fn reads(world: &World, count: usize) -> Vec<Read> {
    let targets = targets(world);
    let mut dice = Dice(7);
    let start: Timestamp = "2023-11-01T00:00:00Z".parse().unwrap();
    let read = |_| {
        let who = Who::ALL[dice.below(Who::ALL.len())];
        let target = targets[dice.below(targets.len())].clone();
        let minutes = i64::try_from(dice.below(3 * 365 * 24 * 60)).unwrap();
        Read { who, target, time: start.checked_add(minutes.minutes()).unwrap() }
    };
    (0..count).map(read).collect()
}

/// A line of the old portal's log. People are known by their member id or another name.
fn line(read: &Read, number: usize) -> String {
    let user = match number % 2 {
        0 => read.who.person().member.to_owned(),
        _ => format!("Patient/{}", read.who.patient()),
    };
    let time = read.time.strftime("%d/%b/%Y:%H:%M:%S +0000");
    let target = &read.target;
    match number % 3 {
        0 => format!("10.0.0.7 - {user} [{time}] \"GET {target} HTTP/1.1\" 200 5120"),
        1 => format!(
            "::1 - {user} [{time}] \"GET {target} HTTP/2.0\" 200 - \"-\" \"an \\\"agent\\\"\""
        ),
        _ => {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            serde_json::json!({
                "who": {"sub": user}, "ts": read.time.to_string(), "verb": "GET",
                "path": path, "qs": query, "code": 200,
            })
            .to_string()
        }
    }
}

const FIELDS: &str = "reader=who.sub,time=ts,method=verb,query=qs,status=code";

/// A row of the report: first read, last read, reads, records, fields.
type Row = (Timestamp, Timestamp, u64, u64, u64);

#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// By reader and subject.
    withheld: BTreeMap<(String, String), Row>,
    /// By reader: reads that would be refused.
    refused: BTreeMap<String, (Timestamp, Timestamp, u64)>,
}

/// Whose path a reader may not even name: that of people on another contract.
fn is_refused(read: &Read) -> bool {
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
fn withheld(world: &World, who: Who, target: &str) -> BTreeMap<String, (u64, u64)> {
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

fn expected(world: &World, reads: &[Read]) -> Found {
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

fn reported(report: &Value) -> Found {
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

fn write_log(past: &Past, name: &str, reads: &[Read]) -> PathBuf {
    let path = past.file(name);
    let mut text = String::new();
    for (number, read) in reads.iter().enumerate() {
        text.push_str(&line(read, number));
        text.push('\n');
    }
    fs::write(&path, text).unwrap();
    path
}

/// Whose records in an answer the policies withhold beyond what the bookkeeping knows of: parts
/// of letters and payments that point at a claim which is not in the same body, and totals that
/// the family's page adds. That they were read is the same; how much of them is not.
fn is_counted(read: &Read) -> bool {
    let path = read.target.split('?').next().unwrap();
    !path.ends_with("/letters") && !path.ends_with("/payments")
}

/// Finds what is expected, in so many reads.
fn find_in(count: usize) {
    let past = Past::new();
    let reads = reads(&past.world, count);
    let log = write_log(&past, "access.log", &reads);
    let (mut expected_all, mut found) =
        (expected(&past.world, &reads), reported(&past.report(&log)));
    for row in expected_all.withheld.values_mut().chain(found.withheld.values_mut()) {
        (row.3, row.4) = (0, 0);
    }
    assert_eq!(differences(&past, &reads), Vec::<String>::new());
    assert_eq!(found, expected_all);

    // The same search again asks nothing, and counts records where the bookkeeping is exact.
    let counted: Vec<Read> = reads.into_iter().filter(is_counted).collect();
    let asked = kept(&past).len();
    let log = write_log(&past, "counted.log", &counted);
    let (mut expected, mut found) = (expected(&past.world, &counted), reported(&past.report(&log)));
    assert_eq!(kept(&past).len(), asked);
    for row in expected.withheld.values_mut().chain(found.withheld.values_mut()) {
        row.4 = 0;
    }
    assert_eq!(found, expected);
}

/// What the state holds, by request.
fn kept(past: &Past) -> Vec<Value> {
    let text = fs::read_to_string(past.file("state")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn exactly_the_reads_that_the_policies_would_have_stopped() {
    find_in(500);
}

/// `cargo test --release --lib a_hundred_thousand_reads -- --ignored`
#[test]
#[ignore = "minutes in a debug build"]
fn a_hundred_thousand_reads() {
    find_in(100_000);
}

#[test]
fn no_output_and_no_state_holds_anything_of_a_record() {
    let past = Past::new();
    let log = write_log(&past, "access.log", &reads(&past.world, 40));
    for format in ["human", "json", "csv"] {
        let (code, stdout, stderr) = past.exposure(&log, &["--format", format]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stdout.contains("M-102"), "{stdout}");
        let state = fs::read_to_string(past.file("state")).unwrap();
        let mut found = clinical_in(&past.world, &format!("{stdout}{stderr}{state}")).unwrap();
        // Our word for a relation is one of the payer's too.
        found.retain(|text| text != "spouse");
        assert_eq!(found, Vec::<String>::new(), "{format}");
    }
}

#[test]
fn a_search_that_was_ended_ends_with_the_same_report_and_asks_nothing_twice() {
    let past = Past::new();
    let reads = reads(&past.world, 60);
    let log = write_log(&past, "access.log", &reads);
    let whole = past.report(&log);
    let lines = fs::read_to_string(past.file("state")).unwrap();
    // Ended while a line was being written.
    let half: String = lines.split_inclusive('\n').take(20).collect();
    fs::write(past.file("state"), format!("{half}{{\"request\":\"00")).unwrap();
    assert_eq!(past.report(&log), whole);
    let again = fs::read_to_string(past.file("state")).unwrap();
    assert!(again.starts_with(&half));
    assert_eq!(again.lines().count(), lines.lines().count());
    let digests = |text: &str| -> BTreeSet<String> {
        text.lines().skip(1).map(|line| line.split('"').nth(3).unwrap().to_owned()).collect()
    };
    assert_eq!(digests(&again).len(), again.lines().count() - 1, "one was asked twice");
    assert_eq!(digests(&again), digests(&lines));
    // Another past is another search.
    let (code, _, stderr) = past.exposure(&log, &["--as-of-read"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("begun with other policies, people or options"), "{stderr}");
}

#[test]
fn as_of_the_read_a_parent_was_still_the_guardian_of_a_small_child() {
    let past = Past::new();
    // The son is sixteen; five years ago he was eleven.
    let target = "/api/v1/members/M-103/claims?pageSize=200".to_owned();
    let read = |years: i64| {
        let time = Timestamp::now().checked_sub((years * 365 * 24).hours()).unwrap();
        Read { who: Who::Ruth, target: target.clone(), time }
    };
    let log = write_log(&past, "access.log", &[read(5), read(0)]);
    let reads = |report: &Value| report["withheld"][0]["reads"].as_u64();
    assert_eq!(reads(&past.report(&log)), Some(2));
    fs::remove_file(past.file("state")).unwrap();
    let (_, stdout, _) = past.exposure(&log, &["--as-of-read", "--format", "json"]);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(reads(&report), Some(1));
    assert!(report.get("as_of").is_none());
}

#[test]
fn lines_that_tell_of_no_read_are_counted() {
    let past = Past::new();
    let path = past.file("odd.log.gz");
    let mut file = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast());
    let line = |user: &str, request: &str, status: u16| {
        format!("10.0.0.7 - {user} [10/Oct/2025:13:55:36 -0700] \"{request}\" {status} 5\n")
    };
    let claims = "GET /api/v1/members/M-102/claims HTTP/1.1";
    let text = [
        line("M-100", claims, 200),
        line("M-100", &claims.replace("GET ", "HEAD "), 200),
        line("M-100", &claims.replace("GET ", "GET https://members.example"), 304),
        line("M-100", claims, 403),
        line("M-100", "POST /fhir/Condition/_search HTTP/1.1", 200),
        line("-", claims, 200),
        line("somebody else", claims, 200),
        line("M-100", "GET /api/v1/claims/CLM-none HTTP/1.1", 200),
        line("M-100", "GET /fhir/Condition?code=F33.1 HTTP/1.1", 200),
        "what is this\n".to_owned(),
        format!("{}\n", "x".repeat(100_000)),
    ];
    file.write_all(text.concat().as_bytes()).unwrap();
    file.finish().unwrap();
    let report = past.report(&path);
    let lines = serde_json::json!({
        "all": 11, "reads": 5, "unreadable": 2, "nobody": 1, "unknown_readers": 1,
        "not_answered": 1, "not_answerable": 1,
    });
    assert_eq!(report["lines"], lines);
    assert_eq!(report["withheld"][0]["reads"], 3);
    assert_eq!(report["requests"]["gone"], 1);
    assert_eq!(report["refused"][0]["cause"], "parameter");
}

/// Where subjects differ, request by request.
fn differences(past: &Past, reads: &[Read]) -> Vec<String> {
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
