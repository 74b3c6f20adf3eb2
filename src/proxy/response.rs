//! Answers to the reader, and the only bodies they can have.
//!
//! NO-EXIT-WITHOUT-VERDICT: a [`ReaderBody`] is made of bytes the audit log opened, of fixed
//! words of ours, or of nothing. There is no other way to make one.

use super::connection::Visit;
use super::headers::{self, OwnNote};
use super::held::Lease;
use super::refusal::{FixedBody, Refusal};
use crate::audit::Opened;
use crate::engine::request::Plan;
use crate::engine::shapes::written::Errors;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

/// A whole body leaves in pieces, so that what is held is given back as the reader takes it.
const PIECE_BYTES: usize = 128 * 1024;

/// A stream that ended before its time: the connection is cut, so that no reader takes it for
/// a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream was cut")
    }
}

impl std::error::Error for Cut {}

/// What a stream's pump sends. A channel that closes without an end is a cut.
#[derive(Debug)]
pub(super) enum StreamPart {
    /// Bytes whose entry is on disk.
    Flush(Opened),
    /// The closing entry is on disk.
    End,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct ReaderBody {
    kind: Kind,
    visit: Option<Visit>,
}

#[derive(Debug)]
enum Kind {
    Fixed(Bytes),
    Whole { rest: Bytes, _lease: Lease },
    Stream(mpsc::Receiver<StreamPart>),
    Ended,
}

impl ReaderBody {
    /// The body counts as under way on its connection until it is dropped.
    pub(super) fn on(mut self, visit: Visit) -> ReaderBody {
        self.visit = Some(visit);
        self
    }

    fn of(kind: Kind) -> ReaderBody {
        ReaderBody { kind, visit: None }
    }
}

/// The answer that a whole body was judged to be.
pub(super) fn whole(
    plan: &Plan,
    request_id: &str,
    opened: Opened,
    lease: Lease,
    own_note: Option<OwnNote>,
) -> Response<ReaderBody> {
    let mut fields = headers::to_reader(plan.content_type, request_id);
    headers::set_length(&mut fields, opened.len());
    if let Some(own_note) = own_note {
        own_note.tell(&mut fields);
    }
    let kind = if plan.head {
        Kind::Ended
    } else {
        Kind::Whole { rest: opened.into_bytes(), _lease: lease }
    };
    response(StatusCode::OK, fields, kind)
}

/// The answer that a stream begins with.
pub(super) fn stream(
    plan: &Plan,
    request_id: &str,
    parts: Option<mpsc::Receiver<StreamPart>>,
) -> Response<ReaderBody> {
    let fields = headers::to_reader(plan.content_type, request_id);
    response(StatusCode::OK, fields, parts.map_or(Kind::Ended, Kind::Stream))
}

/// The answer that tells a person who asked for their records.
pub(super) fn account(request_id: &str, opened: Opened, is_head: bool) -> Response<ReaderBody> {
    let mut fields = headers::to_reader("application/json", request_id);
    headers::set_length(&mut fields, opened.len());
    let kind = if is_head { Kind::Ended } else { Kind::Fixed(opened.into_bytes()) };
    response(StatusCode::OK, fields, kind)
}

/// The answer to a request that is refused. `body_leaves`: not to HEAD.
pub(super) fn refused(
    refusal: &Refusal,
    errors: Errors,
    request_id: &str,
    body_leaves: bool,
) -> Response<ReaderBody> {
    let wire = refusal.wire();
    let (content_type, body): (_, FixedBody) = wire.body(errors);
    let mut fields = headers::to_reader(content_type, request_id);
    headers::set_length(&mut fields, body.len());
    fields.extend(wire.fields);
    let kind = if body_leaves { Kind::Fixed(body.into_bytes()) } else { Kind::Ended };
    response(wire.status, fields, kind)
}

fn response(status: StatusCode, fields: HeaderMap, kind: Kind) -> Response<ReaderBody> {
    let mut response = Response::new(ReaderBody::of(kind));
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

impl Body for ReaderBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        let data = match &mut this.kind {
            Kind::Ended => return Poll::Ready(None),
            Kind::Fixed(rest) => std::mem::take(rest),
            Kind::Whole { rest, .. } => rest.split_to(rest.len().min(PIECE_BYTES)),
            Kind::Stream(parts) => match ready!(parts.poll_recv(context)) {
                Some(StreamPart::Flush(opened)) => opened.into_bytes(),
                Some(StreamPart::End) => Bytes::new(),
                None => return Poll::Ready(Some(Err(Cut))),
            },
        };
        if let Some(visit) = &this.visit {
            visit.progress();
        }
        if data.is_empty() {
            this.kind = Kind::Ended;
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Ended => true,
            Kind::Fixed(rest) | Kind::Whole { rest, .. } => rest.is_empty(),
            Kind::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Ended => SizeHint::with_exact(0),
            Kind::Fixed(rest) | Kind::Whole { rest, .. } => {
                SizeHint::with_exact(u64::try_from(rest.len()).unwrap_or(u64::MAX))
            }
            Kind::Stream(_) => SizeHint::new(),
        }
    }
}
