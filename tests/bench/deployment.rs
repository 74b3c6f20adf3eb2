//! A deployment of sequester with everything on: signed tokens, the policies of this project,
//! budgets that are counted and never met, an audit log.

use super::bad;
use super::site::PATIENTS;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The policy holder, who reads the records of her grown children.
const READER: &str = "M-100";

/// How long the token holds, seconds: longer than any run.
const TOKEN_S: u64 = 12 * 60 * 60;

const KEY_ID: &str = "bench";

/// Writes what all deployments of a run share; the reader's token.
pub(crate) fn prepare(folder: &Path) -> io::Result<String> {
    let mut members = format!(
        "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
         {READER},C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100\n"
    );
    for child in 0..PATIENTS {
        let row = format!("M-20{child},C-1,child,2001-02-03,OH,2015-01-01,,Patient/p-{child}\n");
        members.push_str(&row);
    }
    fs::write(folder.join("members.csv"), members)?;
    fs::write(folder.join("look-ups.token"), "rights-of-the-proxy")?;
    let pair = Ed25519KeyPair::generate().map_err(bad)?;
    let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": KEY_ID, "alg": "EdDSA", "x": public});
    fs::write(folder.join("jwks.json"), json!({"keys": [key]}).to_string())?;
    let private = pair.to_pkcs8().map_err(bad)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(bad)?.as_secs();
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(KEY_ID.to_owned());
    let claims = json!({
        "iss": "https://login.example", "aud": "member-api", "member_id": READER, "azp": "portal",
        "iat": now, "exp": now.saturating_add(TOKEN_S),
    });
    let key = EncodingKey::from_ed_der(private.as_ref());
    jsonwebtoken::encode(&header, &claims, &key).map_err(bad)
}

/// Writes the settings of one; their file.
pub(crate) fn settings(
    folder: &Path,
    port: u16,
    upstream_port: u16,
    tls: bool,
    durability: &str,
) -> io::Result<PathBuf> {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let policies = policies.display();
    let listen_tls = if tls { "\n  tls: { certificate: server.pem, key: server.key }" } else { "" };
    let (scheme, authorities) =
        if tls { ("https", "\n  authorities: ca.pem") } else { ("http", "") };
    let text = format!(
        "listen:
  address: 127.0.0.1:{port}{listen_tls}
upstream:
  url: {scheme}://127.0.0.1:{upstream_port}{authorities}
  public-url: https://members.example
  authorization: reader
  look-ups: {{ token-file: look-ups.token }}
  timeout: {{ total: 10m }}
identity:
  jwt: {{ issuer: https://login.example, audience: member-api, keys: jwks.json, member-claim: member_id, client-claim: azp }}
members: {{ file: members.csv }}
policies: {policies}
limits:
  hold: 16MiB
  held: 4GiB
  long-reads: 10000
  reader: [{{ requests: 4000000000 per 1m }}, {{ records: 4000000000 per 1d }}, {{ bytes: 900000GiB per 1d }}, {{ subjects: 100 per 30d }}]
  contract: [{{ requests: 4000000000 per 1m }}, {{ records: 4000000000 per 1d }}, {{ subjects: 100 per 30d }}]
  client: [{{ requests: 4000000000 per 1m }}]
  subject: [{{ records: 4000000000 per 1d }}]
audit: {{ file: audit-{port}.jsonl, durability: {durability} }}
"
    );
    let file = folder.join(format!("sequester-{port}.yaml"));
    fs::write(&file, text)?;
    Ok(file)
}
