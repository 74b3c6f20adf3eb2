//! Readers: so many connections, on each one request after the other.

use super::http1::{Http1, Sink};
use super::process::Process;
use super::{bad, tls};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::AUTHORIZATION;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// What readers wait for at most: for one answer, the heaviest included.
const PATIENCE: Duration = Duration::from_mins(2);

/// An answer of which every connection has one before it counts, at most; bytes.
const WARM_BYTES_MAX: usize = 1024 * 1024;

/// HTTP/2: windows that are never what is waited for, bytes.
const WINDOW_BYTES: u32 = 32 * 1024 * 1024;

/// What the system keeps for a reader who dawdles, bytes.
const SLOW_BUFFER_BYTES: u32 = 4 * 1024;

/// How peers speak with readers; with the upstream it is HTTP/1.1, over TLS if this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Clear,
    Tls,
    Http2Tls,
}

impl Wire {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Wire::Clear => "HTTP/1.1 in clear",
            Wire::Tls => "HTTP/1.1 over TLS",
            Wire::Http2Tls => "HTTP/2 over TLS",
        }
    }

    pub(crate) fn is_tls(self) -> bool {
        self != Wire::Clear
    }
}

/// Where readers connect, and as whom.
#[derive(Clone)]
pub(crate) struct Target {
    port: u16,
    wire: Wire,
    tls: TlsConnector,
    token: String,
}

impl Target {
    pub(crate) fn new(folder: &Path, port: u16, wire: Wire, token: &str) -> io::Result<Target> {
        let protocol = if wire == Wire::Http2Tls { "h2" } else { "http/1.1" };
        let tls = tls::connector(folder, &[protocol])?;
        Ok(Target { port, wire, tls, token: token.to_owned() })
    }

    /// A request as it is sent over HTTP/1.1.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        let Target { port, token, .. } = self;
        format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        .into_bytes()
    }

    /// A connection in clear on which next to nothing waits unread.
    pub(crate) async fn connect_slowly(&self) -> io::Result<Http1> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(SLOW_BUFFER_BYTES)?;
        let tcp = socket.connect((Ipv4Addr::LOCALHOST, self.port).into()).await?;
        Ok(Http1::new(Box::new(tcp)))
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> io::Result<Link> {
        let tcp = TcpStream::connect(("127.0.0.1", self.port)).await?;
        tcp.set_nodelay(true)?;
        if self.wire == Wire::Clear {
            return Ok(Link::One(Http1::new(Box::new(tcp))));
        }
        let name = ServerName::try_from(tls::NAME).map_err(bad)?;
        let socket = self.tls.connect(name, tcp).await?;
        if self.wire == Wire::Tls {
            return Ok(Link::One(Http1::new(Box::new(socket))));
        }
        let (link, running) = http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(bad)?;
        tokio::spawn(running);
        Ok(Link::Two(link))
    }
}

/// A connection of either version.
pub(crate) enum Link {
    One(Http1),
    Two(SendRequest<Empty<Bytes>>),
}

/// A path, and the length of its right answer.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) path: String,
    pub(crate) length: usize,
}

impl Link {
    /// Asks, and reads the answer to its end; an answer other than 200 is an error.
    pub(crate) async fn ask(&mut self, to: &Target, path: &str, sink: Sink<'_>) -> io::Result<()> {
        let asking = async {
            match self {
                Link::One(link) => link.ask(&to.request(path), sink).await,
                Link::Two(link) => ask_http2(link, to, path, sink).await,
            }
        };
        let answered = tokio::time::timeout(PATIENCE, asking).await;
        answered.unwrap_or_else(|_| Err(bad("no answer for too long")))
    }

    /// The same for an answer that is known by its length.
    pub(crate) async fn ask_again(&mut self, to: &Target, ask: &Ask) -> io::Result<()> {
        let mut length = 0_usize;
        self.ask(to, &ask.path, &mut |piece| length = length.saturating_add(piece.len())).await?;
        if length == ask.length {
            return Ok(());
        }
        Err(bad(format!("an answer of {length} bytes, the right one has {}", ask.length)))
    }
}

async fn ask_http2(
    link: &mut SendRequest<Empty<Bytes>>,
    to: &Target,
    path: &str,
    sink: Sink<'_>,
) -> io::Result<()> {
    let request = Request::get(format!("https://127.0.0.1:{}{path}", to.port))
        .header(AUTHORIZATION, format!("Bearer {}", to.token))
        .body(Empty::new())
        .map_err(bad)?;
    link.ready().await.map_err(bad)?;
    let response = link.send_request(request).await.map_err(bad)?;
    if response.status() != 200 {
        return Err(bad(format!("an answer that is no 200: `{}`", response.status())));
    }
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if let Some(piece) = frame.map_err(bad)?.data_ref() {
            sink(piece);
        }
    }
    Ok(())
}

/// What came of a load.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Of each request, in order of size.
    pub(crate) latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub(crate) seconds: f64,
    /// What the peer used meanwhile.
    pub(crate) cpu_s: f64,
    /// Requests before the first that counts.
    pub(crate) warm: usize,
}

impl Load {
    pub(crate) fn requests(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).unwrap_or(u32::MAX))
    }

    /// The latency that so many of a hundred requests had at most, in µs.
    pub(crate) fn percentile_us(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = last.saturating_mul(percent).checked_div(100).unwrap_or_default();
        self.latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// Asks for so long; what was asked by then is waited for. Connections are made and warm before.
pub(crate) async fn load(
    target: &Target,
    asks: &Arc<[Ask]>,
    connections: usize,
    seconds: f64,
    peer: Process,
) -> io::Result<Load> {
    let mut warming = JoinSet::new();
    let each_warm = asks.iter().all(|ask| ask.length < WARM_BYTES_MAX);
    for at in 0..connections {
        let (target, asks) = (target.clone(), Arc::clone(asks));
        warming.spawn(async move {
            let mut link = target.connect().await?;
            if let Some(ask) = asks.first()
                && (at == 0 || each_warm)
            {
                link.ask_again(&target, ask).await?;
            }
            io::Result::Ok(link)
        });
    }
    let mut links = Vec::new();
    while let Some(link) = warming.join_next().await {
        links.push(link.map_err(bad)??);
    }
    let used = peer.cpu_s()?;
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(seconds);
    let mut asking = JoinSet::new();
    for (at, link) in links.into_iter().enumerate() {
        asking.spawn(ask_until(link, target.clone(), Arc::clone(asks), at, until));
    }
    let mut latencies = Vec::new();
    while let Some(of_one) = asking.join_next().await {
        latencies.extend(of_one.map_err(bad)??);
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu_s = peer.cpu_s()? - used;
    latencies.sort_unstable();
    let warm = if each_warm { connections } else { 1 };
    Ok(Load { latencies, seconds, cpu_s, warm })
}

/// One connection; each begins at another of the paths.
async fn ask_until(
    mut link: Link,
    target: Target,
    asks: Arc<[Ask]>,
    first: usize,
    until: Instant,
) -> io::Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    for ask in asks.iter().cycle().skip(first) {
        let began = Instant::now();
        if began >= until && !latencies.is_empty() {
            break;
        }
        link.ask_again(&target, ask).await?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}
