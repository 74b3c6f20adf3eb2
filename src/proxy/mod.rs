//! The proxy: the way of one request from the reader to the upstream and back.
//!
//! A connection ([`connection`]) hands each request to [`serve`]; [`Proxy::judge`] is the whole
//! path on one screen. It outlasts its connection ([`outlasting`]).

mod answer;
mod connection;
mod cursor;
mod drain;
mod frame_counter;
mod gunzip;
mod head_check;
mod head_reader;
mod headers;
mod held;
mod inquirer;
mod listener;
mod lookups;
mod my_access;
mod offload;
mod outlasting;
mod pace;
mod paging;
mod pool;
mod refusal;
mod replay;
mod request;
mod request_id;
mod response;
mod schedule;
mod service;
mod stream;
mod traces;
mod upstream;
mod watch;
mod whole;
mod world;

#[cfg(test)]
mod tests;

pub use replay::{Replay, Replayed};
pub use service::{NoStart, Service, unusable};
pub use world::Tell;

use crate::admin::Metrics;
use crate::audit::{Asker, AuditLog, Entry, Event, NotRecorded};
use crate::config::Config;
use crate::crowd::Joined;
use crate::engine::facts::People;
use crate::engine::released::Report;
use crate::engine::request::{Asked, Plan, admit, error_form};
use crate::engine::shapes::written::Errors;
use crate::identity::{Identity, Reader, Rejected};
use crate::limits::{AddressBlock, Budget, Limits, Who};
use crate::members::Moment;
use connection::Patience;
use drain::DrainWatch;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use inquirer::{Arriving, Inquirer};
use outlasting::Outlasting;
use refusal::Refusal;
use request::Received;
use response::ReaderBody;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use traces::{Spans, Traces};
use upstream::{Rights, Upstream};
use watch::Watch;
use world::World;

/// Files that a proxy may have open at a time: its connections on both sides, and some for all else.
pub const FILES_MIN: u64 = 8448;
const _: () = assert!(listener::CONNECTIONS_MAX + pool::CONNECTIONS_MAX + 256 == 8448);

/// The proxy of one deployment.
#[derive(Debug)]
pub struct Proxy {
    world: World,
    identity: Identity,
    limits: Arc<Limits>,
    audit: AuditLog,
    metrics: Arc<Metrics>,
    inquirer: Inquirer,
    watch: Watch,
    /// Where the deployment asks for them.
    traces: Option<Traces>,
    notice: Option<HeaderValue>,
    patience: Patience,
}

impl Proxy {
    /// As a deployment says. The error is words for an operator.
    fn new(
        config: &Config,
        world: World,
        identity: Identity,
        limits: Arc<Limits>,
        metrics: Arc<Metrics>,
    ) -> Result<Proxy, String> {
        let file = &config.audit.file;
        let audit = AuditLog::open(&config.audit).map_err(|error| {
            format!("{}: the audit log cannot be opened: {error}", file.display())
        })?;
        let public_url = config.judging.public_url.as_ref();
        let upstream = Upstream::new(&config.upstream, public_url, Arc::clone(&metrics))?;
        let watch = Watch::new(&config.findings, &metrics)?;
        let traces = config.traces.as_ref().map(|to| Traces::to(to, &metrics)).transpose()?;
        let inquirer = Inquirer::new(config, upstream, &metrics)?;
        Ok(Proxy {
            world,
            identity,
            limits,
            audit,
            metrics,
            inquirer,
            watch,
            traces,
            notice: config.notice.as_ref().map(headers::notice_link).transpose()?,
            patience: Patience::with_upstream(config.upstream.timeout.total),
        })
    }

