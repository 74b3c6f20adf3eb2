//! Streams: the bounds of each record as chunks arrive, and what is put between those that stay.
//! No state across records: a stream is a whole body with a window of one record.

mod array;
mod extent;
mod frame;
mod lines;

pub(crate) use array::{ArrayStream, MemberKey, Window};
pub(crate) use lines::Lines;

use super::released::Refusal;
use super::shapes::written::Body;

/// What a streamed body is framed by.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    /// NDJSON.
    Lines(Lines),
    /// An array, or an object with arrays.
    Array(Box<ArrayStream>),
}

impl Stream {
    /// As a route declares.
    pub(crate) fn of(body: Body) -> Stream {
        match body {
            Body::Ndjson => Stream::Lines(Lines::default()),
            Body::Json | Body::Search | Body::Resource | Body::Bundle => {
                Stream::Array(Box::default())
            }
        }
    }
}

/// BOUNDED: `record`.
fn within(length: usize, record_bytes_max: usize) -> Result<(), Refusal> {
    if length > record_bytes_max { Err(Refusal::TooLong { limit: "record" }) } else { Ok(()) }
}
