//! Figures of limits: labels from fixed lists only.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LimitName {
    scope: &'static str,
    dimension: &'static str,
}

/// The figures of limits of one process.
#[derive(Debug, Default)]
pub struct LimitFigures {
    over: Family<LimitName, Counter>,
    not_saved: Counter,
    keys: Gauge,
    away: Gauge,
}

impl LimitFigures {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Requests refused and streams cut by a limit, by scope and dimension";
        registry.register("over_limits", help, self.over.clone());
        let help = "Times the state of limits could not be written";
        registry.register("limits_not_saved", help, self.not_saved.clone());
        let help = "Readers, contracts, applications, pairs and addresses remembered by limits";
        registry.register("limit_keys", help, self.keys.clone());
        let help = "1 while the server of shared limits does not answer";
        registry.register("shared_limits_away", help, self.away.clone());
    }

    /// Something was over a limit.
    pub fn over(&self, scope: &'static str, dimension: &'static str) {
        self.over.get_or_create(&LimitName { scope, dimension }).inc();
    }

    /// The state of limits could not be written.
    pub fn not_saved(&self) {
        self.not_saved.inc();
    }

    /// How many keys are remembered now, and whether budgets are counted as configured.
    pub fn set(&self, keys: usize, together: bool) {
        self.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
        self.away.set(i64::from(!together));
    }
}
