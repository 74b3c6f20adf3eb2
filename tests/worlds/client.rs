//! A reader's connection: one request after the other, and every byte that comes back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// In the order they came, as they were written.
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body ended as its framing says.
    pub whole: bool,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        let named = self.fields.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }
}

/// A connection that is kept, and made anew when it has ended.
pub struct Client {
    address: SocketAddr,
    socket: Option<TcpStream>,
    since: Instant,
    read: Vec<u8>,
    /// Every byte of the last answer.
    pub raw: Vec<u8>,
    /// Whether the upstream breaks: a stream may then be cut before its head has left.
    pub may_be_cut: bool,
}

impl Client {
    pub fn new(address: SocketAddr) -> Client {
        let (read, raw) = (Vec::new(), Vec::new());
        Client { address, socket: None, since: Instant::now(), read, raw, may_be_cut: false }
    }

    /// Ends a connection before the proxy does: that says so in an answer, and the two worlds'
    /// connections are not of the same age to the second.
    pub fn begin(&mut self) {
        if self.since.elapsed() > Duration::from_mins(5) {
            self.socket = None;
        }
    }

    pub async fn ask(&mut self, sent: &[u8], head: bool) -> Answer {
        self.raw.clear();
        loop {
            let fresh = self.socket.is_none();
            if fresh {
                let socket = TcpStream::connect(self.address).await.unwrap();
                socket.set_nodelay(true).unwrap();
                self.socket = Some(socket);
                self.since = Instant::now();
                self.read.clear();
            }
            let socket = self.socket.as_mut().unwrap();
            // A connection that was closed meanwhile is made anew, once.
            if socket.write_all(sent).await.is_ok()
                && let Some(answer) = self.answer(head).await
            {
                let ends = answer.field("connection").is_some_and(|value| value == "close");
                if ends || !answer.whole {
                    self.socket = None;
                }
                return answer;
            }
            self.socket = None;
            if fresh {
                assert!(self.may_be_cut, "no answer at all");
                return Answer { status: 0, fields: Vec::new(), body: Vec::new(), whole: false };
            }
        }
    }

    /// More bytes; whether there were any.
    async fn more(&mut self) -> bool {
        let mut buffer = vec![0; 16 * 1024];
        let read = self.socket.as_mut().unwrap().read(&mut buffer).await.unwrap_or(0);
        self.read.extend_from_slice(&buffer[..read]);
        self.raw.extend_from_slice(&buffer[..read]);
        read > 0
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.read.split_off(count);
        std::mem::replace(&mut self.read, rest)
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\r\n") {
                let line = self.take(end + 2);
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn exactly(&mut self, count: usize) -> (Vec<u8>, bool) {
        while self.read.len() < count {
            if !self.more().await {
                return (std::mem::take(&mut self.read), false);
            }
        }
        (self.take(count), true)
    }

    async fn answer(&mut self, head: bool) -> Option<Answer> {
        let status_line = self.line().await?;
        let status = status_line.split(' ').nth(1)?.parse().ok()?;
        let mut fields = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(": ")?;
            fields.push((name.to_owned(), value.to_owned()));
        }
        let mut answer = Answer { status, fields, body: Vec::new(), whole: true };
        if head {
            return Some(answer);
        }
        if answer.field("transfer-encoding").is_some() {
            (answer.body, answer.whole) = self.chunks().await;
        } else {
            let length = answer.field("content-length").and_then(|length| length.parse().ok());
            (answer.body, answer.whole) = self.exactly(length.unwrap_or(0)).await;
        }
        Some(answer)
    }

    async fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(size) = self.line().await else { return (body, false) };
            let size = usize::from_str_radix(&size, 16).unwrap();
            let (chunk, whole) = self.exactly(size).await;
            body.extend_from_slice(&chunk);
            if !whole || self.line().await.is_none() {
                return (body, false);
            }
            if size == 0 {
                return (body, true);
            }
        }
    }
}
