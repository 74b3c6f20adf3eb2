//! S13 to S18: HTTP/2, frame by frame.

use super::{CLAIMS, Deployment, MOTHER, Upstream, claims, good, harmless};
use crate::proxy::tls::{Pki, connect, connector, deployment, pki};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(SETTINGS, 0, 0, b"")].concat()
}

/// A length of HPACK in seven bits and what follows.
fn length(of: usize, out: &mut Vec<u8>) {
    if of < 127 {
        out.push(u8::try_from(of).unwrap());
        return;
    }
    out.push(127);
    let mut rest = of - 127;
    while rest >= 128 {
        out.push(u8::try_from(rest % 128).unwrap() | 128);
        rest /= 128;
    }
    out.push(u8::try_from(rest).unwrap());
}

/// Fields as HPACK literals, as they are.
fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        length(name.len(), &mut out);
        out.extend_from_slice(name);
        length(value.len(), &mut out);
        out.extend_from_slice(value);
    }
    out
}

/// A deployment that speaks HTTP/2, and its upstream.
struct Stand {
    upstream: Upstream,
    server: Pki,
    proxy: Deployment,
}

impl Stand {
    async fn new() -> Stand {
        let body = claims(&[harmless()]);
        let upstream = Upstream::scripted(good("application/json", &body)).await;
        let server = pki();
        let proxy = deployment(&upstream.url(), &server, None).await;
        Stand { upstream, server, proxy }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let connector = connector(&self.server, None, &[b"h2"]);
        let mut socket = connect(self.proxy.address, connector).await.unwrap();
        socket.write_all(&preface()).await.unwrap();
        socket
    }

    fn token(&self) -> String {
        let token = self.proxy.files.token(MOTHER);
        token.strip_prefix("Authorization: ").unwrap().to_owned()
    }

    /// The mother's request for her claims, with more fields; of these some may take another's place.
    fn request(&self, odd: &[(&[u8], &[u8])]) -> Vec<u8> {
        let token = self.token();
        let mut fields: Vec<(&[u8], &[u8])> = vec![
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":path", CLAIMS.as_bytes()),
            (b":authority", b"localhost"),
            (b"authorization", token.as_bytes()),
        ];
        for (name, value) in odd {
            match fields.iter_mut().find(|(same, _)| same == name) {
                Some(field) if name.starts_with(b":") => field.1 = value,
                _ => fields.push((name, value)),
            }
        }
        block(&fields)
    }

    /// The kind and payload of the first frame that answers the request on stream 1.
    async fn answer(&self, frames: &[u8]) -> (u8, Vec<u8>) {
        let mut socket = self.connect().await;
        socket.write_all(frames).await.unwrap();
        socket.flush().await.unwrap();
        let reading = async {
            loop {
                let mut head = [0; 9];
                if socket.read_exact(&mut head).await.is_err() {
                    return (GOAWAY, Vec::new());
                }
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut payload = vec![0; usize::try_from(length).unwrap()];
                socket.read_exact(&mut payload).await.unwrap();
                if [HEADERS, RST_STREAM, GOAWAY].contains(&head[3]) {
                    return (head[3], payload);
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reading).await.unwrap()
    }

    /// The proxy ends a connection on which these frames come, one after the other, soon.
    async fn ends(&self, first: &[u8], mut flood: impl FnMut(u32) -> Vec<u8>, count: u32) {
        let (mut reading, mut writing) = tokio::io::split(self.connect().await);
        writing.write_all(first).await.unwrap();
        let mut sent = Vec::new();
        for number in 0..count {
            sent.extend(flood(number));
        }
        let writer = tokio::spawn(async move {
            // The proxy may close before all has come.
            for part in sent.chunks(16 * 1024) {
                if writing.write_all(part).await.is_err() || writing.flush().await.is_err() {
                    break;
                }
            }
            writing
        });
        let mut read = Vec::new();
        let reading = reading.read_to_end(&mut read);
        let ended = tokio::time::timeout(Duration::from_secs(8), reading).await;
        assert!(ended.is_ok(), "open after {} bytes of answers", read.len());
        writer.abort();
        // Others are served all the same.
        let request = frame(HEADERS, END_STREAM | END_HEADERS, 1, &self.request(&[]));
        let (kind, payload) = self.answer(&request).await;
        assert_eq!((kind, payload[0]), (HEADERS, 0x88), "a 200");
    }
}

#[tokio::test]
async fn bypass_S13_fields_that_would_be_something_else_in_http_1() {
    let stand = Stand::new().await;
    let send =
        |odd: &[(&[u8], &[u8])]| frame(HEADERS, END_STREAM | END_HEADERS, 1, &stand.request(odd));
    let crlf = b"/a HTTP/1.1\r\nHost: evil\r\n\r\nGET /b";
    let mut all: Vec<Vec<u8>> = Vec::new();
    for odd in [
        (&b"x"[..], &b"a\r\nevil: b"[..]),
        (b"x", b"a\0b"),
        (b"x\r\nevil", b"a"),
        (b"x y", b"a"),
        (b"x:y", b"a"),
        (b"X-Upper", b"a"),
        (b"", b"a"),
        (b":path", crlf),
        (b":path", b"/a b"),
        (b":path", b"*"),
        (b":path", b""),
        (b":path", b"api/v1"),
        (b":method", b"GET /evil"),
        (b":method", b""),
        (b":scheme", b"javascript"),
        (b":authority", b"a@b"),
        (b":authority", b"a b"),
        (b":evil", b"a"),
        (b":status", b"200"),
        (b"te", b"chunked"),
        (b"connection", b"close"),
        (b"transfer-encoding", b"chunked"),
        (b"upgrade", b"h2c"),
        (b"keep-alive", b"1"),
        (b"host", b"evil.example"),
        (b"content-length", b"5"),
    ] {
        all.push(send(&[odd]));
    }
    let token = stand.token();
    for twice in [&b":path"[..], b":method", b":authority", b":scheme"] {
        let mut fields: Vec<(&[u8], &[u8])> = vec![
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":path", CLAIMS.as_bytes()),
            (b":authority", b"localhost"),
        ];
        let again = fields.iter().find(|(name, _)| *name == twice).copied().unwrap();
        fields.push(again);
        fields.push((b"authorization", token.as_bytes()));
        all.push(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block(&fields)));
    }
    let late = [block(&[(b"authorization", token.as_bytes())]), stand.request(&[])].concat();
    all.push(frame(HEADERS, END_STREAM | END_HEADERS, 1, &late));
    for frames in all {
        let (kind, payload) = stand.answer(&frames).await;
        // Indexed field 12 of HPACK is `:status: 400`.
        let is_400 = kind == HEADERS && payload.first() == Some(&0x8c);
        let told = String::from_utf8_lossy(&frames).into_owned();
        assert!(is_400 || [RST_STREAM, GOAWAY].contains(&kind), "{kind} {payload:?} {told}");
    }
    assert_eq!(stand.upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn bypass_S14_rapid_reset() {
    let stand = Stand::new().await;
    let request = stand.request(&[]);
    let reset = |number: u32| {
        let stream = number * 2 + 1;
        let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, &request);
        [open, frame(RST_STREAM, 0, stream, &8u32.to_be_bytes())].concat()
    };
    stand.ends(b"", reset, 3000).await;
    assert!(stand.upstream.requests().len() < 300, "{}", stand.upstream.requests().len());
}

