//! Benchmarks of the engine: `cargo bench --bench redact [-- FILE…]`. Every method is measured in
//! every round, so that a noisy machine is noisy for all of them; the table shows medians, and the
//! best. JSON files named on the command line are measured as well; `--only=METHOD` and
//! `--body=NAME` leave out the others.
//!
//! simd-json and sonic-rs are yardsticks. The latter picks its instructions when it is compiled:
//! for AVX2 set `RUSTFLAGS='-C target-cpu=native'`, and mind that then all the rest has it too.
#![expect(clippy::print_stdout, reason = "a benchmark prints a table")]

#[path = "bench/bodies.rs"]
mod bodies;
#[path = "bench/judging.rs"]
mod judging;

use judging::{Judge, Known, search_set};
use sequester::engine::document::scan::{Memory, parse};
use sequester::engine::document::tape::{Tape, Vocabulary};
use serde::de::IgnoredAny;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 31;
/// Bytes that one measurement goes through, at least: less than a slice of the scheduler.
const BYTES_PER_ROUND: usize = 1 << 20;

/// One way through a body; gives back a length, so that nothing is optimized away.
type Way<'m> = Box<dyn FnMut(&[u8]) -> Option<usize> + 'm>;
/// … and its name.
type Method<'m> = (&'static str, Way<'m>);

fn methods(vocabulary: &Vocabulary) -> Vec<Method<'_>> {
    let mut copy = Vec::new();
    let (mut tape, mut memory) = (Tape::default(), Memory::default());
    vec![
        (
            "memcpy",
            Box::new(move |body| {
                copy.clear();
                copy.extend_from_slice(black_box(body));
                Some(black_box(&copy).len())
            }),
        ),
        (
            "parse to tape",
            Box::new(move |body| {
                parse(body, 64, vocabulary, &mut memory, &mut tape).ok()?;
                Some(tape.len())
            }),
        ),
        ("admission of the request", admission("M-100")),
        ("engine, reader is another", engine("M-100")),
        ("… with what look-ups found", with_look_ups("M-100")),
        ("engine, reader is the subject", engine("M-102")),
        (
            "serde_json IgnoredAny",
            Box::new(|body| serde_json::from_slice::<IgnoredAny>(body).ok().map(|_| body.len())),
        ),
        (
            "simd-json tape, with a copy",
            Box::new(|body| {
                let mut copy = body.to_vec();
                simd_json::to_tape(&mut copy).ok().map(|tape| tape.0.len())
            }),
        ),
        (
            "sonic-rs Value and back",
            Box::new(|body| {
                let value: sonic_rs::Value = sonic_rs::from_slice(body).ok()?;
                sonic_rs::to_vec(&value).ok().map(|written| written.len())
            }),
        ),
        (
            "serde_json Value and back",
            Box::new(|body| {
                let value: serde_json::Value = serde_json::from_slice(body).ok()?;
                serde_json::to_vec(&value).ok().map(|written| written.len())
            }),
        ),
    ]
}

fn main() {
    tables();
    if only("--body=").is_none() && only("--only=").is_none() {
        at_once();
    }
}

fn tables() {
    let mut bodies: Vec<(String, Vec<u8>)> = [(1, "8 KB"), (48, "400 KB"), (1_000, "8 MB")]
        .map(|(records, name)| (name.to_owned(), search_set(5, 0..records).into_bytes()))
        .into();
    bodies.push(("400 KB indented".to_owned(), indented(&search_set(5, 0..24))));
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        match std::fs::read(&path) {
            Ok(body) => bodies.push((path, body)),
            Err(error) => println!("`{path}` cannot be read: {error}"),
        }
    }
    bodies.retain(|(name, _)| only("--body=").is_none_or(|only| *name == only));
    let vocabulary = Vocabulary::new(KEYS.split_whitespace());
    println!("{:28} {:>9} {:>8} {:>6} {:>9} {:>9}", "", "body, B", "GB/s", "best", "µs", "× Value");
    for (name, body) in &bodies {
        let mut methods = methods(&vocabulary);
        methods.retain(|(name, _)| only("--only=").is_none_or(|only| name.contains(&only)));
        let rows = measure(&mut methods, body);
        println!("{name}");
        let naive = rows.last().and_then(|(_, times)| *times).map_or(f64::NAN, |times| times.0);
        for (method, times) in rows {
            let Some((median, least)) = times else {
                println!("  {method:26} refused");
                continue;
            };
            let bytes = f64::from(u32::try_from(body.len()).unwrap_or(u32::MAX));
            let (speed, best, times) = (bytes / median / 1e9, bytes / least / 1e9, naive / median);
            let micros = median * 1e6;
            println!("  {method:26} {bytes:9} {speed:8.2} {best:6.2} {micros:9.1} {times:9.1}");
        }
    }
}

