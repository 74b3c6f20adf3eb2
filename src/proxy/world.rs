//! What requests are judged by: the policy set and the people, as the files say now.

use crate::config::Judging;
use crate::engine::diagnostics::Diagnostic;
use crate::engine::facts::People;
use crate::engine::set::PolicySet;
use crate::members::{Book, BookPaths, Moment, today_at_utc_plus_14};
use crate::policy_files::PolicyStore;
use jiff::Timestamp;
use std::sync::Arc;

/// Gets the mistakes and warnings of files that are read again.
pub type Tell = fn(&[Diagnostic]);

/// Policies and people of one deployment; both are replaced while we run.
#[derive(Debug)]
pub(super) struct World {
    policies: Arc<PolicyStore>,
    book: Book,
}

impl World {
    /// Reads everything for the first time; every mistake of every file is told.
    pub(super) fn load(judging: &Judging, tell: Tell) -> Result<World, Vec<Diagnostic>> {
        let paths = BookPaths {
            members: judging.members.clone(),
            grants: judging.grants.clone(),
            restrictions: judging.restrictions.clone(),
        };
        match (PolicyStore::open(&judging.policies, tell), Book::load(&paths, tell)) {
            (Ok(policies), Ok(book)) => Ok(World { policies: Arc::new(policies), book }),
            (Err(mistakes), Ok(_)) | (Ok(_), Err(mistakes)) => Err(mistakes),
            (Err(mistakes), Err(more)) => Err(mistakes.into_iter().chain(more).collect()),
        }
    }

    /// The policy set in force.
    pub(super) fn policy(&self) -> Arc<PolicySet> {
        Arc::clone(&self.policies.current().set)
    }

    /// Now, for [`World::judging`].
    pub(super) fn moment(&self) -> Moment {
        self.book.moment()
    }

    /// The policy set in force, and the people as they stand towards this reader today, by files
    /// as they were at that moment or later.
    pub(super) fn judging(&self, reader: &str, since: Moment) -> (Arc<PolicySet>, Arc<dyn People>) {
        let policies = self.policies.current();
        let today = today_at_utc_plus_14(Timestamp::now());
        (Arc::clone(&policies.set), self.book.view(since, reader, today, &policies.states))
    }

    /// Changes of files that were refused so far: of policies, and of people.
    pub(super) fn refused(&self) -> [(&'static str, u64); 2] {
        [("policies", self.policies.refused()), ("people", self.book.refused())]
    }

    /// Looks after the policy folder for as long as it is polled.
    pub(super) async fn watch(&self) {
        Arc::clone(&self.policies).watch().await;
    }
}
