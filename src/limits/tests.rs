//! Limits: arithmetic against `governor`, decisions, tables, budgets, what is kept.
#![expect(non_snake_case, reason = "a test is named by its id in the catalogue of bypasses")]

mod arithmetic;
mod budgets;
mod kept;
mod million;
mod server;
mod shared;
mod tables;
mod usual;

use super::charge::{Amounts, Line};
use super::keys::Key;
use super::*;
use crate::config::meant::{Dimension, ScopedRate};
use crate::config::units::{byte_rate, rate};

pub(super) const MINUTE_US: u64 = 60_000_000;
pub(super) const DAY_US: u64 = 1440 * MINUTE_US;

/// Rates as users write them: `reader requests 3 per 1h`.
pub(super) fn rates(lines: &[&str]) -> Vec<ScopedRate> {
    lines.iter().map(|line| scoped(line)).collect()
}

fn scoped(line: &str) -> ScopedRate {
    let (scope, rest) = line.split_once(' ').unwrap();
    let (dimension, text) = rest.split_once(' ').unwrap();
    let scope = Scope::ALL.into_iter().find(|one| one.name() == scope).unwrap();
    let dimension = Dimension::ALL.into_iter().find(|one| one.name() == dimension).unwrap();
    let read = if dimension == Dimension::Bytes { byte_rate } else { rate };
    ScopedRate { scope, dimension, rate: read(text).unwrap() }
}

pub(super) fn line(scope: Scope, key: u128, amounts: Amounts) -> Line {
    // As a hash would be: the high half tells the stripe.
    Line { scope, key: Key(key << 64 | key << 8), amounts, subjects: Vec::new() }
}

pub(super) fn requests(requests: u64) -> Amounts {
    Amounts { requests, ..Amounts::default() }
}

pub(super) fn records(records: u64) -> Amounts {
    Amounts { records, ..Amounts::default() }
}

pub(super) fn limits(lines: &[&str]) -> Arc<Limits> {
    let reads =
        ReadLimits { rates: rates(lines), long_reads: 2, keys: 1_000, state: None, shared: None };
    Arc::new(Limits::open(&reads).unwrap())
}
