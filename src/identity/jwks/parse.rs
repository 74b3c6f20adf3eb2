//! A JSON Web Key Set → keys, each for one algorithm.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most keys of one set.
const KEYS_MAX: usize = 100;

/// Shortest and longest RSA modulus, bits. Below is breakable, above is slow.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Keys by `kid`.
pub(in crate::identity) type KeySet = BTreeMap<String, Arc<Key>>;

/// A key and the one algorithm it is used with.
#[derive(Debug)]
pub(in crate::identity) struct Key {
    name: &'static str,
    algorithm: Algorithm,
    public: DecodingKey,
}

impl Key {
    /// The `alg` a token must have.
    pub(in crate::identity) fn algorithm_name(&self) -> &'static str {
        self.name
    }

    /// Whether the base64url signature is this key's over the message.
    pub(in crate::identity) fn verifies(&self, message: &str, signature: &str) -> bool {
        let outcome = jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &self.public,
            self.algorithm,
        );
        matches!(outcome, Ok(true))
    }
}

/// The usable keys of a set. Keys for encryption, of unknown kinds or too weak are passed over;
/// a set without any usable key, or with two of one name, is refused.
pub(in crate::identity) fn key_set(json: &[u8]) -> Result<KeySet, String> {
    let set: Value =
        serde_json::from_slice(json).map_err(|_| "is not the JSON of a key set".to_owned())?;
    let keys = set.get("keys").and_then(Value::as_array).ok_or("has no array `keys`")?;
    if keys.len() > KEYS_MAX {
        return Err(format!("has more than {KEYS_MAX} keys"));
    }
    let mut usable = KeySet::new();
    for jwk in keys {
        let Some((kid, key)) = key(jwk) else {
            continue;
        };
        if usable.insert(kid, Arc::new(key)).is_some() {
            return Err("has two keys of one `kid`".to_owned());
        }
    }
    if usable.is_empty() {
        return Err("has no key that can be used: RSA from 2048 bits, P-256, P-384 or Ed25519, \
                    with a `kid`"
            .to_owned());
    }
    Ok(usable)
}

fn key(jwk: &Value) -> Option<(String, Key)> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let part = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let kid = text("kid").filter(|kid| !kid.is_empty())?;
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let verifies = |ops: &Value| {
        ops.as_array().is_some_and(|ops| ops.iter().any(|operation| operation == "verify"))
    };
    if jwk.get("key_ops").is_some_and(|ops| !verifies(ops)) {
        return None;
    }
    let named = text("alg");
    if jwk.get("alg").is_some() && named.is_none() {
        return None;
    }
    let (name, algorithm, key) = match text("kty")? {
        "RSA" => {
            let (n, e) = (part("n")?, part("e")?);
            if !RSA_BITS.contains(&bits(&n)) || bits(&e) < 2 || e.last()? % 2 == 0 {
                return None;
            }
            // A key without `alg` has the one that nearly all issuers use, and no other.
            let (name, algorithm) = rsa_algorithm(named.unwrap_or("RS256"))?;
            (name, algorithm, DecodingKey::from_rsa_raw_components(&n, &e))
        }
        "EC" => {
            let (name, algorithm, coordinate_bytes) = match text("crv")? {
                "P-256" => ("ES256", Algorithm::ES256, 32),
                "P-384" => ("ES384", Algorithm::ES384, 48),
                _ => return None,
            };
            if part("x")?.len() != coordinate_bytes || part("y")?.len() != coordinate_bytes {
                return None;
            }
            (name, algorithm, DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        "OKP" if text("crv")? == "Ed25519" && part("x")?.len() == 32 => {
            ("EdDSA", Algorithm::EdDSA, DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        _ => return None,
    };
    if named.is_some_and(|named| named != name) {
        return None;
    }
    Some((kid.to_owned(), Key { name, algorithm, public: key }))
}

fn rsa_algorithm(name: &str) -> Option<(&'static str, Algorithm)> {
    Some(match name {
        "RS256" => ("RS256", Algorithm::RS256),
        "RS384" => ("RS384", Algorithm::RS384),
        "RS512" => ("RS512", Algorithm::RS512),
        "PS256" => ("PS256", Algorithm::PS256),
        "PS384" => ("PS384", Algorithm::PS384),
        "PS512" => ("PS512", Algorithm::PS512),
        _ => return None,
    })
}

/// How many bits a big-endian number has.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    let leading = significant.clone().next().map_or(0, |byte| byte.leading_zeros());
    significant.count().saturating_mul(8).saturating_sub(usize::try_from(leading).unwrap_or(0))
}
