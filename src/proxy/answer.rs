//! An answer of the upstream: what of it can be judged.
//!
//! R4: of its head only the status and the content types go further, and those only to the
//! engine. What frames and codes the body must be unambiguous.

use super::gunzip::Gunzip;
use super::pool::{Connection, Pool};
use super::refusal::Refusal;
use super::upstream::UpstreamFault;
use crate::engine::Redactor;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, TRAILER,
    TRANSFER_ENCODING,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// A body that will not be judged is read to its end if it is this short and this quick, since
/// that is cheaper than a new connection, and takes as long as an answer that is.
const DISCARD_BYTES_MAX: usize = 64 * 1024;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// The head of an answer, and its body unread.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: HeaderMap,
    pub(super) body: Body,
}

impl Answer {
    /// Its status.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// All its content types, as they came; one that is no text is empty.
    pub(super) fn content_types(&self) -> Vec<&str> {
        let types = self.fields.get_all(CONTENT_TYPE).iter();
        types.map(|value| value.to_str().unwrap_or_default()).collect()
    }

    /// The body, if the engine takes its head.
    pub(super) fn taken_by(self, redactor: &mut Redactor) -> Result<JudgedBody, Refusal> {
        if let Err(refusal) = redactor.head(self.status, &self.content_types()) {
            self.discard();
            return Err(refusal.into());
        }
        let body = self.judged_body()?;
        if let Some(bytes) = body.exact_bytes() {
            redactor.expect(bytes);
        }
        Ok(body)
    }

    /// The body, if its framing and coding are beyond doubt. That of an error is not read: the
    /// engine has made of its status what can be made of it.
    pub(super) fn judged_body(self) -> Result<JudgedBody, UpstreamFault> {
        if self.status != 200 {
            self.discard();
            return Ok(JudgedBody { body: None, gunzip: None });
        }
        let gunzip = check_framing(&self.fields)?.then(Gunzip::new);
        Ok(JudgedBody { body: Some(self.body), gunzip })
    }

    /// Reads a short body that will not be judged to its end, so that the connection stays.
    pub(super) fn discard(self) {
        if check_framing(&self.fields).is_err() {
            return;
        }
        tokio::spawn(async move {
            let mut body = self.body;
            let reading = async {
                let mut left = DISCARD_BYTES_MAX;
                while let Some(Ok(frame)) = body.incoming.frame().await {
                    left = left.checked_sub(frame.data_ref().map_or(0, Bytes::len))?;
                }
                hyper::body::Body::is_end_stream(&body.incoming).then_some(())
            };
            if let Ok(Some(())) = timeout(DISCARD_TIMEOUT, reading).await {
                body.pool.keep(body.connection);
            }
        });
    }
}

/// Whether the body is gzip; an error if how long it is, or how it is coded, can be read in two
/// ways (BYPASSES C2, C9, E9, E13, S12, X3).
fn check_framing(fields: &HeaderMap) -> Result<bool, UpstreamFault> {
    use UpstreamFault::Ambiguous;
    let values = |name| fields.get_all(name).iter().collect::<Vec<_>>();
    match (values(CONTENT_LENGTH).as_slice(), values(TRANSFER_ENCODING).as_slice()) {
        ([_], []) => {}
        ([], [coding]) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {}
        ([], []) => return Err(Ambiguous("a body without a length")),
        _ => return Err(Ambiguous("a body of two lengths or another transfer coding")),
    }
    if fields.contains_key(CONTENT_RANGE) {
        return Err(Ambiguous("a part of a body"));
    }
    if fields.contains_key(TRAILER) {
        return Err(Ambiguous("trailers"));
    }
    match values(CONTENT_ENCODING).as_slice() {
        [] => Ok(false),
        [coding] if coding.as_bytes().eq_ignore_ascii_case(b"identity") => Ok(false),
        [coding] if coding.as_bytes().eq_ignore_ascii_case(b"gzip") => Ok(true),
        _ => Err(Ambiguous("a content coding that is not gzip once")),
    }
}

/// A body on its way, as it came.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) incoming: Incoming,
    /// Kept for the next request once the body has been read to its end.
    pub(super) connection: Connection,
    pub(super) pool: Arc<Pool>,
    pub(super) idle: Duration,
    pub(super) until: Instant,
}

/// A body on its way, decoded.
#[derive(Debug)]
pub(super) struct JudgedBody {
    /// None once it has ended.
    body: Option<Body>,
    gunzip: Option<Gunzip>,
}

impl JudgedBody {
    /// How many bytes there will be, where that is said.
    fn exact_bytes(&self) -> Option<usize> {
        let body = self.body.as_ref().filter(|_| self.gunzip.is_none())?;
        let bytes = hyper::body::Body::size_hint(&body.incoming).exact()?;
        usize::try_from(bytes).ok()
    }

    /// The next decoded bytes; `None` when the body has ended as its framing says. May be
    /// dropped while it waits and called again.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, UpstreamFault> {
        loop {
            if let Some(gunzip) = &mut self.gunzip
                && let Some(piece) =
                    gunzip.piece().map_err(|bad| UpstreamFault::Ambiguous(bad.0))?
            {
                return Ok(Some(piece));
            }
            let Some(body) = &mut self.body else { return Ok(None) };
            match body.next().await? {
                Some(data) if !data.has_remaining() => {}
                Some(data) => match &mut self.gunzip {
                    Some(gunzip) => gunzip.feed(&data),
                    None => return Ok(Some(data)),
                },
                None => {
                    if let Some(gunzip) = &self.gunzip {
                        gunzip.finish().map_err(|bad| UpstreamFault::Ambiguous(bad.0))?;
                    }
                    if let Some(body) = self.body.take() {
                        body.pool.keep(body.connection);
                    }
                    return Ok(None);
                }
            }
        }
    }
}

impl Body {
    async fn next(&mut self) -> Result<Option<Bytes>, UpstreamFault> {
        let idle_until = Instant::now() + self.idle;
        let frame = timeout_at(idle_until.min(self.until), self.incoming.frame()).await;
        match frame {
            Err(_) => Err(UpstreamFault::Slow("send a body")),
            Ok(None) => Ok(None),
            Ok(Some(Err(_))) => Err(UpstreamFault::Broken),
            Ok(Some(Ok(frame))) => {
                frame.into_data().map(Some).map_err(|_| UpstreamFault::Ambiguous("trailers"))
            }
        }
    }
}
