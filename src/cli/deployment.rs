//! What `redact`, `explain`, `check` and `test` read: policies and people, with every mistake of
//! every file.

use super::{Exit, Streams};
use crate::config::Judging;
use crate::engine::diagnostics::{Diagnostic, Severity};
use crate::engine::facts::People;
use crate::members::{self, BookPaths, Register, States};
use crate::policy_files::{self, Policies};
use jiff::Timestamp;
use jiff::civil::Date;
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
    members::today_at_utc_plus_14(Timestamp::now())
}

/// Members, grants and restrictions as read.
pub(super) struct Roster {
    register: Arc<Register>,
    states: Arc<States>,
}

impl Roster {
    /// Reads the files; what is wrong in each of them is pushed. Without states the strictest
    /// ages hold.
    pub(super) fn load(
        members: &Path,
        grants: Option<&Path>,
        restrictions: Option<&Path>,
        states: Option<&Arc<States>>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Roster> {
        let paths = BookPaths {
            members: members.to_owned(),
            grants: grants.map(Path::to_owned),
            restrictions: restrictions.map(Path::to_owned),
        };
        let register = Arc::new(Register::load(&paths, mistakes)?);
        Some(Roster { register, states: states.cloned().unwrap_or_default() })
    }

    /// Everybody, as one reader stands to them on one day.
    pub(super) fn view(&self, reader: &str, today: Date) -> Arc<dyn People> {
        self.register.view(reader, today, &self.states)
    }
}
