//! Lines about the log itself: where segments begin and end, when the proxy ran, and signed heads.

use super::chain::{Hash, Head, Line, signed_bytes};
use super::key::{PublicKey, Signer};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a mark tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Event {
    /// The first line of a segment.
    Begin,
    /// A process began to write.
    Start,
    /// Now and then, so that little stands behind the last signature.
    Checkpoint,
    /// Lines could not be written for a while; nothing that they tell of has left.
    Resume,
    /// The process ended in order.
    Stop,
    /// The last line of a segment.
    Seal,
}

/// How the log stood when a process began to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Found {
    /// There was none.
    Nothing,
    /// The process before ended in order.
    Stopped,
    /// It did not: a kill, a crash, a power cut.
    Killed,
}

/// What stood behind the last whole line, was recorded for nobody, and is kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Torn {
    /// The file's name, beside the log.
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// One mark. The event comes first: that tells marks from entries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) event: Event,
    pub(super) time: String,
    pub(super) segment: u64,
    /// The hash before, in the first line of a segment: for those who have only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) found: Option<Found>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) torn: Option<Torn>,
    /// Entries that could not be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refused: Option<u64>,
    /// The public key that checks the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
}

impl Mark {
    pub(super) fn new(event: Event, segment: u64) -> Mark {
        Mark {
            event,
            time: Timestamp::now().to_string(),
            segment,
            after: None,
            version: None,
            found: None,
            torn: None,
            refused: None,
            key: None,
        }
    }

    /// Writes it as the line after `head`, signed where there is a signer.
    pub(super) fn link(
        mut self,
        head: Head,
        signer: Option<&Signer>,
        out: &mut Vec<u8>,
    ) -> Option<Head> {
        self.key = signer.map(|signer| signer.public().to_string());
        head.link(&serde_json::to_vec(&self).ok()?, signer, out)
    }

    /// What a line tells of the log, if it is such a line.
    pub(super) fn read(line: &Line<'_>) -> Option<Mark> {
        if !line.is_mark() {
            return None;
        }
        serde_json::from_slice(&line.object()).ok()
    }

    /// The key by which the line is signed, if it is, and rightly; `before` is the head it follows.
    pub(super) fn signed_by(
        &self,
        line: &Line<'_>,
        before: Hash,
    ) -> Result<Option<PublicKey>, BadSignature> {
        let Some(key) = &self.key else { return Ok(None) };
        let key = PublicKey::from_hex(key).ok_or(BadSignature)?;
        let (body, signature) = line.signature().ok_or(BadSignature)?;
        if key.has_signed(&signed_bytes(before, body), &signature) {
            Ok(Some(key))
        } else {
            Err(BadSignature)
        }
    }
}

/// A signature that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadSignature;
