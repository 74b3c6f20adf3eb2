//! The answer to the story's question for every family of a payer: which reads of the past would
//! today's policies have stopped? The portal's old access log says who read what and when; the
//! upstream is asked again as each reader did, by the code of `run`, and what today would be
//! withheld is told by reader and subject: ids, counts, rules and categories, never content.

mod asking;
mod combined;
mod found;
mod human;
mod json_lines;
mod log;
mod report;
mod requests;
mod state;

pub use asking::{Progress, Wanted, find};
pub use json_lines::Fields;
pub use log::{Form, Reading};
pub use report::Report;

use crate::config::Config;
use crate::engine::facts::People;
use crate::members::Register;
use crate::policy_files::Policies;
use jiff::civil::Date;
use std::sync::Arc;

/// A deployment as it is today.
#[derive(Debug)]
pub struct Deployment {
    /// The upstream and the limits.
    pub config: Config,
    /// Today's policies.
    pub policies: Policies,
    /// Today's people.
    pub register: Arc<Register>,
}

impl Deployment {
    /// The people as they stand towards a reader on a day.
    fn people(&self, reader: &str, day: Date) -> Arc<dyn People> {
        self.register.view(reader, day, &self.policies.states)
    }
}
