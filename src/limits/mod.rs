//! Limits on reads, counted per reader, in this process.
//!
//! A reader's cells live in keyed GCRA limiters: a window of `120 per 1m` lets 120 through at
//! once and gives one back every half second. An error inside a limiter is a refusal.

#[cfg(test)]
mod tests;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;
use std::time::Duration;

/// Most readers remembered at a time (about 120 bytes each). Past it readers that have all
/// their cells back are forgotten; if that frees none, unknown readers are refused.
const READERS_MAX: usize = 1_000_000;

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many.
    pub most: NonZeroU32,
    /// In how long; at least one nanosecond for each of them.
    pub per: Duration,
}

/// Over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// The window that is used up.
    pub window: Window,
    /// Whole seconds until one more is let through, at least 1.
    pub retry_after_s: u64,
}

/// The limits of one deployment.
#[derive(Debug)]
pub struct Limits {
    requests: Vec<Keyed>,
    clock: DefaultClock,
    readers_max: usize,
}

#[derive(Debug)]
struct Keyed {
    window: Window,
    readers: DefaultKeyedRateLimiter<String>,
}

impl Limits {
    /// Limits requests by these windows; the tightest wins. None: no limit.
    pub fn of_requests(windows: &[Window]) -> Limits {
        let requests = windows
            .iter()
            .map(|&window| Keyed { window, readers: RateLimiter::keyed(quota(window)) })
            .collect();
        Limits { requests, clock: DefaultClock::default(), readers_max: READERS_MAX }
    }

    /// Charges one request of this reader to every window.
    pub fn request(&self, reader: &str) -> Result<(), OverLimit> {
        let key = reader.to_owned();
        for Keyed { window, readers } in &self.requests {
            if readers.len() >= self.readers_max {
                readers.retain_recent();
                if readers.len() >= self.readers_max {
                    return Err(OverLimit { window: *window, retry_after_s: 60 });
                }
            }
            if let Err(not_until) = readers.check_key(&key) {
                let wait = not_until.wait_time_from(self.clock.now());
                let retry_after_s = wait.as_secs().saturating_add(1);
                return Err(OverLimit { window: *window, retry_after_s });
            }
        }
        Ok(())
    }

    /// Forgets readers that have all their cells back. To be called now and then.
    pub fn forget_idle_readers(&self) {
        for Keyed { readers, .. } in &self.requests {
            readers.retain_recent();
            readers.shrink_to_fit();
        }
    }
}

fn quota(window: Window) -> Quota {
    let one_per = window.per.checked_div(window.most.get()).unwrap_or_default();
    // A window so short that a cell takes no time limits nothing; the shortest there is does.
    Quota::with_period(one_per.max(Duration::from_nanos(1)))
        .unwrap_or_else(|| Quota::per_hour(NonZeroU32::MIN))
        .allow_burst(window.most)
}
