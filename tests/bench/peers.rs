//! Who stands between readers and upstream: each a process of its own with one working thread,
//! pinned to the first core.

use super::load::Wire;
use super::process::Process;
use super::proxies::Arguments;
use super::{bad, deployment};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The core of all peers; readers and upstream have another.
const CORE: &str = "0";

/// The program that cargo builds with the benchmark.
pub(crate) const BUILT_BESIDE: &str = env!("CARGO_BIN_EXE_sequester");

/// How long one may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one may take to end by itself.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Room beyond a body that `HAProxy` needs in its buffer, bytes.
const HAPROXY_ROOM_BYTES: usize = 64 * 1024;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Nginx,
    Hyper,
    Naive,
    Njs,
    Haproxy,
    /// `sequester`, audit `written`.
    Written,
    /// `sequester`, audit `sync`.
    Sync,
    /// `sequester` as cargo builds it, where another is measured; audit `written`.
    Plain,
}

impl Peer {
    pub(crate) const ALL: [Peer; 8] = [
        Peer::Nginx,
        Peer::Hyper,
        Peer::Naive,
        Peer::Njs,
        Peer::Haproxy,
        Peer::Written,
        Peer::Sync,
        Peer::Plain,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Nginx => "nginx, passing on",
            Peer::Hyper => "hyper, passing on",
            Peer::Naive => "hyper + `serde_json::Value`",
            Peer::Njs => "nginx + njs",
            Peer::Haproxy => "HAProxy + Lua (cjson)",
            Peer::Written => "**sequester**, audit `written`",
            Peer::Sync => "**sequester**, audit `sync`",
            Peer::Plain => "**sequester** as `cargo build` makes it",
        }
    }

    pub(crate) fn redacts(self) -> bool {
        !matches!(self, Peer::Nginx | Peer::Hyper)
    }

    /// Whether it reads a body into a tree of values.
    pub(crate) fn builds_trees(self) -> bool {
        matches!(self, Peer::Naive | Peer::Njs | Peer::Haproxy)
    }
}

/// What a peer is started for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duty<'p> {
    pub(crate) folder: &'p Path,
    pub(crate) upstream_port: u16,
    pub(crate) wire: Wire,
    /// The longest body it will be asked for.
    pub(crate) body_bytes: usize,
    /// The sequester that is measured.
    pub(crate) program: &'p str,
}

/// A peer at work; it ends with this value.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
    pub(crate) process: Process,
}

impl Running {
    /// Starts one and waits until it listens.
    pub(crate) fn start(peer: Peer, duty: Duty<'_>) -> io::Result<Running> {
        let port = free_port()?;
        let mut words = command(peer, duty, port)?.into_iter();
        let errors = fs::File::create(duty.folder.join(format!("errors-{port}.txt")))?;
        let child = Command::new("taskset")
            .args(["-c", CORE])
            .args(&mut words)
            .env("TOKIO_WORKER_THREADS", "1")
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()?;
        let process = Process(child.id());
        let mut running = Running { child, port, process };
        running.wait(peer, duty.folder)?;
        Ok(running)
    }

