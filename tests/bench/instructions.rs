//! Goes through fixed bodies for `tests/bench/instructions`, which counts the instructions of each
//! call of [`measured`]. Prints their names, in order.
#![expect(clippy::print_stdout, reason = "tells the script what it counted")]

mod bodies;
mod judging;

use judging::{Judge, search_set};
use std::hint::black_box;
use std::process::ExitCode;

/// Times a body is gone through before it counts as warm.
const WARM: usize = 3;

fn main() -> ExitCode {
    let (Some(another), Some(subject)) = (Judge::of("M-100"), Judge::of("M-102")) else {
        return ExitCode::FAILURE;
    };
    // The second record: the first has an F code, and nothing of it leaves.
    let short = search_set(1..2).into_bytes();
    let long = search_set(0..48).into_bytes();
    let warm = |judge: &Judge, body: &[u8]| {
        for _ in 0..WARM {
            black_box(judge.judged(black_box(body)));
        }
    };
    let mut all = Vec::new();
    all.push(("8 KB cold", measured(&another, &short)));
    warm(&another, &short);
    all.push(("8 KB warm", measured(&another, &short)));
    warm(&another, &long);
    all.push(("400 KB as another", measured(&another, &long)));
    warm(&subject, &long);
    all.push(("400 KB as the subject", measured(&subject, &long)));
    for (name, leaves) in all {
        // Of all of these something leaves.
        if leaves.is_none_or(|bytes| bytes < 1_000) {
            return ExitCode::FAILURE;
        }
        println!("{name}");
    }
    ExitCode::SUCCESS
}

/// What is counted.
#[inline(never)]
fn measured(judge: &Judge, body: &[u8]) -> Option<usize> {
    black_box(judge.judged(black_box(body)))
}
