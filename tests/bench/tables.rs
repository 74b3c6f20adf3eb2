//! What was measured, as tables in Markdown.

#![expect(clippy::print_stdout, reason = "a benchmark prints tables")]

use super::cells::{Row, Stage, float};
use super::peers::Peer;
use std::fs::{self, File};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// A line of the audit log, bytes, as far as the disk minds.
const LINE: [u8; 512] = [b'x'; 512];

/// How long the disk is asked.
const DISK_TIME: Duration = Duration::from_secs(1);

/// How tables are to be read.
const LEGEND: &str = "Every peer has the first core to itself and one working thread; readers and \
upstream share the second. `busy` is the share of its core that a peer used: where it is far \
below 1, something else was waited for, and CPU tells more than throughput. `look-ups` are \
requests for the peer's own sake, from its start on. `peak` is from its start on. Fewer rounds \
than asked for: a peer that took too long.";

/// What the ratios were measured on.
pub(crate) fn machine(stage: &Stage) -> io::Result<()> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.unwrap_or("of a kind not told").trim_start_matches(['\t', ' ', ':']);
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let mut file = File::create(stage.folder.path().join("disk"))?;
    let (began, mut synced) = (Instant::now(), 0_usize);
    while began.elapsed() < DISK_TIME {
        file.write_all(&LINE)?;
        file.sync_data()?;
        synced = synced.saturating_add(1);
    }
    let rate = number(float(synced) / began.elapsed().as_secs_f64());
    let settings = &stage.settings;
    println!("{cores} cores, {model}; the disk of the audit log: {rate} fdatasync/s.");
    println!("Medians of {} rounds of {} s. {LEGEND}", settings.rounds, settings.seconds);
    Ok(())
}

/// One cell. Ratios are to rows of the same table.
pub(crate) fn cell(name: &str, rows: &[Row]) {
    println!("\n### {name}\n");
    println!(
        "| peer | req/s | × nginx | × naive | p50 µs | − nginx | p99 µs | CPU µs/req | × nginx \
         | × hyper | × njs | busy | peak MB | upstream/req | look-ups | rounds |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let of = |peer: Peer, what: fn(&Row) -> f64| {
        rows.iter().find(|row| row.peer == peer).map_or(f64::NAN, what)
    };
    for row in rows {
        let Row { per_s, p50_us, p99_us, cpu_us, busy, peak_mb, upstream, .. } = row;
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.peer.name(),
            number(*per_s),
            ratio(per_s / of(Peer::Nginx, |row| row.per_s)),
            ratio(per_s / of(Peer::Naive, |row| row.per_s)),
            number(*p50_us),
            number(p50_us - of(Peer::Nginx, |row| row.p50_us)),
            number(*p99_us),
            number(*cpu_us),
            ratio(cpu_us / of(Peer::Nginx, |row| row.cpu_us)),
            ratio(cpu_us / of(Peer::Hyper, |row| row.cpu_us)),
            ratio(cpu_us / of(Peer::Njs, |row| row.cpu_us)),
            ratio(*busy),
            number(*peak_mb),
            ratio(*upstream),
            row.looked_up,
            row.rounds,
        );
    }
}

/// As many digits as mean something.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "–".to_owned(),
        size if size < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

pub(crate) fn ratio(value: f64) -> String {
    match value {
        _ if value.is_nan() => "–".to_owned(),
        _ if value < 10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}
