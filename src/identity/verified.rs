//! Tokens that held before: a signature takes longer to check than a short body to judge.
//!
//! What is remembered is what follows from the token alone. Whether its key is still in force,
//! and what the clock says of it, is asked at every request.

use super::Rejected;
use super::jwks::Key;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// Most tokens remembered, about 400 bytes each.
const TOKENS_MAX: u64 = 50_000;

/// How long one is remembered that nobody shows again.
const IDLE: Duration = Duration::from_mins(10);

/// How far clocks may differ, seconds.
const LEEWAY_S: u64 = 30;

/// The SHA-256 of a token: who remembers it cannot show it to anybody.
pub(super) type Fingerprint = [u8; 32];

/// What a token says whose signature held.
#[derive(Debug)]
pub(super) struct Verified {
    /// The key by which it held, and the key's name.
    pub(super) key: Arc<Key>,
    pub(super) kid: String,
    pub(super) times: Times,
    pub(super) member: String,
    pub(super) client: Option<String>,
}

/// When a token holds, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) expires: u64,
    pub(super) not_before: Option<u64>,
    pub(super) issued: Option<u64>,
}

impl Times {
    /// Whether it holds at this time; the leeway of clocks is given both ways.
    pub(super) fn hold(self, now_s: u64) -> Result<(), Rejected> {
        if self.expires.saturating_add(LEEWAY_S) <= now_s {
            return Err(Rejected::Invalid("expired"));
        }
        let latest = now_s.saturating_add(LEEWAY_S);
        if self.not_before.is_some_and(|from| from > latest) {
            return Err(Rejected::Invalid("not yet valid"));
        }
        if self.issued.is_some_and(|issued| issued > latest) {
            return Err(Rejected::Invalid("issued in the future"));
        }
        Ok(())
    }
}

/// Tokens by their fingerprint.
#[derive(Debug)]
pub(super) struct VerifiedTokens(Cache<Fingerprint, Arc<Verified>>);

impl VerifiedTokens {
    pub(super) fn new() -> VerifiedTokens {
        VerifiedTokens(Cache::builder().max_capacity(TOKENS_MAX).time_to_idle(IDLE).build())
    }

    pub(super) fn find(&self, token: &Fingerprint) -> Option<Arc<Verified>> {
        self.0.get(token)
    }

    pub(super) fn keep(&self, token: Fingerprint, verified: &Arc<Verified>) {
        self.0.insert(token, Arc::clone(verified));
    }
}

pub(super) fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}
