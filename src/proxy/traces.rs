//! Traces, where a deployment asks for them: one span for a request, and one each for what it
//! waited for. They go to a collector as OTLP over HTTP in JSON, which is one small object; the
//! crates for it bring a runtime, a gRPC stack and protobuf of their own.
//!
//! A span has a name from a fixed list, the template of a route and a status; no path, no id of a
//! person. Its trace is the `X-Request-Id` of the answer. What the collector does not take is
//! dropped and counted: no answer waits for it.

use crate::admin::Metrics;
use crate::config::meant::Url;
use crate::dial::{Dialer, Trust};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

/// Most traces that wait to be sent, about a kilobyte each, and most that are sent at once.
const WAITING_MAX: usize = 4096;
const SENT_AT_ONCE_MAX: usize = 256;

/// Most spans of one request: a search of many pages waits for each.
const SPANS_MAX: usize = 128;

/// How long traces wait for others, and how long the collector may take.
const SENT_EVERY: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest answer of a collector that is read, bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

tokio::task_local! {
    /// The spans of the request that this task serves.
    static SPANS: RefCell<Vec<Span>>;
}

/// What a request waited for.
#[derive(Clone, Copy, Debug)]
struct Span {
    name: &'static str,
    began: Instant,
    took: Duration,
}

/// A request that has been answered.
#[derive(Debug)]
struct Trace {
    /// The id of the request: 128 bits in hex.
    request: String,
    route: Option<String>,
    status: u16,
    began: Instant,
    ended: SystemTime,
    took: Duration,
    spans: Vec<Span>,
}

/// Where traces go.
#[derive(Debug)]
pub(super) struct Traces {
    queue: mpsc::Sender<Trace>,
    sending: Mutex<Sending>,
}

#[derive(Debug)]
struct Sending {
    queue: mpsc::Receiver<Trace>,
    dialer: Dialer,
    target: String,
    metrics: Arc<Metrics>,
}

/// The request that this task serves waited so long.
pub(super) fn span(name: &'static str, began: Instant, took: Duration) {
    let add = |spans: &RefCell<Vec<Span>>| {
        if let Ok(mut spans) = spans.try_borrow_mut()
            && spans.len() < SPANS_MAX
        {
            spans.push(Span { name, began, took });
        }
    };
    // Where nothing is traced, and in tasks beside the request, there is nobody to tell.
    SPANS.try_with(add).unwrap_or_default();
}

/// Does something, and gives back what is to be traced of it too.
pub(super) async fn traced<T>(doing: impl Future<Output = T>) -> (T, Spans) {
    SPANS
        .scope(RefCell::default(), async {
            let done = doing.await;
            (done, Spans(SPANS.try_with(RefCell::take).unwrap_or_default()))
        })
        .await
}

/// What is to be traced of a request.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Span>);

impl Traces {
    /// To this collector. The error is words for an operator.
    pub(super) fn to(collector: &Url, metrics: &Arc<Metrics>) -> Result<Traces, String> {
        let dialer = Dialer::new(collector.origin.clone(), &Trust::default(), TIMEOUT)?;
        let (sender, queue) = mpsc::channel(WAITING_MAX);
        let (target, metrics) = (collector.target.clone(), Arc::clone(metrics));
        let sending = Mutex::new(Sending { queue, dialer, target, metrics });
        Ok(Traces { queue: sender, sending })
    }

    /// A request was answered.
    pub(super) fn tell(
        &self,
        metrics: &Metrics,
        request: String,
        route: Option<String>,
        status: u16,
        began: Instant,
        spans: Spans,
    ) {
        let (ended, took) = (SystemTime::now(), began.elapsed());
        let trace = Trace { request, route, status, began, ended, took, spans: spans.0 };
        if self.queue.try_send(trace).is_err() {
            metrics.traces_dropped(1);
        }
    }

    /// Sends for as long as it is polled.
    pub(super) async fn run(&self) {
        let mut sending = self.sending.lock().await;
        loop {
            tokio::time::sleep(SENT_EVERY).await;
            sending.send_all().await;
        }
    }

    /// Sends what is left.
    pub(super) async fn end(&self) {
        self.sending.lock().await.send_all().await;
    }
}

impl Sending {
    async fn send_all(&mut self) {
        loop {
            let mut traces = Vec::new();
            while traces.len() < SENT_AT_ONCE_MAX
                && let Ok(trace) = self.queue.try_recv()
            {
                traces.push(trace);
            }
            if traces.is_empty() {
                return;
            }
            let sending = tokio::time::timeout(TIMEOUT, self.send(&traces));
            if sending.await.ok().flatten().is_none() {
                self.metrics.traces_dropped(u64::try_from(traces.len()).unwrap_or(u64::MAX));
                return;
            }
        }
    }

    /// Whether the collector took them.
    async fn send(&self, traces: &[Trace]) -> Option<()> {
        let body = Full::new(Bytes::from(written(traces).to_string()));
        let request = Request::post(&self.target)
            .header(HOST, self.dialer.origin().authority())
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .ok()?;
        let socket = TokioIo::new(self.dialer.connect().await.ok()?);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(socket).await.ok()?;
        let running = tokio::spawn(connection);
        let response = sender.send_request(request).await.ok()?;
        let taken = response.status().is_success();
        // Read to its end, so that the collector sees a connection that ends as it should.
        Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await.ok();
        running.abort();
        taken.then_some(())
    }
}

/// Traces as OTLP has them.
fn written(traces: &[Trace]) -> Value {
    let spans: Vec<Value> = traces.iter().flat_map(Trace::written).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [text("service.name", "sequester")]},
        "scopeSpans": [{
            "scope": {"name": "sequester", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans,
        }],
    }]})
}

impl Trace {
    fn written(&self) -> Vec<Value> {
        const SERVER: u8 = 2;
        const INTERNAL: u8 = 1;
        const ERROR: u8 = 2;
        let began = self.ended.checked_sub(self.took).unwrap_or(UNIX_EPOCH);
        let route = self.route.as_deref().unwrap_or("none");
        let is_fault = self.status >= 500;
        let mut all = vec![json!({
            "traceId": self.request, "spanId": self.span_id(0), "name": route, "kind": SERVER,
            "startTimeUnixNano": nanos(began), "endTimeUnixNano": nanos(self.ended),
            "attributes": [
                text("http.route", route),
                {"key": "http.response.status_code", "value": {"intValue": self.status.to_string()}},
            ],
            "status": if is_fault { json!({"code": ERROR}) } else { json!({}) },
        })];
        for (number, span) in (1..).zip(&self.spans) {
            let after = span.began.saturating_duration_since(self.began);
            let start = began.checked_add(after).unwrap_or(began);
            let end = start.checked_add(span.took).unwrap_or(start);
            all.push(json!({
                "traceId": self.request, "spanId": self.span_id(number),
                "parentSpanId": self.span_id(0), "name": span.name, "kind": INTERNAL,
                "startTimeUnixNano": nanos(start), "endTimeUnixNano": nanos(end),
            }));
        }
        all
    }

    /// Part of the random id of the request, counted on.
    fn span_id(&self, number: u64) -> String {
        let random = self.request.get(..16).and_then(|half| u64::from_str_radix(half, 16).ok());
        format!("{:016x}", random.unwrap_or(1).wrapping_add(number).max(1))
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({"key": key, "value": {"stringValue": value}})
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
