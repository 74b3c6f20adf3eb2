//! A charge as the script reads it, and its answer.

use super::super::charge::{Left, Limit, Line, OverLimit};
use super::super::table::Tables;
use crate::config::meant::{Scope, ScopedRate};

/// What the names of our keys begin with.
const PREFIX: &str = "sequester";

/// A charge: keys and arguments of the script.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<String>,
    /// By key: its rate, and its position among those of its scope.
    rates: Vec<(ScopedRate, usize)>,
}

impl Request {
    /// Every window of every budget that is charged something. Addresses are counted by each
    /// proxy for itself: they are not known yet, and no budget is shared with them.
    pub(super) fn of(lines: &[Line], tables: &Tables) -> Request {
        let mut request = Request::default();
        for line in lines.iter().filter(|line| line.scope != Scope::Address) {
            let Some(table) = tables.of(line.scope) else { continue };
            let rates = table.columns.rates().enumerate();
            for (position, rate) in rates {
                request.add(line, rate, position);
            }
        }
        request
    }

    fn add(&mut self, line: &Line, rate: &ScopedRate, position: usize) {
        let amount = line.amounts.of(rate.dimension);
        if amount == 0 && (!rate.is_of_subjects() || line.subjects.is_empty()) {
            return;
        }
        let (scope, what) = (line.scope.name(), rate.dimension.name());
        let window_us = rate.rate.per.as_micros();
        let (seconds, key) = (rate.rate.per.as_secs(), line.key.0);
        self.keys.push(format!("{PREFIX}:{scope}:{what}:{seconds}:{key:032x}"));
        let kind = if rate.is_of_subjects() { "d" } else { "s" };
        let count = if rate.is_of_subjects() {
            u64::try_from(line.subjects.len()).unwrap_or(u64::MAX)
        } else {
            amount
        };
        let head = [kind.to_owned(), rate.rate.most.to_string(), window_us.to_string()];
        self.arguments.extend(head);
        self.arguments.push(count.to_string());
        if rate.is_of_subjects() {
            self.arguments.extend(line.subjects.iter().map(|subject| format!("{subject:016x}")));
        }
        self.rates.push((*rate, position));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The answer of the script; none if it is none.
    pub(super) fn read(&self, answer: &[i64]) -> Option<Result<Option<Left>, OverLimit>> {
        match answer {
            [0, which, wait_us] => {
                let which = usize::try_from(*which).ok()?.checked_sub(1)?;
                let (rate, _) = self.rates.get(which)?;
                let wait_us = u64::try_from(*wait_us).ok()?;
                Some(Err(OverLimit {
                    scope: rate.scope,
                    limit: Limit::Rate(rate.dimension, rate.rate),
                    retry_after_s: wait_us.div_ceil(1_000_000).max(1),
                }))
            }
            [1, taken @ ..] if taken.len() == self.rates.len() => {
                let readers = self.rates.iter().zip(taken);
                let readers = readers.filter(|((rate, _), _)| rate.scope == Scope::Reader);
                let left = readers.map(|((rate, position), taken)| {
                    Left::of(*position, rate, u64::try_from(*taken).unwrap_or_default())
                });
                Some(Ok(left.min_by_key(|left| left.millionths)))
            }
            _ => None,
        }
    }
}
