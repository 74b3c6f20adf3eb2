//! A pace that requests to an upstream keep, however many there are to make.

use crate::config::units::Rate;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use std::time::Duration;

/// So many requests in so long, evenly.
#[derive(Debug)]
pub(super) struct Pace {
    requests: DefaultDirectRateLimiter,
    clock: DefaultClock,
}

impl Pace {
    /// One after the other, as far apart as the rate says.
    pub(super) fn new(rate: Rate) -> Option<Pace> {
        let most = u32::try_from(rate.most.get()).unwrap_or(u32::MAX);
        let apart = rate.per.checked_div(most).unwrap_or_default();
        let quota = Quota::with_period(apart.max(Duration::from_nanos(1)))?;
        Some(Pace { requests: RateLimiter::direct(quota), clock: DefaultClock::default() })
    }

    /// Waits until the next request may be made.
    pub(super) async fn keep(&self) {
        while let Err(not_until) = self.requests.check() {
            tokio::time::sleep(not_until.wait_time_from(self.clock.now())).await;
        }
    }
}
