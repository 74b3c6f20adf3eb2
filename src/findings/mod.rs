//! What an operator should look at, found over many requests: the same reader on the same subject
//! for most of a month, one reader over many people, ids that run on, what is asked for and never
//! there; and what the engine found in bodies. Each is raised once in a while, not per request.
//!
//! TWO-WORLDS: nothing here answers anybody. It hears of a request when that is decided, in a task
//! of its own, and what it finds goes to the audit and to metrics. Nothing here asks the time.

mod drip;
mod windows;

#[cfg(test)]
mod tests;

use crate::config::meant::Findings as Settings;
use crate::engine::released::Finding;
use drip::Drips;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::path::Path;
use windows::{Full, Windows};

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The engine saw it in a body.
    Seen(Finding),
    /// A reader asked about the same other person on most days of a month.
    SlowDrip,
    /// A reader asked about many people in a short time.
    Sweep,
    /// A client application did.
    ClientSweep,
    /// A reader asked again and again for what is not there for them.
    NotFound,
    /// Very much was withheld from a reader.
    Withheld,
    /// A reader asked for ids that run on.
    IdsInSequence,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 14] = [
        Kind::Seen(Finding::PsychotherapyNote),
        Kind::Seen(Finding::UnknownMember),
        Kind::Seen(Finding::UnknownKind),
        Kind::Seen(Finding::UnknownSystem),
        Kind::Seen(Finding::UnknownSubject),
        Kind::Seen(Finding::LookUpFailed),
        Kind::Seen(Finding::UpstreamPages),
        Kind::Seen(Finding::UpstreamForbids),
        Kind::SlowDrip,
        Kind::Sweep,
        Kind::ClientSweep,
        Kind::NotFound,
        Kind::Withheld,
        Kind::IdsInSequence,
    ];

    /// Its name in the audit and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Seen(finding) => finding.name(),
            Kind::SlowDrip => "slow-drip",
            Kind::Sweep => "sweep",
            Kind::ClientSweep => "client-sweep",
            Kind::NotFound => "not-found",
            Kind::Withheld => "withheld",
            Kind::IdsInSequence => "ids-in-sequence",
        }
    }
}

/// What is heard of one answer, or of a flush of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Seconds since 1970.
    pub at_s: u64,
    /// The member id.
    pub reader: String,
    /// The client application.
    pub client: Option<String>,
    /// Method and template of the route.
    pub route: Option<String>,
    /// Subjects of all records, released or not.
    pub subjects: Vec<String>,
    /// Records withheld.
    pub withheld: u64,
    /// What the engine found, how often.
    pub found: Vec<(Finding, u64)>,
    /// Whether the answer was the 404.
    pub not_found: bool,
    /// What the path ends with.
    pub id: Option<NumberedId>,
}

/// An id that ends in a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedId {
    front: String,
    number: u64,
}

impl NumberedId {
    /// The last step of a path, if it ends in digits.
    pub fn at_the_end_of(path: &str) -> Option<NumberedId> {
        let last = path.rsplit('/').next()?;
        let front = last.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let number = last.strip_prefix(front)?.parse().ok()?;
        Some(NumberedId { front: front.to_owned(), number })
    }
}

/// A finding, raised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// What.
    pub kind: Kind,
    /// Whose requests it was found in; empty if it is not about a reader.
    pub reader: String,
    /// The client application they came by, or that it is about.
    pub client: Option<String>,
    /// Where the engine saw it.
    pub route: Option<String>,
    /// About whom, if it is about one.
    pub subject: Option<String>,
    /// How often or how many: days, people, requests, records.
    pub count: u64,
}

/// Watches. All that it keeps is bounded: [`windows::KEYS_MAX`], [`drip::PAIRS_MAX`].
#[derive(Debug)]
pub struct Findings {
    settings: Settings,
    /// Seeds the digests in the sets.
    hasher: RandomState,
    drips: Drips,
    sweeps: Windows<HashSet<u64>>,
    client_sweeps: Windows<HashSet<u64>>,
    not_found: Windows<u64>,
    withheld: Windows<u64>,
    sequences: Windows<Sequence>,
    raised: Windows<()>,
    unwatched: u64,
}

/// How long ids have been running on.
#[derive(Debug, Default)]
struct Sequence {
    front: String,
    number: u64,
    steps: u32,
}

impl Findings {
    /// With nothing seen so far.
    pub fn new(settings: Settings) -> Findings {
        Findings {
            hasher: RandomState::new(),
            drips: Drips::default(),
            sweeps: Windows::of(settings.sweep.per),
            client_sweeps: Windows::of(settings.client_sweep.per),
            not_found: Windows::of(settings.not_found.per),
            withheld: Windows::of(settings.withheld.per),
            sequences: Windows::of(settings.once_per),
            raised: Windows::of(settings.once_per),
            unwatched: 0,
            settings,
        }
    }

    /// Hears of an answer; what is to be raised.
    pub fn see(&mut self, seen: &Seen) -> Vec<Raised> {
        let mut found: Vec<Raised> = engine_saw(seen).collect();
        for outcome in [
            self.drip(seen, &mut found),
            self.sweep(seen, &mut found),
            self.hidden(seen, &mut found),
            self.sequence(seen, &mut found),
        ] {
            // BOUNDED: what there is no room for is not watched, and counted.
            if outcome.is_err() {
                self.unwatched = self.unwatched.saturating_add(1);
            }
        }
        found.retain(|raised| self.is_new(raised, seen.at_s));
        found
    }

