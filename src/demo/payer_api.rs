//! The payer's API: FHIR R4 under `/fhir`, the portal's JSON under `/api/v1`, on loopback.
//!
//! It knows no family model: whoever shows a bearer token gets what they ask for. Most of what
//! stands between a mother and her daughter's records in real life is a portal that asks nicely.

mod fhir;
mod house;

use super::world::World;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Longest form of a search by POST, bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Most records on a page, whatever is asked for: pages end in the middle of everything.
const PAGE_RECORDS_MAX: usize = 20;

/// An answer of the payer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: String,
}

impl Answer {
    fn json(content_type: &'static str, body: &Value) -> Answer {
        Answer { status: StatusCode::OK, content_type, body: body.to_string() }
    }

    fn not_found() -> Answer {
        let body = json!({"error": "no such thing"}).to_string();
        Answer { status: StatusCode::NOT_FOUND, content_type: "application/json", body }
    }
}

/// What is asked for: path and parameters, decoded.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Without the first slash, split at slashes.
    segments: Vec<String>,
    parameters: Vec<(String, String)>,
    /// The address by which we were asked.
    base: String,
    /// Most records on a page, whatever is asked for.
    page_records_max: usize,
}

impl Asked {
    /// Reads a target and, for a search by POST, a form.
    pub(super) fn read(target: &str, form: &str, host: &str) -> Asked {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path.split('/').skip(1).map(|segment| decode(segment, false)).collect();
        let pairs = query.split('&').chain(form.split('&')).filter_map(|pair| pair.split_once('='));
        let parameters =
            pairs.map(|(name, value)| (decode(name, true), decode(value, true))).collect();
        let base = format!("http://{host}");
        Asked { segments, parameters, base, page_records_max: PAGE_RECORDS_MAX }
    }

    /// The same, with all that there is on one page.
    #[must_use]
    pub(super) fn at_once(self) -> Asked {
        Asked { page_records_max: usize::MAX, ..self }
    }

    /// How many records a page has, if this parameter says so or not.
    fn page_records(&self, name: &str) -> usize {
        let most = self.page_records_max;
        self.number(name).unwrap_or(most).clamp(1, most)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters(name).next()
    }

    fn parameters(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.parameters.iter().filter(move |(own, _)| own == name);
        named.map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number.
    fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name)?.parse().ok()
    }
}

/// Percent-decoding; what is not UTF-8 afterwards was not meant for us.
fn decode(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = std::str::from_utf8(&digits).unwrap_or_default();
                u8::from_str_radix(digits, 16).unwrap_or(b'?')
            }
            _ => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoding of all but letters and digits.
fn encode(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

/// The answer to whatever is asked, for anybody.
pub(super) fn answer(world: &World, asked: &Asked) -> Answer {
    let segments: Vec<&str> = asked.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["fhir", rest @ ..] => fhir::answer(world, asked, rest),
        ["api", "v1", rest @ ..] => house::answer(world, asked, rest),
        _ => Answer::not_found(),
    }
}

/// The payer, listening.
#[derive(Debug)]
pub(super) struct PayerApi {
    listener: TcpListener,
    pub(super) address: SocketAddr,
}

impl PayerApi {
    /// Binds an address.
    pub(super) async fn bind(address: SocketAddr) -> io::Result<PayerApi> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(PayerApi { listener, address })
    }

    /// Answers for as long as it is polled.
    pub(super) async fn serve(self, world: Arc<World>) -> Infallible {
        loop {
            let Ok((socket, _)) = self.listener.accept().await else { continue };
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let service = service_fn(move |request| respond(Arc::clone(&world), request));
                let served = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service);
                // A connection that breaks is the proxy's to tell of.
                drop(served.await);
            });
        }
    }
}

async fn respond(
    world: Arc<World>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let has_token = text(header::AUTHORIZATION).is_some_and(|value| value.starts_with("Bearer "));
    let host = text(header::HOST).unwrap_or("localhost").to_owned();
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let is_post = request.method() == Method::POST;
    let given = if has_token {
        let form = if is_post { form(request).await } else { String::new() };
        answer(&world, &Asked::read(&target, &form, &host))
    } else {
        let body = "{}".to_owned();
        Answer { status: StatusCode::UNAUTHORIZED, content_type: "application/json", body }
    };
    let length = given.body.len();
    let mut response = Response::new(Full::new(Bytes::from(given.body)));
    *response.status_mut() = given.status;
    let content_type = header::HeaderValue::from_static(given.content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    // Another one each time anything in the answer changes, as payers' servers have it.
    let version = header::HeaderValue::from_str(&format!("W/\"{length:x}\""));
    response.headers_mut().extend(version.ok().map(|version| (header::ETAG, version)));
    Ok(response)
}

async fn form(request: Request<Incoming>) -> String {
    let body = Limited::new(request.into_body(), FORM_BYTES_MAX).collect().await;
    body.map(|body| String::from_utf8_lossy(&body.to_bytes()).into_owned()).unwrap_or_default()
}
