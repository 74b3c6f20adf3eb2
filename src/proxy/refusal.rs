//! Every answer of ours that is not a 200: one enum by blame, one `match` to the wire.
//!
//! What the reader reads is fixed words; why is for the audit and the metrics. Two refusals of
//! one status differ in nothing but what DESIGN section 6 says they name.

use super::upstream::UpstreamFault;
use crate::audit::NotRecorded;
use crate::engine::released;
use crate::engine::shapes::written::Errors;
use crate::identity::Rejected;
use crate::limits::OverLimit;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

/// Seconds after which a reader who met a shortage of ours may come again.
const SHORTAGE_RETRY_AFTER_S: &str = "5";

/// Why a request gets no 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The request cannot be read, or can be read in two ways.
    Malformed(&'static str),
    /// A method that no route has.
    Method,
    /// No credentials.
    NoCredentials,
    /// Credentials that do not hold.
    BadCredentials(&'static str),
    /// Too many requests.
    OverLimit(OverLimit),
    /// The engine admits no such request, or releases nothing of such an answer.
    Engine(released::Refusal),
    /// The upstream could not be asked, or not understood.
    Upstream(UpstreamFault),
    /// The audit entry could not be written.
    NotRecorded,
    /// What is asked for has not been worked out yet.
    NotReady,
    /// More bytes are held than may be.
    TooMuchHeld,
    /// A fault of ours.
    Fault,
}

impl From<released::Refusal> for Refusal {
    fn from(refusal: released::Refusal) -> Refusal {
        Refusal::Engine(refusal)
    }
}

impl From<UpstreamFault> for Refusal {
    fn from(fault: UpstreamFault) -> Refusal {
        Refusal::Upstream(fault)
    }
}

impl From<NotRecorded> for Refusal {
    fn from(_: NotRecorded) -> Refusal {
        Refusal::NotRecorded
    }
}

impl From<OverLimit> for Refusal {
    fn from(over: OverLimit) -> Refusal {
        Refusal::OverLimit(over)
    }
}

impl From<Rejected> for Refusal {
    fn from(rejected: Rejected) -> Refusal {
        match rejected {
            Rejected::Malformed(why) => Refusal::Malformed(why),
            Rejected::Missing => Refusal::NoCredentials,
            Rejected::Invalid(why) => Refusal::BadCredentials(why),
        }
    }
}

/// A refusal as it leaves.
pub(super) struct Wire {
    pub(super) status: StatusCode,
    /// What the reader reads.
    words: String,
    /// Fields beside those of every answer.
    pub(super) fields: HeaderMap,
}

/// NO-EXIT-WITHOUT-VERDICT: the only bodies but released ones; made here, from words of ours.
#[derive(Clone, Debug)]
pub(super) struct FixedBody(Bytes);

impl FixedBody {
    pub(super) fn into_bytes(self) -> Bytes {
        self.0
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Refusal {
    /// The one match from blame to the wire (DESIGN section 6).
    pub(super) fn wire(&self) -> Wire {
        let (status, words) = match self {
            Refusal::Malformed(_) => (400, "malformed request".to_owned()),
            Refusal::Method => (405, "method not allowed".to_owned()),
            Refusal::NoCredentials | Refusal::BadCredentials(_) => {
                (401, "credentials are needed".to_owned())
            }
            Refusal::OverLimit(_) => (429, "too many requests".to_owned()),
            Refusal::Engine(refusal) => (refusal.status(), refusal.for_reader()),
            Refusal::Upstream(fault) if fault.is_slow() => (504, "upstream timeout".to_owned()),
            Refusal::NotRecorded
            | Refusal::NotReady
            | Refusal::TooMuchHeld
            | Refusal::Upstream(UpstreamFault::TooMany) => (503, "unavailable".to_owned()),
            Refusal::Upstream(_) => (502, "bad gateway".to_owned()),
            Refusal::Fault => (500, "internal error".to_owned()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Wire { status, words, fields: self.fields() }
    }

    fn fields(&self) -> HeaderMap {
        let mut fields = HeaderMap::new();
        match self {
            Refusal::NoCredentials => {
                fields.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Refusal::BadCredentials(_) => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                fields.insert(WWW_AUTHENTICATE, challenge);
            }
            Refusal::Method => {
                fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            }
            Refusal::Engine(released::Refusal::Method { allow }) => {
                fields.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Refusal::OverLimit(over) => over.tell(&mut fields),
            // A shortage of ours passes by itself.
            Refusal::NotRecorded
            | Refusal::NotReady
            | Refusal::TooMuchHeld
            | Refusal::Upstream(UpstreamFault::TooMany) => {
                fields.insert(RETRY_AFTER, HeaderValue::from_static(SHORTAGE_RETRY_AFTER_S));
            }
            Refusal::Malformed(_) | Refusal::Engine(_) | Refusal::Upstream(_) | Refusal::Fault => {}
        }
        fields
    }

    /// What the operator reads; words of ours, no part of the request or of the answer.
    pub(super) fn for_operator(&self) -> String {
        match self {
            Refusal::Malformed(why) => format!("malformed request: {why}"),
            Refusal::Method => "a method that no route has".to_owned(),
            Refusal::NoCredentials => "no credentials".to_owned(),
            Refusal::BadCredentials(why) => format!("credentials that do not hold: {why}"),
            Refusal::OverLimit(over) => over.to_string(),
            // The name of a parameter is the reader's text.
            Refusal::Engine(released::Refusal::Parameter { .. }) => {
                "a query parameter that is not open".to_owned()
            }
            Refusal::Engine(refusal) => refusal.for_operator(),
            Refusal::Upstream(fault) => fault.to_string(),
            Refusal::NotRecorded => "the audit entry could not be written".to_owned(),
            Refusal::NotReady => "the accounts of the audit are still being read".to_owned(),
            Refusal::TooMuchHeld => "over the limit `held`".to_owned(),
            Refusal::Fault => "a fault of this program".to_owned(),
        }
    }

    /// One word for metrics.
    pub(super) fn cause(&self) -> &'static str {
        match self {
            Refusal::Malformed(_) => "malformed",
            Refusal::NoCredentials => "no-credentials",
            Refusal::BadCredentials(_) => "bad-credentials",
            Refusal::OverLimit(_) => "over-limit",
            Refusal::Method => "method",
            Refusal::Engine(refusal) => match refusal {
                released::Refusal::Malformed { .. } => "malformed",
                released::Refusal::Parameter { .. } => "parameter",
                released::Refusal::NotFound => "not-found",
                released::Refusal::Method { .. } => "method",
                released::Refusal::UpstreamStatus { .. } => "upstream-status",
                released::Refusal::ContentType => "upstream-content-type",
                released::Refusal::TooLong { .. } => "upstream-too-long",
                released::Refusal::Pages { .. } => "upstream-pages",
                released::Refusal::Unreadable { .. } => "upstream-unreadable",
            },
            Refusal::Upstream(fault) => fault.cause(),
            Refusal::NotRecorded => "not-recorded",
            Refusal::NotReady => "not-ready",
            Refusal::TooMuchHeld => "too-much-held",
            Refusal::Fault => "fault",
        }
    }
}

impl Wire {
    /// Type and bytes of the body. The same refusal is the same bytes, always.
    pub(super) fn body(&self, errors: Errors) -> (&'static str, FixedBody) {
        let status = self.status.as_u16();
        let (content_type, body) = match errors {
            Errors::Problem => {
                let title = self.status.canonical_reason().unwrap_or("Error");
                let body =
                    json!({"title": title, "status": status, "detail": self.words}).to_string();
                ("application/problem+json", body)
            }
            Errors::OperationOutcome => {
                let issue = json!({
                    "severity": "error", "code": issue_code(status), "diagnostics": self.words,
                });
                let body = json!({"resourceType": "OperationOutcome", "issue": [issue]});
                ("application/fhir+json", body.to_string())
            }
        };
        (content_type, FixedBody(Bytes::from(body)))
    }
}

/// FHIR's issue type for a status.
fn issue_code(status: u16) -> &'static str {
    match status {
        400 => "invalid",
        401 => "login",
        404 => "not-found",
        405 => "not-supported",
        429 => "throttled",
        503 | 504 => "transient",
        _ => "exception",
    }
}
