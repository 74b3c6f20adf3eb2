//! The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers (lists
//! of structured fields).
//!
//! TWO-WORLDS: an answer tells of the reader's own budget alone, which follows from what they
//! asked and were shown. What is left to a contract or an application follows from what others
//! were shown; of those a refusal names the rate that refused, and no figure but when to come
//! again.

use super::charge::{Left, Limit, OverLimit};
use crate::config::meant::{Dimension, ScopedRate};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// The rates of readers, as released answers name them once less than half of one is left: who is
/// far from a limit need not know, and two answers of one body are the same to the byte.
#[derive(Debug)]
pub(super) struct ReaderFields {
    /// With how much of it there is.
    names: Vec<(String, u64)>,
    policy: Option<HeaderValue>,
}

impl ReaderFields {
    pub(super) fn new<'a>(rates: impl Iterator<Item = &'a ScopedRate>) -> ReaderFields {
        let (names, policies): (Vec<_>, Vec<String>) =
            rates.map(|rate| ((rate.name(), rate.rate.most.get()), policy(rate))).unzip();
        let policy = HeaderValue::from_str(&policies.join(", ")).ok();
        ReaderFields { policy: policy.filter(|_| !names.is_empty()), names }
    }

    /// What is left of the rate of which the least is left.
    pub(super) fn tell(&self, left: Left, fields: &mut HeaderMap) {
        let Left { rate, rest: left, reset_s, .. } = left;
        let (Some(policy), Some((name, most))) = (&self.policy, self.names.get(rate)) else {
            return;
        };
        if left >= most.div_ceil(2) {
            return;
        }
        let state = HeaderValue::from_str(&format!("\"{name}\";r={left};t={reset_s}"));
        if let Ok(state) = state {
            fields.insert(POLICY, policy.clone());
            fields.insert(STATE, state);
        }
    }
}

impl OverLimit {
    /// When to come again, and what was used up.
    pub fn tell(&self, fields: &mut HeaderMap) {
        fields.insert(RETRY_AFTER, HeaderValue::from(self.retry_after_s));
        let (name, policy) = match self.limit {
            Limit::Rate(dimension, rate) => {
                let rate = ScopedRate { scope: self.scope, dimension, rate };
                (rate.name(), policy(&rate))
            }
            Limit::LongReads(most) => (
                "long-reads".to_owned(),
                format!("\"long-reads\";q={most};qu=\"concurrent-requests\""),
            ),
        };
        let state = format!("\"{name}\";r=0;t={}", self.retry_after_s);
        for (field, value) in [(POLICY, policy), (STATE, state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                fields.insert(field, value);
            }
        }
    }
}

fn policy(rate: &ScopedRate) -> String {
    let (name, most, window_s) = (rate.name(), rate.rate.most, rate.rate.per.as_secs());
    let unit = match rate.dimension {
        // The unit where none is named.
        Dimension::Requests => "",
        Dimension::Bytes => ";qu=\"content-bytes\"",
        Dimension::Records => ";qu=\"records\"",
        Dimension::Subjects => ";qu=\"subjects\"",
    };
    format!("\"{name}\";q={most};w={window_s}{unit}")
}
