//! Sockets and certificates: opens a connection to an origin, in clear or over TLS, within a time.

use crate::config::meant::Origin;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where operating systems keep the certificates they trust.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Opens connections to one origin.
#[derive(Clone)]
pub struct Dialer {
    origin: Origin,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// What a dialer over TLS trusts and shows.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// PEM file of the authorities; the operating system's if there is none.
    pub authorities: Option<PathBuf>,
    /// PEM files of a client certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Dialer {
    /// Reads the certificates. `timeout` is for connecting and the TLS handshake together.
    pub fn new(origin: Origin, trust: &Trust, timeout: Duration) -> Result<Dialer, String> {
        if !origin.tls {
            return Ok(Dialer { origin, tls: None, timeout });
        }
        let roots = match &trust.authorities {
            Some(file) => authorities(file)?,
            None => system_authorities()?,
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_root_certificates(roots);
        let mut config = match &trust.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(certificates(certificate)?, private_key(key)?)
                .map_err(|error| format!("{}: {error}", certificate.display()))?,
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(origin.host.clone())
            .map_err(|_| format!("`{}` is not a name TLS can check", origin.host))?;
        let tls = Some((TlsConnector::from(Arc::new(config)), name));
        Ok(Dialer { origin, tls, timeout })
    }

    /// Where it dials.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// A new connection. `TimedOut` when it took too long.
    pub async fn connect(&self) -> io::Result<Socket> {
        tokio::time::timeout(self.timeout, self.connect_unbounded())
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn connect_unbounded(&self) -> io::Result<Socket> {
        let tcp = TcpStream::connect((self.origin.host.as_str(), self.origin.port)).await?;
        tcp.set_nodelay(true)?;
        match &self.tls {
            None => Ok(Socket::Clear(tcp)),
            Some((connector, name)) => {
                let tls = connector.connect(name.clone(), tcp).await?;
                Ok(Socket::Tls(Box::new(tls)))
            }
        }
    }
}

/// The cryptography of every TLS connection of this process.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The certificates of a PEM file as authorities.
pub fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(roots)
}

/// The certificates of a PEM file, at least one.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| format!("{}: cannot be read as PEM: {error}", file.display()))?;
    if certificates.is_empty() {
        return Err(format!("{}: holds no certificate", file.display()));
    }
    Ok(certificates)
}

/// The private key of a PEM file.
pub fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|error| format!("{}: holds no private key: {error}", file.display()))
}

/// Why an address cannot be listened at, for an operator.
pub fn cannot_listen(address: &str, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::AddrInUse {
        format!("cannot listen at `{address}`: something else listens there already")
    } else {
        format!("cannot listen at `{address}`: {error}")
    }
}

fn system_authorities() -> Result<RootCertStore, String> {
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let known = SYSTEM_ROOTS.iter().map(PathBuf::from);
    let file = named.into_iter().chain(known).find(|file| file.exists()).ok_or_else(|| {
        "no certificates of the operating system were found; name `authorities`".to_owned()
    })?;
    let mut roots = RootCertStore::empty();
    // A certificate of the system's that cannot be read is not trusted, and no reason to stop.
    roots.add_parsable_certificates(certificates(&file)?);
    Ok(roots)
}

/// A connection, in clear or over TLS.
#[derive(Debug)]
pub enum Socket {
    /// In clear.
    Clear(TcpStream),
    /// Over TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Socket::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Socket::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_flush(context),
            Socket::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Clear(tcp) => Pin::new(tcp).poll_shutdown(context),
            Socket::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
