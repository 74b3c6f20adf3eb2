//! Asks the upstream again, a few requests at a time, and keeps what comes of each.

use super::Deployment;
use super::found::{Outcome, by_subject, named_in};
use super::log::Reading;
use super::report::{Report, Sources};
use super::requests::{Request, Requests};
use super::state::{By, State};
use crate::config::units::Rate;
use crate::members::today_at_utc_plus_14;
use crate::proxy::{Replay, Replayed};
use jiff::Timestamp;
use jiff::civil::Date;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Most requests under way: enough to keep an upstream busy that takes its time.
const AT_ONCE_MAX: usize = 8;

/// How often a request that failed is made again, and after how long.
const TRIES_MAX: u32 = 3;
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// After so many failures in a row the upstream is taken to be away.
const FAILURES_MAX: usize = 20;

/// What is to be found, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The logs, in any order.
    pub logs: Vec<PathBuf>,
    /// How their lines are read.
    pub reading: Reading,
    /// Where what was found is kept.
    pub state: PathBuf,
    /// Relation, age and grants are those of the day of the read, not of today.
    pub as_of_read: bool,
    /// Parameters by which the old portal turned pages.
    pub page_parameters: Vec<String>,
    /// Most requests that the upstream gets, pages and look-ups counted.
    pub rate: Rate,
}

/// How far the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Requests that were asked again, earlier searches included.
    pub asked: usize,
    /// Of so many.
    pub all: usize,
    /// Requests that failed.
    pub failed: usize,
}

/// Finds what today's policies would have withheld. `tell` hears how far it is, and lines for an
/// operator. The error is words for an operator.
pub async fn find(
    deployment: Deployment,
    wanted: &Wanted,
    tell: &mut dyn FnMut(Progress),
) -> Result<Report, String> {
    let by = By {
        policy: deployment.policies.set.hash.clone(),
        people: people_hash(&deployment)
            .map_err(|error| format!("a file cannot be read: {error}"))?,
        as_of_read: wanted.as_of_read,
        page_parameters: wanted.page_parameters.clone(),
    };
    let today = today_at_utc_plus_14(Timestamp::now());
    let mut state = State::open(&wanted.state, &by, &today.to_string())?;
    let today: Date = state.today.parse().map_err(|_| "the state names no day".to_owned())?;
    let requests = Requests::read(wanted, &deployment, today)?;
    let policy = Arc::clone(&deployment.policies.set);
    let replay = Arc::new(Replay::new(&deployment.config, policy, wanted.rate)?);
    let unfound: Vec<&Request> =
        requests.all.iter().filter(|request| !state.found.contains_key(&request.key)).collect();
    let all = requests.all.len();
    let mut progress = Progress { asked: all.saturating_sub(unfound.len()), all, failed: 0 };
    let mut failures_in_a_row = 0usize;
    let mut last_failure = None;
    let mut unfound = unfound.into_iter();
    let mut asking = JoinSet::new();
    loop {
        while asking.len() < AT_ONCE_MAX
            && failures_in_a_row < FAILURES_MAX
            && let Some(request) = unfound.next()
        {
            let people = deployment.people(&request.reader, request.day);
            let (replay, request) = (Arc::clone(&replay), request.clone());
            asking.spawn(async move {
                let found = ask(&replay, people, &request).await;
                (request.key, found)
            });
        }
        let Some(ended) = asking.join_next().await else { break };
        match ended {
            Ok((key, Ok(found))) => {
                state.keep(key, found)?;
                failures_in_a_row = 0;
                progress.asked = progress.asked.saturating_add(1);
            }
            Ok((_, Err(why))) => {
                failures_in_a_row = failures_in_a_row.saturating_add(1);
                progress.failed = progress.failed.saturating_add(1);
                last_failure = Some(why);
            }
            Err(_) => return Err("a fault of this program".to_owned()),
        }
        tell(progress);
    }
    let sources = Sources { by, today: state.today.clone(), last_failure };
    Ok(Report::of(&requests, &state.found, sources))
}

/// Asks, and asks again what failed.
async fn ask(
    replay: &Replay,
    people: Arc<dyn crate::engine::facts::People>,
    request: &Request,
) -> Result<Outcome, String> {
    let mut tries = 0u32;
    loop {
        tries = tries.saturating_add(1);
        let replayed = replay.ask(Arc::clone(&people), &request.target, &request.page).await;
        return Ok(match replayed {
            Replayed::Judged(records) => {
                Outcome::Judged { withheld: by_subject(&records, &*people) }
            }
            Replayed::Refused { status, cause } => {
                let about = named_in(&request.target, &*people);
                Outcome::Refused { status, cause: cause.to_owned(), about }
            }
            Replayed::Gone => Outcome::Gone,
            Replayed::Failed(_) if tries < TRIES_MAX => {
                tokio::time::sleep(AGAIN_AFTER.saturating_mul(tries)).await;
                continue;
            }
            Replayed::Failed(why) => return Err(why),
        });
    }
}

/// The hash of the files that say who is who.
fn people_hash(deployment: &Deployment) -> io::Result<String> {
    let judging = &deployment.config.judging;
    let others = [judging.grants.as_deref(), judging.restrictions.as_deref()];
    let files: Vec<&Path> =
        [Some(judging.members.as_path())].into_iter().chain(others).flatten().collect();
    let mut hasher = Sha256::new();
    for file in files {
        hasher.update(Sha256::digest(std::fs::read(file)?));
    }
    let mut hash = String::new();
    for byte in hasher.finalize() {
        // Writing to a `String` cannot fail.
        write!(hash, "{byte:02x}").unwrap_or_default();
    }
    Ok(hash)
}
