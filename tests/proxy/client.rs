//! A reader's client that shows every byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By name in lower case; fields that are there twice are joined by `|`.
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) body: String,
    /// Whether the body ended as its framing says.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    /// All but what differs between any two answers.
    pub(crate) fn comparable(&self) -> Answer {
        let mut same = self.clone();
        same.fields.remove("date");
        same.fields.remove("x-request-id");
        same
    }
}

/// Sends these bytes and reads the answer until the connection ends.
pub(crate) async fn exchange(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(address).await.unwrap();
    exchange_on(&mut socket, sent).await
}

pub(crate) async fn exchange_on<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    sent: &[u8],
) -> Vec<u8> {
    socket.write_all(sent).await.unwrap();
    let mut read = Vec::new();
    // A connection that is cut is an answer too.
    socket.read_to_end(&mut read).await.ok();
    read
}

/// One request on a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request_line: &str, fields: &[&str]) -> Answer {
    parse(&exchange(address, &request(request_line, fields, "")).await)
}

pub(crate) fn request(request_line: &str, fields: &[&str], body: &str) -> Vec<u8> {
    let mut text = format!("{request_line} HTTP/1.1\r\nHost: members.example\r\n");
    for field in fields {
        text.push_str(field);
        text.push_str("\r\n");
    }
    text.push_str("Connection: close\r\n\r\n");
    text.push_str(body);
    text.into_bytes()
}

/// Takes one answer apart.
pub(crate) fn parse(read: &[u8]) -> Answer {
    let text = String::from_utf8(read.to_vec()).unwrap();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { panic!("no answer: {text:?}") };
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap();
    let status = status_line.split(' ').nth(1).unwrap().parse().unwrap();
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let field = fields.entry(name.to_ascii_lowercase()).or_default();
        if !field.is_empty() {
            field.push('|');
        }
        field.push_str(value);
    }
    let (body, whole) = if fields.contains_key("transfer-encoding") {
        dechunk(body)
    } else {
        let length = fields.get("content-length").map(|length| length.parse::<usize>().unwrap());
        (body.to_owned(), length == Some(body.len()))
    };
    Answer { status, fields, body, whole }
}

fn dechunk(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    loop {
        let Some((size, after)) = rest.split_once("\r\n") else { return (body, false) };
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (body, after == "\r\n");
        }
        let Some((data, end)) = after.split_at_checked(size) else {
            body.push_str(after);
            return (body, false);
        };
        body.push_str(data);
        let Some(next) = end.strip_prefix("\r\n") else { return (body, false) };
        rest = next;
    }
}