    /// Whether requests can be answered at all; why not, in words of ours.
    fn is_ready(&self) -> Result<(), &'static str> {
        if !self.identity.is_ready() {
            return Err("no keys to check tokens with");
        }
        if !self.audit.is_ready() {
            return Err("the audit log cannot be written");
        }
        Ok(())
    }

    /// The whole path of a request. What is known of it by then is left in `course`.
    async fn judge(
        self: &Arc<Self>,
        request: Request<Incoming>,
        course: &mut Course,
        work: DrainWatch,
    ) -> Result<Response<ReaderBody>, Refusal> {
        let mut received = Received::head_of(request)?;
        // Requests that this thread has heads of by now go on one behind the other: one look at
        // the files does for all, and an upstream that has nothing to do is woken for several.
        self.audit.crowd().let_others_go().await;
        let reader = self.reader(received.headers(), course.peer).await?;
        let (policy, people) = self.world.judging(&reader.member, course.came);
        course.asker.reader = member_id(&*people).unwrap_or_else(|| reader.member.clone());
        course.asker.client.clone_from(&reader.client);
        course.asker.policy.clone_from(&policy.hash);
        let budget = course.budget.insert(self.limits.budget(Who {
            reader: &course.asker.reader,
            contracts: &people.reader_contracts(),
            client: course.asker.client.as_deref(),
        }));
        budget.request().await?;
        if my_access::is_ours(received.target()) {
            let (method, target) = (received.method(), received.target());
            let answering = my_access::answer(self, &*people, course, method, target);
            return Box::pin(answering).await;
        }
        let form = received.form().await?;
        let request =
            Asked { method: received.method(), target: received.target(), form: form.as_deref() };
        let plan = admit(&policy, &*people, request).map_err(|(refusal, _)| refusal)?;
        let plan = plan.sized(self.inquirer.page_records);
        course.asker.route = Some(plan.template.clone());
        if plan.form.is_some() && form.is_none() {
            return Err(Refusal::Malformed("a search without a form"));
        }

        if plan.is_by_id() {
            self.watch.tell_id(&self.metrics, &course.asker, &plan.target);
        }
        let long = if is_long(&plan) { Some(budget.long_read()?) } else { None };
        let page = paging::asked(&self.inquirer, &plan, &course.asker)?;
        let upstream = &self.inquirer.upstream;
        let rights = Rights::Reader { reader: &reader, request_id: &course.asker.request };
        let until = upstream.deadline();
        let answer = upstream.ask(&plan, rights, until).await?;
        course.answered = Some(Instant::now());
        let mut redactor = self.inquirer.redactor(policy, people, &plan, page, false);
        let body = match answer.taken_by(&mut redactor) {
            Ok(body) => body,
            Err(refusal) => {
                course.account = Some(redactor.report());
                return Err(refusal);
            }
        };
        let arriving = Arriving { plan: &plan, rights, redactor, body, until };
        // What is rare has a place of its own: a request's task is moved when it begins.
        if plan.stream {
            let under_way = (work, long);
            let answering =
                stream::answer(self, arriving, &course.asker, budget.clone(), under_way);
            Box::pin(answering).await
        } else {
            whole::answer(self, arriving, &course.asker, budget, &mut course.account).await
        }
    }

    /// Who asks. An address whose credentials did not hold too often is not listened to.
    async fn reader(
        &self,
        headers: &HeaderMap,
        peer: Option<AddressBlock>,
    ) -> Result<Reader, Refusal> {
        if let Some(peer) = peer {
            self.limits.address(peer)?;
        }
        let reader = self.identity.reader(headers, now_s()?).await;
        if let (Err(Rejected::Invalid(_) | Rejected::Malformed(_)), Some(peer)) = (&reader, peer) {
            self.limits.bad_credentials(peer);
        }
        Ok(reader?)
    }

    /// RECORD-BEFORE-RELEASE holds for answers of ours too, once it is known who asks; before
    /// that anybody could fill the disk.
    async fn refuse(&self, refusal: Refusal, course: &Course) -> Response<ReaderBody> {
        let mut refusal = refusal;
        if !course.asker.reader.is_empty() && refusal != Refusal::NotRecorded {
            let status = refusal.wire().status.as_u16();
            let why = refusal.for_operator();
            let mut entry = Entry::new(&course.asker, Event::Refuse).status(status).fault(&why);
            if let Some(report) = &course.account {
                self.metrics.judged(report);
                entry = entry.report(report);
            }
            if self.recorded(self.audit.record(&entry)).await.is_err() {
                refusal = Refusal::NotRecorded;
            }
        }
        self.metrics.refused(refusal.cause());
        let not_found = refusal.wire().status == StatusCode::NOT_FOUND;
        if !course.asker.reader.is_empty() {
            self.watch.tell(&self.metrics, &course.asker, course.account.as_ref(), not_found);
        }
        self.note_limit(&refusal);
        let errors = error_form(&self.world.policy(), course.uri.path());
        if let Some(answered) = course.answered
            && not_found
        {
            schedule::wait(answered).await;
        }
        response::refused(&refusal, errors, &course.asker.request, !course.is_head)
    }

    /// Waits for a line of the audit, and counts it.
    async fn recorded<T>(
        &self,
        writing: impl Future<Output = Result<T, NotRecorded>>,
    ) -> Result<T, NotRecorded> {
        let began = Instant::now();
        let written = writing.await;
        let took = began.elapsed();
        self.metrics.audited(written.is_ok(), took);
        traces::span("audit", began, took);
        written
    }

    fn note_limit(&self, refusal: &Refusal) {
        if let Refusal::OverLimit(over) = refusal {
            self.metrics.limits.over(over.scope.name(), over.dimension());
        }
    }
}

