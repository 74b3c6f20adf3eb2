//! Stands between a socket and hyper and hands on only requests whose head is well-formed.
//!
//! A head is held back until its empty line has come and has been checked. One that is refused
//! is replaced by a stand-in that clients cannot send, so that the answer is ours and the same
//! as every other 400, and nothing after it on the connection is read as a request.

use super::head_check::{self, Framing, HEAD_BYTES_MAX};
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::io::poll_read_buf;

/// The method of a stand-in; the head check lets no client send it.
pub(super) const STAND_IN_METHOD: &str = "MALFORMED";

const STAND_IN: &[u8] = b"MALFORMED / HTTP/1.1\r\nhost: malformed\r\nconnection: close\r\n\r\n";

/// How much is asked of the socket at once: a head, and little more.
const READ_BYTES: usize = 4 * 1024;

/// With less room than this more is made.
const READ_BYTES_MIN: usize = 1024;

/// Longest line that gives the size of a chunk: eight hex digits and CRLF.
const CHUNK_LINE_BYTES_MAX: usize = 10;

/// After a refusal the rest of what the client sends is read and dropped for so long and so
/// much, since a socket closed with unread bytes resets, and the client never sees the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 256 * 1024;

/// Reads requests, checked.
#[derive(Debug)]
pub(super) struct HeadReader<S> {
    socket: S,
    /// Read from the socket and not yet judged.
    unread: BytesMut,
    /// Judged, and not yet taken by hyper.
    passed: Bytes,
    state: State,
    /// How much of `unread` holds no end of a head.
    scanned: usize,
    linger: Option<Pin<Box<Sleep>>>,
    lingered_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Body {
        left: u64,
    },
    ChunkSize,
    ChunkData {
        left: u64,
    },
    ChunkEnd,
    LastChunkEnd,
    /// Nothing more is read as a request. After a bad body hyper sees the end of its input;
    /// after a stand-in it does not, since that would end the answer to the stand-in as well.
    Refused {
        at_end: bool,
    },
}

impl<S> HeadReader<S> {
    pub(super) fn new(socket: S) -> HeadReader<S> {
        HeadReader {
            socket,
            unread: BytesMut::new(),
            passed: Bytes::new(),
            state: State::Head,
            scanned: 0,
            linger: None,
            lingered_bytes: 0,
        }
    }

    /// Judges what can be judged; whether anything was passed.
    fn judge(&mut self) -> bool {
        let step = match self.state {
            State::Head => self.head(),
            State::Body { left } => Ok(self.data(left, |left| match left {
                0 => State::Head,
                left => State::Body { left },
            })),
            State::ChunkSize => self.chunk_size(),
            State::ChunkData { left } => Ok(self.data(left, |left| match left {
                0 => State::ChunkEnd,
                left => State::ChunkData { left },
            })),
            State::ChunkEnd => self.line_end(State::ChunkSize),
            State::LastChunkEnd => self.line_end(State::Head),
            State::Refused { .. } => Ok(None),
        };
        match step {
            Ok(Some(passed)) => {
                self.passed = passed;
                true
            }
            Ok(None) => false,
            Err(in_head) => {
                self.state = State::Refused { at_end: !in_head };
                self.unread.clear();
                self.passed = if in_head { Bytes::from_static(STAND_IN) } else { Bytes::new() };
                in_head
            }
        }
    }

    /// A whole head, if it has come. `Err(true)`: refused.
    fn head(&mut self) -> Result<Option<Bytes>, bool> {
        let window = self.unread.get(..HEAD_BYTES_MAX).unwrap_or(&self.unread);
        let unscanned = window.get(self.scanned..).unwrap_or_default();
        for line_feed in memchr::memchr_iter(b'\n', unscanned) {
            let end = self.scanned.saturating_add(line_feed).saturating_add(1);
            let so_far = window.get(..end).unwrap_or_default();
            // A bare LF, which some take for a line end, is refused as soon as it is seen.
            if !so_far.ends_with(b"\r\n") {
                return Err(true);
            }
            if so_far.ends_with(b"\r\n\r\n") {
                let head = self.unread.split_to(end).freeze();
                self.scanned = 0;
                self.state = match head_check::check(&head).map_err(|_| true)? {
                    Framing::None => State::Head,
                    Framing::Length(left) => State::Body { left },
                    Framing::Chunked => State::ChunkSize,
                };
                return Ok(Some(head));
            }
        }
        self.scanned = window.len();
        if self.unread.len() >= HEAD_BYTES_MAX { Err(true) } else { Ok(None) }
    }

    fn data(&mut self, left: u64, then: fn(u64) -> State) -> Option<Bytes> {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(self.unread.len());
        if here == 0 {
            return None;
        }
        self.state = then(left.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX)));
        Some(self.unread.split_to(here).freeze())
    }

    /// `1A2B` CRLF and no extension.
    fn chunk_size(&mut self) -> Result<Option<Bytes>, bool> {
        let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') else {
            return if self.unread.len() >= CHUNK_LINE_BYTES_MAX { Err(false) } else { Ok(None) };
        };
        let line = self.unread.split_to(end.saturating_add(1)).freeze();
        let digits = line.strip_suffix(b"\r\n").ok_or(false)?;
        if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(false);
        }
        let text = std::str::from_utf8(digits).map_err(|_| false)?;
        let left = u64::from_str_radix(text, 16).map_err(|_| false)?;
        self.state = if left == 0 { State::LastChunkEnd } else { State::ChunkData { left } };
        Ok(Some(line))
    }

    /// CRLF; after the last chunk too, so no trailers.
    fn line_end(&mut self, then: State) -> Result<Option<Bytes>, bool> {
        if self.unread.len() < 2 {
            return Ok(None);
        }
        let end = self.unread.split_to(2).freeze();
        if end != b"\r\n"[..] {
            return Err(false);
        }
        self.state = then;
        Ok(Some(end))
    }
}

impl<S: AsyncRead + Unpin> HeadReader<S> {
    /// Reads more from the socket; the number of bytes, 0 at its end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.unread.capacity().saturating_sub(self.unread.len());
        if room < READ_BYTES_MIN {
            self.unread.reserve(READ_BYTES);
        }
        poll_read_buf(Pin::new(&mut self.socket), context, &mut self.unread)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadReader<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.passed.is_empty() {
                let here = this.passed.len().min(buffer.remaining());
                buffer.put_slice(this.passed.get(..here).unwrap_or_default());
                this.passed.advance(here);
                return Poll::Ready(Ok(()));
            }
            if this.judge() {
                continue;
            }
            if let State::Refused { at_end } = this.state {
                // hyper is woken by the answer to the stand-in, after which it closes.
                return if at_end { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            if ready!(this.poll_fill(context))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadReader<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().socket).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.socket).poll_shutdown(context))?;
        if !matches!(this.state, State::Refused { .. }) {
            return Poll::Ready(Ok(()));
        }
        let until = this
            .linger
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + LINGER)));
        if until.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        while let Ok(read) = ready!(this.poll_fill(context)) {
            this.unread.clear();
            this.lingered_bytes = this.lingered_bytes.saturating_add(read);
            if read == 0 || this.lingered_bytes > LINGER_BYTES_MAX {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
