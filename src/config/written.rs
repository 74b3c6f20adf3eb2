//! `sequester.yaml` as users write it (DESIGN 4.1): one struct per mapping, nothing checked
//! beyond types. What it means is worked out in [`super::meant`].

mod limits;

pub use limits::{Limits, ReadLimit, Shared, SharedServer};

use crate::engine::diagnostics::At;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// One deployment. Paths are relative to this file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Deployment {
    /// Where readers connect.
    pub listen: Option<At<Listen>>,
    /// The API behind.
    pub upstream: Option<At<Upstream>>,
    /// How readers are known.
    pub identity: Option<At<Identity>>,
    /// Who is who.
    pub members: FileName,
    /// Authorizations and representations on file; none if left out.
    pub grants: Option<FileName>,
    /// Requests for confidential communication on file; none if left out.
    pub restrictions: Option<FileName>,
    /// The folder of the policies.
    pub policies: At<String>,
    /// Limits on what is held, read and asked.
    #[serde(default)]
    pub limits: Limits,
    /// The cursors by which readers page; their key is made anew at each start if left out.
    #[serde(default)]
    pub cursors: Cursors,
    /// A page that tells readers how to ask their therapist for psychotherapy notes.
    pub notice: Option<At<String>>,
    /// The account of every answer.
    pub audit: Option<At<Audit>>,
    /// What is found over many requests.
    #[serde(default)]
    pub findings: Findings,
    /// Traces of requests; none are made if left out.
    pub traces: Option<Traces>,
    /// Health and metrics; not served if left out.
    pub admin: Option<Admin>,
}

/// A file by its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileName {
    /// Its path.
    pub file: At<String>,
}

/// Where readers connect.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Listen {
    /// An IP address with a port, e.g. `0.0.0.0:8443`, or `unix:` with the path of a socket.
    pub address: At<String>,
    /// Served in clear if left out.
    pub tls: Option<Tls>,
}

/// TLS towards readers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tls {
    /// Our certificate chain, PEM.
    pub certificate: At<String>,
    /// Its private key, PEM.
    pub key: At<String>,
    /// Who signs the certificates that clients must show, PEM; none are asked for if left out.
    pub client_authorities: Option<At<String>>,
}

/// The API behind.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Upstream {
    /// Scheme, host and port, e.g. `https://api.internal.example:9443`.
    pub url: At<String>,
    /// Who signs its certificate, PEM; the authorities of the system if left out.
    pub authorities: Option<At<String>>,
    /// What the upstream is told its address is: scheme, host and port as readers know them.
    pub public_url: Option<At<String>>,
    /// What it is shown: `reader` passes the verified bearer token on; nothing if left out.
    pub authorization: Option<At<Authorization>>,
    /// Rights for `resolve:` links; without it they are not looked up, and hide.
    pub look_ups: Option<LookUps>,
    /// How long each step may take.
    #[serde(default)]
    pub timeout: Timeout,
}

/// What the upstream is shown. Read by hand: `untagged` would lose the positions.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Authorization {
    /// The reader's own.
    Reader(ReaderWord),
    /// Ours.
    Ours(OurAuthorization),
}

/// The word for the reader's own authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReaderWord {
    /// The bearer token that was verified.
    Reader,
}

/// Our own authorization: either a token or a certificate with its key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OurAuthorization {
    /// A file that holds a bearer token.
    pub token_file: Option<At<String>>,
    /// A certificate chain, PEM.
    pub client_certificate: Option<At<String>>,
    /// Its private key, PEM.
    pub key: Option<At<String>>,
}

impl<'de> Deserialize<'de> for Authorization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Authorization, D::Error> {
        deserializer.deserialize_any(AuthorizationVisitor)
    }
}

struct AuthorizationVisitor;