    /// How often there was no room to watch.
    pub fn unwatched(&self) -> u64 {
        self.unwatched
    }

    /// Reads what an earlier process knew of slow drips.
    pub fn load(&mut self, file: &Path) -> io::Result<()> {
        self.drips = Drips::load(file)?;
        Ok(())
    }

    /// Keeps it for a later one, if there is anything new.
    pub fn save(&mut self, file: &Path) -> io::Result<()> {
        self.drips.save(file)
    }

    /// Whether this was not raised before within its window.
    fn is_new(&mut self, raised: &Raised, at_s: u64) -> bool {
        let Raised { kind, reader, client, route, subject, .. } = raised;
        if *kind == Kind::SlowDrip {
            // Has a window of its own, which outlives the process.
            return true;
        }
        let client = client.as_deref().filter(|_| *kind == Kind::ClientSweep).unwrap_or_default();
        let (route, subject) =
            (route.as_deref().unwrap_or_default(), subject.as_deref().unwrap_or_default());
        let key = [kind.name(), reader, client, route, subject].join("\n");
        if self.raised.is_there(&key, at_s) {
            return false;
        }
        let has_room = self.raised.at(&key, at_s).is_ok();
        self.unwatched = self.unwatched.saturating_add(u64::from(!has_room));
        has_room
    }

    fn drip(&mut self, seen: &Seen, found: &mut Vec<Raised>) -> Result<(), Full> {
        for subject in others(seen) {
            let days =
                self.drips.see(&seen.reader, subject, seen.at_s, self.settings.slow_drip_days)?;
            if let Some(days) = days {
                found.push(Raised {
                    subject: Some(subject.to_owned()),
                    ..about(seen, Kind::SlowDrip, days)
                });
            }
        }
        Ok(())
    }

    fn sweep(&mut self, seen: &Seen, found: &mut Vec<Raised>) -> Result<(), Full> {
        let digests: Vec<u64> = others(seen).map(|subject| self.hasher.hash_one(subject)).collect();
        if digests.is_empty() {
            return Ok(());
        }
        let most = self.settings.sweep.most.get();
        if let Some(people) = add(self.sweeps.at(&seen.reader, seen.at_s)?, &digests, most) {
            found.push(about(seen, Kind::Sweep, people));
        }
        if let Some(client) = &seen.client {
            let most = self.settings.client_sweep.most.get();
            if let Some(people) = add(self.client_sweeps.at(client, seen.at_s)?, &digests, most) {
                found.push(Raised {
                    reader: String::new(),
                    ..about(seen, Kind::ClientSweep, people)
                });
            }
        }
        Ok(())
    }

    fn hidden(&mut self, seen: &Seen, found: &mut Vec<Raised>) -> Result<(), Full> {
        if seen.not_found {
            let count = self.not_found.at(&seen.reader, seen.at_s)?;
            *count = count.saturating_add(1);
            if *count >= self.settings.not_found.most.get() {
                found.push(about(seen, Kind::NotFound, *count));
            }
        }
        if seen.withheld > 0 {
            let count = self.withheld.at(&seen.reader, seen.at_s)?;
            *count = count.saturating_add(seen.withheld);
            if *count >= self.settings.withheld.most.get() {
                found.push(about(seen, Kind::Withheld, *count));
            }
        }
        Ok(())
    }

    fn sequence(&mut self, seen: &Seen, found: &mut Vec<Raised>) -> Result<(), Full> {
        let Some(id) = &seen.id else { return Ok(()) };
        let run = self.sequences.at(&seen.reader, seen.at_s)?;
        let runs_on = run.front == id.front && id.number.abs_diff(run.number) == 1;
        let again = run.front == id.front && id.number == run.number;
        if !again {
            run.steps = if runs_on { run.steps.saturating_add(1) } else { 1 };
        }
        run.front.clone_from(&id.front);
        run.number = id.number;
        if run.steps >= self.settings.ids_in_sequence {
            let count = u64::from(run.steps);
            found.push(about(seen, Kind::IdsInSequence, count));
        }
        Ok(())
    }
}

/// The subjects that are somebody, and not the reader.
fn others(seen: &Seen) -> impl Iterator<Item = &str> {
    let subjects = seen.subjects.iter().map(String::as_str);
    subjects.filter(|subject| *subject != seen.reader && *subject != "?")
}

/// What the engine found, which is about the upstream and no reader.
fn engine_saw(seen: &Seen) -> impl Iterator<Item = Raised> {
    seen.found.iter().map(|(finding, count)| Raised {
        kind: Kind::Seen(*finding),
        reader: String::new(),
        client: None,
        route: seen.route.clone(),
        subject: None,
        count: *count,
    })
}

/// A finding about a reader.
fn about(seen: &Seen, kind: Kind, count: u64) -> Raised {
    let (reader, client) = (seen.reader.clone(), seen.client.clone());
    Raised { kind, reader, client, route: None, subject: None, count }
}

/// Adds to a set that needs to know no more than `most`; how many, once that is reached.
fn add(set: &mut HashSet<u64>, digests: &[u64], most: u64) -> Option<u64> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    for digest in digests {
        if set.len() >= most {
            break;
        }
        set.insert(*digest);
    }
    (set.len() >= most).then(|| u64::try_from(set.len()).unwrap_or(u64::MAX))
}
