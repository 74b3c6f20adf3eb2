//! Nothing leaks, little is lost: published FHIR bodies (Synthea, CARIN, CMS, US Core, the HL7
//! examples) and house JSON made of them, read by the patient's mother, by the patient and by a
//! brother, and judged by somebody who knows nothing of the engine.
//!
//! It reads what is committed under `tests/data` and, where it lies beside the checkout, every
//! folder of `../shared/data`. More: `REAL_BODIES_DATA=DIR` (that folder instead),
//! `REAL_BODIES=synthea-r4` (only sets of that name), `REAL_BODIES_TELL=1` (every loss and cut).

#![expect(
    clippy::print_stderr,
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    clippy::items_after_statements,
    reason = "figures and leaks are told at length; all data is invented or published"
)]

mod bodies;
mod house;
mod judge;
mod lists;
mod raw;
mod readers;
mod tally;

use crate::engine::diagnostics::SourceFile;
use crate::engine::explain::RecordAccount;
use crate::engine::released::Released;
use crate::engine::request::{Asked, admit};
use crate::engine::set::PolicySet;
use crate::engine::{Redactor, Settings};
use crate::members::{Register, RegisterFiles, States};
use bodies::{Body, Form};
use judge::Record;
use lists::Lists;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tally::Tally;

/// Publishers of whose harmless records at least 85 % must be released; at 84 it would say so.
const RELEASED_PER_MILLE_MIN: usize = 850;

fn policy() -> (Arc<PolicySet>, Arc<States>) {
    static POLICY: OnceLock<(Arc<PolicySet>, Arc<States>)> = OnceLock::new();
    let (set, states) = POLICY.get_or_init(|| {
        let (policies, mistakes) = crate::policy_files::read(Path::new("policies"));
        for mistake in &mistakes {
            eprintln!("{mistake}");
        }
        let policies = policies.expect("the policies of this repository compile");
        (Arc::clone(&policies.set), Arc::clone(&policies.states))
    });
    (Arc::clone(set), Arc::clone(states))
}

/// A mother, everyone a body speaks of as her child of 25, and a brother it does not speak of.
fn family(patients: &[String]) -> Arc<Register> {
    let mut rows = String::from(
        "member_id,contract_id,relationship,birth_date,state,ids
M-0,C-1,self,1973-04-02,OH,Patient/the-mother
M-brother,C-1,child,2003-06-01,OH,Patient/the-brother
",
    );
    for (number, id) in patients.iter().enumerate() {
        let number = number + 1;
        let names = format!("Patient/{id} urn:uuid:{id} {id}");
        writeln!(rows, "M-{number},C-1,child,2001-02-03,OH,{names}").unwrap();
    }
    let members = SourceFile::new("members.csv", rows);
    let files = RegisterFiles { members, grants: None, restrictions: None };
    let mut mistakes = Vec::new();
    let register = Register::read(&files, &mut mistakes);
    Arc::new(register.unwrap_or_else(|| panic!("{mistakes:?}")))
}

/// What a reader gets, and the account of it.
#[derive(Debug, Default)]
struct Given {
    refused: Option<String>,
    text: String,
    account: Vec<RecordAccount>,
}

/// A body through the engine.
fn read(target: &str, text: &str, register: &Arc<Register>, reader: &str) -> Given {
    let (set, states) = policy();
    let people = register.view(reader, "2026-11-21".parse().unwrap(), &states);
    let mut given = Given::default();
    let asked = Asked { method: "GET", target, form: None };
    let plan = match admit(&set, people.as_ref(), asked) {
        Ok(plan) => plan,
        Err((refusal, _)) => {
            given.refused = Some(refusal.for_operator());
            return given;
        }
    };
    let settings = Settings { hold: 64 << 20, record: 8 << 20, depth: 64, public_url: None };
    let content_type = plan.content_type;
    // Evidence is only asked for where losses are told.
    let explain = reader == "M-0";
    let mut redactor = Redactor::new(set, people, settings, plan, explain);
    redactor.head(200, &[content_type]).unwrap();
    let mut out = Vec::new();
    let mut keep = |released: Released| {
        given.account.extend(released.report.account.clone().into_iter().flat_map(|a| a.records));
        out.extend_from_slice(&crate::audit::offline::release(released));
    };
    let ended = redactor
        .push(text.as_bytes())
        .map(|released| released.into_iter().for_each(&mut keep))
        .and_then(|()| redactor.finish().map(&mut keep));
    given.refused = ended.err().map(|refusal| refusal.for_operator());
    given.text = String::from_utf8(out).unwrap();
    given
}

/// The records of what a reader got.
fn records(form: Form, text: &str) -> Vec<Record> {
    match form {
        Form::Everything | Form::Search => {
            bodies::entries(text).into_iter().map(|(url, raw)| Record::new(raw, url)).collect()
        }
        Form::Lines => text.lines().map(|line| Record::new(line, None)).collect(),
    }
}

fn tells() -> bool {
    std::env::var_os("REAL_BODIES_TELL").is_some()
}

/// Does a piece of work for each of many things, on every processor.
fn for_each<T: Sync>(things: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(thing);
                }
            });
        }
    });
}

#[test]
fn nothing_leaks_and_little_is_lost() {
    let lists = Lists::read();
    let folders = bodies::folders();
    let all: Mutex<Vec<Body>> = Mutex::default();
    for_each(&folders, |folder| {
        let bodies = bodies::bodies(folder);
        all.lock().unwrap().extend(bodies);
    });
    let mut all = all.into_inner().unwrap();
    all.sort_by_key(|body| usize::MAX - body.text.len());
    let sum: Mutex<Tally> = Mutex::default();
    for_each(&all, |body| {
        let mut tally = Tally::default();
        readers::mother(body, &lists, &mut tally);
        readers::patients(body, &mut tally);
        readers::brother(body, &mut tally);
        readers::house(body, &lists, &mut tally);
        sum.lock().unwrap().add(tally);
    });
    let tally = sum.into_inner().unwrap();
    tally.tell();
    assert!(tally.leaks.is_empty(), "{} leaks", tally.leaks.len());
    // Synthea, with the guides' reference servers that hold Synthea patients; CARIN; CMS.
    let publishers: [(&[&str], &str); 5] = [
        (&["synthea", "carin-cpcds-ri", "inferno-reference"], "everything"),
        (&["carin-bb", "inferno-c4bb"], "everything"),
        (&["carin-bb", "inferno-c4bb"], "search"),
        (&["cms"], "everything"),
        (&[""], "house"),
    ];
    for (sets, form) in publishers {
        let figures = tally.sum(sets, form);
        assert!(figures.records > 0 || std::env::var_os("REAL_BODIES").is_some(), "{sets:?}");
        assert!(figures.per_mille() >= RELEASED_PER_MILLE_MIN, "{sets:?} {form}");
    }
}
