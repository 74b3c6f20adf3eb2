//! `sequester.yaml` as meant: defaults filled in, values built, paths resolved, one of two where
//! only one can be. Only `Config::load` makes these.

pub use super::address::{Address, Origin, StoreAddress, Url};
pub use super::reads::{Dimension, Password, ReadLimits, Scope, ScopedRate, Shared};
pub use super::units::Rate;
pub use super::written::Durability;

use crate::engine::Settings;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// One deployment.
#[derive(Clone, Debug)]
pub struct Config {
    /// What bodies are judged by.
    pub judging: Judging,
    /// Where readers connect.
    pub listen: Listen,
    /// The API behind.
    pub upstream: Upstream,
    /// How readers are known.
    pub identity: Identity,
    /// The cursors by which readers page.
    pub cursors: Cursors,
    /// A page on how to ask for psychotherapy notes.
    pub notice: Option<Url>,
    /// The account of every answer.
    pub audit: Audit,
    /// What is found over many requests.
    pub findings: Findings,
    /// The collector of traces.
    pub traces: Option<Url>,
    /// Health and metrics.
    pub admin: Option<SocketAddr>,
}

/// The part of a deployment that `redact` and `explain` read too.
#[derive(Clone, Debug)]
pub struct Judging {
    /// Who is who.
    pub members: PathBuf,
    /// Authorizations and representations.
    pub grants: Option<PathBuf>,
    /// Confidential communication.
    pub restrictions: Option<PathBuf>,
    /// The folder of the policies.
    pub policies: PathBuf,
    /// What is held, read and asked at most.
    pub limits: Limits,
    /// What the upstream is told its address is.
    pub public_url: Option<Origin>,
}

impl Judging {
    /// What the engine is told of it.
    pub fn settings(&self) -> Settings {
        Settings {
            hold: self.limits.hold_bytes,
            record: self.limits.record_bytes,
            depth: self.limits.depth,
            public_url: self.public_url.as_ref().map(ToString::to_string),
        }
    }
}

/// Limits of one deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest decoded body judged whole, bytes.
    pub hold_bytes: usize,
    /// Longest record of a stream, bytes.
    pub record_bytes: usize,
    /// Deepest nesting, levels.
    pub depth: usize,
    /// Most bytes of bodies held over all requests.
    pub held_bytes: usize,
    /// Most upstream pages read for one answer.
    pub upstream_pages: u32,
    /// Most records of one page of a search.
    pub page_records: u32,
    /// What may be read.
    pub reads: ReadLimits,
}

/// Where readers connect.
#[derive(Clone, Debug)]
pub struct Listen {
    /// The address.
    pub address: Address,
    /// In clear if `None`.
    pub tls: Option<Tls>,
}

/// TLS towards readers: names of PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Our chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Who signs the certificates clients must show.
    pub client_authorities: Option<PathBuf>,
}

/// The API behind.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Where it is.
    pub origin: Origin,
    /// Who signs its certificate, PEM file; the system's if `None`.
    pub authorities: Option<PathBuf>,
    /// What it is shown.
    pub authorization: Authorization,
    /// A file with a token for look-ups; none are done without.
    pub look_ups_token: Option<PathBuf>,
    /// How long each step may take.
    pub timeout: Timeout,
}

/// What the upstream is shown.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// Nothing.
    Nothing,
    /// The bearer token of the reader that was verified.
    Reader,
    /// The bearer token in this file.
    Token(PathBuf),
    /// A client certificate.
    Certificate {
        /// The chain, PEM file.
        certificate: PathBuf,
        /// Its key, PEM file.
        key: PathBuf,
    },
}

/// How long each step towards the upstream may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// Until connected, TLS included.
    pub connect: Duration,
    /// Until the head of the answer.
    pub first_byte: Duration,
    /// Between two parts of the answer.
    pub idle: Duration,
    /// Until the end of the answer.
    pub total: Duration,
}

/// How readers are known.
#[derive(Clone, Debug)]
pub enum Identity {
    /// By a bearer token.
    Jwt(Jwt),
    /// By the value of this header, its name in lower case. The listener has
    /// `client-authorities` or is a Unix socket.
    Header(String),
}

/// Bearer tokens.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// What `iss` must be.
    pub issuer: String,
    /// What `aud` must hold.
    pub audience: String,
    /// The issuer's keys.
    pub keys: Keys,
    /// The claim that holds the member id.
    pub member_claim: String,
    /// The claim that holds the client application.
    pub client_claim: Option<String>,
}

/// Where the issuer's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// In a JWKS file.
    File(PathBuf),
    /// At a URL: `https`, or on this machine.
    Url(Url),
}

/// The cursors by which readers page.
#[derive(Clone, Debug)]
pub struct Cursors {
    /// The file of the keys; a key of this process alone if `None`.
    pub keys: Option<PathBuf>,
    /// How long a cursor holds at least.
    pub expire: Duration,
}

/// The account of every answer.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The file that is appended to.
    pub file: PathBuf,
    /// When an entry counts as written.
    pub durability: Durability,
    /// The file of the key that signs heads; they are not signed if `None`.
    pub key: Option<PathBuf>,
    /// Size at which a segment is closed.
    pub segment_bytes: u64,
    /// Age at which it is.
    pub segment_age: Duration,
}

/// What is found over many requests.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Days of thirty.
    pub slow_drip_days: u32,
    /// Other people of one reader.
    pub sweep: Rate,
    /// Other people of one client application.
    pub client_sweep: Rate,
    /// Answers `not found` to one reader.
    pub not_found: Rate,
    /// Records withheld from one reader.
    pub withheld: Rate,
    /// Ids that run on.
    pub ids_in_sequence: u32,
    /// The same finding is raised once in this time.
    pub once_per: Duration,
    /// Where slow drips are kept over restarts.
    pub state: PathBuf,
}
