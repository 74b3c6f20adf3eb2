//! TLS on both sides, client certificates, HTTP/2.

use super::client::{self, exchange_on, parse};
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, shipped, yaml};
use super::upstream::{Step, Upstream, good};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const CLAIMS: &str = "/api/v1/family/C-1/claims";

/// An authority and one certificate it signed, as PEM.
pub(crate) struct Pki {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn pki() -> Pki {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    Pki { authority: authority.pem(), certificate: certificate.pem(), key: key.serialize_pem() }
}

impl Pki {
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()]
    }

    pub(crate) fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        roots
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

pub(crate) fn connector(server: &Pki, client: Option<&Pki>, alpn: &[&[u8]]) -> TlsConnector {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(server.roots());
    let mut config = match client {
        None => builder.with_no_client_auth(),
        Some(client) => builder.with_client_auth_cert(client.chain(), client.key()).unwrap(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn connect(
    address: SocketAddr,
    connector: TlsConnector,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await
}

async fn claims() -> Upstream {
    Upstream::scripted(good("application/json", &shipped("cases/bodies/claims.json"))).await
}

/// A deployment with this certificate, that asks for one of those authorities.
pub(crate) async fn deployment(upstream: &str, server: &Pki, clients: Option<&Pki>) -> Deployment {
    let files = Files::new();
    files.write("server.pem", &server.certificate);
    files.write("server.key", &server.key);
    let mut tls = "certificate: server.pem, key: server.key".to_owned();
    if let Some(clients) = clients {
        files.write("clients.pem", &clients.authority);
        tls.push_str(", client-authorities: clients.pem");
    }
    let text = yaml(upstream, "")
        .replace("address: '127.0.0.1:0'", &format!("address: '127.0.0.1:0', tls: {{ {tls} }}"));
    files.start(&text).await
}

#[tokio::test]
async fn http_1_over_tls() {
    let upstream = claims().await;
    let server = pki();
    let deployment = deployment(&upstream.url(), &server, None).await;
    let token = deployment.files.token(DAUGHTER);
    for alpn in [&[][..], &[&b"http/1.1"[..]]] {
        let mut socket = connect(deployment.address, connector(&server, None, alpn)).await.unwrap();
        let sent = client::request(&format!("GET {CLAIMS}"), &[&token], "");
        let answer = parse(&exchange_on(&mut socket, &sent).await);
        assert_eq!((answer.status, answer.whole), (200, true));
    }
}

#[tokio::test]
async fn http_2_over_tls_gives_the_same_answers() {
    let upstream = claims().await;
    let server = pki();
    let deployment = deployment(&upstream.url(), &server, None).await;
    let plain = Deployment::before(&upstream.url()).await;
    let socket = connect(deployment.address, connector(&server, None, &[b"h2"])).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    for (method, member, path) in [
        ("GET", DAUGHTER, CLAIMS),
        ("GET", MOTHER, CLAIMS),
        ("HEAD", MOTHER, CLAIMS),
        ("GET", MOTHER, "/nowhere"),
        ("DELETE", MOTHER, CLAIMS),
    ] {
        let token = deployment.files.token(member);
        let request = Request::builder()
            .method(method)
            .uri(format!("https://localhost{path}"))
            .header("authorization", token.strip_prefix("Authorization: ").unwrap())
            .body(Empty::<Bytes>::new())
            .unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let token = plain.files.token(member);
        let same = client::ask(plain.address, &format!("{method} {path}"), &[&token]).await;
        assert_eq!(head.status.as_u16(), same.status, "{method} {path}");
        assert_eq!(body, same.body, "{method} {path}");
        for name in ["content-type", "content-length", "cache-control", "vary", "allow"] {
            let value = head.headers.get(name).map_or("", |value| value.to_str().unwrap());
            assert_eq!(value, same.field(name), "{method} {path} {name}");
        }
    }
}

#[tokio::test]
async fn an_http_2_connection_ends_well_when_told_to_end() {
    let mut script = vec![Step::Wait(Duration::from_millis(400))];
    script.extend(good("application/json", &shipped("cases/bodies/claims.json")));
    let upstream = Upstream::scripted(script).await;
    let server = pki();
    let mut deployment = deployment(&upstream.url(), &server, None).await;
    let token = deployment.files.token(MOTHER);
    let token = token.strip_prefix("Authorization: ").unwrap().to_owned();
    let socket = connect(deployment.address, connector(&server, None, &[b"h2"])).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    let request = || {
        Request::get(format!("https://localhost{CLAIMS}"))
            .header("authorization", &token)
            .body(Empty::<Bytes>::new())
            .unwrap()
    };
    let under_way = sender.send_request(request());
    tokio::time::sleep(Duration::from_millis(150)).await;
    deployment.end();
    let response = under_way.await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(!response.into_body().collect().await.unwrap().to_bytes().is_empty());
    assert!(sender.send_request(request()).await.is_err(), "no new request after GOAWAY");
    assert!(deployment.ended().await);
}

#[tokio::test]
async fn http_2_requests_that_are_not_taken() {
    let upstream = claims().await;
    let server = pki();
    let deployment = deployment(&upstream.url(), &server, None).await;
    let token = deployment.files.token(MOTHER);
    let token = token.strip_prefix("Authorization: ").unwrap();
    let socket = connect(deployment.address, connector(&server, None, &[b"h2"])).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .unwrap();
    tokio::spawn(connection);
    let build = || {
        Request::builder().uri(format!("https://localhost{CLAIMS}")).header("authorization", token)
    };
    let nothing = || Full::new(Bytes::new());
    for request in [
        build().header("host", "evil.example").body(nothing()),
        build().uri(format!("https://u:p@localhost{CLAIMS}")).body(nothing()),
        build().body(Full::new(Bytes::from_static(b"a body"))),
        (0..70).fold(build(), |all, n| all.header(format!("x-{n}"), "1")).body(nothing()),
    ] {
        let response = sender.send_request(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), 400);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_shows_no_certificate_is_not_let_in() {
    let upstream = claims().await;
    let (server, portal, other) = (pki(), pki(), pki());
    let deployment = deployment(&upstream.url(), &server, Some(&portal)).await;
    let token = deployment.files.token(DAUGHTER);
    let sent = client::request(&format!("GET {CLAIMS}"), &[&token], "");
    let mut socket =
        connect(deployment.address, connector(&server, Some(&portal), &[])).await.unwrap();
    assert_eq!(parse(&exchange_on(&mut socket, &sent).await).status, 200);
    for client in [None, Some(&other)] {
        let connected = connect(deployment.address, connector(&server, client, &[])).await;
        // In TLS 1.3 the client learns of it with the first read.
        if let Ok(mut socket) = connected {
            socket.write_all(&sent).await.ok();
            let mut read = Vec::new();
            assert!(socket.read_to_end(&mut read).await.is_err());
            assert_eq!(read, b"");
        }
    }
    assert_eq!(upstream.requests().len(), 1);
}

#[tokio::test]
async fn a_handshake_that_does_not_come() {
    let upstream = claims().await;
    let server = pki();
    let deployment = deployment(&upstream.url(), &server, None).await;
    let silent = async {
        let mut socket = TcpStream::connect(deployment.address).await.unwrap();
        socket.read_to_end(&mut Vec::new()).await.ok();
    };
    // After the handshake, an HTTP/2 connection on which nothing is said.
    let speechless = async {
        let tls = connector(&server, None, &[b"h2"]);
        let mut socket = connect(deployment.address, tls).await.unwrap();
        socket.read_to_end(&mut Vec::new()).await.ok();
    };
    let both = async { tokio::join!(silent, speechless) };
    tokio::time::timeout(Duration::from_secs(15), both).await.unwrap();
    // In clear, where TLS is spoken.
    let read = client::exchange(deployment.address, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!read.starts_with(b"HTTP"));
}

/// A TLS server in front of an upstream.
async fn tls_upstream(server: &Pki, clients: Option<&Pki>, upstream: &Upstream) -> u16 {
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let roots = Arc::new(clients.roots());
            builder.with_client_cert_verifier(
                rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider())
                    .build()
                    .unwrap(),
            )
        }
    };
    let config = builder.with_single_cert(server.chain(), server.key()).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let behind = upstream.port;
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                let mut plain = TcpStream::connect(("127.0.0.1", behind)).await.unwrap();
                tokio::io::copy_bidirectional(&mut tls, &mut plain).await.ok();
            });
        }
    });
    port
}

#[tokio::test]
async fn an_upstream_over_tls_with_its_own_authorities() {
    let upstream = claims().await;
    let (server, other, ours) = (pki(), pki(), pki());
    let port = tls_upstream(&server, Some(&ours), &upstream).await;
    for (authority, client, status) in [
        (&server, Some(&ours), 200),
        (&other, Some(&ours), 502),
        (&server, Some(&other), 502),
        (&server, None, 502),
    ] {
        let files = Files::new();
        files.write("upstream.pem", &authority.authority);
        let mut text = yaml(&format!("https://localhost:{port}"), "")
            .replace("  timeout", "  authorities: upstream.pem\n  timeout");
        if let Some(client) = client {
            files.write("client.pem", &client.certificate);
            files.write("client.key", &client.key);
            let authorization =
                "authorization: { client-certificate: client.pem, key: client.key }";
            text = text.replace("  timeout", &format!("  {authorization}\n  timeout"));
        }
        let deployment = files.start(&text).await;
        assert_eq!(deployment.get(DAUGHTER, CLAIMS).await.status, status);
    }
    assert_eq!(upstream.requests().len(), 1);
}
