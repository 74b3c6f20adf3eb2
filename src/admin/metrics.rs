//! Figures, with labels from fixed lists only: no id, path, code or name is ever one.

use super::labels::{
    Cause, Files, FindingName, Hash, Names, Outcome, Request, Rule, Status, Verdict, class,
};
use super::limits::LimitFigures;
use crate::engine::released::Report;
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

/// The figures of one process.
pub struct Metrics {
    registry: Registry,
    answers: Family<Status, Counter>,
    refusals: Family<Cause, Counter>,
    cut_streams: Family<Cause, Counter>,
    records: Family<Verdict, Counter>,
    findings: Family<FindingName, Counter>,
    raised: Family<FindingName, Counter>,
    not_watched: Counter,
    traces_dropped: Counter,
    look_ups: Family<Outcome, Counter>,
    /// What limits do.
    pub limits: LimitFigures,
    seconds: Histogram,
    requests: Family<Request, Counter>,
    routes: Names,
    rules: Family<Rule, Counter>,
    rule_names: Names,
    upstream: Family<Outcome, Counter>,
    upstream_seconds: Histogram,
    judging_seconds: Histogram,
    audit_lines: Counter,
    audit_failures: Counter,
    audit_seconds: Histogram,
    policy: Family<Hash, Gauge>,
    policy_since: Gauge,
    reload_failures: Family<Files, Counter>,
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
            raised: Family::default(),
            not_watched: Counter::default(),
            traces_dropped: Counter::default(),
            look_ups: Family::default(),
            limits: LimitFigures::default(),
            seconds: Histogram::new(SECONDS),
            requests: Family::default(),
            routes: Names::default(),
            rules: Family::default(),
            rule_names: Names::default(),
            upstream: Family::default(),
            upstream_seconds: Histogram::new(SECONDS),
            judging_seconds: Histogram::new(SECONDS),
            audit_lines: Counter::default(),
            audit_failures: Counter::default(),
            audit_seconds: Histogram::new(SECONDS),
            policy: Family::default(),
            policy_since: Gauge::default(),
            reload_failures: Family::default(),
            connections: Gauge::default(),
            held_bytes: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("answers", "Answers by status", self.answers.clone());
        registry.register("refusals", "Requests refused, by cause", self.refusals.clone());
        registry.register("cut_streams", "Streams cut, by cause", self.cut_streams.clone());
        registry.register("records", "Records and fields by verdict", self.records.clone());
        registry.register("look_ups", "Look-ups by outcome", self.look_ups.clone());
        self.limits.register(registry);
        registry.register("findings", "What to look at", self.findings.clone());
        registry.register("findings_raised", "Findings raised", self.raised.clone());
        let help = "Answers that were not watched, for lack of room, and times that slow drips could not be written down";
        registry.register("not_watched", help, self.not_watched.clone());
        let help = "Seconds from a request to the head of its answer";
        registry.register("answer_seconds", help, self.seconds.clone());
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("held_bytes", "Body bytes held", self.held_bytes.clone());
        let help = "Requests by route and class of status";
        registry.register("requests", help, self.requests.clone());
        let help = "Records withheld and fields cut, by rule";
        registry.register("rules", help, self.rules.clone());
        let help = "Requests to the upstream, look-ups too, by what came of them";
        registry.register("upstream_requests", help, self.upstream.clone());
        let help = "Seconds from a request to the upstream to the head of its answer";
        registry.register("upstream_seconds", help, self.upstream_seconds.clone());
        let help = "Seconds from the end of a whole body to the verdict, look-ups included";
        registry.register("judging_seconds", help, self.judging_seconds.clone());
        let help = "Lines that were written to the audit";
        registry.register("audit_lines", help, self.audit_lines.clone());
        let help = "Lines that could not be, so that nothing left";
        registry.register("audit_failures", help, self.audit_failures.clone());
        let help = "Seconds until a line of the audit was on disk";
        registry.register("audit_seconds", help, self.audit_seconds.clone());
        let help = "Traces that no collector took";
        registry.register("traces_dropped", help, self.traces_dropped.clone());
        registry.register("policy", "The policy set in force", self.policy.clone());
        let help = "Since when the policy set is in force, seconds since 1970";
        registry.register("policy_since_seconds", help, self.policy_since.clone());
        let help = "Changed files that were refused, so that the last good ones stay";
        registry.register("reload_failures", help, self.reload_failures.clone());
    }

    /// A head has left, of a route if one was known.
    pub fn answered(&self, route: Option<&str>, status: u16, after: Duration) {
        self.answers.get_or_create(&Status { status }).inc();
        let route = self.routes.label(route.unwrap_or("none"));
        self.requests.get_or_create(&Request { route, class: class(status) }).inc();
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
        for (rule, count) in &report.rules {
            let rule = self.rule_names.label(rule);
            self.rules.get_or_create(&Rule { rule }).inc_by(*count);
        }
        for (finding, count) in &report.findings {
            let finding = finding.name();
            self.findings.get_or_create(&FindingName { finding }).inc_by(*count);
        }
    }

    /// Findings that may come: at zero from the start, else an alert would miss the first.
    pub fn may_be_found(&self, finding: &'static str) {
        self.raised.get_or_create(&FindingName { finding }).inc_by(0);
        self.findings.get_or_create(&FindingName { finding }).inc_by(0);
    }

    /// A finding was raised: once in its window, where `findings` counts every time.
    pub fn raised(&self, finding: &'static str) {
        self.raised.get_or_create(&FindingName { finding }).inc();
    }

    /// Answers that could not be watched, for lack of room.
    pub fn not_watched(&self, answers: u64) {
        self.not_watched.inc_by(answers);
    }

    /// Traces that no collector took.
    pub fn traces_dropped(&self, traces: u64) {
        self.traces_dropped.inc_by(traces);
    }

    /// A look-up ended: `answered`, `kept` (from memory), `nothing` (there is no such record, or
    /// none to judge by), `failed`, `late`.
    pub fn looked_up(&self, outcome: &'static str) {
        self.look_ups.get_or_create(&Outcome { outcome }).inc();
    }

    /// The upstream was asked: the status of its answer, or why there was none.
    pub fn upstream_asked(&self, outcome: Result<u16, &'static str>, after: Duration) {
        let outcome = outcome.map_or_else(|cause| cause, class);
        self.upstream.get_or_create(&Outcome { outcome }).inc();
        self.upstream_seconds.observe(after.as_secs_f64());
    }

    /// A whole body was judged.
    pub fn took_to_judge(&self, took: Duration) {
        self.judging_seconds.observe(took.as_secs_f64());
    }

    /// A line of the audit was written, or not.
    pub fn audited(&self, is_written: bool, after: Duration) {
        if is_written {
            self.audit_lines.inc()
        } else {
            self.audit_failures.inc()
        };
        self.audit_seconds.observe(after.as_secs_f64());
    }

    /// The policy set in force, since a time in seconds since 1970.
    pub fn set_policy(&self, hash: &str, since_s: u64) {
        // One at a time: the label is no history.
        self.policy.clear();
        self.policy.get_or_create(&Hash { hash: hash.to_owned() }).set(1);
        self.policy_since.set(i64::try_from(since_s).unwrap_or(i64::MAX));
    }

    /// So many changes of files were refused.
    pub fn reloads_failed(&self, files: &'static str, times: u64) {
        self.reload_failures.get_or_create(&Files { files }).inc_by(times);
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
