//! The listener for operators: `/healthz`, `/readyz`, `/metrics`, `/audit-head`, and nothing else.

use super::Metrics;
use crate::audit::Head;
use crate::dial;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long a head may take, and how long a connection lives.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTION_TIMEOUT: Duration = Duration::from_mins(5);

/// Most connections at a time: a scraper and a few probes.
const CONNECTIONS_MAX: usize = 32;

const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Asked at `/readyz`: why we are not ready, in words of ours, or nothing.
pub type Ready = Box<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

/// Asked at `/audit-head`: the last line of the audit log, to be kept elsewhere.
pub type AuditHead = Box<dyn Fn() -> Head + Send + Sync>;

/// What the listener tells of.
pub struct Told {
    /// At `/metrics`.
    pub metrics: Arc<Metrics>,
    /// At `/readyz`.
    pub ready: Ready,
    /// At `/audit-head`.
    pub audit_head: AuditHead,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Told").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}

/// A bound admin address, not yet served.
pub struct Admin {
    socket: TcpListener,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("socket", &self.socket).finish()
    }
}

impl Admin {
    /// Binds the address; the error is words for an operator.
    pub async fn bind(address: SocketAddr) -> Result<Admin, String> {
        let socket = TcpListener::bind(address)
            .await
            .map_err(|error| dial::cannot_listen(&address.to_string(), &error))?;
        Ok(Admin { socket })
    }

    /// The address it is bound to.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.socket.local_addr().ok()
    }

    /// Serves for as long as it is polled.
    pub async fn serve(self, told: Told) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let told = Arc::new(told);
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let Ok((socket, _)) = self.socket.accept().await else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let told = Arc::clone(&told);
            tokio::spawn(async move {
                let service = service_fn(|request| {
                    let response = answer(&request, &told);
                    async move { Ok::<_, Infallible>(response) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD_TIMEOUT)
                    .serve_connection(TokioIo::new(socket), service);
                // How it ended is the prober's affair.
                tokio::time::timeout(CONNECTION_TIMEOUT, connection).await.ok();
                drop(place);
            });
        }
    }
}

fn answer(request: &Request<Incoming>, told: &Told) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, content_type, body) = match request.uri().path() {
        _ if !is_read => (StatusCode::METHOD_NOT_ALLOWED, TEXT, "method not allowed\n".to_owned()),
        "/healthz" => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" => match (told.ready)() {
            Ok(()) => (StatusCode::OK, TEXT, "ready\n".to_owned()),
            Err(why) => (StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{why}\n")),
        },
        "/audit-head" => (StatusCode::OK, TEXT, format!("{}\n", (told.audit_head)())),
        "/metrics" => match told.metrics.text() {
            Ok(text) => {
                (StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", text)
            }
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, TEXT, "no figures\n".to_owned()),
        },
        _ => (StatusCode::NOT_FOUND, TEXT, "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
