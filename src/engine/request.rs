//! A request as it was sent → what may be asked of the upstream (DESIGN section 6), or a refusal.

use super::facts::People;
use super::released::Refusal;
use super::set::PolicySet;
use super::shapes::written::Errors;

/// A request as the reader sent it, with no header but what is here.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// As on the request line.
    pub method: &'a str,
    /// Origin-form: path and query, as received.
    pub target: &'a str,
    /// The body of a POST with `application/x-www-form-urlencoded`.
    pub form: Option<&'a [u8]>,
}

/// What to ask the upstream, and how its answer will be judged.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query, rebuilt from parsed parts.
    pub target: String,
    /// The form body to send, rebuilt from parsed parts.
    pub form: Option<String>,
    /// The `Accept` to send.
    pub accept: &'static str,
    /// For the audit: method and template, e.g. `GET /fhir/{type}/{id}`; no value of a path.
    pub template: String,
    /// Whether the answer is judged as a stream (chunked) or whole (Content-Length).
    pub stream: bool,
    /// Whether the reader asked by HEAD: as GET, and the body is dropped.
    pub head: bool,
    /// The Content-Type of the answer.
    pub content_type: &'static str,
    /// The form of our error bodies.
    pub errors: Errors,
}

/// Admits a request or refuses it; nothing of the upstream is needed for that.
/// On refusal the error form of the shape that owns the path, if any does.
pub fn admit(
    policy: &PolicySet,
    people: &dyn People,
    asked: Asked<'_>,
) -> Result<Plan, (Refusal, Errors)> {
    let _ = (policy, people, asked);
    Err((Refusal::NotFound, Errors::Problem))
}
