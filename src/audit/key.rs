//! Keys of the log: one that signs, and those by which signatures are checked. Both are PEM files
//! as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.

use super::chain;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use std::fmt;
use std::path::Path;

/// What stands before the 32 bytes of an Ed25519 key in a `PUBLIC KEY` (RFC 8410): all of its
/// ASN.1 is fixed.
const ED25519_PUBLIC_KEY: &[u8] =
    &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Signs heads.
pub(super) struct Signer {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Signer {
    /// Reads a PEM file with an Ed25519 key; the error is words for an operator.
    pub(super) fn read(path: &Path) -> Result<Signer, String> {
        let wrong = |why: &str| format!("{}: {why}", path.display());
        let key = PrivatePkcs8KeyDer::from_pem_file(path).map_err(|_| {
            wrong("is no private key in PEM; make one by `openssl genpkey -algorithm ed25519`")
        })?;
        let pair = Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der())
            .map_err(|_| wrong("is no Ed25519 key"))?;
        let public = pair.public_key().as_ref().try_into();
        let public = PublicKey(public.map_err(|_| wrong("is no Ed25519 key"))?);
        Ok(Signer { pair, public })
    }

    pub(super) fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.try_sign(message).ok().map(|signature| signature.as_ref().to_vec())
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("public", &self.public).finish_non_exhaustive()
    }
}

/// Checks signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads a PEM file with an Ed25519 public key; the error is words for an operator.
    pub fn read(path: &Path) -> Result<PublicKey, String> {
        let wrong = |why: &str| format!("{}: {why}", path.display());
        let key = SubjectPublicKeyInfoDer::from_pem_file(path).map_err(|_| {
            wrong("is no public key in PEM; `openssl pkey -in KEY -pubout` writes one")
        })?;
        let bytes = key.as_ref().strip_prefix(ED25519_PUBLIC_KEY);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(PublicKey).ok_or_else(|| wrong("is no Ed25519 key"))
    }

    pub(super) fn from_hex(text: &str) -> Option<PublicKey> {
        chain::from_hex(text.as_bytes()).map(PublicKey)
    }

    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&chain::to_hex(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
