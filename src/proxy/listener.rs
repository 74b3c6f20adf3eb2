//! Where readers connect: TCP in clear or over TLS, or a Unix socket.

use super::Proxy;
use super::connection;
use super::drain::{DRAIN_TIMEOUT, Drain, DrainWatch};
use crate::config::meant::{self, Address};
use crate::dial;
use crate::limits::AddressBlock;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Most connections at a time: some 40 KiB each while they are idle, about 300 KiB at worst. More
/// wait to be accepted.
pub(super) const CONNECTIONS_MAX: usize = 4096;

/// How long to wait when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound address, not yet served.
pub(super) struct Listener {
    socket: Socket,
    tls: Option<TlsAcceptor>,
    /// Whether anybody may connect: then addresses are those of readers.
    is_open: bool,
    drain_timeout: Duration,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Listener {
    /// Reads certificates and binds the address. The error is words for an operator.
    pub(super) async fn bind(listen: &meant::Listen) -> Result<Listener, String> {
        let tls = listen.tls.as_ref().map(acceptor).transpose()?;
        let socket = match &listen.address {
            Address::Tcp(address) => TcpListener::bind(address)
                .await
                .map(Socket::Tcp)
                .map_err(|error| dial::cannot_listen(&address.to_string(), &error))?,
            Address::Unix(path) => bind_unix(path)
                .await
                .map(|socket| Socket::Unix(socket, path.clone()))
                .map_err(|error| dial::cannot_listen(&path.display().to_string(), &error))?,
        };
        let is_open = listen.tls.as_ref().is_none_or(|tls| tls.client_authorities.is_none());
        Ok(Listener { socket, tls, is_open, drain_timeout: DRAIN_TIMEOUT })
    }

    /// The address it is bound to, if it is TCP; the port is the one the system chose for 0.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(socket) => socket.local_addr().ok(),
            Socket::Unix(..) => None,
        }
    }

    /// Serves until `end`, then lets what is under way come to its end within a time; whether
    /// all of it did.
    pub(super) async fn serve(
        self,
        proxy: Arc<Proxy>,
        end: impl Future<Output = ()> + Send,
    ) -> bool {
        let drain = Drain::new();
        let drain_timeout = self.drain_timeout;
        tokio::select! {
            () = end => {}
            () = self.accept_for_ever(&proxy, &drain) => {}
        }
        if let Socket::Unix(_, path) = &self.socket {
            std::fs::remove_file(path).ok();
        }
        drop(self);
        drain.drain(drain_timeout).await
    }

    async fn accept_for_ever(&self, proxy: &Arc<Proxy>, drain: &Drain) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        while let Ok(place) = Arc::clone(&places).acquire_owned().await {
            let accepted = match &self.socket {
                Socket::Tcp(socket) => socket.accept().await.map(|(tcp, from)| {
                    Peer::Tcp(tcp, self.is_open.then(|| proxy.limits.block_of(from.ip())))
                }),
                Socket::Unix(socket, _) => socket.accept().await.map(|(unix, _)| Peer::Unix(unix)),
            };
            let (Ok(peer), Some(work)) = (accepted, drain.watch()) else {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            };
            let (proxy, tls) = (Arc::clone(proxy), self.tls.clone());
            tokio::spawn(converse(proxy, peer, tls, work, place));
        }
    }
}

enum Peer {
    /// With whose it is, unless that is a portal that has shown its certificate.
    Tcp(TcpStream, Option<AddressBlock>),
    Unix(tokio::net::UnixStream),
}

/// One connection, in its place.
async fn converse(
    proxy: Arc<Proxy>,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    work: DrainWatch,
    place: OwnedSemaphorePermit,
) {
    proxy.metrics.connected();
    let metrics = Arc::clone(&proxy.metrics);
    match (peer, tls) {
        (Peer::Unix(unix), _) => connection::run(proxy, unix, false, work, None).await,
        (Peer::Tcp(tcp, from), None) => {
            // A small answer is not to wait for a packet to fill.
            tcp.set_nodelay(true).ok();
            connection::run(proxy, tcp, false, work, from).await;
        }
        (Peer::Tcp(tcp, from), Some(tls)) => {
            tcp.set_nodelay(true).ok();
            let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(tcp)).await;
            if let Ok(Ok(socket)) = handshake {
                let is_http2 = socket.get_ref().1.alpn_protocol() == Some(b"h2");
                connection::run(proxy, socket, is_http2, work, from).await;
            }
        }
    }
    metrics.disconnected();
    drop(place);
}

/// Reads the certificates; the error is words for an operator.
pub(super) fn acceptor(files: &meant::Tls) -> Result<TlsAcceptor, String> {
    let builder = ServerConfig::builder_with_provider(dial::provider())
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| format!("TLS cannot be set up: {error}"))?;
    let builder = match &files.client_authorities {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots: Arc<RootCertStore> = Arc::new(dial::authorities(file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, dial::provider())
                .build()
                .map_err(|error| format!("{}: {error}", file.display()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder
        .with_single_cert(dial::certificates(&files.certificate)?, dial::private_key(&files.key)?)
        .map_err(|error| format!("{}: {error}", files.certificate.display()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Binds a Unix socket; one that a dead process left behind is replaced.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|about| about.file_type().is_socket());
    if is_socket {
        if tokio::net::UnixStream::connect(path).await.is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        std::fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    // Whoever can write to the socket can name any reader.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(socket)
}
