//! Connections to the upstream that are open and idle.

use crate::dial::Dialer;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What is sent: a form, or nothing.
pub(super) type RequestBody = Full<Bytes>;

/// Most connections kept open without a request.
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
pub(super) type Connection = SendRequest<RequestBody>;

/// Idle connections, the youngest last.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<(Connection, Instant)>>,
}

impl Pool {
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
            let is_ready = connection.is_ready()
                || matches!(timeout(READY_TIMEOUT, connection.ready()).await, Ok(Ok(())));
            if is_ready {
                return Some(connection);
            }
        }
    }

    /// Closes those that have waited for too long.
    pub(super) fn forget_old(&self) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.retain(|(connection, since)| {
                since.elapsed() <= IDLE_AGE_MAX && !connection.is_closed()
            });
        }
    }

    /// Takes back a connection whose answer was read to its end.
    pub(super) fn keep(&self, connection: Connection) {
        if connection.is_closed() {
            return;
        }
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < IDLE_MAX
        {
            idle.push((connection, Instant::now()));
        }
    }
}

/// A new connection.
pub(super) async fn open(dialer: &Dialer) -> io::Result<Connection> {
    let socket = dialer.connect().await?;
    let (connection, running) = http1::Builder::new()
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .max_buf_size(READ_BYTES_MAX)
        .handshake(TokioIo::new(socket))
        .await
        .map_err(io::Error::other)?;
    // It ends with the last half of it: the sender, or the body it sends to.
    tokio::spawn(async move { running.await.ok() });
    Ok(connection)
}
