//! A proxy at work, from a configuration file as users write it.

use super::client::{self, Answer};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use rustix::fs::{MemfdFlags, SealFlags};
use sequester::config::Config;
use sequester::engine::diagnostics::SourceFile;
use sequester::proxy::{NoStart, Service};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const MOTHER: &str = "M-100";
pub(crate) const DAUGHTER: &str = "M-102";

/// A folder with everything a deployment names, and a key to sign tokens with.
pub(crate) struct Files {
    pub(crate) folder: TempDir,
    key: EncodingKey,
}

/// A file of the policies that are shipped.
pub(crate) fn shipped(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies").join(path);
    fs::read_to_string(&path).unwrap()
}

/// The house shape with a stream of claims beside its own routes, and the code lists it needs:
/// read in a fraction of the time that all policies take.
fn write_lean_policies(folder: &Path) {
    for inner in ["shapes", "codes", "rules"] {
        fs::create_dir_all(folder.join(inner)).unwrap();
    }
    let shipped_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let samples = shipped_folder.join("shapes/samples");
    std::os::unix::fs::symlink(samples, folder.join("shapes/samples")).unwrap();
    let stream = "  - { GET: '/export/{file}', body: ndjson, judge: stream, record: claim }
  - { GET: '/stream/{contract}', body: json, judge: stream }
envelope: [";
    let shape = shipped("shapes/family-account.yaml").replacen("envelope: [", stream, 1);
    fs::write(folder.join("shapes/family-account.yaml"), shape).unwrap();
    for same in ["rules/us-federal.yaml", "states.csv", "codes/icd10cm.csv", "codes/cpt.csv"] {
        fs::write(folder.join(same), shipped(same)).unwrap();
    }
    let systems = ["key", "ICD-10-CM", "CPT", "NUCC", "HCPCS-II", "NUBC-REV", "CMS-POS", "MS-DRG"];
    let is_needed = |line: &&str| systems.contains(&line.split(',').next().unwrap());
    let lines: Vec<String> =
        shipped("codes/systems.csv").lines().filter(is_needed).map(|l| format!("{l}\n")).collect();
    fs::write(folder.join("codes/systems.csv"), lines.concat()).unwrap();
    let words: Vec<String> =
        shipped("codes/words.csv").lines().take(40).map(|l| format!("{l}\n")).collect();
    fs::write(folder.join("codes/words.csv"), words.concat()).unwrap();
}

impl Files {
    /// With all policies that are shipped.
    pub(crate) fn with_all_policies() -> Files {
        let folder = tempfile::tempdir().unwrap();
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        std::os::unix::fs::symlink(policies, folder.path().join("policies")).unwrap();
        Files::around(folder)
    }

    /// With the policies of the house shape.
    pub(crate) fn new() -> Files {
        let folder = tempfile::tempdir().unwrap();
        write_lean_policies(&folder.path().join("policies"));
        Files::around(folder)
    }

    fn around(folder: TempDir) -> Files {
        fs::write(folder.path().join("members.csv"), shipped("cases/family.csv")).unwrap();
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = "k1".into();
        fs::write(folder.path().join("jwks.json"), json!({"keys": [jwk]}).to_string()).unwrap();
        Files { folder, key }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The `Authorization` field of a member.
    pub(crate) fn token(&self, member: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": "https://login.example", "aud": "member-api", "member_id": member,
            "azp": "portal", "iat": now, "exp": now + 300,
        });
        format!("Authorization: Bearer {}", self.sign(&claims))
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": "k1", "typ": "JWT"});
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// A token of these texts, whatever they are.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        let (header, claims) = (URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let message = format!("{header}.{claims}");
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, Algorithm::ES256).unwrap();
        format!("{message}.{signature}")
    }

    /// Lines of the audit so far that are about requests.
    pub(crate) fn audit(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &Value| line["request"].is_string()).collect()
    }

    /// The name of an audit log on a disk that is full: it can be opened and read, and every
    /// write fails.
    pub(crate) fn full_disk(&self) -> &'static str {
        let name = "full-disk.jsonl";
        let flags = MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC;
        let memory = rustix::fs::memfd_create("full", flags).unwrap();
        rustix::fs::fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::GROW).unwrap();
        let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
        std::os::unix::fs::symlink(path, self.path(name)).unwrap();
        // Open for as long as the tests run: the name leads to it.
        std::mem::forget(memory);
        name
    }

    pub(crate) fn config(&self, yaml: &str) -> Config {
        let file = SourceFile::new("sequester.yaml", yaml);
        Config::read(&file, self.folder.path()).unwrap_or_else(|mistakes| {
            panic!("{}", mistakes.iter().map(ToString::to_string).collect::<String>())
        })
    }

    pub(crate) async fn start(self, yaml: &str) -> Deployment {
        let service = match Service::start(&self.config(yaml), |_| {}).await {
            Ok(service) => service,
            Err(NoStart::Cannot(why)) => panic!("{why}"),
            Err(NoStart::Mistakes(mistakes)) => {
                panic!("{}", mistakes.iter().map(ToString::to_string).collect::<String>())
            }
        };
        let address = service.address().unwrap_or(([127, 0, 0, 1], 0).into());
        let admin = service.admin_address();
        let (end, ended) = oneshot::channel();
        let serving = tokio::spawn(service.serve(async { drop(ended.await) }));
        Deployment { files: self, address, admin, end: Some(end), serving }
    }
}

/// A configuration in clear with an upstream at this URL; `more` is added at the top level.
pub(crate) fn yaml(upstream: &str, more: &str) -> String {
    format!(
        "listen: {{ address: '127.0.0.1:0' }}
upstream:
  url: {upstream}
  public-url: https://members.example
  timeout: {{ connect: 1s, first-byte: 700ms, idle: 700ms, total: 2s }}
identity:
  jwt: {{ issuer: https://login.example, audience: member-api, keys: jwks.json, member-claim: member_id, client-claim: azp }}
members: {{ file: members.csv }}
policies: policies/
audit: {{ file: audit.jsonl, durability: sync }}
{more}"
    )
}

/// A proxy that serves until it is dropped or ended.
pub(crate) struct Deployment {
    pub(crate) files: Files,
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    end: Option<oneshot::Sender<()>>,
    pub(crate) serving: JoinHandle<bool>,
}

impl Deployment {
    /// The usual one in front of this upstream.
    pub(crate) async fn before(upstream: &str) -> Deployment {
        Files::new().start(&yaml(upstream, "")).await
    }

    /// The usual one with all policies that are shipped.
    pub(crate) async fn with_all_policies_before(upstream: &str) -> Deployment {
        Files::with_all_policies().start(&yaml(upstream, "")).await
    }

    /// GET as a member.
    pub(crate) async fn get(&self, member: &str, path: &str) -> Answer {
        let token = self.files.token(member);
        client::ask(self.address, &format!("GET {path}"), &[&token]).await
    }

    /// Tells it to end.
    pub(crate) fn end(&mut self) {
        self.end.take().unwrap().send(()).unwrap();
    }

    /// Waits for the end; its files are as it left them.
    pub(crate) async fn stopped(self) -> Files {
        self.serving.await.unwrap();
        self.files
    }

    /// Waits for the end; whether all that was under way ended.
    pub(crate) async fn ended(self) -> bool {
        self.serving.await.unwrap()
    }
}
