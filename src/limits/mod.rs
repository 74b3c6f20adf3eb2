//! Limits on reads, counted per reader, in this process.
//!
//! A reader's cells live in keyed GCRA limiters: a rate of `120 per 1m` lets 120 through at
//! once and gives one back every half second. An error inside a limiter is a refusal. Hidden
//! records are never charged: what a reader may still ask for would tell of them.

#[cfg(test)]
mod tests;

use crate::config::meant::{self, Rate};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

/// Most readers remembered at a time (about 120 bytes each). Past it readers that have all
/// their cells back are forgotten; if that frees none, unknown readers are refused.
const READERS_MAX: usize = 1_000_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Requests, whatever becomes of them.
    Requests,
    /// Records released.
    Records,
}

impl Counted {
    /// Its name in `sequester.yaml` and in answers.
    pub fn name(self) -> &'static str {
        match self {
            Counted::Requests => "requests",
            Counted::Records => "records",
        }
    }
}

/// Over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// Of what.
    pub counted: Counted,
    /// The rate that is used up.
    pub rate: Rate,
    /// Whole seconds until as much is let through, at least 1.
    pub retry_after_s: u64,
}

/// The limits of one deployment.
#[derive(Debug)]
pub struct Limits {
    requests: Vec<Keyed>,
    records: Vec<Keyed>,
}

#[derive(Debug)]
struct Keyed {
    counted: Counted,
    rate: Rate,
    readers: DefaultKeyedRateLimiter<String>,
    readers_max: usize,
    clock: DefaultClock,
}

impl Limits {
    /// As a deployment says; all rates hold at once.
    pub fn new(limits: &meant::Limits) -> Limits {
        let keyed = |counted, rates: &[Rate]| {
            rates.iter().map(|rate| Keyed::new(counted, *rate, READERS_MAX)).collect()
        };
        Limits {
            requests: keyed(Counted::Requests, &limits.reader_requests),
            records: keyed(Counted::Records, &limits.reader_records),
        }
    }

    /// Charges one request of this reader.
    pub fn request(&self, reader: &str) -> Result<(), OverLimit> {
        let key = reader.to_owned();
        self.requests.iter().try_for_each(|limiter| limiter.charge(&key, NonZeroU32::MIN))
    }

    /// Charges records that are about to be released to this reader.
    pub fn records(&self, reader: &str, records: u64) -> Result<(), OverLimit> {
        let Some(records) = NonZeroU32::new(u32::try_from(records).unwrap_or(u32::MAX)) else {
            return Ok(());
        };
        let key = reader.to_owned();
        self.records.iter().try_for_each(|limiter| limiter.charge(&key, records))
    }

    /// Forgets readers that have all their cells back. To be called now and then.
    pub fn forget_idle_readers(&self) {
        for Keyed { readers, .. } in self.requests.iter().chain(&self.records) {
            readers.retain_recent();
            readers.shrink_to_fit();
        }
    }
}

impl Keyed {
    fn new(counted: Counted, rate: Rate, readers_max: usize) -> Keyed {
        let clock = DefaultClock::default();
        Keyed { counted, rate, readers: RateLimiter::keyed(quota(rate)), readers_max, clock }
    }

    fn charge(&self, reader: &String, cells: NonZeroU32) -> Result<(), OverLimit> {
        let over = |wait: Duration| OverLimit {
            counted: self.counted,
            rate: self.rate,
            retry_after_s: wait.as_secs().saturating_add(1),
        };
        if self.readers.len() >= self.readers_max {
            self.readers.retain_recent();
            if self.readers.len() >= self.readers_max {
                return Err(over(self.rate.per));
            }
        }
        match self.readers.check_key_n(reader, cells) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(not_until)) => Err(over(not_until.wait_time_from(self.clock.now()))),
            // More than the rate lets through at once, however long one waits.
            Err(_) => Err(over(self.rate.per)),
        }
    }
}

fn quota(rate: Rate) -> Quota {
    let one_per = rate.per.checked_div(rate.most.get()).unwrap_or_default();
    // A rate so high that a cell takes no time limits nothing; the shortest there is does.
    Quota::with_period(one_per.max(Duration::from_nanos(1)))
        .unwrap_or_else(|| Quota::per_hour(NonZeroU32::MIN))
        .allow_burst(rate.most)
}
