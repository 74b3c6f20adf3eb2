//! `probe`: asks the whole catalogue of black-box questions of a deployment, ours or not, that
//! stands in front of the family of the demo, and prints a sheet: one line for each channel by
//! which such a system may tell of what it hides.
//!
//! The questions are the mother's; the daughter is asked too, for whoever hides everything from
//! everybody has not passed. What is a secret follows from the bookkeeping of the family, never
//! from the engine.

mod answers;
mod ask;
mod channels;
mod questions;

use super::judge::Secrets;
use super::world::World;
use crate::config::meant::Origin;
use answers::Found;
use ask::{Ask, Asker, Deployment};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use questions::Question;
use std::io::{self, Write};

/// How a probe ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every channel is closed.
    Closed,
    /// At least one tells.
    Open,
}

/// Which deployment is asked, and as whom.
#[derive(Debug)]
pub struct Target {
    /// Where it is.
    pub origin: Origin,
    /// The mother's bearer token.
    pub mother: String,
    /// The daughter's.
    pub daughter: String,
}

/// One way of telling.
struct Channel {
    /// Rows of the catalogues that it stands for.
    ids: &'static str,
    /// What must hold, in words.
    holds: &'static str,
    question: Question,
}

/// A request that told, and what.
struct Told {
    ask: Ask,
    what: String,
}

/// Asks everything and prints the sheet. Errors are those of sockets: a deployment that cannot
/// be reached has neither passed nor failed.
pub fn probe(target: Target, out: &mut dyn Write) -> io::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let world = World::on(today);
    let secrets = Secrets::of(&world, super::family::Who::Ruth).map_err(io::Error::other)?;
    let Target { origin, mother, daughter } = target;
    let deployment = Deployment::new(origin, mother, daughter).map_err(io::Error::other)?;
    let asking = Asking { deployment, found: Found { world, secrets } };
    runtime.block_on(asking.sheet(out))
}

/// A deployment that is being asked, and what is known of the family behind it.
struct Asking {
    deployment: Deployment,
    found: Found,
}

impl Asking {
    async fn sheet(&self, out: &mut dyn Write) -> io::Result<Outcome> {
        let channels = channels::all(&self.found.world);
        let mut open = 0usize;
        for Channel { ids, holds, question } in &channels {
            match self.told(question).await? {
                None => writeln!(out, "pass  {ids:<22}  {holds}")?,
                Some(Told { ask, what }) => {
                    open = open.saturating_add(1);
                    writeln!(out, "FAIL  {ids:<22}  {holds}")?;
                    writeln!(out, "      {}", ask.shown())?;
                    writeln!(out, "      {what}")?;
                }
            }
            out.flush()?;
        }
        writeln!(out, "\n{} channels, {open} of them open", channels.len())?;
        Ok(if open == 0 { Outcome::Closed } else { Outcome::Open })
    }

    async fn mother(&self, ask: &Ask) -> io::Result<ask::Answer> {
        self.deployment.ask(Asker::Mother, ask).await
    }
}
