//! The end: no new connection, what is under way goes on to its end, within a time.

use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How long what is under way may go on after the end was asked for.
pub(super) const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks for the end and waits for it.
#[derive(Debug)]
pub(super) struct Drain {
    begin: watch::Sender<bool>,
    /// Held by everything that is under way; closes when all of it has ended.
    working: Option<mpsc::Sender<()>>,
    ended: mpsc::Receiver<()>,
}

/// Held by something that is under way.
#[derive(Clone, Debug)]
pub(super) struct DrainWatch {
    begin: watch::Receiver<bool>,
    _working: mpsc::Sender<()>,
}

impl Drain {
    pub(super) fn new() -> Drain {
        let (working, ended) = mpsc::channel(1);
        Drain { begin: watch::Sender::new(false), working: Some(working), ended }
    }

    /// One more that is under way; `None` once the end has begun.
    pub(super) fn watch(&self) -> Option<DrainWatch> {
        let working = self.working.clone()?;
        Some(DrainWatch { begin: self.begin.subscribe(), _working: working })
    }

    /// Asks for the end; whether all that was under way ended in time.
    pub(super) async fn drain(mut self, patience: Duration) -> bool {
        self.working = None;
        self.begin.send_replace(true);
        tokio::time::timeout(patience, self.ended.recv()).await.is_ok()
    }
}

impl DrainWatch {
    /// Waits until the end is asked for.
    pub(super) async fn begun(&mut self) {
        // An error is a drain that is gone, which is an end as well.
        self.begin.wait_for(|begun| *begun).await.ok();
    }
}
