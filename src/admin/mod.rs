//! For operators: whether we live, whether we are ready, and figures. On an address of its own,
//! without a word about any person.

mod labels;
mod limits;
mod metrics;
mod serve;

pub use metrics::Metrics;
pub use serve::{Admin, AuditHead, Ready, Told};
