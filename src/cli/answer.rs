//! One request of one reader and one body through the engine, without sockets: what `redact`,
//! `explain` and `test` share. It is the code of `run`: admit, then head, push and finish.

use crate::engine::facts::People;
use crate::engine::lookups::{Found, LookUp, NothingKept};
use crate::engine::released::{Refusal, Released, Report};
use crate::engine::request::{Asked, Plan, admit};
use crate::engine::set::PolicySet;
use crate::engine::{Redactor, Settings};
use bytes::BytesMut;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

/// How much of a body is read at a time: what a socket gives.
const CHUNK_BYTES: usize = 64 * 1024;

/// By what a body is judged.
pub(super) struct Judge {
    pub(super) set: Arc<PolicySet>,
    pub(super) people: Arc<dyn People>,
    pub(super) settings: Settings,
    /// Whether the report has an account of every record.
    pub(super) explain: bool,
    /// What is looked up, by path; nothing is if `None`.
    pub(super) look_ups: Option<BTreeMap<String, Vec<u8>>>,
}

/// The request, and the head of the upstream's answer.
pub(super) struct Question<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) status: u16,
    /// That of the route if `None`.
    pub(super) content_type: Option<&'a str>,
}

/// What came of it.
pub(super) struct Judged {
    /// `None` if the request was not admitted.
    pub(super) plan: Option<Plan>,
    /// Why the reader gets no 200, if so.
    pub(super) refusal: Option<Refusal>,
    /// Over all that was judged.
    pub(super) report: Report,
}

impl Judged {
    fn refused(plan: Option<Plan>, refusal: Refusal, report: Report) -> Judged {
        Judged { plan, refusal: Some(refusal), report }
    }

    /// The status the reader gets.
    pub(super) fn status(&self) -> u16 {
        self.refusal.as_ref().map_or(200, Refusal::status)
    }
}

/// Method and target of `GET /path?query`.
pub(super) fn method_and_target(request: &str) -> Option<(&str, &str)> {
    let (method, target) = request.split_once(' ')?;
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    (is_method && target.starts_with('/')).then_some((method, target))
}

impl Judge {
    /// Judges a body; what is released goes to `keep` as it comes. Errors are those of reading
    /// `body` and of `keep`.
    pub(super) fn judge(
        &self,
        question: &Question<'_>,
        body: &mut dyn Read,
        keep: &mut dyn FnMut(Released) -> io::Result<()>,
    ) -> io::Result<Judged> {
        let asked = Asked { method: question.method, target: question.target, form: None };
        let plan = match admit(&self.set, &*self.people, asked) {
            Ok(plan) => plan,
            Err((refusal, _)) => return Ok(Judged::refused(None, refusal, Report::default())),
        };
        let mut redactor = Redactor::new(
            Arc::clone(&self.set),
            Arc::clone(&self.people),
            self.settings.clone(),
            plan.clone(),
            self.explain,
        );
        if self.look_ups.is_some() {
            redactor = redactor.looking_up(Arc::new(NothingKept));
        }
        let mut report = Report::default();
        let content_type = question.content_type.unwrap_or(plan.content_type);
        if let Err(refusal) = redactor.head(question.status, &[content_type]) {
            return Ok(Judged::refused(Some(plan), refusal, redactor.report()));
        }
        loop {
            let mut chunk = BytesMut::zeroed(CHUNK_BYTES);
            let read = read_some(body, &mut chunk)?;
            if read == 0 {
                break;
            }
            chunk.truncate(read);
            match redactor.push(&chunk) {
                Ok(None) => {}
                Ok(Some(released)) => {
                    report.add(released.report.clone());
                    keep(released)?;
                }
                Err(refusal) => {
                    report.add(redactor.report());
                    return Ok(Judged::refused(Some(plan), refusal, report));
                }
            }
            self.look_up(&mut redactor);
        }
        redactor.end();
        self.look_up(&mut redactor);
        match redactor.finish() {
            Ok(released) => {
                report.add(released.report.clone());
                keep(released)?;
                Ok(Judged { plan: Some(plan), refusal: None, report })
            }
            Err(refusal) => {
                report.add(redactor.report());
                Ok(Judged::refused(Some(plan), refusal, report))
            }
        }
    }

    /// Gives a redactor what it wants of what there is.
    fn look_up(&self, redactor: &mut Redactor) {
        let Some(look_ups) = &self.look_ups else { return };
        if let Some(plan) = redactor.owner_wanted()
            && let Some(body) = look_ups.get(&plan.target)
        {
            redactor.owner(body);
        }
        loop {
            let wanted = redactor.wanted();
            if wanted.is_empty() {
                return;
            }
            let answers = wanted.iter().map(|look_up| self.found(look_up, look_ups));
            redactor.looked_up(answers.collect());
        }
    }
}

impl Judge {
    /// What of these bodies answers a look-up. A search for company that none answers finds
    /// nobody: what a body does not show besides is not asked.
    fn found(&self, look_up: &LookUp, bodies: &BTreeMap<String, Vec<u8>>) -> Option<Arc<Found>> {
        let (set, depth) = (&self.set, self.settings.depth);
        let body = bodies.get(look_up.target());
        let Some(mut reading) = look_up.company_reading() else {
            return look_up.read(set, depth, body?).map(Arc::new);
        };
        if let Some(body) = body {
            // All that there is stands in the one body.
            reading.take(set, depth, &[], body).filter(Option::is_none)?;
        }
        reading.end(set).map(Arc::new)
    }
}

fn read_some(body: &mut dyn Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match body.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}
