//! Long work of the engine is done on threads of its own, so that others are not kept waiting: as
//! many at once as there are processors. More would only take turns, each with memory of its own.

use super::refusal::Refusal;
use crate::engine::Redactor;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;

/// Shorter bodies take less than a millisecond; the change of threads would keep others waiting
/// for longer.
const OFFLOAD_BYTES: usize = 512 * 1024;

/// The places for long work.
#[derive(Debug)]
pub(super) struct Offload {
    places: Semaphore,
}

impl Offload {
    pub(super) fn new() -> Offload {
        let processors = available_parallelism().map_or(1, usize::from);
        Offload { places: Semaphore::new(processors) }
    }

    /// Does work of the engine on so many bytes.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        mut redactor: Box<Redactor>,
        bytes: usize,
        work: impl FnOnce(&mut Redactor) -> T + Send + 'static,
    ) -> Result<(Box<Redactor>, T), Refusal> {
        if bytes <= OFFLOAD_BYTES {
            let done = work(&mut redactor);
            return Ok((redactor, done));
        }
        let _place = self.places.acquire().await.map_err(|_| Refusal::Fault)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work(&mut redactor);
            (redactor, done)
        });
        working.await.map_err(|_| Refusal::Fault)
    }
}
