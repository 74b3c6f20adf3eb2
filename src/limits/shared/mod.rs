//! Budgets that several proxies share, on a Valkey or Redis: every charge is one script, which is
//! one decision there (`charge.lua`), by the server's own clock.
//!
//! The server is given no more than `timeout` to answer. If it does not, or answers with an
//! error, it is away: no request asks it until it has answered twice in time, in the background.
//! Meanwhile the proxy's own tables decide, which have been told of everything that left through
//! this proxy (`super::Limits::charge`).

mod connection;
mod request;

use super::charge::{Left, Line, OverLimit};
use super::keys::SECRET_BYTES;
use super::table::Tables;
use crate::config::{key_lines, meant};
use connection::Connection;
use request::Request;
use std::path::Path;
use std::sync::Arc;

/// The server cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Away;

/// A server on which several proxies count.
#[derive(Debug)]
pub(super) struct Shared {
    connection: Arc<Connection>,
    /// Of how many shares this proxy has one while the server is away.
    pub(super) proxies: u64,
}

impl Shared {
    /// Reads the files that it needs; connects later. The error is words for an operator.
    pub(super) fn new(settings: &meant::Shared) -> Result<Shared, String> {
        let connection = Arc::new(Connection::new(settings)?);
        Ok(Shared { connection, proxies: u64::from(settings.proxies) })
    }

    /// Whether the server answers.
    pub(super) fn is_here(&self) -> bool {
        self.connection.is_here()
    }

    /// Connects, and connects again, for as long as it is polled.
    pub(super) async fn stay_connected(&self) {
        self.connection.stay().await;
    }

    /// Has a charge decided. What is left to the reader, of what this charge is about.
    pub(super) async fn charge(
        &self,
        lines: &[Line],
        tables: &Tables,
    ) -> Result<Result<Option<Left>, OverLimit>, Away> {
        let request = Request::of(lines, tables);
        if request.is_empty() {
            return Ok(Ok(None));
        }
        let answer = self.connection.run(&request).await?;
        request.read(&answer).ok_or(Away)
    }
}

/// The secret by which names are hashed: the same in all proxies, of the first key of a file. The
/// error is words for an operator.
pub(super) fn secret_of(settings: &meant::Shared) -> Result<[u8; SECRET_BYTES], String> {
    let path = settings.key.as_deref().unwrap_or(Path::new(""));
    let text = std::fs::read(path)
        .map_err(|error| format!("{}: the key of shared limits: {error}", path.display()))?;
    let key = key_lines(&text).and_then(|keys| keys.into_iter().next()).ok_or_else(|| {
        format!("{}: the first line is no key of 32 bytes in base64", path.display())
    })?;
    // The file may be that of the cursors: one key, two uses.
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &key);
    let tag = aws_lc_rs::hmac::sign(&key, b"sequester limits");
    tag.as_ref().try_into().map_err(|_| "the key of shared limits cannot be used".to_owned())
}
