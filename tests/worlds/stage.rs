//! A proxy in front of a generated upstream, once for each of the two worlds.

use super::client::{Answer, Client};
use super::family::{self, Family, Role};
use super::pair::FAMILIES;
use super::requests::Step;
use super::upstream::Upstream;
use crate::proxy::deployment::{Deployment, Files};
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command};
use std::time::Duration;

/// A proxy in this process, or in one of its own.
pub enum Proxy {
    Here(Deployment),
    Process { files: Files, child: Child },
}

/// The proxy in front of one of the two worlds, and the reader's connection to it.
pub struct Side {
    pub upstream: Upstream,
    pub proxy: Proxy,
    client: Client,
    /// The last page's own way to the next one.
    next: Option<String>,
}

/// Settings of a proxy before this upstream. `more` is added at the top level.
pub fn settings(upstream: SocketAddr, audit: &str, more: &str) -> String {
    format!(
        "listen: {{ address: '127.0.0.1:0' }}
upstream:
  url: http://{upstream}
  public-url: https://members.example
  look-ups: {{ token-file: look-ups }}
  timeout: {{ connect: 5s, first-byte: 20s, idle: 20s, total: 60s }}
identity:
  jwt: {{ issuer: https://login.example, audience: member-api, keys: jwks.json, member-claim: member_id, client-claim: azp }}
members: {{ file: members.csv }}
grants: {{ file: grants.csv }}
restrictions: {{ file: restrictions.csv }}
policies: policies/
cursors: {{ keys: cursor-keys, expire: 30d }}
audit: {{ file: {audit}, durability: written }}
{more}"
    )
}

/// The files of a deployment, with everybody on file.
pub fn prepared(files: Files) -> Files {
    for (name, text) in family::files(FAMILIES) {
        files.write(name, text);
    }
    // One key for both worlds: then their cursors are the same, too.
    files.write("cursor-keys", "c2VxdWVzdGVyJ3Mgb3duIHR3byB3b3JsZHMga2V5IDE=\n");
    files.write("look-ups", "the proxy itself\n");
    files
}

pub const NO_LIMIT: &str = "limits: { reader: [], contract: [], subject: [] }";

impl Side {
    pub async fn start(files: Files, more: &str) -> Side {
        let upstream = Upstream::start().await;
        let settings = settings(upstream.address, "audit.jsonl", more);
        let deployment = prepared(files).start(&settings).await;
        let client = Client::new(deployment.address);
        Side { upstream, proxy: Proxy::Here(deployment), client, next: None }
    }

    /// The program as it is run, with everything that it writes kept in files: `audit.jsonl`,
    /// `stdout` and `stderr`. Gives where its figures are too.
    pub async fn process(files: Files) -> (Side, SocketAddr) {
        let upstream = Upstream::start().await;
        let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let more = format!("{NO_LIMIT}\nadmin: {{ address: '{admin}' }}");
        let files = prepared(files);
        files.write("sequester.yaml", settings(upstream.address, "audit.jsonl", &more));
        let child = Command::new(env!("CARGO_BIN_EXE_sequester"))
            .args(["run", "--config"])
            .arg(files.path("sequester.yaml"))
            .stdout(File::create(files.path("stdout")).unwrap())
            .stderr(File::create(files.path("stderr")).unwrap())
            .spawn()
            .unwrap();
        let address = loop {
            let said = std::fs::read_to_string(files.path("stderr")).unwrap();
            let line = said.lines().find_map(|line| line.strip_prefix("listening at http://"));
            match line {
                Some(address) => break address.parse().unwrap(),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let proxy = Proxy::Process { files, child };
        (Side { upstream, proxy, client: Client::new(address), next: None }, admin)
    }

    pub fn files(&self) -> &Files {
        match &self.proxy {
            Proxy::Here(deployment) => &deployment.files,
            Proxy::Process { files, .. } => files,
        }
    }

    pub fn token(&self, family: &Family, reader: Role) -> String {
        self.files().token(&family.member(reader))
    }

    /// Forgets pages: another reader comes.
    pub fn begin(&mut self) {
        self.client.begin();
        self.next = None;
    }

    /// One step; `None` where there is no next page.
    pub async fn play(&mut self, step: &Step, token: &str) -> Option<Answer> {
        self.upstream.said();
        let (method, target, form, fields) = match step {
            Step::Next => ("GET", self.next.take()?, None, Vec::new()),
            Step::Ask { method, target, form, fields } => {
                (*method, target.clone(), form.clone(), fields.clone())
            }
        };
        let mut sent =
            format!("{method} {target} HTTP/1.1\r\nHost: members.example\r\n{token}\r\n");
        for field in fields {
            sent.push_str(&format!("{field}\r\n"));
        }
        if method == "POST" {
            let form = form.as_deref().unwrap_or_default();
            let length = form.len();
            sent.push_str(&format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
            ));
        } else {
            sent.push_str("\r\n");
        }
        let answer = self.client.ask(sent.as_bytes(), method == "HEAD").await;
        if let Some(next) = next_of(&target, &answer) {
            self.next = Some(next);
        }
        Some(answer)
    }

    /// From now on the upstream breaks now and then.
    pub fn may_be_cut(&mut self) {
        self.client.may_be_cut = true;
    }

    /// Every byte of the last answer.
    pub fn raw(&self) -> &[u8] {
        &self.client.raw
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Proxy::Process { child, .. } = self {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Where the next page of an answer is, if it says so.
fn next_of(target: &str, answer: &Answer) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
    if let Some(links) = body["link"].as_array() {
        let next = links.iter().find(|link| link["relation"] == "next")?;
        let url = next["url"].as_str()?;
        return Some(url.strip_prefix("https://members.example").unwrap_or(url).to_owned());
    }
    let cursor = body["page"]["next"].as_str()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let kept: String = kept.map(|pair| format!("&{pair}")).collect();
    Some(format!("{path}?cursor={cursor}{kept}"))
}
