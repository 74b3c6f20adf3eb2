//! RECORD-BEFORE-RELEASE under `kill -9`, and on a disk that fills up and gets room again: a
//! process as it is run, under load.

use super::client::ask;
use super::command::{Running, run};
use super::deployment::{DAUGHTER, Files, MOTHER, shipped, yaml};
use super::upstream::{Upstream, good};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const CLAIMS: &str = "/api/v1/family/C-1/claims";

/// Readers that ask without a pause.
const READERS: usize = 6;

fn settings(upstream: &str) -> String {
    yaml(upstream, "limits: { reader: [] }")
        .replace("audit.jsonl,", "audit.jsonl, key: audit.key, segment: 64KiB,")
}

fn files() -> Files {
    let files = Files::new();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    files.write("audit.key", pair.serialize_pem());
    files.write("audit.pub", pair.public_key_pem());
    files
}

/// Ids of the answers that readers got whole, until nobody answers any more.
async fn load(running: &mut Running, answered: &Arc<Mutex<BTreeSet<String>>>) {
    let address = running.address().await;
    for reader in 0..READERS {
        let token = running.files.token([MOTHER, DAUGHTER][reader % 2]);
        let answered = Arc::clone(answered);
        tokio::spawn(async move {
            loop {
                let asking = ask_if_there(address, &token);
                let Some(id) = asking.await else { return };
                answered.lock().unwrap().insert(id);
            }
        });
    }
}

/// The request id of a 200; `None` when nobody listens any more or the answer broke off.
async fn ask_if_there(address: std::net::SocketAddr, token: &str) -> Option<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.ok()?;
    let request = super::client::request(&format!("GET {CLAIMS}"), &[token], "");
    socket.write_all(&request).await.ok()?;
    let mut read = Vec::new();
    socket.read_to_end(&mut read).await.ok();
    // Whoever has the head of a 200 may have bytes of its body.
    let text = String::from_utf8_lossy(&read);
    let id = text.split_once("x-request-id: ")?.1.get(..32)?.to_owned();
    text.starts_with("HTTP/1.1 200").then_some(id)
}

/// The requests that a log tells of. A closed segment is read once.
#[derive(Default)]
struct Recorded {
    closed: BTreeSet<PathBuf>,
    requests: HashSet<String>,
}

impl Recorded {
    fn read(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_log = path.extension().is_some_and(|ending| ending == "jsonl");
            if !is_log || self.closed.contains(&path) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let requests = text.split("\"request\":\"").skip(1);
            self.requests.extend(requests.filter_map(|rest| Some(rest.get(..32)?.to_owned())));
            if !path.ends_with("audit.jsonl") {
                self.closed.insert(path);
            }
        }
    }
}

/// Everything that the log holds, all segments of it.
fn recorded(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    text
}

fn assert_whole(folder: &Path) {
    let said = Command::new(env!("CARGO_BIN_EXE_sequester"))
        .args(["audit", "verify", "--key"])
        .args([folder.join("audit.pub"), folder.join("audit.jsonl")])
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
}

/// Kills the process this many times at moments without a pattern.
async fn kills(times: u32) {
    let body = shipped("cases/bodies/claims.json");
    let upstream = Upstream::scripted(good("application/json", &body)).await;
    let text = settings(&upstream.url());
    let mut files = files();
    let folder: PathBuf = files.path("");
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    // Begins somewhere else each time: where is told when it fails.
    let first = u64::from(std::process::id()) << 20 | 0x2545_f491_4f6c;
    let (mut all, mut seed) = (0, first);
    let mut recorded = Recorded::default();
    for time in 0..times {
        let mut running = run(files, &text);
        load(&mut running, &answered).await;
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        tokio::time::sleep(Duration::from_micros(30_000 + seed % 250_000)).await;
        running.child.kill().await.unwrap();
        files = running.files;
        // What was on its way to readers when it happened has been read.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let answered = std::mem::take(&mut *answered.lock().unwrap());
        recorded.read(&folder);
        for id in &answered {
            assert!(
                recorded.requests.contains(id.as_str()),
                "kill {time} of {first:x}: {id} left and is not recorded"
            );
        }
        all += answered.len();
        if time % 100 == 99 {
            tell(&format!("{} kills, {all} answers", time + 1));
            assert_whole(&folder);
        }
    }
    // Once more, and in order.
    let mut running = run(files, &text);
    running.address().await;
    running.signal("TERM").await;
    running.child.wait().await.unwrap();
    assert_whole(&folder);
    tell(&format!("{times} kills, {all} answers, each of them recorded"));
    assert!(all > usize::try_from(times).unwrap(), "{all} answers are no load");
}

#[expect(clippy::print_stdout, reason = "how many there were is what a long run is for")]
fn tell(line: &str) {
    println!("{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_any_moment_lose_no_line_of_an_answer() {
    kills(25).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes ten minutes: cargo test --test it -- --ignored a_thousand_kills --nocapture"]
async fn a_thousand_kills() {
    kills(1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_stops_answers_until_there_is_room() {
    let body = shipped("cases/bodies/claims.json");
    let upstream = Upstream::scripted(good("application/json", &body)).await;
    let files = files();
    let folder = files.path("");
    let mut running = run(files, &settings(&upstream.url()).replace("64KiB", "1GiB"));
    let address = running.address().await;
    let token = running.files.token(DAUGHTER);
    let process = running.child.id().unwrap().to_string();
    // No file may grow over this: what a full disk says, without a disk.
    let limit = |most: &str| {
        let set = Command::new("prlimit")
            .args(["--pid", &process, &format!("--fsize={most}:unlimited")])
            .status();
        assert!(set.unwrap().success());
    };
    let get = || async { ask(address, &format!("GET {CLAIMS}"), &[&token]).await.status };
    assert_eq!(get().await, 200);
    let bytes = std::fs::metadata(folder.join("audit.jsonl")).unwrap().len();
    limit(&(bytes + 100).to_string());
    for _ in 0..3 {
        assert_eq!(get().await, 503);
    }
    limit("unlimited");
    // A refusal could not be recorded either; the log says how many there were.
    let answered = async {
        while get().await != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), answered).await.unwrap();
    running.signal("TERM").await;
    running.child.wait().await.unwrap();
    assert!(recorded(&folder).contains("\"event\":\"resume\""));
    assert_whole(&folder);
}
