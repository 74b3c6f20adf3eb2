//! Goes through fixed bodies for `tests/bench/instructions`, which counts the instructions of each
//! call of [`measured`]. Prints their names, in order.
#![expect(clippy::print_stdout, reason = "tells the script what it counted")]

mod bodies;
mod judging;

use judging::{Judge, search_set};
use std::hint::black_box;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

/// So many bytes are gone through before a body counts as warm: a form is learnt in less.
const WARM_BYTES: usize = 12 << 20;
/// Bodies that take turns in that: the same one again and again would be known by heart.
const TURNS: usize = 2;

fn main() -> ExitCode {
    let (Some(another), Some(subject)) = (Judge::of("M-100"), Judge::of("M-102")) else {
        return ExitCode::FAILURE;
    };
    // Of one record each, from the second on: the first has an F code, and nothing of it leaves.
    let short: Vec<_> = (0..TURNS).map(|at| body(at * 10 + 1..at * 10 + 2)).collect();
    let long: Vec<_> = (0..TURNS).map(|at| body(at * 48..(at + 1) * 48)).collect();
    let alone = |judge: &Judge, body: &[u8]| judge.judged(body);
    let known = Arc::default();
    let with_look_ups = |judge: &Judge, body: &[u8]| judge.judged_with(&known, body);
    let cold = short.first().and_then(|body| measured(&alone, &another, body));
    let all = [
        ("8 KB cold", cold),
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

fn body(numbers: Range<usize>) -> Vec<u8> {
    search_set(1, numbers).into_bytes()
}

/// A way through a body.
type Way<'w> = &'w dyn Fn(&Judge, &[u8]) -> Option<usize>;

/// Measures the first of these bodies.
fn warm(way: Way<'_>, judge: &Judge, bodies: &[Vec<u8>]) -> Option<usize> {
    let first = bodies.first()?;
    for body in bodies.iter().cycle().take(WARM_BYTES / first.len().max(1)) {
        black_box(way(judge, black_box(body)));
    }
    measured(way, judge, first)
}

/// What is counted.
#[inline(never)]
fn measured(way: Way<'_>, judge: &Judge, body: &[u8]) -> Option<usize> {
    black_box(way(judge, black_box(body)))
}
