//! `limits:` as users write it.

use crate::engine::diagnostics::At;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// Limits. Sizes are written `8MiB`, rates `120 per 1m`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limits {
    /// Longest decoded body that is judged whole; 8MiB if left out.
    pub hold: Option<At<String>>,
    /// Longest record of a stream; 4MiB if left out.
    pub record: Option<At<String>>,
    /// Deepest nesting of a body; 64 if left out.
    pub depth: Option<At<u32>>,
    /// Most bytes of bodies held at a time, over all requests; 512MiB if left out.
    pub held: Option<At<String>>,
    /// Most upstream pages read for one answer; 100 if left out.
    pub upstream_pages: Option<At<u32>>,
    /// Most records of one page of a search; 200 if left out.
    pub page_records: Option<At<u32>>,
    /// What one reader may ask and get; `[]` is no limit. What is in force if this or one of the
    /// next four is left out stands in the README.
    pub reader: Option<Vec<At<ReadLimit>>>,
    /// What all readers of one contract may ask, and get about others than themselves.
    pub contract: Option<Vec<At<ReadLimit>>>,
    /// What all readers by one client application may ask and get.
    pub client: Option<Vec<At<ReadLimit>>>,
    /// What one reader may get about one person.
    pub subject: Option<Vec<At<ReadLimit>>>,
    /// Requests with credentials that do not hold, from one address.
    pub address: Option<Vec<At<ReadLimit>>>,
    /// Streams and `$everything` of one reader at a time; 4 if left out.
    pub long_reads: Option<At<u32>>,
    /// Most readers, contracts, applications, pairs and addresses remembered, each; 1000000 if
    /// left out.
    pub keys: Option<At<u32>>,
    /// The file in which what has been read is kept from one start to the next; forgotten with
    /// the process if left out.
    pub state: Option<At<String>>,
    /// A Valkey or Redis on which several proxies count together; each by itself if left out.
    pub shared: Option<At<Shared>>,
}

/// Where several proxies count together. Read by hand: `untagged` would lose the positions.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum Shared {
    /// `redis://host:port/database` or `rediss://…`.
    Url(String),
    /// The same with more.
    More(Box<SharedServer>),
}

/// A Valkey or Redis: one primary, no cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SharedServer {
    /// `redis://host:port/database` or `rediss://…`.
    pub url: At<String>,
    /// Who signs its certificate, PEM; the authorities of the system if left out.
    pub authorities: Option<At<String>>,
    /// The user; the default one if left out.
    pub username: Option<At<String>>,
    /// A file that holds the password.
    pub password_file: Option<At<String>>,
    /// The environment variable that holds the password.
    pub password_env: Option<At<String>>,
    /// A file with the secret by which names are hashed, 32 bytes in base64, the same for all
    /// proxies; that of `cursors.keys` if left out.
    pub key: Option<At<String>>,
    /// How many proxies share the budgets: while the server is away each has one part in so many
    /// of its own; 1 if left out.
    pub proxies: Option<At<u32>>,
    /// How long a request waits for it; 50ms if left out.
    pub timeout: Option<At<String>>,
}

impl<'de> Deserialize<'de> for Shared {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared, D::Error> {
        deserializer.deserialize_any(SharedVisitor)
    }
}

struct SharedVisitor;

impl<'de> Visitor<'de> for SharedVisitor {
    type Value = Shared;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a `redis://` URL, or `url` with more")
    }

    fn visit_str<E: Error>(self, url: &str) -> Result<Shared, E> {
        Ok(Shared::Url(url.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Shared, A::Error> {
        let members = MapAccessDeserializer::new(members);
        SharedServer::deserialize(members).map(|server| Shared::More(Box::new(server)))
    }
}

/// One limit: one of these.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReadLimit {
    /// Requests, e.g. `120 per 1m`.
    pub requests: Option<At<String>>,
    /// Records released, e.g. `5000 per 1d`.
    pub records: Option<At<String>>,
    /// Different people shown something about, e.g. `20 per 30d`.
    pub subjects: Option<At<String>>,
    /// Bytes released, e.g. `500MiB per 1d`.
    pub bytes: Option<At<String>>,
}
