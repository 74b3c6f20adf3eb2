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
use super::keys::{Hasher, Key};
use super::*;
use crate::config::meant::{Dimension, ScopedRate};
use crate::config::units::{byte_rate, rate};

/// What is kept of limits, here or on a server that several proxies share, is by these.
#[test]
fn keys_are_hashes_by_hmac_sha_256() {
    let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let names: [&[u8]; 2] = [b"M-100", b"M-102"];
    let Key(key) = Hasher::new(&secret).key(Scope::Subject, &names);
    let text = [b"subject".as_slice(), &5_usize.to_be_bytes(), names[0], &5_usize.to_be_bytes()];
    let text = [text.concat().as_slice(), names[1]].concat();
    let by_another = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
    let tag = aws_lc_rs::hmac::sign(&by_another, &text);
    assert_eq!(key.to_be_bytes(), tag.as_ref()[..16]);
}

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
