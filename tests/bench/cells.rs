//! One cell: a size of body, so many connections, one wire, and every peer in turn.

use super::load::{Ask, Load, Target, Wire, load};
use super::peers::{BUILT_BESIDE, Duty, Peer, Running};
use super::settings::{Settings, median};
use super::site::Site;
use super::tables;
use super::targets::Targets;
use super::upstream::Upstream;
use super::{bad, check, deployment, tls};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tempfile::TempDir;

/// A peer is not asked again in a cell once it has taken so many times as long as it was to.
const PATIENCE: f64 = 2.0;

/// What a run needs all the time.
pub(crate) struct Stage {
    pub(crate) settings: Settings,
    pub(crate) upstream: Upstream,
    pub(crate) folder: TempDir,
    pub(crate) token: String,
}

impl Stage {
    pub(crate) fn set(settings: Settings) -> io::Result<Stage> {
        let folder = tempfile::Builder::new().prefix("sequester-bench-").tempdir()?;
        tls::write(folder.path())?;
        let token = deployment::prepare(folder.path())?;
        Ok(Stage { settings, upstream: Upstream::start()?, folder, token })
    }

    /// Serves a site and gives every peer its place in front of it.
    pub(crate) fn start(
        &self,
        peers: &[Peer],
        site: &Arc<Site>,
        wire: Wire,
    ) -> io::Result<Vec<(Running, Target)>> {
        let folder = self.folder.path();
        let acceptor = tls::acceptor(folder, &["http/1.1"])?;
        let acceptor = wire.is_tls().then_some(acceptor);
        let upstream_port = self.upstream.serve(site, acceptor)?;
        let body_bytes = site.bodies.values().map(|body| body.bytes.len()).max();
        let body_bytes = body_bytes.unwrap_or_default();
        let program = self.settings.program.as_deref().unwrap_or(BUILT_BESIDE);
        let duty = Duty { folder, upstream_port, wire, body_bytes, program };
        let start = |peer: &Peer| {
            let running = Running::start(*peer, duty)?;
            let target = Target::new(folder, running.port, wire, &self.token)?;
            Ok((running, target))
        };
        peers.iter().map(start).collect()
    }
}

/// Which body, over which wire, at how many connections, and who takes part.
struct Cell {
    size: &'static str,
    records: usize,
    connections: usize,
    wire: Wire,
    peers: Vec<Peer>,
}

impl Cell {
    fn name(&self) -> String {
        format!("{}, {}, connections {}", self.wire.name(), self.size, self.connections)
    }
}

const SIZES: [(&str, usize); 3] = [("8 KB", 1), ("400 KB", 48), ("8 MB", 1_000)];
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// Over TLS these are measured: those that targets speak of, and the longest bodies.
const OVER_TLS: [(&str, usize); 4] = [("8 KB", 1), ("8 KB", 64), ("400 KB", 16), ("8 MB", 16)];

fn cells(settings: &Settings) -> Vec<Cell> {
    let mut cells = Vec::new();
    for wire in [Wire::Clear, Wire::Tls, Wire::Http2Tls] {
        for (size, records) in SIZES {
            for connections in CONNECTIONS {
                let cell = Cell { size, records, connections, wire, peers: Vec::new() };
                if wire == Wire::Clear || OVER_TLS.contains(&(size, connections)) {
                    let peers = Peer::ALL.into_iter().filter(|peer| settings.takes(*peer));
                    let peers = peers.filter(|peer| takes_part(*peer, &cell));
                    cells.push(Cell { peers: peers.collect(), ..cell });
                }
            }
        }
    }
    cells
}

fn takes_part(peer: Peer, cell: &Cell) -> bool {
    // What the disk costs shows most where there is least else to do.
    let by_sync = peer != Peer::Sync || (cell.records == 1 && cell.wire == Wire::Clear);
    // 64 trees of 8 MB at once are many GB, and a round would take minutes.
    let by_trees = !(peer.builds_trees() && cell.records == 1_000 && cell.connections == 64);
    let by_version = cell.wire != Wire::Http2Tls || !matches!(peer, Peer::Njs | Peer::Haproxy);
    by_sync && by_trees && by_version
}

