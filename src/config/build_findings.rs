//! `findings:` as written → as meant.

use super::build::Builder;
use super::meant::{Audit, Findings};
use super::units::Rate;
use super::written;
use crate::engine::diagnostics::At;
use std::num::NonZeroU64;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Builder<'_> {
    /// The defaults let an honest family be: some people, some hundred records a day.
    pub(super) fn findings(&mut self, written: &written::Findings, audit: &Audit) -> Findings {
        let once_per = written.once_per.as_ref().and_then(|once_per| self.window(once_per));
        let state = written.state.as_ref().map(|state| self.path(state));
        Findings {
            slow_drip_days: self.count(written.slow_drip_days.as_ref(), 16, 2..=30),
            sweep: self.rate_or(written.sweep.as_ref(), 30, HOUR),
            client_sweep: self.rate_or(written.client_sweep.as_ref(), 100_000, HOUR),
            not_found: self.rate_or(written.not_found.as_ref(), 30, HOUR),
            withheld: self.rate_or(written.withheld.as_ref(), 20_000, DAY),
            ids_in_sequence: self.count(written.ids_in_sequence.as_ref(), 10, 3..=1_000_000),
            once_per: once_per.unwrap_or(DAY),
            state: state.unwrap_or_else(|| {
                let mut name = audit.file.clone().into_os_string();
                name.push(".findings");
                name.into()
            }),
        }
    }

    fn rate_or(&mut self, written: Option<&At<String>>, most: u64, per: Duration) -> Rate {
        let default = Rate { most: NonZeroU64::new(most).unwrap_or(NonZeroU64::MIN), per };
        written.and_then(|written| self.rate(written)).unwrap_or(default)
    }
}
