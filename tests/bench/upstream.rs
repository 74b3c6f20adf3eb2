//! The payer's API behind every peer: answers of a [`Site`] over HTTP/1.1, all on one thread.

use super::bodies::looked_up;
use super::site::{Body, Site, head};
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle};
use tokio_rustls::TlsAcceptor;

/// Longest head of a request, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// The thread that serves.
#[derive(Debug)]
pub(crate) struct Upstream {
    handle: Handle,
}

impl Upstream {
    /// Starts it; it ends with the process.
    pub(crate) fn start() -> io::Result<Upstream> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("upstream".to_owned())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
        Ok(Upstream { handle })
    }

    /// Serves a site at a port of its own.
    pub(crate) fn serve(&self, site: &Arc<Site>, tls: Option<TlsAcceptor>) -> io::Result<u16> {
        let listener = StdListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let site = Arc::clone(site);
        self.handle.spawn(async move {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (tcp, _) = listener.accept().await?;
                tcp.set_nodelay(true)?;
                let (site, tls) = (Arc::clone(&site), tls.clone());
                // A peer that closes its connection ends it; that is no fault.
                tokio::spawn(async move {
                    match tls {
                        None => converse(&site, tcp).await,
                        Some(tls) => converse(&site, tls.accept(tcp).await?).await,
                    }
                });
            }
            #[expect(unreachable_code, reason = "says what the block gives back")]
            io::Result::Ok(())
        });
        Ok(port)
    }
}

/// One connection: one request after the other.
async fn converse<S>(site: &Site, mut socket: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut received = Vec::with_capacity(HEAD_BYTES_MAX);
    loop {
        let end = loop {
            if let Some(at) = memchr::memmem::find(&received, b"\r\n\r\n") {
                break at.saturating_add(4);
            }
            if received.len() > HEAD_BYTES_MAX || socket.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let path = path_of(received.get(..end).unwrap_or_default()).unwrap_or_default();
        if let Some(body) = site.bodies.get(path) {
            site.asked.fetch_add(1, Ordering::Relaxed);
            send(&mut socket, body).await?;
        } else {
            site.looked_up.fetch_add(1, Ordering::Relaxed);
            let body = looked_up(path);
            socket.write_all(&head("application/fhir+json", body.len())).await?;
            socket.write_all(body.as_bytes()).await?;
        }
        socket.flush().await?;
        received.drain(..end);
    }
}

async fn send<S: AsyncWrite + Unpin>(socket: &mut S, body: &Body) -> io::Result<()> {
    // One write for what fits into one: as a server that has it at hand would.
    let all = [io::IoSlice::new(&body.head), io::IoSlice::new(&body.bytes)];
    let mut written = socket.write_vectored(&all).await?;
    if let Some(rest) = body.head.get(written..) {
        socket.write_all(rest).await?;
        written = body.head.len();
    }
    let sent = written.saturating_sub(body.head.len());
    socket.write_all(body.bytes.get(sent..).unwrap_or_default()).await?;
    for _ in 1..body.times {
        socket.write_all(&body.bytes).await?;
    }
    Ok(())
}

/// What stands between the first two spaces.
fn path_of(head: &[u8]) -> Option<&str> {
    std::str::from_utf8(head.split(|byte| *byte == b' ').nth(1)?).ok()
}
