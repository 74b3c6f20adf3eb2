//! JSON Web Tokens, strictly (BYPASSES I1 to I6).
//!
//! The library checks one signature with one key under one algorithm, both of our choosing; the
//! header and the claims are read here, since libraries pass over what they do not know: claims
//! that are missing, of another type, or there twice.

use super::jwks::{Key, KeyStore};
use super::verified::{Times, Verified, VerifiedTokens, fingerprint};
use super::{Rejected, is_member_id};
use crate::config::meant::Jwt;
use crate::engine::diagnostics::Diagnostic;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Longest name of a client application, characters.
const CLIENT_CHARACTERS_MAX: usize = 128;

/// Takes the reader from a token.
#[derive(Debug)]
pub struct JwtIdentity {
    settings: Jwt,
    keys: KeyStore,
    verified: VerifiedTokens,
}

impl JwtIdentity {
    /// By tokens of that issuer; the error is words for an operator.
    pub(super) fn new(settings: &Jwt) -> Result<JwtIdentity, String> {
        let keys = KeyStore::new(&settings.keys)?;
        Ok(JwtIdentity { settings: settings.clone(), keys, verified: VerifiedTokens::new() })
    }

    #[cfg(test)]
    pub(super) fn keys_mut(&mut self) -> &mut KeyStore {
        &mut self.keys
    }

    pub(super) fn is_ready(&self) -> bool {
        self.keys.is_ready()
    }

    pub(super) async fn prepare(&self) {
        self.keys.prepare().await;
    }

    /// Keys that were not taken since this was asked last.
    pub(super) fn refused(&self) -> Vec<Diagnostic> {
        self.keys.refused()
    }

    /// What a token says that holds at this time.
    pub(super) async fn verify(&self, token: &str, now_s: u64) -> Result<Arc<Verified>, Rejected> {
        let fingerprint = fingerprint(token);
        if let Some(verified) = self.verified.find(&fingerprint) {
            let key = self.keys.find(&verified.kid).await;
            // A key that was replaced or withdrawn vouches for nothing any more.
            if key.is_some_and(|key| Arc::ptr_eq(&key, &verified.key)) {
                verified.times.hold(now_s)?;
                return Ok(verified);
            }
        }
        let verified = Arc::new(self.verify_signature(token).await?);
        verified.times.hold(now_s)?;
        self.verified.keep(fingerprint, &verified);
        Ok(verified)
    }

    async fn verify_signature(&self, token: &str) -> Result<Verified, Rejected> {
        let (message, signature) = token.rsplit_once('.').ok_or(NO_TOKEN)?;
        let (header, claims) = message.split_once('.').ok_or(NO_TOKEN)?;
        if claims.contains('.') || header.is_empty() || claims.is_empty() || signature.is_empty() {
            return Err(NO_TOKEN);
        }
        let header = Header::read(header)?;
        let key = self.keys.find(&header.kid).await.ok_or(Rejected::Invalid("an unknown key"))?;
        if key.algorithm_name() != header.algorithm {
            return Err(Rejected::Invalid("an algorithm that is not the key's"));
        }
        if !key.verifies(message, signature) {
            return Err(Rejected::Invalid("a signature that does not hold"));
        }
        self.check(&claims_of(claims)?, header, key)
    }

    fn check(
        &self,
        claims: &BTreeMap<String, Value>,
        header: Header,
        key: Arc<Key>,
    ) -> Result<Verified, Rejected> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(self.settings.issuer.as_str()) {
            return Err(Rejected::Invalid("another issuer"));
        }
        if !names_audience(claims.get("aud"), &self.settings.audience) {
            return Err(Rejected::Invalid("another audience"));
        }
        let times = Times {
            expires: time(claims, "exp")?.ok_or(Rejected::Invalid("no exp"))?,
            not_before: time(claims, "nbf")?,
            issued: time(claims, "iat")?,
        };
        // A proof of possession that cannot be checked here is not taken on trust.
        if claims.contains_key("cnf") {
            return Err(Rejected::Invalid("bound to a key that is not shown"));
        }
        let id_token = ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains_key(*name));
        if id_token && !header.is_access_token {
            return Err(Rejected::Invalid("an ID token"));
        }
        let member = text(&self.settings.member_claim)
            .filter(|member| is_member_id(member))
            .ok_or(Rejected::Invalid("no member id"))?
            .to_owned();
        Ok(Verified { key, kid: header.kid, times, member, client: self.client(claims)? })
    }

    fn client(&self, claims: &BTreeMap<String, Value>) -> Result<Option<String>, Rejected> {
        let name = self.settings.client_claim.as_ref();
        let Some(claim) = name.and_then(|name| claims.get(name)) else {
            return Ok(None);
        };
        claim
            .as_str()
            .filter(|client| (1..=CLIENT_CHARACTERS_MAX).contains(&client.len()))
            .filter(|client| client.bytes().all(|byte| byte.is_ascii_graphic()))
            .map(|client| Some(client.to_owned()))
            .ok_or(Rejected::Invalid("a client claim that is no name"))
    }
}

const NO_TOKEN: Rejected = Rejected::Invalid("not a token of three parts");

/// What the header says that is listened to.
struct Header {
    algorithm: String,
    kid: String,
    is_access_token: bool,
}

impl Header {
    fn read(encoded: &str) -> Result<Header, Rejected> {
        let bad = Rejected::Invalid("a token header that cannot be read");
        let header = object(encoded).ok_or(bad)?;
        // A header that brings its own key, points at one, or demands what is not known here.
        let foreign = |name: &str| !matches!(name, "alg" | "kid" | "typ" | "x5t" | "x5t#S256");
        if header.keys().any(|name| foreign(name)) {
            return Err(Rejected::Invalid("a token header with a member that is not taken"));
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let is_access_token = match text("typ").map(str::to_ascii_lowercase).as_deref() {
            Some("at+jwt" | "application/at+jwt") => true,
            Some("jwt" | "application/jwt") => false,
            _ => return Err(Rejected::Invalid("a token of another type")),
        };
        let algorithm = text("alg").ok_or(bad)?.to_owned();
        let kid = text("kid").ok_or(Rejected::Invalid("a token that names no key"))?.to_owned();
        Ok(Header { algorithm, kid, is_access_token })
    }
}

fn claims_of(encoded: &str) -> Result<BTreeMap<String, Value>, Rejected> {
    object(encoded).ok_or(Rejected::Invalid("claims that cannot be read"))
}

fn names_audience(claim: Option<&Value>, audience: &str) -> bool {
    match claim {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => {
            several.iter().all(Value::is_string)
                && several.iter().any(|one| one.as_str() == Some(audience))
        }
        _ => false,
    }
}

/// A time in whole seconds; anything else that stands there is an error, not an absence.
fn time(claims: &BTreeMap<String, Value>, name: &str) -> Result<Option<u64>, Rejected> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            value.as_u64().map(Some).ok_or(Rejected::Invalid("a time that is no whole number"))
        }
    }
}

/// An object from base64url, no member there twice.
fn object(encoded: &str) -> Option<BTreeMap<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    serde_json::from_slice::<Members>(&json).ok().map(|members| members.0)
}

struct Members(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct OncePerName;
        impl<'de> Visitor<'de> for OncePerName {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member that is there twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(OncePerName)
    }
}
