//! The embedded payer API and its family.
//!
//! The demo is the product on loopback: a deployment on disk with the project's own policies,
//! the proxy as `run` starts it, and behind it a payer that gives everything to everybody. The
//! story is played through real sockets and then judged by bookkeeping that the engine never
//! sees: who may see a record is written down where the record is made.

mod client;
mod deployment;
mod family;
mod judge;
mod payer_api;
mod policies;
pub mod probe;
mod stage;
mod story;
mod table;
mod tell;
mod walk;
mod world;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use payer_api::PayerApi;
use stage::Stage;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use world::World;

/// How a demo ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Nobody saw what they must not, and nobody missed what is theirs.
    Kept,
    /// Somebody did.
    Broken,
}

/// Runs the demo: with `once` it plays the story and ends, else it shows the table and serves
/// until Ctrl-C or SIGTERM. Errors are those of sockets and files.
pub fn run(once: bool, out: &mut dyn Write) -> io::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let stage = Stage::set(World::on(today)).await?;
        let ending = if once { play(&stage, out).await } else { stay(&stage, out).await };
        stage.clear().await;
        ending
    })
}

/// Serves the payer API alone, until Ctrl-C or SIGTERM: for a deployment that is to be probed.
/// The members file of the family goes to `out`, where it listens to `told`.
pub fn serve_kit(
    address: SocketAddr,
    out: &mut dyn Write,
    told: &mut dyn Write,
) -> io::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let world = Arc::new(World::on(today));
        let mut terminate = signal(SignalKind::terminate())?;
        let api = PayerApi::bind(address).await?;
        write!(out, "{}", family::members_csv(today))?;
        out.flush()?;
        writeln!(told, "the payer's API of the family listens at http://{}", api.address)?;
        writeln!(told, "its members are on stdout; put your proxy in front of it, then")?;
        writeln!(
            told,
            "  sequester probe --target http://YOUR-PROXY --as MOTHER --control DAUGHTER"
        )?;
        writeln!(
            told,
            "with files that hold a token of M-100 and one of M-102, today: ages move on"
        )?;
        tokio::select! {
            ended = tokio::signal::ctrl_c() => ended?,
            _ = terminate.recv() => {}
            never = api.serve(world) => match never {},
        }
        Ok(Ending::Kept)
    })
}

/// The story, the table, the verdict.
async fn play(stage: &Stage, out: &mut dyn Write) -> io::Result<Ending> {
    tell::opening(out, &stage.world)?;
    let mut heard = Vec::new();
    let mut alike = true;
    for (number, scene) in (1..).zip(story::scenes(&stage.world)) {
        alike &= tell::scene(out, stage, number, &scene, &mut heard).await?;
        out.flush()?;
    }
    heard.extend(stage.everybody_asks(&walk::requests(&stage.world)).await?);
    let judgement = judge::judge(&stage.world, &heard).map_err(io::Error::other)?;
    writeln!(out, "\nEverybody then asked for everything, by every road there is\n")?;
    write!(out, "{}", table::table(&stage.world, &judgement))?;
    writeln!(out)?;
    tell::kept(out, &stage.world, &judgement)?;
    writeln!(out)?;
    let holds = tell::verdict(out, &judgement, &heard, alike)?;
    let logged = tell::log(out, stage)?;
    out.flush()?;
    Ok(if holds && logged { Ending::Kept } else { Ending::Broken })
}

/// The table, then whatever comes, until Ctrl-C.
async fn stay(stage: &Stage, out: &mut dyn Write) -> io::Result<Ending> {
    tell::opening(out, &stage.world)?;
    tell::invitation(out, stage)?;
    out.flush()?;
    let heard = stage.everybody_asks(&walk::requests(&stage.world)).await?;
    let judgement = judge::judge(&stage.world, &heard).map_err(io::Error::other)?;
    writeln!(out, "\nWho gets what, of all that can be asked for\n")?;
    write!(out, "{}", table::table(&stage.world, &judgement))?;
    writeln!(out, "\nCtrl-C ends it.")?;
    out.flush()?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = tokio::signal::ctrl_c() => ended?,
        _ = terminate.recv() => {}
    }
    Ok(Ending::Kept)
}
