//! What the audit costs: the whole proxy at 64 connections with it, and with entries thrown away.
//! Measured by `cargo test --release --lib -- --ignored audit_cost --nocapture`, on a quiet machine:
//! client, proxy and upstream share it. Rounds of each kind take turns; told are medians.

use crate::config::Config;
use crate::engine::diagnostics::SourceFile;
use crate::proxy::Service;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixStream};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 15;
/// Requests of one connection in one round.
const REQUESTS: usize = 60;

const REQUEST: &str =
    "GET /api/v1/family/C-1/claims HTTP/1.1\r\nHost: a\r\nX-Member-Id: M-100\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement; see the top of the file"]
async fn audit_cost() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream().await;
    let off = start(folder.path(), "off", &upstream, "written", true).await;
    let written = start(folder.path(), "written", &upstream, "written", false).await;
    let sync = start(folder.path(), "sync", &upstream, "sync", false).await;
    let kinds = [("off", off), ("written", written), ("sync", sync)];
    let mut rounds: [Vec<Duration>; 3] = Default::default();
    for round in 0..=ROUNDS {
        for (times, (_, socket)) in rounds.iter_mut().zip(&kinds) {
            let took = load(socket).await;
            // The first warms up.
            if round > 0 {
                times.push(took);
            }
        }
    }
    let mut baseline = 0;
    for (times, (name, _)) in rounds.iter_mut().zip(&kinds) {
        times.sort_unstable();
        let requests = u128::try_from(CONNECTIONS * REQUESTS).unwrap();
        let per_s = requests * 1_000_000 / times[ROUNDS / 2].as_micros().max(1);
        baseline = if *name == "off" { per_s } else { baseline };
        let part = per_s * 1000 / baseline;
        tell(&format!("{name:8} {per_s:6} requests/s, {}.{} %", part / 10, part % 10));
    }
}

#[expect(clippy::print_stdout, reason = "what a measurement is for")]
fn tell(line: &str) {
    println!("{line}");
}

/// A proxy at a Unix socket.
async fn start(
    folder: &Path,
    name: &str,
    upstream: &str,
    durability: &str,
    is_off: bool,
) -> PathBuf {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let socket = folder.join(format!("{name}.sock"));
    let text = format!(
        "listen: {{ address: 'unix:{}' }}
upstream: {{ url: 'http://{upstream}' }}
identity: {{ header: {{ name: X-Member-Id }} }}
members: {{ file: {}/cases/family.csv }}
policies: {}
limits: {{ reader: [] }}
audit: {{ file: {name}.jsonl, durability: {durability} }}
",
        socket.display(),
        policies.display(),
        policies.display()
    );
    let config = Config::read(&SourceFile::new("sequester.yaml", text), folder).unwrap();
    let mut service = Service::start(&config, |_| {}).await.unwrap();
    if is_off {
        service.turn_audit_off();
    }
    tokio::spawn(service.serve(std::future::pending()));
    socket
}

/// The time of one round.
async fn load(socket: &Path) -> Duration {
    let began = Instant::now();
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let socket = socket.to_owned();
        connections.spawn(async move {
            let mut stream = BufReader::new(UnixStream::connect(socket).await.unwrap());
            for _ in 0..REQUESTS {
                stream.get_mut().write_all(REQUEST.as_bytes()).await.unwrap();
                let mut status = String::new();
                stream.read_line(&mut status).await.unwrap();
                assert!(status.starts_with("HTTP/1.1 200"), "{status}");
                let mut body = vec![0; body_bytes(&mut stream).await];
                stream.read_exact(&mut body).await.unwrap();
            }
        });
    }
    connections.join_all().await;
    began.elapsed()
}

async fn body_bytes(stream: &mut BufReader<UnixStream>) -> usize {
    let mut length = 0;
    loop {
        let mut field = String::new();
        stream.read_line(&mut field).await.unwrap();
        if field == "\r\n" {
            return length;
        }
        if let Some(value) = field.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
    }
}

/// An API that answers everything with a family's claims.
async fn upstream() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/cases/bodies/claims.json");
    let body = std::fs::read_to_string(path).unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length";
    let answer = format!("{head}: {}\r\n\r\n{body}", body.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while stream.read_line(&mut line).await.is_ok_and(|bytes| bytes > 0) {
                    if line == "\r\n" && stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                    line.clear();
                }
            });
        }
    });
    address
}
