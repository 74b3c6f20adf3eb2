//! What `redact`, `explain`, `check` and `test` read: policies and people, with every mistake of
//! every file.

use super::answer::Judge;
use super::{Exit, Streams};
use crate::config::Judging;
use crate::engine::diagnostics::{Diagnostic, Severity};
use crate::engine::facts::Relation;
use crate::members::{BookPaths, Register, today_at_utc_plus_14};
use crate::policy_files::{self, Policies};
use jiff::Timestamp;
use jiff::civil::Date;
use std::path::Path;
use std::sync::Arc;

/// A deployment that can judge.
pub(super) struct Deployment {
    pub(super) judging: Judging,
    pub(super) policies: Policies,
    pub(super) register: Arc<Register>,
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
        let register = Register::load(&book_paths(&judging), &mut mistakes).map(Arc::new);
        match (policies, register) {
            (Some(policies), Some(register)) => Ok(Deployment { judging, policies, register }),
            _ => Err(Failure { exit: Exit::No, mistakes }),
        }
    }

    /// The member id of a person by any of their names.
    pub(super) fn member_id(&self, name: &str, today: Date) -> Option<String> {
        let people = self.register.view(name, today, &self.policies.states);
        people.member_id(people.find(name)?).map(str::to_owned)
    }

    /// How a reader stands towards a person; `None` for readers whom nobody knows.
    pub(super) fn relation(&self, reader: &str, person: &str, today: Date) -> Option<Relation> {
        let people = self.register.view(reader, today, &self.policies.states);
        people.reader()?;
        people.standing(people.find(person)?).relation()
    }

    /// What judges for one reader on one day.
    pub(super) fn judge(&self, reader: &str, today: Date, explain: bool) -> Judge {
        Judge {
            set: Arc::clone(&self.policies.set),
            people: self.register.view(reader, today, &self.policies.states),
            settings: self.judging.settings(),
            explain,
            look_ups: None,
        }
    }
}

/// The files of the people of a deployment.
pub(super) fn book_paths(judging: &Judging) -> BookPaths {
    BookPaths {
        members: judging.members.clone(),
        grants: judging.grants.clone(),
        restrictions: judging.restrictions.clone(),
    }
}

/// Whether anything is wrong enough to stop.
pub(super) fn is_broken(mistakes: &[Diagnostic]) -> bool {
    mistakes.iter().any(|mistake| mistake.severity == Severity::Error)
}

/// Today at UTC+14, where the day begins first (DESIGN 4.6).
pub(super) fn today() -> Date {
    today_at_utc_plus_14(Timestamp::now())
}
