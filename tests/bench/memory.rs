//! Memory: a very long stream for one reader; and many readers who idle or dawdle, with what
//! somebody else notices of them.
#![expect(clippy::print_stdout, reason = "a benchmark prints tables")]

use super::bad;
use super::cells::{Stage, float};
use super::check::{self, F_CODE};
use super::load::{Ask, Link, Target, Wire, load};
use super::peers::{Peer, Running};
use super::settings::median;
use super::site::{EXPORT, LONGER, PIECE, Site};
use super::tables::{number, ratio};
use super::targets::Targets;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Readers who have asked and stay; readers who take their answer a sip at a time; and those who
/// ask as usual meanwhile.
const IDLE: usize = 1_000;
const SLOW: usize = 200;
const OTHERS: usize = 4;

/// How slow: so many bytes, so often.
const SIP_BYTES: usize = 2 * 1024;
const SIP_EVERY: Duration = Duration::from_millis(100);

/// How long the slow ones are waited for, all of them to get something; and then left alone.
const UNDER_WAY_TIMEOUT: Duration = Duration::from_secs(5);
const SETTLE: Duration = Duration::from_millis(500);

/// Measures both, as far as wanted.
pub(crate) async fn measure(stage: &Stage, targets: &mut Targets) -> io::Result<()> {
    if stage.settings.wants("NDJSON") {
        exports(stage, targets).await?;
    }
    if stage.settings.wants("crowd") {
        crowds(stage, targets).await?;
    }
    Ok(())
}

async fn exports(stage: &Stage, targets: &mut Targets) -> io::Result<()> {
    eprintln!("NDJSON");
    let site = Arc::new(Site::exports(stage.settings.export_bytes));
    let length = site.bodies.get(EXPORT).map_or(0, super::site::Body::length);
    println!("\n### NDJSON, {} MB in one answer to one reader\n", number(float(length) / 1e6));
    println!("| peer | s | MB/s | × nginx | CPU s | MB before | peak MB |");
    println!("|---|--:|--:|--:|--:|--:|--:|");
    let mut nginx = f64::NAN;
    let peers = [Peer::Nginx, Peer::Hyper, Peer::Naive, Peer::Written];
    for peer in peers.into_iter().filter(|peer| stage.settings.takes(*peer)) {
        let started = stage.start(&[peer], &site, Wire::Clear)?;
        let Some((running, target)) = started.first() else { continue };
        let before_mb = running.process.resident_mb()?;
        let used = running.process.cpu_s()?;
        let mut seconds = Vec::new();
        for _ in 0..stage.settings.rounds.min(3) {
            seconds.push(export(&site, peer, target).await?);
        }
        let cpu_s = (running.process.cpu_s()? - used) / float(seconds.len());
        let (seconds, peak_mb) = (median(seconds), running.process.peak_mb()?);
        let speed = float(length) / 1e6 / seconds;
        if peer == Peer::Nginx {
            nginx = speed;
        }
        let name = peer.name();
        let (faster, speed) = (ratio(speed / nginx), number(speed));
        let (seconds, cpu_s, before_mb) = (ratio(seconds), ratio(cpu_s), number(before_mb));
        let peak = number(peak_mb);
        println!("| {name} | {seconds} | {speed} | {faster} | {cpu_s} | {before_mb} | {peak} |");
        if peer == Peer::Written {
            let what = "NDJSON, one reader: peak memory, MB".to_owned();
            targets.add(what, peak, "≤ 64", peak_mb <= 64.0);
        }
    }
    Ok(())
}

/// The seconds that a right answer takes: as long as so many right pieces, and without an F code.
async fn export(site: &Site, peer: Peer, target: &Target) -> io::Result<f64> {
    let (Some(piece), Some(all)) = (site.bodies.get(PIECE), site.bodies.get(EXPORT)) else {
        return Err(bad("no exports"));
    };
    let mut link = target.connect().await?;
    let right = check::answer(&mut link, peer, target, PIECE, &piece.bytes).await?;
    let (mut length, mut leaks) = (0_usize, false);
    let began = Instant::now();
    let mut sink = |piece: &[u8]| {
        length = length.saturating_add(piece.len());
        leaks |= peer.redacts() && memchr::memmem::find(piece, F_CODE).is_some();
    };
    link.ask(target, EXPORT, &mut sink).await?;
    let seconds = began.elapsed().as_secs_f64();
    if leaks || length != right.saturating_mul(all.times) {
        return Err(bad(format!("{}: {EXPORT}: WRONG: {length} bytes", peer.name())));
    }
    Ok(seconds)
}

