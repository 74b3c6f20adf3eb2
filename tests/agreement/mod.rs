//! The engine against the second, slow redactor: on generated bodies, on the published bodies
//! under `tests/data`, and, where it lies beside the checkout, on every body of `../shared/data`;
//! in chunks of many sizes.
//!
//! More: `AGREEMENT_BODIES=5000` (generated bodies of each sort), `AGREEMENT_SEED=7` (begin with
//! that seed), `AGREEMENT_ALL=1` (large files too, and several readers).

#![expect(unreachable_pub, reason = "modules of a test; nothing outside can reach them")]
#![expect(
    clippy::print_stderr,
    clippy::use_debug,
    clippy::format_push_string,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    clippy::single_match_else,
    reason = "a disagreement is told at length; all data is invented or published"
)]

mod bodies;
mod families;
mod fhir;
mod generated;
mod house;
mod lookups;
#[path = "../oracle/mod.rs"]
pub mod oracle;
mod random;
mod settled;
mod shrink;
mod streams;
mod vocabulary;

use oracle::people::Family;
use oracle::{Oracle, Response};
use sequester::engine::lookups::{Found, Kept, LookUp};
use sequester::engine::released::Report;
use sequester::engine::request::{Asked, admit};
use sequester::engine::set::{PolicyFiles, PolicySet};
use sequester::engine::{Redactor, Settings};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// Chunk sizes in which every body is pushed; 0 is the whole at once.
const CHUNK_BYTES: [usize; 7] = [0, 1, 2, 3, 7, 64, 4096];

/// The policies of this repository.
fn files() -> &'static PolicyFiles {
    static FILES: OnceLock<PolicyFiles> = OnceLock::new();
    FILES.get_or_init(|| sequester::policy_files::read_folder(Path::new("policies")).0)
}

fn policy() -> Arc<PolicySet> {
    static POLICY: OnceLock<Arc<PolicySet>> = OnceLock::new();
    Arc::clone(POLICY.get_or_init(|| {
        let (set, mistakes) = PolicySet::compile(files());
        for mistake in &mistakes {
            eprintln!("{mistake}");
        }
        Arc::new(set.expect("the policies of this repository compile"))
    }))
}

fn oracle(public_url: Option<&str>) -> Oracle {
    let files = files();
    let mut oracle = Oracle::new(&files.shapes, &files.codes, &files.rules);
    oracle.public_url = public_url.map(str::to_owned);
    oracle
}

/// What the reader gets.
#[derive(Clone, Debug, Default, PartialEq)]
struct Given {
    refused: Option<u16>,
    body: Vec<u8>,
    own_note_withheld: bool,
}

/// What the engine gives, in chunks of that many bytes; by the settings and the world of the
/// other.
fn engine(oracle: &Oracle, family: &Family, response: Response<'_>, chunk: usize) -> Given {
    engine_by(&policy(), oracle, family, response, chunk)
}

fn engine_by(
    policy: &Arc<PolicySet>,
    oracle: &Oracle,
    family: &Family,
    response: Response<'_>,
    chunk: usize,
) -> Given {
    let shelf = Arc::<Shelf>::default();
    let given = engine_with(&shelf, policy, oracle, family, response, chunk);
    if oracle.world.is_some() {
        // Again, with all at hand that was looked up: that changes nothing.
        let again = engine_with(&shelf, policy, oracle, family, response, chunk);
        assert_eq!(given, again, "{} with what is kept", response.target);
    }
    given
}

/// What was looked up, kept for the next.
#[derive(Debug, Default)]
struct Shelf(Mutex<BTreeMap<String, Option<Arc<Found>>>>);

impl Shelf {
    fn put(&self, target: &str, found: Option<Arc<Found>>) {
        self.0.lock().unwrap().insert(target.to_owned(), found);
    }
}

impl Kept for Shelf {
    fn kept(&self, _: &PolicySet, target: &str) -> Option<Option<Arc<Found>>> {
        self.0.lock().unwrap().get(target).cloned()
    }

    fn keep(&self, _: &PolicySet, name: &str, found: &Arc<Found>) {
        self.put(name, Some(Arc::clone(found)));
    }
}