#[tokio::test]
async fn bypass_S15_streams_that_we_are_made_to_reset() {
    let stand = Stand::new().await;
    let request = stand.request(&[]);
    let made_to = |number: u32| {
        let stream = number * 2 + 1;
        let open = frame(HEADERS, END_STREAM | END_HEADERS, stream, &request);
        [open, frame(WINDOW_UPDATE, 0, stream, &0u32.to_be_bytes())].concat()
    };
    stand.ends(b"", made_to, 3000).await;
    assert!(stand.upstream.requests().len() < 300, "{}", stand.upstream.requests().len());
}

#[tokio::test]
async fn bypass_S16_floods_of_continuation() {
    let stand = Stand::new().await;
    let open = frame(HEADERS, END_STREAM, 1, &stand.request(&[]));
    stand.ends(&open, |_| frame(CONTINUATION, 0, 1, b""), 50_000).await;
    let field = block(&[(b"x", b"y")]);
    stand.ends(&open, |_| frame(CONTINUATION, 0, 1, &field), 50_000).await;
    let long = block(&[(b"x", &[b'y'; 8000])]);
    stand.ends(&open, |_| frame(CONTINUATION, 0, 1, &long), 200).await;
}

#[tokio::test]
async fn bypass_S17_floods_of_empty_data() {
    let stand = Stand::new().await;
    let open = frame(HEADERS, END_HEADERS, 1, &stand.request(&[(b":method", b"POST")]));
    stand.ends(&open, |_| frame(DATA, 0, 1, b""), 50_000).await;
    let padded = 8; // PADDED, and nothing but padding.
    stand.ends(&open, |_| frame(DATA, padded, 1, &[1, 0]), 50_000).await;
}

#[tokio::test]
async fn bypass_S18_floods_of_settings_and_ping() {
    let stand = Stand::new().await;
    stand.ends(b"", |_| frame(SETTINGS, 0, 0, b""), 5000).await;
    stand.ends(b"", |_| frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]), 5000).await;
    stand.ends(b"", |number| frame(PING, 0, 0, &u64::from(number).to_be_bytes()), 5000).await;
    stand.ends(b"", |number| frame(PRIORITY, 0, number * 2 + 1, &[0, 0, 0, 0, 1]), 5000).await;
    stand.ends(b"", |_| frame(WINDOW_UPDATE, 0, 0, &1u32.to_be_bytes()), 50_000).await;
    stand.ends(b"", |_| frame(0x20, 0, 0, b"x"), 5000).await;
    // Its bytes come in any pieces.
    let mut socket = stand.connect().await;
    let pings = frame(PING, 0, 0, &[0; 8]).repeat(200);
    for piece in pings.chunks(7) {
        if socket.write_all(piece).await.is_err() || socket.flush().await.is_err() {
            break;
        }
    }
    let reading = async { socket.read_to_end(&mut Vec::new()).await.ok() };
    tokio::time::timeout(Duration::from_secs(8), reading).await.unwrap();
}