async fn crowds(stage: &Stage, targets: &mut Targets) -> io::Result<()> {
    eprintln!("crowd");
    let site = Arc::new(Site::exports(stage.settings.export_bytes));
    println!(
        "\n### A crowd: {IDLE} readers idle, {SLOW} take 20 KB/s each (half of them 400 KB, half NDJSON), {OTHERS} ask for 8 KB\n"
    );
    println!(
        "| peer | idle still there | slow under way | p99 µs alone | in the crowd | × | MB alone | with the idle | with all | peak |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let peers = [Peer::Nginx, Peer::Written];
    for peer in peers.into_iter().filter(|peer| stage.settings.takes(*peer)) {
        let started = stage.start(&[peer], &site, Wire::Clear)?;
        let Some((running, target)) = started.first() else { continue };
        let asks = check::asks(&site, peer, target).await?;
        let crowd = crowd(stage, running, target, &asks).await;
        let Crowd { there, under_way, p99_us, in_crowd_us, alone_mb, idle_mb, all_mb } =
            crowd.map_err(|error| bad(format!("{}, in a crowd: {error}", peer.name())))?;
        let times = in_crowd_us / p99_us;
        println!(
            "| {} | {there} | {under_way} | {} | {} | {} | {} | {} | {} | {} |",
            peer.name(),
            number(p99_us),
            number(in_crowd_us),
            ratio(times),
            number(alone_mb),
            number(idle_mb),
            number(all_mb),
            number(running.process.peak_mb()?),
        );
        if peer == Peer::Written {
            let all = there == IDLE && under_way == SLOW;
            let what = format!("{IDLE} idle and {SLOW} slow readers: all of them served");
            targets.add(what, format!("{there}, {under_way}"), "all", all);
            let what = "… p99 of somebody else, × alone".to_owned();
            targets.add(what, ratio(times), "≤ 2", times <= 2.0);
        }
    }
    Ok(())
}

/// What a crowd does.
struct Crowd {
    /// Idle readers who are answered again at the end.
    there: usize,
    /// Slow readers who got something.
    under_way: usize,
    p99_us: f64,
    in_crowd_us: f64,
    alone_mb: f64,
    idle_mb: f64,
    all_mb: f64,
}

async fn crowd(
    stage: &Stage,
    running: &Running,
    target: &Target,
    asks: &Arc<[Ask]>,
) -> io::Result<Crowd> {
    let p99_us = others(stage, running, target, asks).await?;
    let alone_mb = running.process.resident_mb()?;
    let mut idle = Vec::new();
    for ask in asks.iter().cycle().take(IDLE) {
        let mut link = target.connect().await?;
        link.ask_again(target, ask).await?;
        idle.push((link, ask));
    }
    let idle_mb = running.process.resident_mb()?;
    let under_way = Arc::new(AtomicUsize::new(0));
    let mut slow = JoinSet::new();
    for at in 0..SLOW {
        let path = if at.is_multiple_of(2) { LONGER } else { EXPORT };
        slow.spawn(dawdle(target.clone(), path, Arc::clone(&under_way)));
        // Not all of them at the same instant, then or later.
        tokio::time::sleep(SIP_EVERY.div_f64(float(SLOW))).await;
    }
    let until = Instant::now() + UNDER_WAY_TIMEOUT;
    while under_way.load(Ordering::Relaxed) < SLOW && Instant::now() < until {
        tokio::time::sleep(SIP_EVERY).await;
    }
    tokio::time::sleep(SETTLE).await;
    let in_crowd_us = others(stage, running, target, asks).await?;
    let all_mb = running.process.resident_mb()?;
    let mut there = 0_usize;
    for (link, ask) in &mut idle {
        there = there.saturating_add(usize::from(still_there(link, target, ask).await));
    }
    let under_way = under_way.load(Ordering::Relaxed);
    Ok(Crowd { there, under_way, p99_us, in_crowd_us, alone_mb, idle_mb, all_mb })
}

async fn still_there(link: &mut Link, target: &Target, ask: &Ask) -> bool {
    link.ask_again(target, ask).await.is_ok()
}

/// The p99 of those who ask as usual, µs.
async fn others(
    stage: &Stage,
    running: &Running,
    target: &Target,
    asks: &Arc<[Ask]>,
) -> io::Result<f64> {
    let mut found = Vec::new();
    for _ in 0..stage.settings.rounds.min(3) {
        let seconds = stage.settings.seconds;
        let load = load(target, asks, OTHERS, seconds, running.process).await?;
        found.push(load.percentile_us(99));
    }
    Ok(median(found))
}

/// One slow reader, for as long as there is something; then they ask again.
async fn dawdle(target: Target, path: &'static str, under_way: Arc<AtomicUsize>) -> io::Result<()> {
    let mut first = true;
    loop {
        let mut link = target.connect_slowly().await?;
        link.send(&target.request(path)).await?;
        while link.sip(SIP_BYTES).await? > 0 {
            if std::mem::take(&mut first) {
                under_way.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(SIP_EVERY).await;
        }
    }
}