fn engine_with(
    shelf: &Arc<Shelf>,
    policy: &Arc<PolicySet>,
    oracle: &Oracle,
    family: &Family,
    response: Response<'_>,
    chunk: usize,
) -> Given {
    let mut given = Given::default();
    let people: Arc<Family> = Arc::new(family.clone());
    let asked = Asked { method: response.method, target: response.target, form: None };
    let plan = match admit(policy, people.as_ref(), asked) {
        Ok(plan) => plan,
        Err((refusal, _)) => {
            given.refused = Some(refusal.status());
            return given;
        }
    };
    let settings = Settings {
        hold: 8 << 20,
        record: 4 << 20,
        depth: 64,
        public_url: oracle.public_url.clone(),
    };
    let mut redactor = Redactor::new(Arc::clone(policy), people, settings, plan, false);
    if oracle.world.is_some() {
        redactor = redactor.looking_up(Arc::<Shelf>::clone(shelf));
    }
    if let Err(refusal) = redactor.head(response.status, &[response.content_type]) {
        given.refused = Some(refusal.status());
        return given;
    }
    let mut take = |released: sequester::engine::released::Released| {
        let report: &Report = &released.report;
        given.own_note_withheld |= report.own_note_withheld;
        given.body.extend_from_slice(&sequester::audit::offline::release(released));
    };
    let size = if chunk == 0 { response.body.len().max(1) } else { chunk };
    for piece in response.body.chunks(size) {
        match redactor.push(piece) {
            Ok(released) => released.into_iter().for_each(&mut take),
            Err(refusal) => {
                given.refused = Some(refusal.status());
                return given;
            }
        }
        look_up(shelf, policy, oracle, &mut redactor);
    }
    redactor.end();
    look_up(shelf, policy, oracle, &mut redactor);
    match redactor.finish() {
        Ok(released) => take(released),
        Err(refusal) => given.refused = Some(refusal.status()),
    }
    given
}

/// Answers all that is wanted from the world.
fn look_up(shelf: &Shelf, policy: &PolicySet, oracle: &Oracle, redactor: &mut Redactor) {
    let Some(world) = &oracle.world else { return };
    loop {
        let wanted = redactor.wanted();
        if wanted.is_empty() {
            return;
        }
        let found = |look_up: &LookUp| {
            let bytes = world.get(look_up.target())?;
            let found = match look_up.company_reading() {
                None => look_up.read(policy, oracle.depth, bytes),
                Some(mut reading) => {
                    reading.take(policy, oracle.depth, &[], bytes).filter(Option::is_none)?;
                    reading.end(policy)
                }
            };
            found.map(Arc::new)
        };
        let answers = wanted.iter().map(|look_up| {
            let found = found(look_up);
            shelf.put(look_up.target(), found.clone());
            found
        });
        redactor.looked_up(answers.collect());
    }
}

/// How the two differ on a body, if they do.
fn difference(
    oracle: &Oracle,
    family: &Family,
    response: Response<'_>,
    chunk: usize,
) -> Option<String> {
    let expected = oracle.judge(family, response);
    let given = engine(oracle, family, response, chunk);
    if given.refused != expected.refused {
        return Some(format!(
            "status: the engine refuses with {:?}, the oracle with {:?}",
            given.refused, expected.refused
        ));
    }
    if given.refused.is_some() {
        // Of a stream that broke, what left before is what the oracle let go before.
        return (!expected.body.starts_with(&given.body))
            .then(|| "a broken stream let go what the oracle does not".to_owned());
    }
    if given.body != expected.body {
        let at = given.body.iter().zip(&expected.body).take_while(|(a, b)| a == b).count();
        let around = |bytes: &[u8]| {
            let from = at.saturating_sub(150);
            String::from_utf8_lossy(&bytes[from..bytes.len().min(at + 150)]).into_owned()
        };
        return Some(format!(
            "bytes, from {at}:\n  engine {}\n  oracle {}",
            around(&given.body),
            around(&expected.body)
        ));
    }
    (given.own_note_withheld != expected.own_note_withheld).then(|| {
        format!(
            "own note withheld: the engine says {}, the oracle {}",
            given.own_note_withheld, expected.own_note_withheld
        )
    })
}

/// Compares in chunks of every size; the difference of the whole is told before that of chunks.
fn agree(
    oracle: &Oracle,
    family: &Family,
    response: Response<'_>,
    chunks: &[usize],
) -> Result<(), String> {
    let Some(why) = difference(oracle, family, response, 0) else {
        let whole = engine(oracle, family, response, 0);
        for chunk in chunks.iter().copied().filter(|chunk| *chunk > 0) {
            let given = engine(oracle, family, response, chunk);
            let same =
                given == whole || (whole.refused.is_some() && given.refused == whole.refused);
            if !same {
                return Err(format!("in chunks of {chunk} bytes the engine gives something else"));
            }
        }
        return Ok(());
    };
    Err(why)
}

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What the bodies were like: a test that only withholds proves little.
#[derive(Debug, Default)]
struct Tally {
    released: usize,
    withheld: usize,
    refused: usize,
    /// Answers that leave out something, and yet release something.
    parted: usize,
}

impl Tally {
    fn count(&mut self, oracle: &Oracle, family: &Family, response: Response<'_>) {
        let answer = oracle.judge(family, response);
        let released = answer.records.iter().filter(|record| record.released).count();
        self.released += released;
        self.withheld += answer.records.len() - released;
        self.refused += usize::from(answer.refused.is_some());
        let less = answer.body.len() < response.body.len();
        self.parted += usize::from(released > 0 && less);
    }
}