/// What is known of a request so far.
#[derive(Debug)]
struct Course {
    asker: Asker,
    /// As received: whose form our errors have.
    uri: Uri,
    is_head: bool,
    /// Where the connection comes from, if that is one subscriber's.
    peer: Option<AddressBlock>,
    /// What may be taken, once it is known who asks.
    budget: Option<Budget>,
    /// What was judged of a body of which nothing is released.
    account: Option<Report>,
    /// When the request's head was there.
    came: Moment,
    /// When the upstream's head came.
    answered: Option<Instant>,
    _under_way: Joined,
}

/// Answers one request, whatever happens.
async fn serve(
    proxy: Arc<Proxy>,
    request: Request<Incoming>,
    work: DrainWatch,
    peer: Option<AddressBlock>,
) -> Response<ReaderBody> {
    let began = Instant::now();
    let request_id = request_id::new();
    let asker = Asker { request: request_id.clone(), ..Asker::default() };
    let is_head = request.method() == hyper::Method::HEAD;
    let mut course = Course {
        asker,
        uri: request.uri().clone(),
        is_head,
        peer,
        budget: None,
        account: None,
        came: proxy.world.moment(),
        answered: None,
        _under_way: proxy.audit.crowd().join(),
    };
    let answering = {
        let proxy = Arc::clone(&proxy);
        // Large, as what it waits for is, and what is around each is moved several times.
        Box::pin(async move {
            let response = match Box::pin(proxy.judge(request, &mut course, work)).await {
                Ok(response) => told(response, &course),
                Err(refusal) => Box::pin(proxy.refuse(refusal, &course)).await,
            };
            (response, course.asker.route)
        })
    };
    let answering = match &proxy.traces {
        Some(_) => Outlasting::new(traces::traced(answering)),
        None => Outlasting::new(async { (answering.await, Spans::default()) }),
    };
    let answered = answering.await;
    let ((response, route), spans) = answered.unwrap_or_else(|fault| {
        proxy.metrics.refused(fault.cause());
        let refused = response::refused(&fault, Errors::Problem, &request_id, !is_head);
        ((refused, None), Spans::default())
    });
    let status = response.status().as_u16();
    proxy.metrics.answered(route.as_deref(), status, began.elapsed());
    if let Some(traces) = &proxy.traces {
        traces.tell(&proxy.metrics, request_id, route, status, began, spans);
    }
    response
}

/// A released answer that tells what is left to the reader. One over a limit tells which.
fn told(mut response: Response<ReaderBody>, course: &Course) -> Response<ReaderBody> {
    if let Some(budget) = &course.budget {
        budget.tell(response.headers_mut());
    }
    response
}

/// Whether an answer may take the upstream long, and hold much.
fn is_long(plan: &Plan) -> bool {
    plan.stream || plan.template.ends_with("/$everything")
}

/// A person of several names is one reader: to the limits, and in the audit.
fn member_id(people: &dyn People) -> Option<String> {
    people.member_id(people.reader()?).map(str::to_owned)
}

/// Seconds since 1970.
fn now_s() -> Result<u64, Refusal> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map(|since| since.as_secs()).map_err(|_| Refusal::Fault)
}
