//! Our cursors: where the next page begins, sealed.
//!
//! TWO-WORLDS: a cursor is sealed by AES-256-GCM-SIV without a nonce of its own, so that the same
//! place of the same search is the same text, whatever stands between; it is of one length, and
//! tells nothing. It opens for the same reader, search and policy set only, and for some time.

#[cfg(test)]
mod tests;

use crate::config::{KEY_FILE_BYTES_MAX, Key, key_lines, meant};
use crate::dial::provider;
use crate::engine::diagnostics::Diagnostic;
use crate::engine::pages::{self, Fingerprint, Position};
use crate::reread::Reread;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::sync::Arc;

/// Most keys in a file: the one in use, those before it, one to come.
const KEYS_MAX: usize = 16;

/// What every context begins with: a cursor of another form opens nowhere.
const FORM: &str = "sequester cursor 1";

/// Expiry, ordinal, whether there is a name, its fingerprint.
const PLAIN_BYTES: usize = 8 + 4 + 1 + size_of::<Fingerprint>();

/// The cursors of one deployment.
#[derive(Debug)]
pub(super) struct Cursors {
    keys: Source,
    expire_s: u64,
}

#[derive(Debug)]
enum Source {
    /// A key of this process.
    Own(Arc<Keys>),
    /// A file.
    File(Reread<Keys>),
}

/// The first seals, all open.
struct Keys(Vec<LessSafeKey>);

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Keys").field(&self.0.len()).finish()
    }
}

/// What a cursor belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Belongs<'a> {
    pub(super) reader: &'a str,
    /// Path and query of the search, without size and cursor.
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// The hash of the policy set.
    pub(super) policy: &'a str,
}

impl Cursors {
    /// Reads the keys, or makes one. The error is words for an operator.
    pub(super) fn new(settings: &meant::Cursors) -> Result<Cursors, String> {
        let keys = if let Some(path) = &settings.keys {
            let file = Reread::open(path, KEY_FILE_BYTES_MAX, read);
            Source::File(file.map_err(|why| format!("{}: {why}", path.display()))?)
        } else {
            let mut key = Key::default();
            let filled = provider().secure_random.fill(&mut key);
            let key = filled.ok().and_then(|()| usable(&key));
            Source::Own(Arc::new(Keys(vec![key.ok_or("no key for cursors can be made")?])))
        };
        Ok(Cursors { keys, expire_s: settings.expire.as_secs().max(1) })
    }

    /// Changed files that were not taken since this was asked last.
    pub(super) fn refused(&self) -> Vec<Diagnostic> {
        match &self.keys {
            Source::Own(_) => Vec::new(),
            Source::File(file) => file.refused(),
        }
    }

    /// For one request.
    pub(super) fn of(&self, belongs: Belongs<'_>, now_s: u64) -> Sealer {
        let mut context = Vec::new();
        for part in [FORM, belongs.reader, belongs.path, belongs.query, belongs.policy] {
            // Each with its length, so that no two contexts run into the same bytes.
            context.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            context.extend_from_slice(part.as_bytes());
        }
        // To the end of the span after this one: requests of one span get the same cursors.
        let span = now_s.checked_div(self.expire_s).unwrap_or_default();
        let expires_s = span.saturating_add(2).saturating_mul(self.expire_s);
        Sealer { keys: self.keys.now(), context, now_s, expires_s }
    }
}

impl Source {
    fn now(&self) -> Arc<Keys> {
        match self {
            Source::Own(keys) => Arc::clone(keys),
            Source::File(file) => {
                file.look();
                file.current()
            }
        }
    }
}

/// The keys of a file.
fn read(text: &[u8]) -> Result<Keys, String> {
    let keys = key_lines(text)
        .and_then(|lines| lines.iter().map(usable).collect::<Option<Vec<LessSafeKey>>>());
    match keys {
        Some(keys) if (1..=KEYS_MAX).contains(&keys.len()) => Ok(Keys(keys)),
        _ => Err(format!(
            "holds no keys: write 1 to {KEYS_MAX} lines of 32 bytes in base64, as \
             `openssl rand -base64 32` gives them"
        )),
    }
}

fn usable(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, key).ok().map(LessSafeKey::new)
}

/// Seals and opens the cursors of one request.
#[derive(Debug)]
pub(super) struct Sealer {
    keys: Arc<Keys>,
    context: Vec<u8>,
    now_s: u64,
    expires_s: u64,
}

impl Sealer {
    /// The position in a cursor. `None` for all that is none of ours, is another's or another
    /// search's, or has expired: which of these is nobody's business.
    pub(super) fn open(&self, cursor: &str) -> Option<Position> {
        let sealed = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let plain = self.keys.0.iter().find_map(|key| {
            let mut sealed = sealed.clone();
            let plain =
                key.open_in_place(no_nonce(), Aad::from(&self.context), &mut sealed).ok()?;
            <[u8; PLAIN_BYTES]>::try_from(&*plain).ok()
        })?;
        let (expires_s, rest) = plain.split_first_chunk::<8>()?;
        let (ordinal, rest) = rest.split_first_chunk::<4>()?;
        let (has_name, name) = rest.split_first()?;
        if u64::from_be_bytes(*expires_s) <= self.now_s {
            return None;
        }
        let name = Fingerprint::try_from(name).ok().filter(|_| *has_name == 1);
        Some(Position { ordinal: u32::from_be_bytes(*ordinal), name })
    }
}

impl pages::Cursors for Sealer {
    fn seal(&self, position: Position) -> Option<String> {
        let mut sealed = Vec::with_capacity(PLAIN_BYTES);
        sealed.extend_from_slice(&self.expires_s.to_be_bytes());
        sealed.extend_from_slice(&position.ordinal.to_be_bytes());
        sealed.push(u8::from(position.name.is_some()));
        sealed.extend_from_slice(&position.name.unwrap_or_default());
        let key = self.keys.0.first()?;
        key.seal_in_place_append_tag(no_nonce(), Aad::from(&self.context), &mut sealed).ok()?;
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }
}

/// GCM-SIV makes its own of key, context and content (RFC 8452); that equal contents are equal
/// when sealed is what we want of it.
fn no_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
