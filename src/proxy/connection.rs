//! One connection of a reader, from its first byte to its last, every wait bounded.

use super::drain::DrainWatch;
use super::frame_counter::FrameCounter;
use super::head_check::{FIELDS_MAX, HEAD_BYTES_MAX};
use super::head_reader::HeadReader;
use super::{Proxy, serve};
use crate::limits::AddressBlock;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

/// How long a head may take, and a connection may be idle between two (HTTP/1.1).
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an HTTP/2 connection may be idle.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// After this age a connection takes no new request: nothing is counted for ever.
const AGE_MAX: Duration = Duration::from_mins(10);

/// What a reader may take longer than the upstream may before their connection is dropped.
const STALL_BEYOND_UPSTREAM: Duration = Duration::from_secs(30);

/// HTTP/2: requests at a time, window of one and of all, and pings.
const STREAMS_MAX: u32 = 64;
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// HTTP/2: streams that were reset by the reader, or by us for an error of theirs, before the
/// connection ends (rapid reset and its kin).
const PENDING_RESETS_MAX: usize = 20;
const LOCAL_RESETS_MAX: usize = 128;

/// hyper's buffer of one HTTP/1.1 connection, bytes.
const BUFFER_BYTES_MAX: usize = 128 * 1024;

/// How long connections of this deployment may stand still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) stall: Duration,
    pub(super) age: Duration,
}

impl Patience {
    pub(super) fn with_upstream(total: Duration) -> Patience {
        let stall = total.saturating_add(STALL_BEYOND_UPSTREAM);
        Patience { head: HEAD_TIMEOUT, idle: IDLE_TIMEOUT, stall, age: AGE_MAX }
    }
}

/// What is going on on a connection.
#[derive(Debug)]
pub(super) struct Pulse {
    began: Instant,
    /// Milliseconds after `began` of the last sign of progress.
    progress_ms: AtomicU64,
    requests: AtomicUsize,
    under_way: AtomicUsize,
}

impl Pulse {
    pub(super) fn new() -> Pulse {
        Pulse {
            began: Instant::now(),
            progress_ms: AtomicU64::new(0),
            requests: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
        }
    }

    fn progress(&self) {
        let now_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.progress_ms.store(now_ms, Ordering::Relaxed);
    }

    /// When the connection will have stood still for too long.
    fn due(&self, patience: Patience) -> Instant {
        let last = Duration::from_millis(self.progress_ms.load(Ordering::Relaxed));
        let patience = match self.under_way.load(Ordering::Relaxed) {
            _ if self.requests.load(Ordering::Relaxed) == 0 => patience.head,
            0 => patience.idle,
            _ => patience.stall,
        };
        self.began + last + patience
    }

    pub(super) async fn overdue(&self, patience: Patience) {
        loop {
            let due = self.due(patience);
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}

/// A request under way; ends when it is dropped with the body of its answer.
#[derive(Debug)]
pub(super) struct Visit(Arc<Pulse>);

impl Visit {
    pub(super) fn begin(pulse: &Arc<Pulse>) -> Visit {
        pulse.requests.fetch_add(1, Ordering::Relaxed);
        pulse.under_way.fetch_add(1, Ordering::Relaxed);
        pulse.progress();
        Visit(Arc::clone(pulse))
    }

    /// The reader took something.
    pub(super) fn progress(&self) {
        self.0.progress();
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.progress();
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves one connection until it ends, stands still for too long, or all is drained.
pub(super) async fn run<S>(
    proxy: Arc<Proxy>,
    socket: S,
    is_http2: bool,
    drain: DrainWatch,
    peer: Option<AddressBlock>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let patience = proxy.patience;
    let pulse = Arc::new(Pulse::new());
    let service = service_fn({
        let (pulse, drain) = (Arc::clone(&pulse), drain.clone());
        move |request: Request<Incoming>| {
            let visit = Visit::begin(&pulse);
            let (proxy, work) = (Arc::clone(&proxy), drain.clone());
            async move {
                let response = serve(proxy, request, work, peer).await;
                Ok::<Response<_>, Infallible>(response.map(|body| body.on(visit)))
            }
        }
    });
    if is_http2 {
        let socket = TokioIo::new(FrameCounter::new(socket));
        let connection = http2_builder().serve_connection(socket, service);
        watch(connection, &pulse, patience, drain).await;
    } else {
        let socket = TokioIo::new(HeadReader::new(socket));
        let connection = http1_builder(patience).serve_connection(socket, service);
        watch(connection, &pulse, patience, drain).await;
    }
}

/// Polls a connection; asks it to end when it is old or all is drained, drops it when it stands
/// still. What is under way goes on either way ([`super::outlasting`]).
async fn watch<C: GracefulConnection>(
    connection: C,
    pulse: &Pulse,
    patience: Patience,
    mut drain: DrainWatch,
) {
    let mut connection = pin!(connection);
    let old = sleep_until(pulse.began + patience.age);
    let mut overdue = pin!(pulse.overdue(patience));
    tokio::select! {
        // How a connection ended is the reader's affair; what they were sent is in the audit.
        _ = connection.as_mut() => return,
        () = overdue.as_mut() => return,
        () = old => {}
        () = drain.begun() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection.as_mut() => {}
        () = overdue => {}
    }
}

fn http1_builder(patience: Patience) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_headers(FIELDS_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let head_bytes_max = u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(head_bytes_max)
        .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
        .max_local_error_reset_streams(LOCAL_RESETS_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}