    fn wait(&mut self, peer: Peer, folder: &Path) -> io::Result<()> {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait()?.is_some();
            if ended || began.elapsed() > START_TIMEOUT {
                let file = folder.join(format!("errors-{}.txt", self.port));
                let errors = fs::read_to_string(file).unwrap_or_default();
                return Err(bad(format!("{} does not start: {errors}", peer.name())));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked first: what a program counted of itself is written when it ends. It may have
        // ended by itself.
        if matches!(self.child.try_wait(), Ok(None)) {
            kill_process(Pid::from_child(&self.child), Signal::TERM).ok();
        }
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < END_TIMEOUT {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn free_port() -> io::Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr().map(|address| address.port())
}

fn command(peer: Peer, duty: Duty<'_>, port: u16) -> io::Result<Vec<String>> {
    let Duty { folder, upstream_port, wire, .. } = duty;
    match peer {
        Peer::Nginx | Peer::Njs => nginx(peer, duty, port),
        Peer::Haproxy => haproxy(duty, port),
        Peer::Hyper | Peer::Naive => {
            let program = std::env::current_exe()?.display().to_string();
            let arguments = Arguments {
                naive: peer == Peer::Naive,
                port,
                upstream_port,
                tls: wire.is_tls(),
                folder: folder.to_owned(),
            };
            Ok([vec![program], arguments.words()].concat())
        }
        Peer::Written | Peer::Sync | Peer::Plain => {
            let durability = if peer == Peer::Sync { "sync" } else { "written" };
            let file =
                deployment::settings(folder, port, upstream_port, wire.is_tls(), durability)?;
            let program = if peer == Peer::Plain { BUILT_BESIDE } else { duty.program };
            Ok(vec![
                program.to_owned(),
                "run".into(),
                "--config".into(),
                file.display().to_string(),
            ])
        }
    }
}

fn nginx(peer: Peer, duty: Duty<'_>, port: u16) -> io::Result<Vec<String>> {
    let scheme = if duty.wire.is_tls() { "https" } else { "http" };
    let pass = format!("proxy_pass {scheme}://payer");
    let with_njs = peer == Peer::Njs;
    let filters = "js_header_filter redact.head; js_body_filter redact.body;";
    let filters = if with_njs { filters } else { "" };
    let locations = format!("location / {{ {filters} {pass}; }}");
    let listen_tls = match duty.wire {
        Wire::Clear => "",
        Wire::Tls => "ssl",
        Wire::Http2Tls => "ssl http2",
    };
    let module = "load_module /usr/lib/nginx/modules/ngx_http_js_module.so;";
    let import = "js_path FOLDER; js_import redact.js;";
    let import = import.replace("FOLDER", &duty.folder.display().to_string());
    let file = filled(
        "nginx.conf",
        duty,
        port,
        &[
            ("LOAD_MODULE", if with_njs { module } else { "" }),
            ("JS_IMPORT", if with_njs { &import } else { "" }),
            ("LOCATIONS", &locations),
            ("LISTEN_TLS", listen_tls),
        ],
    )?;
    fs::write(duty.folder.join("redact.js"), include_str!("peers/redact.js"))?;
    Ok(vec!["nginx".into(), "-c".into(), file])
}

fn haproxy(duty: Duty<'_>, port: u16) -> io::Result<Vec<String>> {
    let folder = duty.folder.display();
    let listen_tls = format!("ssl crt {folder}/both.pem alpn h2,http/1.1");
    let upstream_tls = format!("ssl ca-file {folder}/ca.pem verify required verifyhost localhost");
    let tls = duty.wire.is_tls();
    let buffer_bytes = duty.body_bytes.saturating_add(HAPROXY_ROOM_BYTES).to_string();
    let file = filled(
        "haproxy.cfg",
        duty,
        port,
        &[
            ("BUFFER_BYTES", &buffer_bytes),
            ("LISTEN_TLS", if tls { &listen_tls } else { "" }),
            ("UPSTREAM_TLS", if tls { &upstream_tls } else { "" }),
        ],
    )?;
    fs::write(duty.folder.join("redact.lua"), include_str!("peers/redact.lua"))?;
    Ok(vec!["haproxy".into(), "-db".into(), "-f".into(), file])
}

/// A template with its places filled; the file.
fn filled(name: &str, duty: Duty<'_>, port: u16, places: &[(&str, &str)]) -> io::Result<String> {
    let template = match name {
        "nginx.conf" => include_str!("peers/nginx.conf.template"),
        _ => include_str!("peers/haproxy.cfg.template"),
    };
    let mut text = template.to_owned();
    for (place, what) in places {
        text = text.replace(&format!("@{place}@"), what);
    }
    let text = text
        .replace("@PORT@", &port.to_string())
        .replace("@UPSTREAM_PORT@", &duty.upstream_port.to_string())
        .replace("@FOLDER@", &duty.folder.display().to_string());
    let file = duty.folder.join(format!("{name}-{port}"));
    fs::write(&file, text)?;
    Ok(file.display().to_string())
}
