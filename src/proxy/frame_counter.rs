//! Stands between a socket and HTTP/2 and counts the frames that cost their sender nothing.
//!
//! A SETTINGS or PING frame is answered, a PRIORITY or `WINDOW_UPDATE` frame is worked on, and no
//! limit of hyper's holds how many: a connection that sends them in floods is closed here. What
//! resets, headers and empty data in floods do is hyper's to end (BYPASSES S14 to S18).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// The window in which frames are counted.
const WINDOW: Duration = Duration::from_secs(10);

/// Most frames a window that make us answer or change how we work: SETTINGS, PING, PRIORITY,
/// GOAWAY, and those of no known type. A client sends a handful.
const ASKING_MAX: u32 = 100;

/// Most frames a window that are cheap, and that a busy client sends many of: `WINDOW_UPDATE`,
/// `RST_STREAM`, HEADERS, CONTINUATION, DATA.
const BUSY_MAX: u32 = 20_000;

/// What a client's side of a connection begins with, bytes.
const PREFACE_BYTES: u64 = 24;

const FRAME_HEAD_BYTES: usize = 9;

/// Reads HTTP/2, counted.
#[derive(Debug)]
pub(super) struct FrameCounter<S> {
    socket: S,
    /// Bytes before the next frame's head.
    skip: u64,
    head: [u8; FRAME_HEAD_BYTES],
    head_filled: usize,
    window_began: Instant,
    asking: u32,
    busy: u32,
}

impl<S> FrameCounter<S> {
    pub(super) fn new(socket: S) -> FrameCounter<S> {
        FrameCounter {
            socket,
            skip: PREFACE_BYTES,
            head: [0; FRAME_HEAD_BYTES],
            head_filled: 0,
            window_began: Instant::now(),
            asking: 0,
            busy: 0,
        }
    }

    /// Counts the frames of these bytes; whether they are too many.
    fn count(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let here = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
                self.skip = self.skip.saturating_sub(u64::try_from(here).unwrap_or(u64::MAX));
                bytes = bytes.get(here..).unwrap_or_default();
                continue;
            }
            let room = self.head.get_mut(self.head_filled..).unwrap_or_default();
            let here = room.len().min(bytes.len());
            let (now, rest) = bytes.split_at_checked(here).unwrap_or((bytes, &[]));
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.head_filled = self.head_filled.saturating_add(here);
            bytes = rest;
            if self.head_filled == FRAME_HEAD_BYTES {
                self.head_filled = 0;
                let [a, b, c, kind, ..] = self.head;
                self.skip = u64::from(u32::from_be_bytes([0, a, b, c]));
                if self.is_too_many(kind) {
                    return true;
                }
            }
        }
        false
    }

    fn is_too_many(&mut self, kind: u8) -> bool {
        if self.window_began.elapsed() >= WINDOW {
            self.window_began = Instant::now();
            (self.asking, self.busy) = (0, 0);
        }
        // DATA, HEADERS, RST_STREAM, WINDOW_UPDATE, CONTINUATION.
        if matches!(kind, 0 | 1 | 3 | 8 | 9) {
            self.busy = self.busy.saturating_add(1);
        } else {
            self.asking = self.asking.saturating_add(1);
        }
        self.asking > ASKING_MAX || self.busy > BUSY_MAX
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameCounter<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.socket).poll_read(context, buffer))?;
        if this.count(buffer.filled().get(before..).unwrap_or_default()) {
            return Poll::Ready(Err(io::Error::other("a flood of frames")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameCounter<S> {
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
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
