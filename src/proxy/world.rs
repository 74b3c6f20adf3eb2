//! What requests are judged by: the policy set and the people, as the files say now.

use crate::config::Judging;
use crate::engine::diagnostics::Diagnostic;
use crate::engine::facts::People;
use crate::engine::set::PolicySet;
use crate::members::{Book, BookPaths, States, today_at_utc_plus_14};
use crate::policy_files::{Policies, PolicyStore};
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::sync::Arc;

/// Gets the mistakes and warnings of files that are read again.
pub type Tell = fn(&[Diagnostic]);

/// Policies and people of one deployment; both are replaced while we run.
#[derive(Debug)]
pub(super) struct World {
    policies: Arc<PolicyStore>,
    book: Book,
    in_force: ArcSwap<InForce>,
}

/// A set, and the ages of the states that were read with it.
#[derive(Debug)]
struct InForce {
    policies: Arc<Policies>,
    states: Arc<States>,
}

impl World {
    /// Reads everything for the first time; every mistake of every file is told.
    pub(super) fn load(judging: &Judging, tell: Tell) -> Result<World, Vec<Diagnostic>> {
        let mut mistakes = Vec::new();
        let policies = match PolicyStore::open(&judging.policies, tell) {
            Ok(policies) => Some(Arc::new(policies)),
            Err(found) => {
                mistakes.extend(found);
                None
            }
        };
        let paths = BookPaths {
            members: judging.members.clone(),
            grants: judging.grants.clone(),
            restrictions: judging.restrictions.clone(),
        };
        let book = match Book::load(&paths, tell) {
            Ok(book) => Some(book),
            Err(found) => {
                mistakes.extend(found);
                None
            }
        };
        let in_force = policies.as_ref().and_then(|policies| {
            let policies = policies.current();
            let states = Arc::new(States::read(&policies.states, &mut mistakes)?);
            Some(ArcSwap::from_pointee(InForce { policies, states }))
        });
        match (policies, book, in_force) {
            (Some(policies), Some(book), Some(in_force)) => Ok(World { policies, book, in_force }),
            _ => Err(mistakes),
        }
    }

    /// The policy set in force.
    pub(super) fn policy(&self) -> Arc<PolicySet> {
        Arc::clone(&self.in_force().policies.set)
    }

    /// The policy set in force, and the people as they stand towards this reader today.
    pub(super) fn judging(&self, reader: &str) -> (Arc<PolicySet>, Arc<dyn People>) {
        let in_force = self.in_force();
        let today = today_at_utc_plus_14(Timestamp::now());
        let people = self.book.view(reader, today, &in_force.states);
        (Arc::clone(&in_force.policies.set), people)
    }

    /// Looks after the policy folder for as long as it is polled.
    pub(super) async fn watch(&self) {
        Arc::clone(&self.policies).watch().await;
    }

    /// LAST-GOOD: a set whose states cannot be read is not taken.
    fn in_force(&self) -> Arc<InForce> {
        let in_force = self.in_force.load_full();
        let policies = self.policies.current();
        if Arc::ptr_eq(&in_force.policies, &policies) {
            return in_force;
        }
        match States::read(&policies.states, &mut Vec::new()) {
            Some(states) => {
                let new = Arc::new(InForce { policies, states: Arc::new(states) });
                self.in_force.store(Arc::clone(&new));
                new
            }
            None => in_force,
        }
    }
}
