//! `sequester run` as a service manager sees it.

use super::client::ask;
use super::deployment::{DAUGHTER, Files, shipped, yaml};
use super::upstream::{Step, Upstream, good};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};

const CLAIMS: &str = "/api/v1/family/C-1/claims";

async fn slow_claims() -> Upstream {
    let mut script = vec![Step::Wait(Duration::from_millis(500))];
    script.extend(good("application/json", &shipped("cases/bodies/claims.json")));
    Upstream::scripted(script).await
}

pub(crate) struct Running {
    pub(crate) files: Files,
    pub(crate) child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

pub(crate) fn run(files: Files, text: &str) -> Running {
    files.write("sequester.yaml", text);
    let mut child = Command::new(env!("CARGO_BIN_EXE_sequester"))
        .args(["run", "--config"])
        .arg(files.path("sequester.yaml"))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    Running { files, child, stderr }
}

impl Running {
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(Duration::from_secs(30), self.stderr.next_line());
        line.await.unwrap().unwrap().unwrap_or_default()
    }

    pub(crate) async fn address(&mut self) -> SocketAddr {
        let line = self.line().await;
        line.strip_prefix("listening at http://")
            .unwrap_or_else(|| panic!("{line}"))
            .parse()
            .unwrap()
    }

    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(sent.success());
    }

    pub(crate) async fn ends(mut self) -> (Option<i32>, Vec<String>) {
        let mut lines = Vec::new();
        let end = async {
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                lines.push(line);
            }
            self.child.wait().await.unwrap().code()
        };
        let code = tokio::time::timeout(Duration::from_secs(30), end).await.unwrap();
        (code, lines)
    }
}

#[tokio::test]
async fn told_to_end_it_finishes_what_is_under_way() {
    let upstream = slow_claims().await;
    for name in ["TERM", "INT"] {
        let mut running = run(Files::new(), &yaml(&upstream.url(), ""));
        let address = running.address().await;
        let token = running.files.token(DAUGHTER);
        let under_way =
            tokio::spawn(async move { ask(address, &format!("GET {CLAIMS}"), &[&token]).await });
        tokio::time::sleep(Duration::from_millis(150)).await;
        running.signal("HUP").await;
        running.signal(name).await;
        let answer = under_way.await.unwrap();
        assert_eq!((answer.status, answer.whole), (200, true));
        assert_eq!(running.files.audit().len(), 1);
        assert_eq!(running.ends().await, (Some(0), vec!["stopped".to_owned()]));
    }
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let upstream = Upstream::scripted(vec![Step::Hang]).await;
    let text = yaml(&upstream.url(), "").replace("first-byte: 700ms", "first-byte: 20s");
    let text = text.replace("total: 2s", "total: 20s");
    let mut running = run(Files::new(), &text);
    let address = running.address().await;
    let token = running.files.token(DAUGHTER);
    tokio::spawn(async move { ask(address, &format!("GET {CLAIMS}"), &[&token]).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.signal("TERM").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.signal("TERM").await;
    let ended = tokio::time::timeout(Duration::from_secs(5), running.ends()).await.unwrap();
    assert_eq!(ended, (Some(0), vec!["stopped; what was under way was cut".to_owned()]));
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_message() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let text = yaml("http://127.0.0.1:1", "").replace("127.0.0.1:0", &address.to_string());
    let why = format!("cannot listen at `{address}`: something else listens there already");
    let listen = run(Files::new(), &text).ends().await;
    assert_eq!(listen, (Some(2), vec![format!("error: {why}")]));
    let text = yaml("http://127.0.0.1:1", &format!("admin: {{ address: '{address}' }}"));
    let admin = run(Files::new(), &text).ends().await;
    assert_eq!(admin, (Some(2), vec![format!("error: {why}")]));
}

#[tokio::test]
async fn what_is_missing_or_broken_stops_it_before_it_listens() {
    let text = yaml("http://127.0.0.1:1", "");
    let files = Files::new();
    std::fs::remove_file(files.path("jwks.json")).unwrap();
    let (code, lines) = run(files, &text).ends().await;
    assert_eq!(code, Some(2));
    assert!(lines[0].contains("no such file"), "{lines:?}");

    let files = Files::new();
    files.write("jwks.json", "{\"keys\":[]}");
    let (code, lines) = run(files, &text).ends().await;
    assert_eq!((code, lines.len()), (Some(2), 1), "{lines:?}");
    assert!(lines[0].contains("jwks.json: has no key that can be used"), "{lines:?}");

    let files = Files::new();
    files.write("policies/rules/us-federal.yaml", "pack: us-federal\nrules: []\n");
    let (code, lines) = run(files, &text).ends().await;
    assert_eq!(code, Some(1), "{lines:?}");

    let files = Files::new();
    files.write("members.csv", "nonsense\n");
    let (code, lines) = run(files, &text).ends().await;
    assert_eq!(code, Some(1), "{lines:?}");

    let text = text.replace("audit.jsonl", "no/such/folder/audit.jsonl");
    let (code, lines) = run(Files::new(), &text).ends().await;
    assert_eq!((code, lines[0].as_str()), (Some(2), "error: no such folder"), "{lines:?}");
    assert!(lines[1].ends_with("/no/such/folder"), "{lines:?}");

    let text = text.replace("no/such/folder/audit.jsonl", "policies");
    let (code, lines) = run(Files::new(), &text).ends().await;
    assert_eq!((code, lines.len()), (Some(2), 1), "{lines:?}");
    assert!(lines[0].contains("the audit log cannot be opened"), "{lines:?}");
}
