//! The demo's deployment, on disk like any other: settings, members, policies and keys in a
//! folder of its own, which goes when the demo ends. The proxy is started from it as `run` does.

use super::family::{Who, members_csv};
use super::policies;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// How long a token of the demo holds, seconds.
const TOKEN_S: u64 = 12 * 60 * 60;

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "member-api";
/// The payer of the demo answers whoever shows a token.
const LOOK_UPS_TOKEN: &str = "rights-of-the-proxy";

const KEY_ID: &str = "demo";

/// The folder and the key that signs tokens. The private key is never written down.
pub(super) struct Deployment {
    folder: TempDir,
    key: EncodingKey,
}

impl std::fmt::Debug for Deployment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deployment")
    }
}

/// Where the three of them listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) payer: SocketAddr,
    pub(super) proxy: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Deployment {
    /// Makes a folder with everything but the settings, and a fresh key.
    pub(super) fn prepare(today: Date) -> io::Result<Deployment> {
        let folder = tempfile::Builder::new().prefix("sequester-demo-").tempdir()?;
        policies::write(&folder.path().join("policies"))?;
        fs::write(folder.path().join("members.csv"), members_csv(today))?;
        fs::write(folder.path().join("look-ups.token"), LOOK_UPS_TOKEN)?;
        let no_key = |_| io::Error::other("no key could be made");
        let pair = Ed25519KeyPair::generate().map_err(no_key)?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "alg": "EdDSA", "x": public});
        fs::write(folder.path().join("jwks.json"), json!({"keys": [jwk]}).to_string())?;
        let private = pair.to_pkcs8().map_err(no_key)?;
        let key = EncodingKey::from_ed_der(private.as_ref());
        Ok(Deployment { folder, key })
    }

    /// Writes the settings for these addresses; the path of the file.
    pub(super) fn settings(&self, addresses: Addresses) -> io::Result<PathBuf> {
        let Addresses { payer, proxy, admin } = addresses;
        let text = format!(
            "listen:
  address: {proxy}
upstream:
  url: http://{payer}
  public-url: http://{proxy}
  authorization: reader
  look-ups: {{ token-file: look-ups.token }}
identity:
  jwt: {{ issuer: {ISSUER}, audience: {AUDIENCE}, keys: jwks.json, member-claim: member_id, client-claim: azp }}
members: {{ file: members.csv }}
policies: policies/
limits:
  reader: [{{ requests: 5000 per 1m }}]   # the demo asks for everything there is, at once
notice: https://members.example/help/therapy-notes
audit: {{ file: audit.jsonl, durability: written }}
admin: {{ address: {admin} }}
"
        );
        let file = self.folder.path().join("sequester.yaml");
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Where the proxy keeps its account of every answer.
    pub(super) fn audit_file(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// A token by which somebody is known.
    pub(super) fn token(&self, who: Who) -> io::Result<String> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        let now_s = since.as_secs();
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(KEY_ID.to_owned());
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "member_id": who.person().member, "azp": "demo",
            "iat": now_s, "exp": now_s.saturating_add(TOKEN_S),
        });
        jsonwebtoken::encode(&header, &claims, &self.key).map_err(io::Error::other)
    }
}