/// What came of one peer in one cell.
pub(crate) struct Row {
    pub(crate) peer: Peer,
    pub(crate) rounds: usize,
    pub(crate) per_s: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) cpu_us: f64,
    /// Of the core that it had.
    pub(crate) busy: f64,
    pub(crate) peak_mb: f64,
    /// Requests to the upstream for one of a reader.
    pub(crate) upstream: f64,
    /// Look-ups of the peer from its start on, all together.
    pub(crate) looked_up: u64,
}

/// Measures all cells that are wanted, a table each.
pub(crate) async fn measure(stage: &Stage, targets: &mut Targets) -> io::Result<()> {
    for cell in cells(&stage.settings) {
        let name = cell.name();
        if stage.settings.wants(&name) {
            eprintln!("{name}");
            let rows = measure_cell(stage, &cell).await?;
            tables::cell(&name, &rows);
            targets.of_cell(cell.wire, (cell.size, cell.connections), &rows);
        }
    }
    Ok(())
}

/// A peer in its place.
struct Place {
    peer: Peer,
    running: Running,
    target: Target,
    asks: Arc<[Ask]>,
    loads: Vec<Load>,
    asked: u64,
    looked_up: u64,
    seconds: f64,
}

async fn measure_cell(stage: &Stage, cell: &Cell) -> io::Result<Vec<Row>> {
    let site = Arc::new(Site::everything(cell.records));
    let mut places = Vec::new();
    let started = stage.start(&cell.peers, &site, cell.wire)?;
    for (peer, (running, target)) in cell.peers.iter().copied().zip(started) {
        let before = site.looked_up.load(Ordering::Relaxed);
        let asks = check::asks(&site, peer, &target).await?;
        let looked_up = site.looked_up.load(Ordering::Relaxed).saturating_sub(before);
        let (loads, asked, seconds) = (Vec::new(), 0, 0.0);
        places.push(Place { peer, running, target, asks, loads, asked, looked_up, seconds });
    }
    let Settings { seconds, rounds, .. } = stage.settings;
    let enough = float(rounds) * seconds * PATIENCE;
    for _ in 0..rounds {
        for place in places.iter_mut().filter(|place| place.seconds < enough) {
            place.round(&site, cell.connections, seconds).await?;
        }
    }
    places.iter().map(Place::row).collect()
}

impl Place {
    async fn round(&mut self, site: &Site, connections: usize, seconds: f64) -> io::Result<()> {
        let counts = || {
            let (asked, looked_up) = (&site.asked, &site.looked_up);
            (asked.load(Ordering::Relaxed), looked_up.load(Ordering::Relaxed))
        };
        let before = counts();
        let loading = load(&self.target, &self.asks, connections, seconds, self.running.process);
        let load = loading.await.map_err(|error| bad(format!("{}: {error}", self.peer.name())))?;
        let after = counts();
        self.asked = self.asked.saturating_add(after.0.saturating_sub(before.0));
        self.looked_up = self.looked_up.saturating_add(after.1.saturating_sub(before.1));
        self.seconds += load.seconds;
        self.loads.push(load);
        Ok(())
    }

    fn row(&self) -> io::Result<Row> {
        let of = |what: &dyn Fn(&Load) -> f64| median(self.loads.iter().map(what));
        let all = self.loads.iter().map(|load| load.requests() + float(load.warm)).sum::<f64>();
        let asked = u32::try_from(self.asked).unwrap_or(u32::MAX);
        Ok(Row {
            peer: self.peer,
            rounds: self.loads.len(),
            per_s: of(&|load| load.requests() / load.seconds),
            p50_us: of(&|load| load.percentile_us(50)),
            p99_us: of(&|load| load.percentile_us(99)),
            cpu_us: of(&|load| load.cpu_s * 1e6 / load.requests()),
            busy: of(&|load| load.cpu_s / load.seconds),
            peak_mb: self.running.process.peak_mb()?,
            upstream: f64::from(asked) / all,
            looked_up: self.looked_up,
        })
    }
}

/// A small count.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
