//! Connections to the upstream.

use crate::dial::Dialer;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// What is sent: a form, or nothing.
pub(super) type RequestBody = Full<Bytes>;

/// BOUNDED: most connections at a time. Whoever asks for one more is refused: to wait for one could
/// mean to wait for oneself.
pub(super) const CONNECTIONS_MAX: usize = 4096;

/// Most of them kept open without a request.
const IDLE_MAX: usize = 64;

/// How long one is kept: shorter than servers usually keep theirs, so that it is us who close.
const IDLE_AGE_MAX: Duration = Duration::from_secs(20);

/// Whether one that was idle for longer is still open is looked at before it is used: its upstream
/// may have closed it since anybody looked.
const TRUSTED_FOR: Duration = Duration::from_millis(100);

/// How long a connection may take to be ready again after an answer was read to its end.
const READY_TIMEOUT: Duration = Duration::from_millis(50);

/// Longest head of an answer, bytes, and most fields in it.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const FIELDS_MAX: usize = 100;

/// Largest read from the upstream, bytes; also what one connection holds.
const READ_BYTES_MAX: usize = 256 * 1024;

/// A connection that takes one request after the other.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    _place: OwnedSemaphorePermit,
}

/// All connections; those that are idle, the youngest last.
#[derive(Debug)]
pub(super) struct Pool {
    idle: Mutex<Vec<(Connection, Instant)>>,
    places: Arc<Semaphore>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotOpened {
    TooMany,
    System(io::Error),
}

impl From<io::Error> for NotOpened {
    fn from(error: io::Error) -> NotOpened {
        NotOpened::System(error)
    }
}

impl Pool {
    /// Of at most so many connections.
    pub(super) fn new(most: usize) -> Pool {
        Pool { idle: Mutex::default(), places: Arc::new(Semaphore::new(most)) }
    }

    /// A connection that waited here, if one is still good.
    pub(super) async fn idle(&self) -> Option<Connection> {
        loop {
            let (mut connection, since) = self.idle.lock().ok()?.pop()?;
            if since.elapsed() > IDLE_AGE_MAX {
                // All others are older.
                self.idle.lock().ok()?.clear();
                return None;
            }
            if since.elapsed() > TRUSTED_FOR {
                tokio::task::yield_now().await;
            }
            let sender = &mut connection.sender;
            let is_ready = sender.is_ready()
                || matches!(timeout(READY_TIMEOUT, sender.ready()).await, Ok(Ok(())));
            if is_ready {
                return Some(connection);
            }
        }
    }

    /// Closes those that have waited for too long.
    pub(super) fn forget_old(&self) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.retain(|(connection, since)| {
                since.elapsed() <= IDLE_AGE_MAX && !connection.sender.is_closed()
            });
        }
    }

    /// Takes back a connection whose answer was read to its end.
    pub(super) fn keep(&self, connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < IDLE_MAX
        {
            idle.push((connection, Instant::now()));
        }
    }

    /// A new connection.
    pub(super) async fn open(&self, dialer: &Dialer) -> Result<Connection, NotOpened> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| NotOpened::TooMany)?;
        let socket = dialer.connect().await?;
        let (sender, running) = http1::Builder::new()
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(FIELDS_MAX)
            .max_buf_size(READ_BYTES_MAX)
            .handshake(TokioIo::new(socket))
            .await
            .map_err(io::Error::other)?;
        // It ends with the last half of it: the sender, or the body it sends to.
        tokio::spawn(async move { running.await.ok() });
        Ok(Connection { sender, _place: place })
    }
}
