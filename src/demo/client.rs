//! A reader's side: requests over a real socket, one connection for each reader.

use super::family::Who;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// One request of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Path and query.
    pub(super) target: String,
    /// The form of a search by POST.
    pub(super) form: Option<String>,
}

impl Ask {
    /// A GET.
    pub(super) fn get(target: impl Into<String>) -> Ask {
        Ask { target: target.into(), form: None }
    }

    /// A search by POST.
    pub(super) fn post(target: impl Into<String>, form: impl Into<String>) -> Ask {
        Ask { target: target.into(), form: Some(form.into()) }
    }

    /// As it is shown to people.
    pub(super) fn shown(&self) -> String {
        match &self.form {
            None => format!("GET {}", self.target),
            Some(form) => format!("POST {} {form}", self.target),
        }
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) reader: Who,
    pub(super) ask: Ask,
    pub(super) status: u16,
    /// Names and values, in order, without the request's number.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Heard {
    /// The request for the next page, if the answer tells of one. `proxy` is where it was asked.
    pub(super) fn next(&self, proxy: &str) -> Option<Ask> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let links = body.get("link").and_then(Value::as_array);
        let is_next = |link: &&Value| link.get("relation").is_some_and(|is| is == "next");
        if let Some(link) = links.and_then(|links| links.iter().find(is_next)) {
            let target = link.get("url")?.as_str()?.strip_prefix(&format!("http://{proxy}"))?;
            return Some(Ask::get(target));
        }
        let cursor = body.pointer("/page/next")?.as_str()?;
        let (path, query) = self.ask.target.split_once('?').unwrap_or((&self.ask.target, ""));
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let kept: String = kept.flat_map(|pair| ["&", pair]).collect();
        Some(Ask::get(format!("{path}?cursor={cursor}{kept}")))
    }

    /// The body without our cursors, which are any letters.
    pub(super) fn without_cursors(&self) -> Vec<u8> {
        let body = String::from_utf8_lossy(&self.body);
        let mut kept = String::with_capacity(body.len());
        let mut rest = &*body;
        for start in ["_cursor=", "\"page\":{\"next\":\""] {
            if let Some((before, after)) = rest.split_once(start) {
                kept.push_str(before);
                rest = after.split_once('"').map_or("", |(_, behind)| behind);
            }
        }
        kept.push_str(rest);
        kept.into_bytes()
    }
}

/// The connection of one reader.
#[derive(Debug)]
pub(super) struct Client {
    reader: Who,
    token: String,
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    /// Connects to the proxy.
    pub(super) async fn connect(
        proxy: SocketAddr,
        reader: Who,
        token: String,
    ) -> io::Result<Client> {
        let socket = TcpStream::connect(proxy).await?;
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(Client { reader, token, host: proxy.to_string(), sender })
    }

    /// Asks and waits for the end of the answer. One that is cut short is an error.
    pub(super) async fn ask(&mut self, ask: &Ask) -> io::Result<Heard> {
        let mut request = Request::builder()
            .uri(&ask.target)
            .method(if ask.form.is_some() { "POST" } else { "GET" })
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if ask.form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(Bytes::from(ask.form.clone().unwrap_or_default()));
        let request = request.body(body).map_err(io::Error::other)?;
        self.sender.ready().await.map_err(io::Error::other)?;
        let response = self.sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let headers = response.headers().iter().filter(|(name, _)| *name != "x-request-id");
        let headers = headers
            .map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = response.into_body().collect().await.map_err(io::Error::other)?;
        let body = body.to_bytes().to_vec();
        Ok(Heard { reader: self.reader, ask: ask.clone(), status, headers, body })
    }
}