impl<'de> Visitor<'de> for AuthorizationVisitor {
    type Value = Authorization;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`reader`, or files with an authorization of ours")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Authorization, E> {
        match word {
            "reader" => Ok(Authorization::Reader(ReaderWord::Reader)),
            _ => Err(E::custom("not `reader`")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Authorization, A::Error> {
        let members = MapAccessDeserializer::new(members);
        OurAuthorization::deserialize(members).map(Authorization::Ours)
    }
}

/// Rights for look-ups.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LookUps {
    /// A file that holds a bearer token.
    pub token_file: At<String>,
}

/// How long each step towards the upstream may take, e.g. `500ms`, `2s`, `1m`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Timeout {
    /// Until connected, TLS included; 2s if left out.
    pub connect: Option<At<String>>,
    /// Until the head of the answer; 30s if left out.
    pub first_byte: Option<At<String>>,
    /// Between two parts of the answer; 15s if left out.
    pub idle: Option<At<String>>,
    /// Until the end of the answer; 60s if left out.
    pub total: Option<At<String>>,
}

/// How readers are known: one of the two.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Identity {
    /// By a bearer token.
    pub jwt: Option<Jwt>,
    /// By a header that the portal in front sets. Only with `client-authorities` or a Unix
    /// socket: else anybody could set it.
    pub header: Option<At<Header>>,
}

/// Bearer tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Jwt {
    /// What `iss` must be.
    pub issuer: At<String>,
    /// What `aud` must hold.
    pub audience: At<String>,
    /// The issuer's keys: a JWKS file, or the URL of one.
    pub keys: At<String>,
    /// The claim that holds the member id; `sub` if left out.
    pub member_claim: Option<At<String>>,
    /// The claim that holds the client application; not read if left out.
    pub client_claim: Option<At<String>>,
}

/// A header that the portal sets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Header {
    /// Its name, e.g. `X-Member-Id`; its value is the member id.
    pub name: At<String>,
}

/// The cursors by which readers page.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cursors {
    /// A file with a key in each line, 32 bytes in base64: the first seals, all open. Proxies
    /// that serve one portal share it.
    pub keys: Option<At<String>>,
    /// How long a cursor holds at least, from `1m` to `30d`; at most twice as long. 1h if left
    /// out.
    pub expire: Option<At<String>>,
}

/// The account of every answer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Audit {
    /// The file that is appended to.
    pub file: At<String>,
    /// When an entry counts as written; `sync` if left out.
    pub durability: Option<Durability>,
    /// The private key (Ed25519, PEM) that signs the heads of the log; not signed if left out.
    pub key: Option<At<String>>,
    /// Size at which the file is sealed and a new one begun; 256MiB if left out.
    pub segment: Option<At<String>>,
    /// Age at which it is, from `1m` to `30d`; 1d if left out.
    pub rotate: Option<At<String>>,
}

/// When an entry counts as written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// Synced to the disk, in groups: survives a power cut.
    #[default]
    Sync,
    /// Handed to the operating system: survives the death of the process.
    Written,
}

/// Health and metrics.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Admin {
    /// An IP address with a port, e.g. `127.0.0.1:9464`.
    pub address: At<String>,
}

/// What is found over many requests and raised: a line in the audit and a metric.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Findings {
    /// A slow drip: on so many of thirty days a reader asked about the same other person; 16 if
    /// left out.
    pub slow_drip_days: Option<At<u32>>,
    /// A sweep: so many other people that one reader asked about; 30 per 1h if left out.
    pub sweep: Option<At<String>>,
    /// The same of one client application; 100000 per 1h if left out.
    pub client_sweep: Option<At<String>>,
    /// Answers `not found` to one reader; 30 per 1h if left out.
    pub not_found: Option<At<String>>,
    /// Records withheld from one reader; 20000 per 1d if left out.
    pub withheld: Option<At<String>>,
    /// So many ids, each one more or one less than the one before; 10 if left out.
    pub ids_in_sequence: Option<At<u32>>,
    /// The same finding is raised once in this time; 1d if left out.
    pub once_per: Option<At<String>>,
    /// Where slow drips are kept over restarts; the name of the audit file with `.findings` if
    /// left out.
    pub state: Option<At<String>>,
}

/// Traces of requests.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Traces {
    /// A collector that takes OTLP over HTTP, e.g. `http://collector:4318/v1/traces`.
    pub otlp: At<String>,
}
