//! TWO-WORLDS, tested as the headline of the product: pairs of upstreams that differ only in what
//! is hidden from a reader about somebody else, and random sequences of requests through the
//! whole proxy over real sockets. Every answer of the two is compared byte for byte.
//!
//! What is hidden is written down by hand from DESIGN ([`family`]), never asked of the engine.
//! Everything hidden carries marks ([`marks`]), which are looked for in every byte that comes
//! back.
//!
//! `WORLDS_PAIRS=20000` (how many pairs), `WORLDS_SEED=7` (the first seed), `WORLDS_PAGES=0` (an
//! upstream whose pages are never short). A failure prints its seed, the request and what
//! differed, made as small as it goes. In `.ci/run` it is 20,000 pairs in a release build; a
//! million: `WORLDS_PAIRS=1000000 cargo test --release --test it worlds::two_worlds`.

#![expect(
    clippy::print_stderr,
    clippy::format_push_string,
    clippy::format_collect,
    clippy::range_plus_one,
    clippy::similar_names,
    clippy::struct_excessive_bools,
    clippy::string_slice,
    clippy::use_debug,
    clippy::wildcard_enum_match_arm,
    reason = "a difference is told at length; all data is invented"
)]
#![expect(unreachable_pub, reason = "modules of a test; nothing outside can reach them")]

mod canaries;
mod client;
mod family;
mod house;
mod leaks;
mod marks;
mod pair;
mod payer;
mod play;
#[path = "../agreement/random.rs"]
#[expect(dead_code, reason = "shared with the agreement tests, which write odd JSON with it")]
mod random;
mod records;
mod requests;
mod stage;
mod time;
mod upstream;

use crate::proxy::deployment::Files;
use leaks::{BROKEN, LEAKS, Leak};
use pair::Pair;
use play::{Difference, Tally, play, tell};
use requests::sequence;
use stage::{NO_LIMIT, Side};
use std::time::Instant;
use tokio::task::JoinSet;

/// Whether the upstream's pages may be shorter than what is asked for.
const SHORT_PAGES: bool = true;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Plays so many pairs; what was seen, and the seed of the first pair that was told apart.
async fn plays(
    sides: &mut [Side; 2],
    seeds: std::ops::Range<u64>,
    pages: bool,
    leak: Option<Leak>,
) -> (Tally, Option<(u64, Difference)>) {
    let mut tally = Tally::default();
    for seed in seeds {
        let pair = Pair::new(seed, pages);
        let steps = sequence(&pair, seed);
        let (seen, difference) = play(sides, &pair, &steps, leak).await;
        tally.add(&seen);
        if let Some(difference) = difference {
            return (tally, Some((seed, difference)));
        }
    }
    (tally, None)
}

async fn two_sides(files: impl Fn() -> Files, more: &str) -> [Side; 2] {
    let (one, other) = tokio::join!(Side::start(files(), more), Side::start(files(), more));
    [one, other]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_worlds() {
    let pairs = setting("WORLDS_PAIRS", 300);
    let first = setting("WORLDS_SEED", 1);
    let pages = setting("WORLDS_PAGES", u64::from(SHORT_PAGES)) > 0;
    let began = Instant::now();
    // A pair is played alone before its two proxies, and often waits: several stand side by side.
    let workers = setting("WORLDS_WORKERS", 4).min(pairs);
    let mut playing = JoinSet::new();
    for worker in 0..workers {
        let seeds = first + worker * pairs / workers..first + (worker + 1) * pairs / workers;
        playing.spawn(async move {
            let mut sides = two_sides(Files::with_all_policies, NO_LIMIT).await;
            let (tally, told_apart) = plays(&mut sides, seeds, pages, None).await;
            let told = match told_apart {
                Some((seed, first)) => Some(tell(&mut sides, seed, &first, pages).await),
                None => None,
            };
            (tally, told)
        });
    }
    let mut tally = Tally::default();
    while let Some(played) = playing.join_next().await {
        let (seen, told) = played.unwrap();
        tally.add(&seen);
        if let Some(told) = told {
            panic!("the worlds were told apart\n{told}");
        }
    }
    eprintln!("{tally:?}, {:?} in all", began.elapsed());
    if pairs >= 100 {
        // Otherwise nothing was tested.
        assert!(tally.told_apart_upstream * 3 > tally.requests, "the worlds hardly differ");
        assert!(tally.with_records * 8 > tally.requests, "hardly anything was released");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hidden_is_not_charged() {
    let few = "limits: { reader: [{ records: 10 per 1d }], contract: [{ records: 40 per 1d }, { subjects: 3 per 1d }], subject: [{ bytes: 8MiB per 30d }, { records: 30 per 1d }] }";
    let mut sides = two_sides(Files::with_all_policies, few).await;
    let (tally, told_apart) = plays(&mut sides, 1..400, SHORT_PAGES, None).await;
    assert!(told_apart.is_none(), "a limit told the worlds apart: {told_apart:?}");
    assert!(tally.over_limit > 20, "nobody was over a limit: {tally:?}");
}

/// Within so many pairs every broken measure has to be noticed.
const BROKEN_PAIRS: u64 = 800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaks_is_noticed() {
    let mut sides = two_sides(Files::with_all_policies, NO_LIMIT).await;
    let mut missed = Vec::new();
    for leak in LEAKS {
        let (tally, noticed) =
            plays(&mut sides, 1..1 + BROKEN_PAIRS, SHORT_PAGES, Some(leak)).await;
        eprintln!("{leak:?}: noticed after {} pairs: {}", tally.pairs, noticed.is_some());
        if noticed.is_none() {
            missed.push(leak);
        }
    }
    assert!(missed.is_empty(), "nobody noticed {missed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_measure_broken_in_a_file_is_noticed() {
    let mut missed = Vec::new();
    for broken in &BROKEN {
        let mut sides = two_sides(|| broken.files(), NO_LIMIT).await;
        let (tally, noticed) = plays(&mut sides, 1..1 + BROKEN_PAIRS, SHORT_PAGES, None).await;
        eprintln!(
            "without `{}`: noticed after {} pairs: {}",
            broken.measure,
            tally.pairs,
            noticed.is_some()
        );
        if noticed.is_none() {
            missed.push(broken.measure);
        }
    }
    assert!(missed.is_empty(), "nobody noticed that this was broken: {missed:?}");
}
