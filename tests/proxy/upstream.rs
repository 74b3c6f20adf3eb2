//! Upstreams of every kind: each answers by a script, byte by byte.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What an upstream does with a connection after it has read a request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Waits for the next request on the same connection, which begins the script again.
    Again,
    Close,
    Reset,
    Hang,
}

/// An upstream at work.
pub(crate) struct Upstream {
    pub(crate) port: u16,
    /// Every request as it came, head and body.
    pub(crate) requests: Arc<Mutex<Vec<String>>>,
    /// Connections accepted.
    pub(crate) connections: Arc<Mutex<usize>>,
}

impl Upstream {
    /// Answers every request by the same script.
    pub(crate) async fn scripted(script: Vec<Step>) -> Upstream {
        Upstream::answering(move |_| script.clone()).await
    }

    /// Answers each request as this says.
    pub(crate) async fn answering(
        script: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static,
    ) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let upstream = Upstream {
            port,
            requests: Arc::clone(&requests),
            connections: Arc::clone(&connections),
        };
        let script = Arc::new(script);
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                *connections.lock().unwrap() += 1;
                let (script, requests) = (Arc::clone(&script), Arc::clone(&requests));
                tokio::spawn(async move { converse(socket, &*script, &requests).await.ok() });
            }
        });
        upstream
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn converse(
    mut socket: TcpStream,
    script: &(dyn Fn(&str) -> Vec<Step> + Send + Sync),
    requests: &Mutex<Vec<String>>,
) -> io::Result<()> {
    'request: loop {
        let request = read_request(&mut socket).await?;
        requests.lock().unwrap().push(request.clone());
        for step in script(&request) {
            match step {
                Step::Send(bytes) => socket.write_all(&bytes).await?,
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Again => continue 'request,
                Step::Close => return socket.shutdown().await,
                Step::Reset => {
                    socket.set_zero_linger()?;
                    return Ok(());
                }
                Step::Hang => std::future::pending().await,
            }
        }
        return Ok(());
    }
}

async fn read_request(socket: &mut TcpStream) -> io::Result<String> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(text);
            }
        }
        if socket.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// A head and a body, as an upstream should.
pub(crate) fn good(content_type: &str, body: &str) -> Vec<Step> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n");
    let length = body.len();
    vec![Step::Send(format!("{head}Content-Length: {length}\r\n\r\n{body}").into()), Step::Again]
}

/// Raw text, then the end of the connection.
pub(crate) fn raw(text: &str) -> Vec<Step> {
    vec![Step::Send(text.replace('\n', "\r\n").into()), Step::Close]
}

/// A head of these lines before this body, then the end of the connection.
pub(crate) fn headed(head: &str, body: &[u8]) -> Vec<Step> {
    let mut bytes = format!("{}\r\n\r\n", head.replace('\n', "\r\n")).into_bytes();
    bytes.extend_from_slice(body);
    vec![Step::Send(bytes), Step::Close]
}
