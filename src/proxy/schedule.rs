//! When a 404 leaves: on a schedule that begins when the upstream has answered.
//!
//! TWO-WORLDS, in time: what is hidden is read, judged and looked up elsewhere before it is a
//! 404; what is not there is one at once. Both leave at the same instant after the upstream's
//! head, and both with their audit entry on disk. How long the upstream itself takes is not ours
//! to hide.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A single record takes well under a millisecond to judge, a look-up on a payer's network a few.
/// Nobody waits for a 404, so there is room to spare.
const STEP: Duration = Duration::from_millis(20);

/// Waits for the end of the step that is under way since the upstream answered. Work that takes
/// longer than one step leaves at the end of another, so that little is told even then.
pub(super) async fn wait(answered: Instant) {
    sleep_until(end_of_step(answered, Instant::now())).await;
}

fn end_of_step(answered: Instant, now: Instant) -> Instant {
    let worked = now.saturating_duration_since(answered);
    let steps = worked.as_nanos().checked_div(STEP.as_nanos()).unwrap_or(0).saturating_add(1);
    let steps = u32::try_from(steps).unwrap_or(u32::MAX);
    answered.checked_add(STEP.saturating_mul(steps)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_any_length_ends_with_a_step() {
        let answered = Instant::now();
        let after = |worked_us| {
            let now = answered + Duration::from_micros(worked_us);
            end_of_step(answered, now) - answered
        };
        assert_eq!(after(0), STEP);
        assert_eq!(after(19_999), STEP);
        assert_eq!(after(20_000), 2 * STEP);
        assert_eq!(after(41_000), 3 * STEP);
    }
}
