//! Reads a request: what is asked, strictly, and nothing else of it.

use super::head_check::{FIELDS_MAX, TARGET_BYTES_MAX, is_authority};
use super::head_reader::STAND_IN_METHOD;
use super::refusal::Refusal;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Version};
use std::time::Duration;

/// Longest form, bytes: a search is a few hundred.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// How long a form may take to come.
const FORM_TIMEOUT: Duration = Duration::from_secs(10);

/// A request whose head is well-formed.
#[derive(Debug)]
pub(super) struct Received {
    parts: Parts,
    body: Incoming,
}

impl Received {
    /// Checks the head.
    pub(super) fn head_of(request: Request<Incoming>) -> Result<Received, Refusal> {
        let (parts, body) = request.into_parts();
        if parts.method.as_str() == STAND_IN_METHOD {
            return Err(Refusal::Malformed("a head that can be read in two ways"));
        }
        if parts.headers.len() > FIELDS_MAX {
            return Err(Refusal::Malformed("too many header fields"));
        }
        check_host(&parts)?;
        if parts.method == Method::CONNECT {
            return Err(Refusal::Method);
        }
        let received = Received { parts, body };
        let target = received.target();
        if !target.starts_with('/') || target.len() > TARGET_BYTES_MAX {
            return Err(Refusal::Malformed("a target that is not a path, or over its limit"));
        }
        let is_get = matches!(received.parts.method, Method::GET | Method::HEAD);
        if is_get && !received.body.is_end_stream() {
            return Err(Refusal::Malformed("a body where none belongs"));
        }
        Ok(received)
    }

    /// As on the request line.
    pub(super) fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// Path and query as received.
    pub(super) fn target(&self) -> &str {
        self.parts.uri.path_and_query().map_or("", |target| target.as_str())
    }

    /// The fields, for the reader's identity.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The form of a POST, if the body is one.
    pub(super) async fn form(&mut self) -> Result<Option<Bytes>, Refusal> {
        if self.parts.method != Method::POST || !self.says_form() {
            return Ok(None);
        }
        let reading = read_form(&mut self.body);
        let form = tokio::time::timeout(FORM_TIMEOUT, reading).await;
        form.unwrap_or(Err(Refusal::Malformed("a form that took too long"))).map(Some)
    }

    fn says_form(&self) -> bool {
        let mut fields = self.parts.headers.get_all(CONTENT_TYPE).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else {
            return false;
        };
        let text = field.to_str().unwrap_or_default().to_ascii_lowercase();
        let (kind, parameter) = text.split_once(';').unwrap_or((text.as_str(), ""));
        kind.trim() == "application/x-www-form-urlencoded"
            && matches!(parameter.trim(), "" | "charset=utf-8")
    }
}

/// One host, said once, or twice the same (HTTP/2 has `:authority`, and may have `host`).
fn check_host(parts: &Parts) -> Result<(), Refusal> {
    const WHY: Refusal = Refusal::Malformed("a host that is not one name");
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(WHY);
    }
    let authority = parts.uri.authority().map(|authority| authority.as_str().as_bytes());
    let host = host.map(HeaderValue::as_bytes);
    // HTTP/2 is spoken over TLS alone.
    if parts.version == Version::HTTP_2 && parts.uri.scheme_str() != Some("https") {
        return Err(WHY);
    }
    let one = match (parts.version, authority, host) {
        (Version::HTTP_2, Some(authority), None) => authority,
        (Version::HTTP_2, Some(authority), Some(host)) if authority == host => authority,
        (Version::HTTP_10 | Version::HTTP_11 | Version::HTTP_2, None, Some(host)) => host,
        _ => return Err(WHY),
    };
    if is_authority(one) { Ok(()) } else { Err(WHY) }
}

async fn read_form(body: &mut Incoming) -> Result<Bytes, Refusal> {
    let mut form = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Malformed("a form that broke off"))?;
        // Trailers are dropped, never merged.
        if let Ok(data) = frame.into_data() {
            if form.len().saturating_add(data.len()) > FORM_BYTES_MAX {
                return Err(Refusal::Malformed("a form over its limit"));
            }
            form.extend_from_slice(&data);
        }
    }
    Ok(form.freeze())
}
