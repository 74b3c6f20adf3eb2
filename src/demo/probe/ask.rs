//! Asks a deployment, as one of two readers or as nobody, and keeps every byte of the answer.

use crate::config::meant::Origin;
use crate::dial::{Dialer, Socket, Trust};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use std::time::Duration;

/// How long a deployment may take to connect, and to answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// Longest answer that is read, bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// The mother: `--as`.
    Mother,
    /// The daughter: `--control`.
    Daughter,
    /// Somebody without a token.
    Stranger,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) fields: Vec<(&'static str, &'static str)>,
    pub(super) body: String,
}

impl Ask {
    pub(super) fn get(target: impl Into<String>) -> Ask {
        Ask { method: "GET", target: target.into(), fields: Vec::new(), body: String::new() }
    }

    pub(super) fn by(mut self, method: &'static str) -> Ask {
        self.method = method;
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Ask {
        self.fields.push((name, value));
        self
    }

    /// A POST with a body of this type.
    pub(super) fn post(
        target: impl Into<String>,
        kind: &'static str,
        body: impl Into<String>,
    ) -> Ask {
        let ask = Ask::get(target).by("POST").with("content-type", kind);
        Ask { body: body.into(), ..ask }
    }

    /// As it is shown to people.
    pub(super) fn shown(&self) -> String {
        let fields: String =
            self.fields.iter().flat_map(|(name, value)| [" [", name, ": ", value, "]"]).collect();
        let space = if self.body.is_empty() { "" } else { " " };
        format!("{} {}{fields}{space}{}", self.method, self.target, self.body)
    }
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let named = self.fields.iter().find(|(own, _)| own == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null if it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A deployment and the tokens of those who ask it.
pub(super) struct Deployment {
    dialer: Dialer,
    mother: String,
    daughter: String,
}

impl Deployment {
    pub(super) fn new(
        origin: Origin,
        mother: String,
        daughter: String,
    ) -> Result<Deployment, String> {
        let dialer = Dialer::new(origin, &Trust::default(), CONNECT_TIMEOUT)?;
        Ok(Deployment { dialer, mother, daughter })
    }

    /// Asks on a connection of its own, so that no answer hangs on the one before.
    pub(super) async fn ask(&self, asker: Asker, ask: &Ask) -> io::Result<Answer> {
        let asking = self.ask_unbounded(asker, ask);
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "it did not answer in time");
        tokio::time::timeout(ANSWER_TIMEOUT, asking).await.map_err(late)?
    }

    async fn ask_unbounded(&self, asker: Asker, ask: &Ask) -> io::Result<Answer> {
        let mut sender = self.connect().await?;
        let mut request = Request::builder()
            .method(ask.method)
            .uri(&ask.target)
            .header(header::HOST, self.dialer.origin().authority());
        for (name, value) in &ask.fields {
            request = request.header(*name, *value);
        }
        let token = match asker {
            Asker::Mother => Some(&self.mother),
            Asker::Daughter => Some(&self.daughter),
            Asker::Stranger => None,
        };
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = Full::new(Bytes::from(ask.body.clone()));
        let request = request.body(body).map_err(io::Error::other)?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let status = response.status().as_u16();
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let fields = response.headers().iter();
        let fields =
            fields.map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        // An answer that was cut says as much as came of it.
        let body = body.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        Ok(Answer { status, fields, body })
    }

    async fn connect(&self) -> io::Result<SendRequest<Full<Bytes>>> {
        let socket: Socket = self.dialer.connect().await?;
        let (sender, connection) =
            handshake(TokioIo::new(socket)).await.map_err(io::Error::other)?;
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}
