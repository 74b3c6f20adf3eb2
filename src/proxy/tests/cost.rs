//! What limits and the audit cost: the whole proxy at 64 connections with them, and without limits
//! and with entries thrown away.
//! Measured by `cargo test --release --lib -- --ignored cost_of_limits_and_audit --nocapture`, on a
//! quiet machine: client, proxy and upstream share it. Rounds of each kind take turns; told are
//! medians.

use crate::config::Config;
use crate::engine::diagnostics::SourceFile;
use crate::proxy::Service;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixStream};

/// As in the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 15;
/// Requests of one connection in one round.
const REQUESTS: usize = 60;

const REQUEST: &str =
    "GET /api/v1/family/C-1/claims HTTP/1.1\r\nHost: a\r\nX-Member-Id: M-100\r\n\r\n";

const NO_LIMITS: &str = "{ reader: [], contract: [], subject: [], address: [] }";

/// As many as there usually are, and so wide that the load meets none.
const LIMITS: &str = "{
  reader: [{ requests: 30000000 per 1m }, { requests: 500000000 per 1d }, { records: 4000000000 per 1d },
           { records: 4000000001 per 30d }, { subjects: 50 per 1d }, { subjects: 100 per 30d }, { bytes: 20000GiB per 1d }],
  contract: [{ requests: 120000000 per 1m }, { records: 4000000000 per 1d }, { records: 4000000001 per 30d }, { subjects: 200 per 30d }],
  subject: [{ records: 2000000000 per 1d }, { records: 4000000000 per 30d }],
}";

/// What is on.
struct Kind {
    name: &'static str,
    limits: &'static str,
    /// `None`: entries are thrown away.
    audit: Option<&'static str>,
}

const KINDS: [Kind; 5] = [
    Kind { name: "neither", limits: NO_LIMITS, audit: None },
    Kind { name: "limits", limits: LIMITS, audit: None },
    Kind { name: "audit", limits: NO_LIMITS, audit: Some("written") },
    Kind { name: "both", limits: LIMITS, audit: Some("written") },
    Kind { name: "both, sync", limits: LIMITS, audit: Some("sync") },
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement; see the top of the file"]
async fn cost_of_limits_and_audit() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = upstream().await;
    let mut sockets = Vec::new();
    for kind in &KINDS {
        sockets.push(start(folder.path(), kind, &upstream).await);
    }
    let mut rounds: [Vec<Duration>; KINDS.len()] = Default::default();
    for round in 0..=ROUNDS {
        for (times, socket) in rounds.iter_mut().zip(&sockets) {
            let took = load(socket).await;
            // The first warms up.
            if round > 0 {
                times.push(took);
            }
        }
    }
    let mut baseline = None;
    for (times, kind) in rounds.iter_mut().zip(&KINDS) {
        times.sort_unstable();
        let requests = u128::try_from(CONNECTIONS * REQUESTS).unwrap();
        let per_s = requests * 1_000_000 / times[ROUNDS / 2].as_micros().max(1);
        let part = per_s * 1000 / *baseline.get_or_insert(per_s);
        tell(&format!("{:10} {per_s:6} requests/s, {}.{} %", kind.name, part / 10, part % 10));
    }
}

#[expect(clippy::print_stdout, reason = "what a measurement is for")]
fn tell(line: &str) {
    println!("{line}");
}

/// A proxy at a Unix socket.
async fn start(folder: &Path, kind: &Kind, upstream: &str) -> PathBuf {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let name = kind.name.replace(", ", "-");
    let socket = folder.join(format!("{name}.sock"));
    let text = format!(
        "listen: {{ address: 'unix:{}' }}
upstream: {{ url: 'http://{upstream}' }}
identity: {{ header: {{ name: X-Member-Id }} }}
members: {{ file: {}/cases/family.csv }}
policies: {}
limits: {}
audit: {{ file: {name}.jsonl, durability: {} }}
",
        socket.display(),
        policies.display(),
        policies.display(),
        kind.limits,
        kind.audit.unwrap_or("written"),
    );
    let config = Config::read(&SourceFile::new("sequester.yaml", text), folder).unwrap();
    let mut service = Service::start(&config, |_| {}).await.unwrap();
    if kind.audit.is_none() {
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
