//! Figures, with labels from fixed lists only: no id, path, code or name is ever one.

use crate::engine::released::Report;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::time::Duration;

/// Bounds of the answer times, seconds.
const SECONDS: [f64; 10] = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Status {
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Verdict {
    verdict: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FindingName {
    finding: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// The figures of one process.
pub struct Metrics {
    registry: Registry,
    answers: Family<Status, Counter>,
    refusals: Family<Cause, Counter>,
    cut_streams: Family<Cause, Counter>,
    records: Family<Verdict, Counter>,
    findings: Family<FindingName, Counter>,
    look_ups: Family<Outcome, Counter>,
    seconds: Histogram,
    connections: Gauge,
    held_bytes: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut metrics = Metrics {
            registry: Registry::with_prefix("sequester"),
            answers: Family::default(),
            refusals: Family::default(),
            cut_streams: Family::default(),
            records: Family::default(),
            findings: Family::default(),
            look_ups: Family::default(),
            seconds: Histogram::new(SECONDS),
            connections: Gauge::default(),
            held_bytes: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("answers", "Answers by status", metrics.answers.clone());
        registry.register("refusals", "Requests refused, by cause", metrics.refusals.clone());
        registry.register("cut_streams", "Streams cut, by cause", metrics.cut_streams.clone());
        registry.register("records", "Records and fields by verdict", metrics.records.clone());
        registry.register("look_ups", "Look-ups by outcome", metrics.look_ups.clone());
        registry.register("findings", "What to look at", metrics.findings.clone());
        let help = "Seconds from a request to the head of its answer";
        registry.register("answer_seconds", help, metrics.seconds.clone());
        registry.register("connections", "Open connections", metrics.connections.clone());
        registry.register("held_bytes", "Body bytes held", metrics.held_bytes.clone());
        metrics
    }
}

impl Metrics {
    /// A head has left.
    pub fn answered(&self, status: u16, after: Duration) {
        self.answers.get_or_create(&Status { status }).inc();
        self.seconds.observe(after.as_secs_f64());
    }

    /// A request was refused.
    pub fn refused(&self, cause: &'static str) {
        self.refusals.get_or_create(&Cause { cause }).inc();
    }

    /// A stream was cut.
    pub fn cut(&self, cause: &'static str) {
        self.cut_streams.get_or_create(&Cause { cause }).inc();
    }

    /// A body, or a flush of one, was judged.
    pub fn judged(&self, report: &Report) {
        let counts =
            [("released", report.released), ("withheld", report.withheld), ("cut", report.cut)];
        for (verdict, count) in counts {
            self.records.get_or_create(&Verdict { verdict }).inc_by(count);
        }
        for (finding, count) in &report.findings {
            let finding = finding.name();
            self.findings.get_or_create(&FindingName { finding }).inc_by(*count);
        }
    }

    /// A look-up ended: `answered`, `kept` (from memory), `nothing` (there is no such record, or
    /// none to judge by), `failed`, `late`.
    pub fn looked_up(&self, outcome: &'static str) {
        self.look_ups.get_or_create(&Outcome { outcome }).inc();
    }

    /// A connection has opened.
    pub fn connected(&self) {
        self.connections.inc();
    }

    /// A connection has closed.
    pub fn disconnected(&self) {
        self.connections.dec();
    }

    /// How many body bytes are held now.
    pub fn set_held_bytes(&self, bytes: usize) {
        self.held_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// All figures as Prometheus reads them.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
