//! Who reads: the one member in whose name a request is made, proved, or nobody.
//!
//! A listener has one source of identity. What it says of a reader is a member id of a strict
//! grammar; whether that member exists is not asked here.

mod header;
mod jwks;
mod jwt;
#[cfg(test)]
mod tests;
mod verified;

pub use header::HeaderIdentity;
pub use jwt::JwtIdentity;

use crate::config::meant;
use crate::engine::diagnostics::Diagnostic;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::fmt;

/// Longest bearer token, bytes.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Longest member id, characters.
const MEMBER_CHARACTERS_MAX: usize = 64;

/// Where the identity of a reader comes from.
#[derive(Debug)]
pub enum Identity {
    /// A signed bearer token.
    Jwt(Box<JwtIdentity>),
    /// A header set by a portal that the listener has authenticated.
    Header(HeaderIdentity),
}

/// A reader.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Their member id as the token or header names it.
    pub member: String,
    /// The client application, where the token names one.
    pub client: Option<String>,
    /// The verified token, to be passed on where that is configured.
    pub bearer: Option<Bearer>,
}

/// A verified bearer token. It has no text form but the header it came in.
#[derive(Clone)]
pub struct Bearer(HeaderValue);

impl Bearer {
    /// The `Authorization` field, marked as not to be logged.
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// Why nobody could be made out. The words are ours and never quote a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// The request says two things at once.
    Malformed(&'static str),
    /// It says nothing.
    Missing,
    /// What it says does not hold.
    Invalid(&'static str),
}

impl Identity {
    /// As a deployment says; reads keys from a file. The error is words for an operator.
    pub fn new(settings: &meant::Identity) -> Result<Identity, String> {
        Ok(match settings {
            meant::Identity::Jwt(jwt) => Identity::Jwt(Box::new(JwtIdentity::new(jwt)?)),
            meant::Identity::Header(name) => Identity::Header(HeaderIdentity::new(name)?),
        })
    }

    /// The reader of a request with these headers, at this time (seconds since 1970).
    pub async fn reader(&self, headers: &HeaderMap, now_s: u64) -> Result<Reader, Rejected> {
        match self {
            Identity::Jwt(jwt) => {
                let (token, header) = bearer_token(headers)?;
                let verified = jwt.verify(token, now_s).await?;
                let (member, client) = (verified.member.clone(), verified.client.clone());
                Ok(Reader { member, client, bearer: Some(Bearer(header)) })
            }
            Identity::Header(header) => {
                let member = header.member(headers)?;
                Ok(Reader { member, client: None, bearer: None })
            }
        }
    }

    /// Whether anybody could be made out at all.
    pub fn is_ready(&self) -> bool {
        match self {
            Identity::Jwt(jwt) => jwt.is_ready(),
            Identity::Header(_) => true,
        }
    }

    /// Keys that were not taken since this was asked last: those before stay in force.
    pub fn refused(&self) -> Vec<Diagnostic> {
        match self {
            Identity::Jwt(jwt) => jwt.refused(),
            Identity::Header(_) => Vec::new(),
        }
    }

    /// Fetches keys, where there are keys to fetch. To be called at start.
    pub async fn prepare(&self) {
        if let Identity::Jwt(jwt) = self {
            jwt.prepare().await;
        }
    }
}

/// The one token of the one `Authorization` field.
fn bearer_token(headers: &HeaderMap) -> Result<(&str, HeaderValue), Rejected> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let field = fields.next().ok_or(Rejected::Missing)?;
    if fields.next().is_some() {
        return Err(Rejected::Malformed("two Authorization fields"));
    }
    let text = field.to_str().map_err(|_| Rejected::Malformed("Authorization is not text"))?;
    let (scheme, token) = text.split_once(' ').ok_or(Rejected::Missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejected::Missing);
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    // All bytes, so that the compiler can take many at once.
    let is_token = token.bytes().fold(true, |all, byte| all & is_plain(byte));
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !is_token {
        return Err(Rejected::Invalid("not a token"));
    }
    let mut header = field.clone();
    header.set_sensitive(true);
    Ok((token, header))
}

/// The grammar of a member id, in tokens and headers alike.
fn is_member_id(text: &str) -> bool {
    (1..=MEMBER_CHARACTERS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
}
