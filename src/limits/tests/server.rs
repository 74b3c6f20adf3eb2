//! A real server for shared limits (Debian's `redis-server`), and proxies that count on it.

use super::*;
use crate::config::meant::{Password, Shared, StoreAddress};
use crate::engine::released::{Report, Tally};
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A server of its own for one test.
pub(super) struct Server {
    pub(super) folder: TempDir,
    pub(super) port: u16,
    pub(super) child: Option<Child>,
    /// How long a proxy waits for it.
    pub(super) timeout: Duration,
}

impl Server {
    pub(super) fn away() -> Server {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "c2VxdWVzdGVyJ3Mgb3duIHNoYXJlZCBsaW1pdHMga2U=\n")
            .unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Server { folder, port, child: None, timeout: Duration::from_millis(250) }
    }

    pub(super) fn running() -> Server {
        let mut server = Server::away();
        server.start();
        server
    }

    pub(super) fn start(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("tests/run installs redis-server");
        self.child = Some(child);
        while self.say(&["PING"]) != "PONG" {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(super) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// What it answers; empty if it does not.
    pub(super) fn say(&self, words: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(words)
            .stderr(Stdio::null())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A proxy's limits.
    pub(super) fn proxy(&self, lines: &[&str], proxies: u32) -> Proxy {
        self.proxy_at(lines, proxies, |now| now)
    }

    /// The same on a machine with another clock.
    pub(super) fn proxy_at(
        &self,
        lines: &[&str],
        proxies: u32,
        clock: impl Fn(u64) -> u64,
    ) -> Proxy {
        let shared = Shared {
            address: StoreAddress {
                tls: false,
                host: "127.0.0.1".to_owned(),
                port: self.port,
                database: 0,
            },
            authorities: None,
            username: None,
            password: Password::None,
            key: Some(self.folder.path().join("key")),
            proxies,
            timeout: self.timeout,
        };
        let reads = ReadLimits {
            rates: rates(lines),
            long_reads: 2,
            keys: 10_000,
            state: None,
            shared: Some(shared),
        };
        let mut limits = Limits::open(&reads).unwrap();
        limits.clock.began_us = clock(limits.clock.began_us);
        let limits = Arc::new(limits);
        let staying = Arc::clone(&limits);
        let connected = tokio::spawn(async move { staying.stay_connected().await });
        Proxy { limits, connected }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

pub(super) struct Proxy {
    pub(super) limits: Arc<Limits>,
    pub(super) connected: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.connected.abort();
    }
}

impl Proxy {
    pub(super) async fn here(self) -> Proxy {
        self.until(true).await;
        self
    }

    pub(super) async fn until(&self, is_here: bool) {
        for _ in 0..500 {
            if self.limits.counts_together() == is_here {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("still not {is_here}");
    }

    pub(super) async fn read(
        &self,
        reader: &str,
        subject: &str,
        records: u64,
    ) -> Result<(), OverLimit> {
        let by_subject =
            [(subject.to_owned(), Tally { released: records, withheld: 9, ..Tally::default() })]
                .into();
        let report = Report { released: records, by_subject, ..Report::default() };
        let contracts = ["C-1".to_owned()];
        let who = Who { reader, contracts: &contracts, client: Some("portal") };
        self.limits.budget(who).release(&report, 1_000).await
    }

    /// How many records can be read, one by one.
    pub(super) async fn drain(&self, reader: &str) -> u64 {
        let mut read = 0;
        while self.read(reader, "M-4", 1).await.is_ok() {
            read += 1;
        }
        read
    }
}
