//! Goes through fixed bodies for `tests/bench/instructions`, which counts the instructions of each
//! call of [`measured`]. Prints their names, in order.
#![expect(clippy::print_stdout, reason = "tells the script what it counted")]

mod bodies;
mod judging;

use judging::{Judge, search_set};
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

/// Times a body is gone through before it counts as warm.
const WARM: usize = 16;

fn main() -> ExitCode {
    let (Some(another), Some(subject)) = (Judge::of("M-100"), Judge::of("M-102")) else {
        return ExitCode::FAILURE;
    };
    // The second record: the first has an F code, and nothing of it leaves.
    let short = search_set(1, 1..2).into_bytes();
    let long = search_set(1, 0..48).into_bytes();
    let alone = |judge: &Judge, body: &[u8]| judge.judged(body);
    let known = Arc::default();
    let with_look_ups = |judge: &Judge, body: &[u8]| judge.judged_with(&known, body);
    let all = [
        ("8 KB cold", measured(&alone, &another, &short)),
        ("8 KB warm", warm(&alone, &another, &short)),
        ("8 KB warm with look-ups", warm(&with_look_ups, &another, &short)),
        ("400 KB as another", warm(&alone, &another, &long)),
        ("400 KB as another with look-ups", warm(&with_look_ups, &another, &long)),
        ("400 KB as the subject", warm(&alone, &subject, &long)),
    ];
    for (name, leaves) in all {
        // Of all of these something leaves.
        if leaves.is_none_or(|bytes| bytes < 1_000) {
            return ExitCode::FAILURE;
        }
        println!("{name}");
    }
    ExitCode::SUCCESS
}

/// A way through a body.
type Way<'w> = &'w dyn Fn(&Judge, &[u8]) -> Option<usize>;

fn warm(way: Way<'_>, judge: &Judge, body: &[u8]) -> Option<usize> {
    for _ in 0..WARM {
        black_box(way(judge, black_box(body)));
    }
    measured(way, judge, body)
}

/// What is counted.
#[inline(never)]
fn measured(way: Way<'_>, judge: &Judge, body: &[u8]) -> Option<usize> {
    black_box(way(judge, black_box(body)))
}
