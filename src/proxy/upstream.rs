//! Asks the upstream. R3: the request is made from the plan, not from what the reader sent.

use super::answer::{Answer, Body};
use super::headers::ToUpstream;
use super::pace::Pace;
use super::pool::{CONNECTIONS_MAX, Connection, NotOpened, Pool, RequestBody};
use super::traces;
use crate::admin::Metrics;
use crate::config::meant::{self, Timeout};
use crate::config::units::Rate;
use crate::dial::{Dialer, Trust};
use crate::engine::request::Plan;
use crate::identity::Reader;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};
use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

/// Most interim answers (1xx) before the answer.
const INTERIM_MAX: usize = 8;

const TOO_MANY_INTERIM: UpstreamFault = UpstreamFault::Ambiguous("too many interim answers");

/// Why the upstream gave nothing to judge. The words are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpstreamFault {
    /// No connection.
    Unreachable,
    /// As many connections as there may be.
    TooMany,
    /// The connection broke, or what came was no HTTP.
    Broken,
    /// Too slow, and in what.
    Slow(&'static str),
    /// HTTP, and of a kind that is not taken.
    Ambiguous(&'static str),
    /// Our own credentials for it cannot be read.
    NoCredentials,
}

impl UpstreamFault {
    /// Whether it was time that ran out.
    pub(super) fn is_slow(self) -> bool {
        matches!(self, UpstreamFault::Slow(_))
    }

    /// One word for metrics.
    pub(super) fn cause(self) -> &'static str {
        match self {
            UpstreamFault::Unreachable => "upstream-unreachable",
            UpstreamFault::TooMany => "upstream-too-many",
            UpstreamFault::Broken => "upstream-broken",
            UpstreamFault::Slow(_) => "upstream-slow",
            UpstreamFault::Ambiguous(_) => "upstream-ambiguous",
            UpstreamFault::NoCredentials => "upstream-credentials",
        }
    }
}

impl fmt::Display for UpstreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpstreamFault::Unreachable => f.write_str("upstream unreachable"),
            UpstreamFault::TooMany => {
                write!(f, "over {CONNECTIONS_MAX} connections to the upstream")
            }
            UpstreamFault::Broken => f.write_str("upstream connection broke"),
            UpstreamFault::Slow(what) => write!(f, "upstream took too long to {what}"),
            UpstreamFault::Ambiguous(what) => write!(f, "upstream answered with {what}"),
            UpstreamFault::NoCredentials => f.write_str("the upstream token cannot be read"),
        }
    }
}

/// With whose rights a body is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rights<'a> {
    /// The reader's, as the deployment says.
    Reader {
        /// Who asks.
        reader: &'a Reader,
        /// The number of their request.
        request_id: &'a str,
    },
    /// Ours, whoever is asked about.
    Ours,
}

/// The API behind.
#[derive(Debug)]
pub(super) struct Upstream {
    dialer: Dialer,
    fields: ToUpstream,
    /// What look-ups carry: rights of ours, never the reader's.
    look_up_fields: Option<ToUpstream>,
    timeout: Timeout,
    pool: Arc<Pool>,
    /// None: as fast as readers ask.
    pace: Option<Pace>,
    metrics: Arc<Metrics>,
}

impl Upstream {
    /// Reads certificates and tokens; the error is words for an operator.
    pub(super) fn new(
        settings: &meant::Upstream,
        public_url: Option<&meant::Origin>,
        metrics: Arc<Metrics>,
    ) -> Result<Upstream, String> {
        let client = match &settings.authorization {
            meant::Authorization::Certificate { certificate, key } => {
                Some((certificate.clone(), key.clone()))
            }
            meant::Authorization::Nothing
            | meant::Authorization::Reader
            | meant::Authorization::Token(_) => None,
        };
        let trust = Trust { authorities: settings.authorities.clone(), client };
        let dialer = Dialer::new(settings.origin.clone(), &trust, settings.timeout.connect)?;
        let fields = ToUpstream::new(&settings.origin, public_url, &settings.authorization)?;
        let look_up_fields = settings.look_ups_token.as_ref().map(|token| {
            let token = meant::Authorization::Token(token.clone());
            ToUpstream::new(&settings.origin, public_url, &token)
        });
        let look_up_fields = look_up_fields.transpose()?;
        Ok(Upstream {
            dialer,
            fields,
            look_up_fields,
            timeout: settings.timeout,
            pool: Arc::new(Pool::new(CONNECTIONS_MAX)),
            pace: None,
            metrics,
        })
    }

    /// Closes connections that have been idle for long. To be called now and then.
    pub(super) fn forget_idle_connections(&self) {
        self.pool.forget_old();
    }

