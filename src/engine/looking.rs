//! The look-ups of one response, between the end of a body (or of what came of a stream) and its
//! verdict.

use super::body::Judged;
use super::document::pieces::Pieces;
use super::lookups::{Found, Kept, Known, LookUp, PER_BODY_MAX};
use super::released::{Finding, Refusal};
use super::{FLUSH_BYTES, Redactor};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is wanted, by where it is asked for.
type Wanted = BTreeMap<String, LookUp>;

/// What was looked up, and what waits for it.
#[derive(Debug)]
pub(super) struct Looking {
    pub(super) kept: Arc<dyn Kept>,
    pub(super) known: Known,
    /// What was wanted last, in the order in which it was given out.
    asked: Vec<String>,
    /// What came of a stream and is not yet judged. BOUNDED: a flush and a chunk.
    pub(super) waiting: Vec<u8>,
    /// What the records of a stream want, while they are judged to learn that and no more.
    trial: Option<Wanted>,
    /// What leaves of a whole body that wants nothing more.
    pub(super) judged: Option<Result<Bytes, Refusal>>,
}

impl Redactor {
    /// A judge that has things looked up: see [`Redactor::wanted`]. What is kept is not wanted.
    #[must_use]
    pub fn looking_up(mut self, kept: Arc<dyn Kept>) -> Redactor {
        self.looking = Some(Looking {
            kept,
            known: Known::new(),
            asked: Vec::new(),
            waiting: Vec::new(),
            trial: None,
            judged: None,
        });
        self
    }

    /// What a verdict needs and the body does not hold: of a whole body once [`Redactor::end`]
    /// was called, of a stream once enough has come. To be asked, and answered by
    /// [`Redactor::looked_up`], until nothing is wanted.
    pub fn wanted(&mut self) -> Vec<LookUp> {
        let Some(looking) = self.looking.as_mut().filter(|_| !self.nothing) else {
            return Vec::new();
        };
        looking.asked.clear();
        let wanted = if self.stream.is_none() {
            self.wanted_of_body()
        } else if self.ended || looking.waiting.len() >= FLUSH_BYTES {
            self.wanted_of_stream()
        } else {
            Wanted::new()
        };
        self.give_out(wanted)
    }

    fn wanted_of_body(&mut self) -> Wanted {
        if !self.ended || self.looking.as_ref().is_none_or(|looking| looking.judged.is_some()) {
            return Wanted::new();
        }
        let body = self.take_body();
        let judged = match self.judge(&body, 0, true) {
            Ok(Judged::Wants(wanted)) => {
                self.held = body;
                return by_target(wanted);
            }
            Ok(Judged::Leaves(pieces)) => Ok(pieces.keep(body)),
            Err(refusal) => Err(refusal),
        };
        if let Some(looking) = &mut self.looking {
            looking.judged = Some(judged);
        }
        Wanted::new()
    }

    /// Judges what waits only to learn what it wants.
    fn wanted_of_stream(&mut self) -> Wanted {
        let Some(looking) = &mut self.looking else { return Wanted::new() };
        looking.trial = Some(Wanted::new());
        let waiting = std::mem::take(&mut looking.waiting);
        let before = (self.stream.clone(), std::mem::take(&mut self.held), self.report());
        let framed = self.frame(&waiting);
        let ended = if self.ended { framed.and_then(|()| self.end_frames()) } else { framed };
        // What cannot be read is told when its turn comes.
        ended.ok();
        (self.stream, self.held, self.report) = before;
        let Some(looking) = &mut self.looking else { return Wanted::new() };
        looking.waiting = waiting;
        looking.trial.take().unwrap_or_default()
    }

    /// BOUNDED: what is beyond the look-ups of one body is out of sight.
    fn give_out(&mut self, wanted: Wanted) -> Vec<LookUp> {
        let Some(looking) = &mut self.looking else { return Vec::new() };
        let mut given = Vec::new();
        for (target, look_up) in wanted {
            if looking.known.len().saturating_add(given.len()) < PER_BODY_MAX {
                looking.asked.push(target);
                given.push(look_up);
            } else {
                looking.known.insert(target, None);
                *self.report.findings.entry(Finding::LookUpFailed).or_default() += 1;
            }
        }
        given
    }

    /// What came of all that was wanted last, in that order; `None`, or nothing at the end, is
    /// what failed or came too late, and hides.
    pub fn looked_up(&mut self, answers: Vec<Option<Arc<Found>>>) {
        let Some(looking) = &mut self.looking else { return };
        let mut answers = answers.into_iter();
        for target in std::mem::take(&mut looking.asked) {
            let answer = answers.next().flatten();
            if answer.is_none() {
                *self.report.findings.entry(Finding::LookUpFailed).or_default() += 1;
            }
            looking.known.insert(target, answer);
        }
    }

    /// Notes what was taken of what is kept.
    pub(super) fn took(&mut self, mut taken: Known) {
        let Some(looking) = &mut self.looking else { return };
        let failed = taken.values().filter(|found| found.is_none()).count();
        if failed > 0 {
            let failed = u64::try_from(failed).unwrap_or(u64::MAX);
            *self.report.findings.entry(Finding::LookUpFailed).or_default() += failed;
        }
        looking.known.append(&mut taken);
    }

    /// Judges what waits of a stream, if it is that many bytes.
    pub(super) fn take_waiting(&mut self, bytes_min: usize) -> Result<(), Refusal> {
        let Some(looking) = &mut self.looking else { return Ok(()) };
        if looking.waiting.len() < bytes_min {
            return Ok(());
        }
        let waiting = std::mem::take(&mut looking.waiting);
        self.frame(&waiting)?;
        if let Some(looking) = self.looking.as_mut().filter(|_| !self.ended) {
            // No state across flushes: memory stays bounded.
            looking.known.clear();
        }
        Ok(())
    }

    /// What leaves of a document, by what is known of look-ups; nothing while it is only asked
    /// what it wants.
    pub(super) fn leaves(&mut self, bytes: &[u8], offset: u64) -> Result<Pieces, Refusal> {
        let is_trial = self.looking.as_ref().is_some_and(|looking| looking.trial.is_some());
        match self.judge(bytes, offset, is_trial)? {
            Judged::Leaves(out) if !is_trial => Ok(out),
            Judged::Leaves(_) => Ok(Pieces::default()),
            Judged::Wants(wanted) => {
                let trial = self.looking.as_mut().and_then(|looking| looking.trial.as_mut());
                if let Some(trial) = trial {
                    trial.extend(by_target(wanted));
                }
                Ok(Pieces::default())
            }
        }
    }
}

fn by_target(wanted: Vec<LookUp>) -> Wanted {
    wanted.into_iter().map(|look_up| (look_up.target().to_owned(), look_up)).collect()
}
