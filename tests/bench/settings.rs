//! What is measured and for how long, from the environment.

use super::bad;
use super::peers::Peer;
use regex::Regex;
use std::io;

/// Settings of a run.
#[derive(Debug)]
pub(crate) struct Settings {
    /// `BENCH_SECONDS`: of one peer in one round; 1 if not set.
    pub(crate) seconds: f64,
    /// `BENCH_ROUNDS`: 5 if not set.
    pub(crate) rounds: usize,
    /// `BENCH_EXPORT_MB`: length of the long export, bytes; 1,000 MB if not set.
    pub(crate) export_bytes: usize,
    /// `BENCH_ONLY`: the names of the cells to measure; all if not set.
    only: Regex,
    /// `BENCH_PEERS`: the names of the peers to measure; all if not set.
    peers: Regex,
    /// `BENCH_PROGRAM`: the sequester that is measured; if not set, the one built with the benchmark.
    pub(crate) program: Option<String>,
}

impl Settings {
    pub(crate) fn read() -> io::Result<Settings> {
        let named = |name: &str, usual: &str| std::env::var(name).unwrap_or(usual.to_owned());
        let export_mb: usize = named("BENCH_EXPORT_MB", "1000").parse().map_err(bad)?;
        Ok(Settings {
            export_bytes: export_mb.saturating_mul(1_000_000),
            seconds: named("BENCH_SECONDS", "1").parse().map_err(bad)?,
            rounds: named("BENCH_ROUNDS", "5").parse::<usize>().map_err(bad)?.max(1),
            only: Regex::new(&named("BENCH_ONLY", "")).map_err(bad)?,
            peers: Regex::new(&named("BENCH_PEERS", "")).map_err(bad)?,
            program: std::env::var("BENCH_PROGRAM").ok().filter(|program| !program.is_empty()),
        })
    }

    /// Whether the cell of that name is to be measured.
    pub(crate) fn wants(&self, cell: &str) -> bool {
        self.only.is_match(cell)
    }

    /// Whether that peer is to be measured. The one built with the benchmark is a peer of its own
    /// beside another program.
    pub(crate) fn takes(&self, peer: Peer) -> bool {
        self.peers.is_match(peer.name()) && (peer != Peer::Plain || self.program.is_some())
    }
}

/// The middle one; of an even number the upper of two.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
