//! An authority of our own and one certificate that all servers of a run show.

use super::bad;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, ServerConfig};
use sequester::dial;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// The name in the certificate, beside the address of loopback.
pub(crate) const NAME: &str = "localhost";

/// Writes `ca.pem`, `server.pem`, `server.key`, and the last two in one file for `HAProxy`.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    let mut authority = CertificateParams::new(Vec::new()).map_err(bad)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes two of one name for one that signed itself.
    authority.distinguished_name.push(DnType::CommonName, "authority of the benchmark");
    let authority_key = KeyPair::generate().map_err(bad)?;
    let authority = CertifiedIssuer::self_signed(authority, authority_key).map_err(bad)?;
    let key = KeyPair::generate().map_err(bad)?;
    let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).map_err(bad)?;
    let certificate = certificate.signed_by(&key, &authority).map_err(bad)?.pem();
    let key = key.serialize_pem();
    fs::write(folder.join("ca.pem"), authority.pem())?;
    fs::write(folder.join("both.pem"), format!("{certificate}{key}"))?;
    fs::write(folder.join("server.pem"), certificate)?;
    fs::write(folder.join("server.key"), key)
}

/// For a server that speaks these protocols.
pub(crate) fn acceptor(folder: &Path, protocols: &[&str]) -> io::Result<TlsAcceptor> {
    let certificates = dial::certificates(&folder.join("server.pem")).map_err(bad)?;
    let key = dial::private_key(&folder.join("server.key")).map_err(bad)?;
    let builder = ServerConfig::builder_with_provider(dial::provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(bad)?;
    let builder = builder.with_no_client_auth();
    let mut config = builder.with_single_cert(certificates, key).map_err(bad)?;
    config.alpn_protocols = names(protocols);
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// What a client trusts.
pub(crate) fn client(folder: &Path) -> io::Result<ClientConfig> {
    let roots = dial::authorities(&folder.join("ca.pem")).map_err(bad)?;
    let builder = ClientConfig::builder_with_provider(dial::provider());
    let builder = builder.with_safe_default_protocol_versions().map_err(bad)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// For a client that speaks these protocols.
pub(crate) fn connector(folder: &Path, protocols: &[&str]) -> io::Result<TlsConnector> {
    let mut config = client(folder)?;
    config.alpn_protocols = names(protocols);
    Ok(TlsConnector::from(Arc::new(config)))
}

fn names(protocols: &[&str]) -> Vec<Vec<u8>> {
    protocols.iter().map(|name| name.as_bytes().to_vec()).collect()
}
