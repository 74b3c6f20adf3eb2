//! The engine: bytes and facts in, released bytes and a report out. Nothing under here is async,
//! does IO, asks the time or iterates in hash order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod body;
pub mod category;
pub mod codes;
pub mod diagnostics;
pub mod document;
pub mod explain;
pub mod facts;
mod names;
pub mod policy;
pub mod released;
pub mod request;
pub mod selectors;
pub mod set;
pub mod shapes;
mod walk;
pub mod yaml;

use bytes::Bytes;
use facts::People;
use released::{Refusal, Released};
use request::Plan;
use set::PolicySet;
use std::sync::Arc;

/// What a deployment sets for the engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Longest decoded body judged whole, bytes.
    pub hold: usize,
    /// Longest record of a stream, bytes.
    pub record: usize,
    /// Deepest nesting.
    pub depth: usize,
    /// What the upstream is told its address is, without a trailing slash.
    pub public_url: Option<String>,
}

/// Judges one response: push what comes, send what is given back.
#[derive(Debug)]
pub struct Redactor {
    policy: Arc<PolicySet>,
    people: Arc<dyn People>,
    settings: Settings,
    plan: Plan,
    explain: bool,
}

impl Redactor {
    /// A judge for the answer to one admitted request. With `explain` the report has an account.
    pub fn new(
        policy: Arc<PolicySet>,
        people: Arc<dyn People>,
        settings: Settings,
        plan: Plan,
        explain: bool,
    ) -> Redactor {
        Redactor { policy, people, settings, plan, explain }
    }

    /// The upstream's status and Content-Type values (all that came), before any byte of body.
    pub fn head(&mut self, status: u16, content_types: &[&str]) -> Result<(), Refusal> {
        let _ = (status, content_types, self.explain);
        Ok(())
    }

    /// The next decoded bytes. A stream gives back what is decided; a whole body nothing.
    /// After a refusal the answer is over: nothing more may be pushed.
    pub fn push(&mut self, chunk: Bytes) -> Result<Option<Released>, Refusal> {
        let _ = (chunk, &self.policy, &self.people, &self.settings, &self.plan);
        Ok(None)
    }

    /// The body has ended as its framing says.
    pub fn finish(self) -> Result<Released, Refusal> {
        Err(Refusal::NotFound)
    }
}
