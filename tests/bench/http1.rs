//! A bare HTTP/1.1 client: as little as reads an answer, so that the load costs little.

use super::bad;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Bytes of one read.
const READ_BYTES: usize = 256 * 1024;

/// Longest line that tells the size of a chunk, bytes.
const SIZE_LINE_BYTES_MAX: usize = 32;

/// Takes the body of an answer in pieces, without what frames it.
pub(crate) type Sink<'s> = &'s mut (dyn FnMut(&[u8]) + Send);

/// A connection in clear or over TLS.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for S {}

/// A connection that is kept.
pub(crate) struct Http1 {
    socket: Box<dyn Socket>,
    received: Vec<u8>,
}

impl Http1 {
    pub(crate) fn new(socket: Box<dyn Socket>) -> Http1 {
        Http1 { socket, received: Vec::with_capacity(READ_BYTES) }
    }

    /// Sends a request and nothing more.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.socket.write_all(request).await?;
        self.socket.flush().await
    }

    /// Reads a little of whatever comes and forgets it.
    pub(crate) async fn sip(&mut self, bytes: usize) -> io::Result<usize> {
        let mut some = vec![0; bytes];
        self.socket.read(&mut some).await
    }

    /// Sends a request and reads the answer to its end; an answer other than 200 is an error.
    pub(crate) async fn ask(&mut self, request: &[u8], sink: Sink<'_>) -> io::Result<()> {
        self.send(request).await?;
        self.received.clear();
        let end = loop {
            if let Some(at) = memchr::memmem::find(&self.received, b"\r\n\r\n") {
                break at.saturating_add(4);
            }
            self.more().await?;
        };
        let frame = frame(self.received.get(..end).unwrap_or_default())?;
        self.received.drain(..end);
        match frame {
            Frame::Length(length) => self.length(length, sink).await,
            Frame::Chunks => self.chunks(sink).await,
        }
    }

    async fn length(&mut self, length: usize, sink: Sink<'_>) -> io::Result<()> {
        let mut left = length;
        loop {
            left = left.checked_sub(self.received.len()).ok_or(bad("more than its length"))?;
            sink(&self.received);
            self.received.clear();
            if left == 0 {
                return Ok(());
            }
            self.more().await?;
        }
    }

    async fn chunks(&mut self, sink: Sink<'_>) -> io::Result<()> {
        loop {
            let size = self.size_line().await?;
            // With the line end behind it.
            let mut left = size.saturating_add(2);
            while left > 0 {
                if self.received.is_empty() {
                    self.more().await?;
                }
                let piece = left.min(self.received.len());
                let of_body = piece.min(left.saturating_sub(2));
                sink(self.received.get(..of_body).unwrap_or_default());
                self.received.drain(..piece);
                left = left.saturating_sub(piece);
            }
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn size_line(&mut self) -> io::Result<usize> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.received, b"\r\n") {
                let line = std::str::from_utf8(self.received.get(..end).unwrap_or_default());
                let size = usize::from_str_radix(line.map_err(bad)?, 16).map_err(bad)?;
                self.received.drain(..end.saturating_add(2));
                return Ok(size);
            }
            if self.received.len() > SIZE_LINE_BYTES_MAX {
                return Err(bad("a chunk without a size"));
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.socket.read_buf(&mut self.received).await? == 0 {
            return Err(bad("the connection was closed before the end of an answer"));
        }
        Ok(())
    }
}

/// How long a body is.
enum Frame {
    Length(usize),
    Chunks,
}

fn frame(head: &[u8]) -> io::Result<Frame> {
    let head = std::str::from_utf8(head).map_err(bad)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if status.split(' ').nth(1) != Some("200") {
        return Err(bad(format!("an answer that is no 200: `{status}`")));
    }
    for line in lines {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            return value.trim().parse().map(Frame::Length).map_err(bad);
        }
        if name.eq_ignore_ascii_case("transfer-encoding") && value.trim() == "chunked" {
            return Ok(Frame::Chunks);
        }
    }
    Err(bad("an answer without a length"))
}
