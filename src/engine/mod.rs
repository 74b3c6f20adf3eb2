//! The engine: bytes and facts in, released bytes and a report out. Nothing under here is async,
//! does IO, asks the time or iterates in hash order.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod body;
pub mod category;
pub mod codes;
pub mod company;
mod content_type;
mod day;
pub mod diagnostics;
pub mod document;
pub mod explain;
pub mod facts;
mod lending;
mod looking;
pub mod lookups;
mod markup;
mod memory;
mod names;
mod owner;
mod paged;
pub mod pages;
pub mod policy;
pub mod released;
pub mod request;
mod saying;
pub mod selectors;
pub mod set;
pub mod shapes;
mod sites;
mod stream;
mod streamed;
pub mod survey;
mod told;
mod walk;
pub mod yaml;

use body::{Judged, Terms};
use bytes::Bytes;
use content_type::is_expected;
use document::read::Document;
use document::scan::ParseError;
use document::tape::Tape;
use facts::People;
use looking::Looking;
use lookups::Asking;
use memory::Memory;
use pages::Pages;
use released::{Finding, Refusal, Released, Report};
use request::Plan;
use set::PolicySet;
use shapes::meant::{Route, Shape};
use shapes::written::Body as Form;
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;
use stream::Stream;

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

/// A stream gives back what is decided once it is this much: one audit entry each.
const FLUSH_BYTES: usize = 128 * 1024;

