//! The proxy: the way of one request from the reader to the upstream and back.
//!
//! A connection ([`connection`]) hands each request to [`serve`]; [`Proxy::judge`] is the whole
//! path on one screen. It runs in a task of its own: hyper drops what serves a connection that
//! is closed, and neither the work nor its audit entry may end there.

mod connection;
mod drain;
mod gunzip;
mod head_check;
mod head_reader;
mod headers;
mod held;
mod listener;
mod pool;
mod refusal;
mod request;
mod response;
mod stream;
mod upstream;
mod whole;

#[cfg(test)]
mod tests;

pub use listener::Listener;

use crate::admin::Metrics;
use crate::audit::{Asker, AuditLog, Entry, Event};
use crate::config::Config;
use crate::engine::facts::People;
use crate::engine::request::{Asked, admit};
use crate::engine::set::PolicySet;
use crate::engine::shapes::written::Errors;
use crate::engine::{self, Redactor};
use crate::identity::Identity;
use crate::limits::Limits;
use connection::Patience;
use drain::DrainWatch;
use held::Held;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, Response};
use refusal::Refusal;
use request::Received;
use response::ReaderBody;
use rustls::crypto::SecureRandom;
use std::fmt::{Debug, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use upstream::Upstream;

/// What requests are judged by, asked anew for each: files are replaced while we run.
pub trait World: Debug + Send + Sync {
    /// The policy set in force.
    fn policy(&self) -> Arc<PolicySet>;
    /// The people, as they stand towards this reader now.
    fn people(&self, reader: &str) -> Arc<dyn People>;
}

/// The proxy of one deployment.
#[derive(Debug)]
pub struct Proxy {
    world: Arc<dyn World>,
    identity: Arc<Identity>,
    limits: Arc<Limits>,
    audit: AuditLog,
    metrics: Arc<Metrics>,
    upstream: Upstream,
    engine: engine::Settings,
    held: Held,
    notice: Option<HeaderValue>,
    patience: Patience,
    random: &'static dyn SecureRandom,
}

impl Proxy {
    /// As a deployment says. The error is words for an operator.
    pub fn new(
        config: &Config,
        world: Arc<dyn World>,
        identity: Arc<Identity>,
        limits: Arc<Limits>,
        metrics: Arc<Metrics>,
    ) -> Result<Proxy, String> {
        let judging = &config.judging;
        let file = &config.audit.file;
        let audit = AuditLog::open(file, config.audit.durability).map_err(|error| {
            format!("{}: the audit log cannot be opened: {error}", file.display())
        })?;
        Ok(Proxy {
            world,
            identity,
            limits,
            audit,
            metrics,
            upstream: Upstream::new(&config.upstream, judging.public_url.as_ref())?,
            engine: judging.settings(),
            held: Held::new(judging.limits.held_bytes),
            notice: config.notice.as_ref().map(headers::notice_link).transpose()?,
            patience: Patience::with_upstream(config.upstream.timeout.total),
            random: crate::dial::provider().secure_random,
        })
    }

    /// Body bytes held now, for metrics.
    pub fn held_bytes(&self) -> usize {
        self.held.bytes()
    }

    /// The whole path of a request. What is known of it by then is left in `course`.
    async fn judge(
        self: &Arc<Self>,
        request: Request<Incoming>,
        course: &mut Course,
        work: DrainWatch,
    ) -> Result<Response<ReaderBody>, Refusal> {
        course.is_head = request.method() == hyper::Method::HEAD;
        let mut received = Received::head_of(request)?;
        let reader = self.identity.reader(received.headers(), now_s()?).await?;
        course.asker.reader.clone_from(&reader.member);
        course.asker.client.clone_from(&reader.client);
        let within_limits = self.limits.request(&reader.member);
        let form = received.form().await?;

        let policy = self.world.policy();
        let people = self.world.people(&reader.member);
        course.asker.policy.clone_from(&policy.hash);
        let asked =
            Asked { method: received.method(), target: received.target(), form: form.as_deref() };
        let admitted = admit(&policy, &*people, asked).map_err(|(refusal, errors)| {
            course.errors = errors;
            refusal
        });
        within_limits.map_err(Refusal::OverLimit)?;
        let plan = admitted?;
        course.errors = plan.errors;
        course.asker.route = Some(plan.template.clone());

        let answer = self.upstream.ask(&plan, &reader, &course.asker.request).await?;
        let mut redactor = Redactor::new(policy, people, self.engine.clone(), plan.clone(), false);
        let content_types = answer.content_types();
        let content_types: Vec<&str> = content_types.iter().map(String::as_str).collect();
        if let Err(refusal) = redactor.head(answer.status(), &content_types) {
            answer.discard();
            return Err(refusal.into());
        }
        let body = answer.judged_body()?;
        if plan.stream {
            stream::answer(self, &plan, &course.asker, redactor, body, work).await
        } else {
            whole::answer(self, &plan, &course.asker, redactor, body).await
        }
    }

    /// RECORD-BEFORE-RELEASE holds for answers of ours too, once it is known who asks; before
    /// that anybody could fill the disk.
    async fn refuse(&self, refusal: Refusal, course: &Course) -> Response<ReaderBody> {
        let mut refusal = refusal;
        if !course.asker.reader.is_empty() && refusal != Refusal::NotRecorded {
            let status = refusal.wire().status.as_u16();
            let why = refusal.for_operator();
            let entry = Entry::new(&course.asker, Event::Refuse).status(status).fault(&why);
            if self.audit.record(&entry).await.is_err() {
                refusal = Refusal::NotRecorded;
            }
        }
        self.metrics.refused(refusal.cause());
        response::refused(&refusal, course.errors, &course.asker.request, !course.is_head)
    }

    /// 128 random bits in hex: tells nobody how many requests there are.
    fn request_id(&self) -> String {
        let mut bits = [0u8; 16];
        let mut id = String::with_capacity(32);
        if self.random.fill(&mut bits).is_ok() {
            for byte in bits {
                // Writing to a `String` cannot fail.
                write!(id, "{byte:02x}").unwrap_or_default();
            }
        }
        id
    }
}

/// What is known of a request so far.
#[derive(Debug)]
struct Course {
    asker: Asker,
    errors: Errors,
    is_head: bool,
}

/// Answers one request, whatever happens.
async fn serve(
    proxy: Arc<Proxy>,
    request: Request<Incoming>,
    work: DrainWatch,
) -> Response<ReaderBody> {
    let began = tokio::time::Instant::now();
    let request_id = proxy.request_id();
    let asker = Asker { request: request_id.clone(), ..Asker::default() };
    let mut course = Course { asker, errors: Errors::Problem, is_head: false };
    let is_head = request.method() == hyper::Method::HEAD;
    let task = tokio::spawn({
        let proxy = Arc::clone(&proxy);
        async move {
            match proxy.judge(request, &mut course, work).await {
                Ok(response) => response,
                Err(refusal) => proxy.refuse(refusal, &course).await,
            }
        }
    });
    let response = task.await.unwrap_or_else(|_panicked| {
        proxy.metrics.refused(Refusal::Fault.cause());
        response::refused(&Refusal::Fault, Errors::Problem, &request_id, !is_head)
    });
    proxy.metrics.answered(response.status().as_u16(), began.elapsed());
    response
}

/// Seconds since 1970.
fn now_s() -> Result<u64, Refusal> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| since.as_secs()).map_err(|_| Refusal::Fault)
}
