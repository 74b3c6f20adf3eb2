//! When a connection has stood still for too long (BYPASSES S20, S21).

use crate::proxy::connection::{Patience, Pulse, Visit};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const PATIENCE: Patience = Patience {
    head: Duration::from_millis(50),
    idle: Duration::from_millis(150),
    stall: Duration::from_millis(300),
    age: Duration::from_secs(1),
};

/// How long it takes from now, in tens of milliseconds.
async fn overdue_after(pulse: &Pulse) -> u128 {
    let began = Instant::now();
    pulse.overdue(PATIENCE).await;
    began.elapsed().as_millis() / 10
}

#[tokio::test]
async fn nothing_said_idle_and_standing_still_have_their_own_times() {
    let pulse = Arc::new(Pulse::new());
    assert!((5..12).contains(&overdue_after(&pulse).await), "nothing was ever asked");
    let visit = Visit::begin(&pulse);
    assert!((30..40).contains(&overdue_after(&pulse).await), "a reader takes nothing");
    visit.progress();
    let began = Instant::now();
    let taking = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            visit.progress();
        }
    };
    tokio::join!(taking, pulse.overdue(PATIENCE));
    assert!(began.elapsed() >= Duration::from_millis(800), "a slow reader is waited for");
    drop(visit);
    assert!((15..25).contains(&overdue_after(&pulse).await), "nothing is under way");
}