    /// By when what is asked now must be there.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.timeout.total
    }

    /// Asks as planned; the head of the answer.
    pub(super) async fn ask(
        &self,
        plan: &Plan,
        rights: Rights<'_>,
        until: Instant,
    ) -> Result<Answer, UpstreamFault> {
        let fields = match rights {
            Rights::Reader { reader, request_id } => {
                self.fields.fields(plan, Some(reader), Some(request_id))
            }
            Rights::Ours => self.our_fields().fields(plan, None, None),
        };
        self.ask_with(plan, fields.ok_or(UpstreamFault::NoCredentials)?, until).await
    }

    /// The same, asked at this pace, pages and look-ups counted.
    #[must_use]
    pub(super) fn at_pace(self, rate: Rate) -> Upstream {
        Upstream { pace: Pace::new(rate), ..self }
    }

    /// Whether it can be asked without a reader.
    pub(super) fn has_rights_of_its_own(&self) -> bool {
        self.our_fields().are_without_reader()
    }

    fn our_fields(&self) -> &ToUpstream {
        self.look_up_fields.as_ref().unwrap_or(&self.fields)
    }

    /// Whether look-ups are done at all.
    pub(super) fn has_rights_to_look_up(&self) -> bool {
        self.look_up_fields.is_some()
    }

    /// Asks for a record that a verdict needs, for nobody in particular.
    pub(super) async fn look_up(&self, plan: &Plan) -> Result<Answer, UpstreamFault> {
        let fields = self.look_up_fields.as_ref().and_then(|ours| ours.fields(plan, None, None));
        let fields = fields.ok_or(UpstreamFault::NoCredentials)?;
        self.ask_with(plan, fields, self.deadline()).await
    }

    async fn ask_with(
        &self,
        plan: &Plan,
        fields: HeaderMap,
        until: Instant,
    ) -> Result<Answer, UpstreamFault> {
        let request =
            request(plan, fields).ok_or(UpstreamFault::Ambiguous("a plan of no request"))?;
        if let Some(pace) = &self.pace {
            pace.keep().await;
        }
        let began = Instant::now();
        let asking = pin!(self.exchange(request));
        let asked = timeout_at(until, asking).await.unwrap_or(Err(UpstreamFault::Slow("answer")));
        let outcome = asked.as_ref().map(|(response, _)| response.status().as_u16());
        let took = began.elapsed();
        self.metrics.upstream_asked(outcome.map_err(|fault| fault.cause()), took);
        traces::span("upstream", began, took);
        let (response, connection) = asked?;
        let (head, body) = response.into_parts();
        let pool = Arc::clone(&self.pool);
        let body = Body { incoming: body, connection, pool, idle: self.timeout.idle, until };
        Ok(Answer { status: head.status.as_u16(), fields: head.headers, body })
    }

    async fn exchange(
        &self,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Connection), UpstreamFault> {
        if let Some(connection) = self.pool.idle().await {
            match self.send(connection, request).await {
                // The upstream had closed the connection before a byte of the request was
                // written: it is sent for the first time on a new one.
                Err(Unsent::Entirely(unsent)) => request = *unsent,
                Err(Unsent::Fault(fault)) => return Err(fault),
                Ok(sent) => return Ok(sent),
            }
        }
        let opening = Box::pin(self.pool.open(&self.dialer)).await;
        let connection = opening.map_err(|why| match why {
            NotOpened::TooMany => UpstreamFault::TooMany,
            NotOpened::System(error) if error.kind() == io::ErrorKind::TimedOut => {
                UpstreamFault::Slow("connect")
            }
            NotOpened::System(_) => UpstreamFault::Unreachable,
        })?;
        self.send(connection, request).await.map_err(|unsent| match unsent {
            Unsent::Entirely(_) => UpstreamFault::Broken,
            Unsent::Fault(fault) => fault,
        })
    }

    async fn send(
        &self,
        mut connection: Connection,
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Connection), Unsent> {
        let fault = |fault| Unsent::Fault(fault);
        let interim = InterimAnswers::counted(&mut request);
        // Where it stands: what waits for it would move all of the request.
        let sending = pin!(connection.sender.try_send_request(request));
        let sending = timeout(self.timeout.first_byte, sending);
        let outcome = tokio::select! {
            outcome = sending => outcome,
            () = interim.too_many.notified() => return Err(fault(TOO_MANY_INTERIM)),
        };
        match outcome {
            Err(_) => Err(fault(UpstreamFault::Slow("send a head"))),
            Ok(Err(mut error)) => Err(match error.take_message() {
                Some(request) => Unsent::Entirely(Box::new(request)),
                None => fault(UpstreamFault::Broken),
            }),
            // The answer may have come with the storm before it.
            Ok(Ok(_)) if interim.are_too_many() => Err(fault(TOO_MANY_INTERIM)),
            Ok(Ok(response)) => Ok((response, connection)),
        }
    }
}

/// Why no answer came.
enum Unsent {
    /// No byte of this request was written.
    Entirely(Box<Request<RequestBody>>),
    /// It was, perhaps.
    Fault(UpstreamFault),
}

fn request(plan: &Plan, fields: HeaderMap) -> Option<Request<RequestBody>> {
    let form = plan.form.clone().map(Bytes::from).unwrap_or_default();
    let mut request = Request::new(Full::new(form));
    *request.method_mut() = Method::from_bytes(plan.method.as_bytes()).ok()?;
    *request.uri_mut() = plan.target.parse().ok()?;
    *request.headers_mut() = fields;
    Some(request)
}

/// hyper swallows any number of 1xx heads; this counts them.
#[derive(Debug, Default)]
struct InterimAnswers {
    seen: AtomicUsize,
    too_many: Notify,
}

impl InterimAnswers {
    fn counted(request: &mut Request<RequestBody>) -> Arc<InterimAnswers> {
        let counter = Arc::new(InterimAnswers::default());
        let counting = Arc::clone(&counter);
        hyper::ext::on_informational(request, move |_| {
            if counting.seen.fetch_add(1, Ordering::Relaxed) >= INTERIM_MAX {
                counting.too_many.notify_one();
            }
        });
        counter
    }

    fn are_too_many(&self) -> bool {
        self.seen.load(Ordering::Relaxed) > INTERIM_MAX
    }
}

#[cfg(test)]
mod tests;
