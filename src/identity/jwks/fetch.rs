//! One GET for a key set.

use super::parse::{KeySet, key_set};
use crate::dial::Dialer;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::header::{ACCEPT, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::time::Duration;

/// Time to connect, and time for all of it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest key set, bytes.
pub(super) const JWKS_BYTES_MAX: u64 = 256 * 1024;

/// The keys at the target. No redirect is followed.
pub(super) async fn keys(dialer: &Dialer, target: &str) -> Result<KeySet, String> {
    tokio::time::timeout(TIMEOUT, keys_unbounded(dialer, target))
        .await
        .unwrap_or_else(|_| Err("took too long".to_owned()))
}

async fn keys_unbounded(dialer: &Dialer, target: &str) -> Result<KeySet, String> {
    let said = |error: hyper::Error| error.to_string();
    let socket = dialer.connect().await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.map_err(said)?;
    let running = tokio::spawn(connection);
    let request = Request::get(target)
        .header(HOST, dialer.origin().authority())
        .header(ACCEPT, "application/jwk-set+json, application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(said)?;
    if response.status() != StatusCode::OK {
        return Err(format!("answered {}", response.status().as_u16()));
    }
    let limit = usize::try_from(JWKS_BYTES_MAX).unwrap_or(usize::MAX);
    let body = Limited::new(response.into_body(), limit).collect().await;
    running.abort();
    key_set(&body.map_err(|error| error.to_string())?.to_bytes())
}
