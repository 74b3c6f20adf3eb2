//! Header fields in both directions. R3 and R4: none is copied from the other side.

use crate::config::meant::{Authorization, Origin, Url};
use crate::engine::request::Plan;
use crate::identity::Reader;
use crate::reread::Stamp;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, LINK, VARY, X_CONTENT_TYPE_OPTIONS,
};
use std::path::PathBuf;
use std::sync::Mutex;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const SEQUESTER_WITHHELD: HeaderName = HeaderName::from_static("sequester-withheld");

/// About as many fields as we send either way: room for them at once.
const FIELDS: usize = 12;

/// What every request to the upstream carries, whoever asks.
#[derive(Debug)]
pub(super) struct ToUpstream {
    fixed: HeaderMap,
    authorization: Credentials,
}

#[derive(Debug)]
enum Credentials {
    None,
    Reader,
    File { path: PathBuf, read: Mutex<Option<(Stamp, HeaderValue)>> },
}

impl ToUpstream {
    /// The error is words for an operator.
    pub(super) fn new(
        upstream: &Origin,
        public_url: Option<&Origin>,
        authorization: &Authorization,
    ) -> Result<ToUpstream, String> {
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| format!("`{text}` cannot stand in a header"))
        };
        let mut fixed = HeaderMap::with_capacity(FIELDS);
        fixed.insert(HOST, value(&upstream.authority())?);
        fixed.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if let Some(public) = public_url {
            let scheme = if public.tls { "https" } else { "http" };
            fixed.insert(X_FORWARDED_HOST, value(&public.authority())?);
            fixed.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
        }
        let authorization = match authorization {
            Authorization::Nothing | Authorization::Certificate { .. } => Credentials::None,
            Authorization::Reader => Credentials::Reader,
            Authorization::Token(path) => {
                let credentials = Credentials::File { path: path.clone(), read: Mutex::new(None) };
                credentials.header(None).map_err(|why| format!("{}: {why}", path.display()))?;
                credentials
            }
        };
        Ok(ToUpstream { fixed, authorization })
    }

    /// Whether they do without a reader's token.
    pub(super) fn are_without_reader(&self) -> bool {
        !matches!(self.authorization, Credentials::Reader)
    }

    /// The fields of one request; `None` if the credentials are not to be had.
    pub(super) fn fields(
        &self,
        plan: &Plan,
        reader: Option<&Reader>,
        request_id: Option<&str>,
    ) -> Option<HeaderMap> {
        let mut fields = self.fixed.clone();
        fields.insert(ACCEPT, HeaderValue::from_static(plan.accept));
        if let Some(request_id) = request_id {
            fields.insert(X_REQUEST_ID, HeaderValue::from_str(request_id).ok()?);
        }
        if plan.form.is_some() {
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            fields.insert(CONTENT_TYPE, form);
        }
        if let Some(authorization) = self.authorization.header(reader).ok()? {
            fields.insert(AUTHORIZATION, authorization);
        }
        Some(fields)
    }
}

impl Credentials {
    fn header(&self, reader: Option<&Reader>) -> Result<Option<HeaderValue>, String> {
        match self {
            Credentials::None => Ok(None),
            Credentials::Reader => {
                let bearer = reader.and_then(|reader| reader.bearer.as_ref());
                bearer.map(|bearer| Some(bearer.header())).ok_or_else(|| "no token".to_owned())
            }
            Credentials::File { path, read } => {
                let seen = std::fs::metadata(path).map_err(|error| error.to_string())?;
                let seen = Stamp::of(&seen);
                let mut read = read.lock().map_err(|_| "an earlier read failed".to_owned())?;
                if let Some((of, header)) = &*read
                    && *of == seen
                {
                    return Ok(Some(header.clone()));
                }
                let token = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
                let token = token.trim();
                if token.is_empty() {
                    return Err("holds no token".to_owned());
                }
                let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
                    .map_err(|_| "holds bytes that stand in no token".to_owned())?;
                header.set_sensitive(true);
                *read = Some((seen, header.clone()));
                Ok(Some(header))
            }
        }
    }
}

/// The fields of every answer. `Date` is hyper's.
pub(super) fn to_reader(content_type: &'static str, request_id: &str) -> HeaderMap {
    let mut fields = HeaderMap::with_capacity(FIELDS);
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    fields.insert(VARY, HeaderValue::from_static("Authorization, Cookie"));
    fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(request_id) = HeaderValue::from_str(request_id) {
        fields.insert(X_REQUEST_ID, request_id);
    }
    fields
}

/// How long the body is (or, for HEAD, would be).
pub(super) fn set_length(fields: &mut HeaderMap, body_bytes: usize) {
    fields.insert(CONTENT_LENGTH, HeaderValue::from(body_bytes));
}

/// A psychotherapy note of the reader's own was withheld, of which they are told (DESIGN 4.5).
#[derive(Clone, Debug)]
pub(super) struct OwnNote {
    /// How to ask for it.
    pub(super) notice: Option<HeaderValue>,
}

impl OwnNote {
    pub(super) fn tell(self, fields: &mut HeaderMap) {
        fields.insert(SEQUESTER_WITHHELD, HeaderValue::from_static("psychotherapy-notes"));
        if let Some(notice) = self.notice {
            fields.insert(LINK, notice);
        }
    }
}

/// The `Link` field to the operator's notice; the error is words for an operator.
pub(super) fn notice_link(notice: &Url) -> Result<HeaderValue, String> {
    HeaderValue::from_str(&format!("<{notice}>; rel=\"help\""))
        .map_err(|_| format!("the notice `{notice}` cannot stand in a header"))
}