/// Bodies of one to seven records, judged by one thread, and by as many at once as there are
/// processors: each goes through all of them.
fn at_once() {
    const TIMES: u32 = 200;
    let bodies = (0..60).map(|n| search_set(1 + n % 5, n * 3..n * 3 + 1 + n % 7).into_bytes());
    let bodies: Vec<Vec<u8>> = bodies.collect();
    let Some(judge) = Judge::of("M-100") else { return };
    let all = || bodies.iter().all(|body| black_box(judge.judged(black_box(body))).is_some());
    println!("one body of 8 to 56 KB, so many threads at once");
    for threads in [1, std::thread::available_parallelism().map_or(1, usize::from)] {
        let start = Instant::now();
        let done = std::thread::scope(|scope| {
            let working: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| (0..TIMES).all(|_| all()))).collect();
            working.into_iter().all(|thread| thread.join().unwrap_or(false))
        });
        if !done {
            println!("  {threads:26} refused");
            continue;
        }
        let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES) / 60.0;
        println!("  {threads:26} {micros:28.1} µs");
    }
}

/// To what the command line restricts it.
fn only(option: &str) -> Option<String> {
    std::env::args().find_map(|argument| argument.strip_prefix(option).map(str::to_owned))
}

/// What is done once for a request, before there is a body.
fn admission<'m>(reader: &str) -> Way<'m> {
    let Some(judge) = Judge::of(reader) else { return Box::new(|_| None) };
    Box::new(move |_| judge.admitted().map(|plan| black_box(plan).target.len()))
}

/// The whole engine, from the first byte of a body to what leaves.
fn engine<'m>(reader: &str) -> Way<'m> {
    let Some(judge) = Judge::of(reader) else { return Box::new(|_| None) };
    Box::new(move |body| judge.judged(body))
}

/// The same as `run` does it: every reference that a verdict needs is looked up, and known.
fn with_look_ups<'m>(reader: &str) -> Way<'m> {
    let Some(judge) = Judge::of(reader) else { return Box::new(|_| None) };
    let known = Arc::new(Known::default());
    Box::new(move |body| judge.judged_with(&known, body))
}

/// Median and least seconds of each method for one body; none if it refused the body.
fn measure(methods: &mut [Method<'_>], body: &[u8]) -> Vec<(&'static str, Option<(f64, f64)>)> {
    let repeats = u32::try_from((BYTES_PER_ROUND / body.len().max(1)).max(1)).unwrap_or(u32::MAX);
    let mut times = vec![Vec::new(); methods.len()];
    for round in 0..=ROUNDS {
        for ((_, method), times) in methods.iter_mut().zip(&mut times) {
            // Once without a clock: nobody is to pay for what another left in the caches.
            black_box(method(black_box(body)));
            let start = Instant::now();
            let done = (0..repeats).all(|_| black_box(method(black_box(body))).is_some());
            let seconds = start.elapsed().as_secs_f64() / f64::from(repeats);
            // The first round warms up.
            if done && round > 0 {
                times.push(seconds);
            }
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        Some((*times.get(times.len() / 2)?, *times.first()?))
    };
    methods.iter().map(|(name, _)| *name).zip(times.iter_mut().map(median)).collect()
}

fn indented(text: &str) -> Vec<u8> {
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    value.and_then(|value| serde_json::to_vec_pretty(&value)).unwrap_or_default()
}

/// What a shape for payers asks for, more or less: about half of the keys that come.
const KEYS: &str = "resourceType id meta entry fullUrl resource search patient subject encounter \
    coding code system display text diagnosis diagnosisCodeableConcept diagnosisReference item \
    productOrService procedure procedureCodeableConcept type subType supportingInfo category \
    careTeam provider facility billablePeriod start servicedDate servicedPeriod claim prescription \
    insurance coverage reference identifier note contained total payment security div link";