/// Judges one response: push what comes, send what is given back.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, none excludes another"
)]
#[derive(Debug)]
pub struct Redactor {
    policy: Arc<PolicySet>,
    people: Arc<dyn People>,
    settings: Settings,
    plan: Plan,
    explain: bool,
    tape: Tape,
    /// A whole body so far, or what a stream has decided and not yet given back.
    held: Vec<u8>,
    /// How a stream is framed; `None` if the body is judged whole.
    stream: Option<Stream>,
    report: Report,
    /// The upstream said that there is nothing: a search is then empty.
    nothing: bool,
    /// The body has ended.
    ended: bool,
    /// Its look-ups, where there are any.
    looking: Option<Looking>,
    /// The pages of a search so far, if a page of it is asked for.
    pages: Option<Pages>,
    /// Whether the tape is that of the whole body held.
    parsed: bool,
    /// Whether it must be all there is.
    to_be_all: bool,
    /// Where in `held` a record stands that is judged with those it belongs to.
    alone: Option<Range<usize>>,
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
        let route = policy.shapes.get(plan.route.0).and_then(|s| s.routes.get(plan.route.1));
        let stream = route.filter(|_| plan.stream).map(|route| Stream::of(route.body));
        Redactor {
            policy,
            people,
            settings,
            plan,
            explain,
            tape: Tape::default(),
            held: Vec::new(),
            stream,
            report: Report::default(),
            nothing: false,
            ended: false,
            looking: None,
            pages: None,
            parsed: false,
            to_be_all: false,
            alone: None,
        }
    }

    /// The policy set it judges by.
    pub fn policy(&self) -> &Arc<PolicySet> {
        &self.policy
    }

    fn route(&self) -> Option<(&Shape, &Route)> {
        route_of(&self.policy, &self.plan)
    }

    /// The upstream's status and Content-Type values (all that came), before any byte of body, or
    /// of a further page.
    pub fn head(&mut self, status: u16, content_types: &[&str]) -> Result<(), Refusal> {
        let (shape, route) = self.route().ok_or(Refusal::NotFound)?;
        let (fhir, form, by_id) = (shape.fhir, route.body, route.by_id);
        if matches!(status, 401 | 403) {
            // To the reader this is nothing there; a credential that broke is seen here alone.
            *self.report.findings.entry(Finding::UpstreamForbids).or_default() += 1;
        }
        match status {
            200 => {}
            _ if self.pages.as_ref().is_some_and(Pages::is_later) => {
                return Err(Refusal::Pages { why: "a further page that is not there" });
            }
            // Absent, hidden and forbidden are one.
            401 | 403 | 404 | 410 if form == Form::Search => {
                self.nothing = true;
                return Ok(());
            }
            404 | 410 => return Err(Refusal::NotFound),
            401 | 403 if by_id => return Err(Refusal::NotFound),
            _ => return Err(Refusal::UpstreamStatus { status }),
        }
        match content_types {
            [one] if is_expected(one, fhir, form) => Ok(()),
            _ => Err(Refusal::ContentType),
        }
    }

    /// So many bytes of a whole body are said to come. Room is made for them at once; what is said
    /// binds nobody.
    pub fn expect(&mut self, bytes: usize) {
        if self.stream.is_none() && !self.nothing {
            self.held.reserve(bytes.min(self.settings.hold));
        }
    }

    /// The next decoded bytes. A stream gives back what is decided; a whole body nothing.
    /// After a refusal the answer is over: nothing more may be pushed. Where things are looked up,
    /// [`Redactor::wanted`] is to be asked after each push.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Option<Released>, Refusal> {
        if self.nothing {
            return Ok(None);
        }
        if self.stream.is_some() {
            return self.push_stream(chunk);
        }
        // BOUNDED: `hold`.
        if self.held.len().saturating_add(chunk.len()) > self.settings.hold {
            return Err(Refusal::TooLong { limit: "hold" });
        }
        self.held.extend_from_slice(chunk);
        Ok(None)
    }

    /// The account of what was refused, for the audit and for `explain`: what was not yet given
    /// back with a [`Released`].
    pub fn report(&mut self) -> Report {
        std::mem::take(&mut self.report)
    }

    /// All of the body is there. [`Redactor::finish`] says so too; earlier it is told only where
    /// things are looked up.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// What is released of the body, or of the rest of a stream. What was wanted and not looked
    /// up by now hides.
    pub fn finish(&mut self) -> Result<Released, Refusal> {
        self.ended = true;
        let judged = self.looking.as_mut().and_then(|looking| looking.judged.take());
        let bytes = if self.nothing {
            Bytes::from_static(br#"{"resourceType":"Bundle","type":"searchset"}"#)
        } else if self.stream.is_some() {
            self.take_waiting(0)?;
            self.end_frames()?;
            std::mem::take(&mut self.held).into()
        } else if let Some(judged) = judged {
            judged?
        } else {
            let body = self.take_body();
            self.leaves(&body, 0)?.keep(body)
        };
        if !self.tape.is_new() {
            self.policy.tapes.give_back(std::mem::take(&mut self.tape).emptied());
        }
        Ok(Released::new(bytes, std::mem::take(&mut self.report)))
    }

    /// The whole body that was held, without its mark.
    fn take_body(&mut self) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.held);
        let marked = body.len().saturating_sub(without_mark(&body).len());
        body.drain(..marked);
        body
    }

    fn flush(&mut self) -> Released {
        let bytes = Bytes::from(std::mem::take(&mut self.held));
        Released::new(bytes, std::mem::take(&mut self.report))
    }

    /// Bytes → tape; the bytes as text.
    fn parse<'b>(
        &mut self,
        bytes: &'b [u8],
        offset: u64,
        memory: &mut Memory,
    ) -> Result<&'b str, Refusal> {
        let mut tape = std::mem::take(&mut self.tape);
        if tape.is_new() {
            tape = self.policy.tapes.take();
        }
        let (shape, _) = self.route().ok_or(Refusal::NotFound)?;
        // The parser would pass over it, and it would leave with the body.
        if bytes.starts_with(BYTE_ORDER_MARK) {
            return Err(Refusal::Unreadable { at: offset, why: "a byte-order mark out of place" });
        }
        let levels = if self.alone.is_some() { owner::LEVELS } else { 0 };
        let depth = self.settings.depth.saturating_add(levels);
        let parsed = memory.parse(bytes, depth, shape, &mut tape);
        let json = parsed.map_err(|error| unreadable(error, offset))?;
        self.tape = tape;
        Ok(json)
    }

    fn judge(&mut self, bytes: &[u8], offset: u64, may_ask: bool) -> Result<Judged, Refusal> {
        let policy = Arc::clone(&self.policy);
        let (shape, route) = route_of(&policy, &self.plan).ok_or(Refusal::NotFound)?;
        // Judged again when something was looked up, and parsed once.
        let (json, mut memory) = if self.parsed {
            let json = simdutf8::basic::from_utf8(bytes).unwrap_or_default();
            (json, shape.memories.lend_that(|memory| memory.made(&self.tape)))
        } else {
            let mut memory = shape.memories.lend();
            (self.parse(bytes, offset, &mut memory)?, memory)
        };
        self.parsed = !self.plan.stream;
        self.is_all(Document { json, tape: &self.tape })?;
        let bundled = self.alone.as_ref().map(|_| owner::bundled(route));
        let asked = self.pages.as_ref().map(|pages| &pages.asked);
        let taken = RefCell::default();
        let terms = Terms {
            policy: &policy,
            shape,
            route: bundled.as_ref().unwrap_or(route),
            asked_kind: self.plan.asked_kind.filter(|_| bundled.is_none()),
            people: self.people.as_ref(),
            public_url: self.settings.public_url.as_deref(),
            explain: self.explain,
            asking: self.looking.as_ref().map(|looking| Asking {
                shape: self.plan.route.0,
                known: &looking.known,
                kept: looking.kept.as_ref(),
                taken: &taken,
                may_ask,
            }),
            self_only: self.plan.self_only,
            page: asked.zip(self.plan.page.as_ref()),
            alone: self.alone.as_ref(),
        };
        let (out, report) = body::judge(terms, Document { json, tape: &self.tape }, &mut memory);
        self.report.add(report);
        self.took(taken.into_inner());
        out
    }
}

fn route_of<'p>(policy: &'p PolicySet, plan: &Plan) -> Option<(&'p Shape, &'p Route)> {
    let shape = policy.shapes.get(plan.route.0)?;
    Some((shape, shape.routes.get(plan.route.1)?))
}

fn unreadable(error: ParseError, offset: u64) -> Refusal {
    let at = offset.saturating_add(u64::try_from(error.at).unwrap_or(u64::MAX));
    Refusal::Unreadable { at, why: error.why }
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One leading byte-order mark is dropped.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}
