//! Two small proxies as people build them of hyper and hyper-util: one passes everything on, the
//! other reads the body into a `serde_json::Value`, drops records and prints it back. Both on one
//! thread, each in a process of its own.

use super::{bad, tls};
use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HOST};
use hyper::http::uri::{Authority, Scheme};
use hyper::service::service_fn;
use hyper::{Request, Response, Uri, Version};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

/// What a proxy is started with, as arguments of this program.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    /// Whether it redacts.
    pub(crate) naive: bool,
    pub(crate) port: u16,
    pub(crate) upstream_port: u16,
    /// TLS on both sides.
    pub(crate) tls: bool,
    /// Where the certificates are.
    pub(crate) folder: PathBuf,
}

impl Arguments {
    /// The words that make this program be that proxy.
    pub(crate) fn words(&self) -> Vec<String> {
        vec![
            if self.naive { "naive" } else { "hyper" }.to_owned(),
            self.port.to_string(),
            self.upstream_port.to_string(),
            if self.tls { "tls" } else { "clear" }.to_owned(),
            self.folder.display().to_string(),
        ]
    }

    /// … read back, if this program was started by them.
    pub(crate) fn read(words: &[String]) -> Option<Arguments> {
        let [name, port, upstream_port, tls, folder] = words else { return None };
        if !["naive", "hyper"].contains(&name.as_str()) {
            return None;
        }
        Some(Arguments {
            naive: name == "naive",
            port: port.parse().ok()?,
            upstream_port: upstream_port.parse().ok()?,
            tls: tls == "tls",
            folder: PathBuf::from(folder),
        })
    }
}

struct Proxy {
    client: Client<HttpsConnector<HttpConnector>, Incoming>,
    scheme: Scheme,
    upstream: Authority,
    naive: bool,
}

/// Serves until the process is ended.
pub(crate) async fn serve(arguments: Arguments) -> io::Result<()> {
    let mut tcp = HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls::client(&arguments.folder)?)
        .https_or_http()
        .enable_http1()
        .wrap_connector(tcp);
    let upstream = format!("127.0.0.1:{}", arguments.upstream_port);
    let proxy = Arc::new(Proxy {
        client: Client::builder(TokioExecutor::new()).build(connector),
        scheme: if arguments.tls { Scheme::HTTPS } else { Scheme::HTTP },
        upstream: upstream.parse().map_err(bad)?,
        naive: arguments.naive,
    });
    let acceptor = tls::acceptor(&arguments.folder, &["h2", "http/1.1"])?;
    let acceptor = arguments.tls.then_some(acceptor);
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await?;
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(converse(Arc::clone(&proxy), socket, acceptor.clone()));
    }
}

/// One connection. A reader who leaves ends it; that is no fault.
async fn converse(proxy: Arc<Proxy>, socket: TcpStream, tls: Option<tokio_rustls::TlsAcceptor>) {
    let service = service_fn(move |request| {
        let proxy = Arc::clone(&proxy);
        async move { proxy.answer(request).await }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    match tls {
        None => server.serve_connection(TokioIo::new(socket), service).await.ok(),
        Some(tls) => match tls.accept(socket).await {
            Ok(socket) => server.serve_connection(TokioIo::new(socket), service).await.ok(),
            Err(_) => None,
        },
    };
}

impl Proxy {
    async fn answer(
        &self,
        mut request: Request<Incoming>,
    ) -> io::Result<Response<BoxBody<Bytes, hyper::Error>>> {
        let mut uri = request.uri().clone().into_parts();
        uri.scheme = Some(self.scheme.clone());
        uri.authority = Some(self.upstream.clone());
        *request.uri_mut() = Uri::from_parts(uri).map_err(bad)?;
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().remove(HOST);
        let response = self.client.request(request).await.map_err(bad)?;
        if !self.naive {
            return Ok(response.map(BodyExt::boxed));
        }
        let (mut head, body) = response.into_parts();
        let body = body.collect().await.map_err(bad)?.to_bytes();
        let redacted = redacted(&body)?;
        head.headers.insert(CONTENT_LENGTH, redacted.len().into());
        Ok(Response::from_parts(head, Full::from(redacted).map_err(|n| match n {}).boxed()))
    }
}

/// Without the records that have an F code: of a Bundle, or of lines.
fn redacted(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut bundle: Value = match serde_json::from_slice(body) {
        Ok(bundle) => bundle,
        Err(_) => return redacted_lines(body),
    };
    if let Some(bundle) = bundle.as_object_mut() {
        bundle.remove("total");
        if let Some(entries) = bundle.get_mut("entry").and_then(Value::as_array_mut) {
            entries.retain(|entry| !entry.get("resource").is_some_and(has_f_code));
        }
    }
    serde_json::to_vec(&bundle).map_err(bad)
}

fn redacted_lines(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let record: Value = serde_json::from_slice(line).map_err(bad)?;
        if !has_f_code(&record) {
            serde_json::to_writer(&mut out, &record).map_err(bad)?;
            out.push(b'\n');
        }
    }
    Ok(out)
}

fn has_f_code(resource: &Value) -> bool {
    each(resource, "diagnosis").any(|diagnosis| {
        let concept = diagnosis.get("diagnosisCodeableConcept").unwrap_or(&Value::Null);
        each(concept, "coding").any(|coding| {
            let text = |name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default();
            text("system") == "http://hl7.org/fhir/sid/icd-10-cm" && text("code").starts_with('F')
        })
    })
}

fn each<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}
