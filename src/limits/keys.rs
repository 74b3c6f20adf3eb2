//! Whose budget: names of people, contracts and applications, as keyed hashes. No name is kept,
//! and without the secret none can be tried out.

use super::seen::SubjectHash;
use crate::config::meant::Scope;
use hmac::digest::Key as KeyBlock;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::hash::{self, BuildHasherDefault};
use std::net::IpAddr;

/// Who shares a budget, in one scope.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(pub(super) u128);

/// Debug output ends in logs; a hash does no good there.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Hashes keys for a table in memory: they are hashes by a secret already, spread evenly.
pub(super) type ByKey = BuildHasherDefault<KeyHasher>;

/// See [`ByKey`].
#[derive(Debug, Default)]
pub(super) struct KeyHasher(u64);

impl hash::Hasher for KeyHasher {
    fn write_u128(&mut self, key: u128) {
        let halves = (key ^ (key >> 64)) & u128::from(u64::MAX);
        self.0 = u64::try_from(halves).unwrap_or_default();
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Length of a secret, bytes.
pub(super) const SECRET_BYTES: usize = 32;

/// Makes keys of names.
pub(super) struct Hasher(Hmac<Sha256>);

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher(..)")
    }
}

impl Hasher {
    pub(super) fn new(secret: &[u8; SECRET_BYTES]) -> Hasher {
        // A secret shorter than a block stands for itself with zeros behind it (RFC 2104).
        let mut block = KeyBlock::<Hmac<Sha256>>::default();
        for (to, byte) in block.iter_mut().zip(secret) {
            *to = *byte;
        }
        Hasher(Hmac::new(&block))
    }

    /// The key of these names in a scope. Lengths are part of it: no two lists of names are one.
    pub(super) fn key(&self, scope: Scope, names: &[&[u8]]) -> Key {
        let mut context = self.0.clone();
        context.update(scope.name().as_bytes());
        for name in names {
            context.update(&name.len().to_be_bytes());
            context.update(name);
        }
        let tag = context.finalize().into_bytes();
        let first = tag.first_chunk::<16>().copied().unwrap_or_default();
        Key(u128::from_be_bytes(first))
    }

    /// Where a connection comes from: the /64 of an IPv6 address is one. An IPv4 address is the
    /// same one written as IPv6.
    pub(super) fn address(&self, address: IpAddr) -> AddressBlock {
        const SUBSCRIBER: u128 = u128::MAX << 64;
        let block = match address.to_canonical() {
            IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
            IpAddr::V6(address) => u128::from(address) & SUBSCRIBER,
        };
        AddressBlock(self.key(Scope::Address, &[&block.to_be_bytes()]))
    }

    /// A subject among those that somebody has seen.
    pub(super) fn subject(&self, subject: &str) -> SubjectHash {
        let Key(hash) = self.key(Scope::Subject, &[subject.as_bytes()]);
        // Half of it is enough to tell a few hundred apart.
        u64::try_from(hash >> 64).unwrap_or_default()
    }
}

/// Where a connection comes from, as far as one subscriber of a network goes: an IPv4 address, or
/// the /64 of an IPv6 address (BYPASSES L3). Of it no more is kept than of any name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressBlock(pub(super) Key);
