//! BOUNDED: the body bytes held for all requests together.

use super::refusal::Refusal;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted in: fine enough for small answers, coarse enough for 32 bits.
const UNIT_BYTES: usize = 1024;

/// The bytes that may be held.
#[derive(Clone, Debug)]
pub(super) struct Held {
    units: Arc<Semaphore>,
    units_max: usize,
}

impl Held {
    pub(super) fn new(bytes_max: usize) -> Held {
        let units_max = bytes_max.div_ceil(UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Held { units: Arc::new(Semaphore::new(units_max)), units_max }
    }

    /// A lease of nothing yet.
    pub(super) fn lease(&self) -> Lease {
        Lease { units: Arc::clone(&self.units), permit: None, bytes: 0 }
    }

    /// Bytes that are held now, to the unit.
    pub(super) fn bytes(&self) -> usize {
        let free = self.units.available_permits();
        self.units_max.saturating_sub(free).saturating_mul(UNIT_BYTES)
    }
}

/// Bytes held for one request; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    units: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Lease {
    /// Holds so many bytes more, or refuses at once: a request that waited while holding could
    /// wait for another that waits for it.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.bytes = self.bytes.saturating_add(bytes);
        let has = self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needs = self.bytes.div_ceil(UNIT_BYTES).saturating_sub(has);
        if needs == 0 {
            return Ok(());
        }
        let needs = u32::try_from(needs).map_err(|_| Refusal::TooMuchHeld)?;
        let more = Arc::clone(&self.units)
            .try_acquire_many_owned(needs)
            .map_err(|_| Refusal::TooMuchHeld)?;
        match &mut self.permit {
            Some(permit) => permit.merge(more),
            None => self.permit = Some(more),
        }
        Ok(())
    }
}
