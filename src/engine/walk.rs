//! One walk over a record: what stands where. It follows the shape's automaton and notes sites.
//! Of these nothing is judged here; but codes and words of stretches that repeat are left out if
//! they were judged to say nothing when the stretch was written down ([`quiet`]).

mod learnt;
mod quiet;
mod repeats;
#[cfg(test)]
mod tests;
mod work_out;
mod writing;

pub(crate) use learnt::Learnt;

use super::codes::CodeBook;
use super::document::ahead::Ahead;
use super::document::read::Document;
use super::document::scan;
use super::document::tape::{Kind as Json, Node, NodeId, Repeat};
use super::document::text;
use super::memory::Memory;
use super::saying::Saying;
use super::selectors::automaton::State;
use super::shapes::meant::{Mark, Shape, flag};
use super::sites::{Coded, NOWHERE, Site, Sites, What, Words};
use learnt::{Around, Context, Object, Outcome, Place, does};
use repeats::{Stage, Step};
use writing::Writing;

/// What a place gives on to all below it: that it may leave, that it has words, is clinical, is
/// not read for words, is prose.
const INHERITED: u32 = flag::NAMED | flag::WORDY | flag::CLINICAL | flag::QUIET | flag::PROSE;

/// Inside something that is cut anyway. No flag of a state.
const GONE: u32 = 1 << 31;

/// The record's kind declares no clinical places of its own. No flag of a state.
const CLINICAL_BY_NAME: u32 = 1 << 30;

/// From this depth on a place is inside a contained resource.
const CONTAINED: u32 = 1 << 30;

/// A walk over the records of one document.
pub(crate) struct Walk<'a> {
    doc: Document<'a>,
    shape: &'a Shape,
    codes: &'a CodeBook,
    pub(crate) sites: Sites,
    learnt: &'a mut Learnt,
    repeats: &'a [Repeat],
    parser: &'a scan::Memory,
    ahead: Ahead<'a>,
}

impl<'a> Walk<'a> {
    /// A walk over records of a document, that notes what it finds in these lists. The code book
    /// is that of the shape's set, to which the memory belongs, too.
    pub(crate) fn new(
        doc: Document<'a>,
        shape: &'a Shape,
        codes: &'a CodeBook,
        sites: Sites,
        memory: &'a mut Memory,
    ) -> Walk<'a> {
        let sites = sites.emptied(doc.tape.len());
        let (learnt, repeats, parser) = memory.of(doc.tape);
        Walk { doc, shape, codes, sites, learnt, repeats, parser, ahead: Ahead::nodes(doc) }
    }

    /// Notes the sites of one record. `starts` are those of its spec.
    pub(crate) fn record(&mut self, root: NodeId, kind: usize, starts: &[State]) {
        #[cfg(test)]
        let before = tests::Before::of(self);
        self.record_with(self.repeats, root, kind, starts);
        #[cfg(test)]
        tests::same_without_repeats(self, before, |walk| walk.record_with(&[], root, kind, starts));
    }

    fn record_with(&mut self, repeats: &[Repeat], root: NodeId, kind: usize, starts: &[State]) {
        let named = self.shape.fhir && !self.shape.kind(kind).names_clinical;
        let flags = if named { CLINICAL_BY_NAME } else { 0 };
        let context = Context { state: start_of(starts, kind), flags, depth: 0 };
        let (doc, shape) = (self.doc, self.shape);
        let mut record = InRecord { doc, shape, walk: self, starts, writing: None };
        record.marks(root, context);
        if let Some(node) = doc.get(root).filter(|node| node.kind == Json::Object) {
            let context = record.walk.learnt.number(context);
            record.places(Around::record(root, node.next, context), repeats);
            record.objects();
        }
    }
}

fn place(id: NodeId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}

/// The state at the root of a record of that kind; the last is for kinds that are not named.
fn start_of(starts: &[State], kind: usize) -> State {
    starts.get(kind).or_else(|| starts.last()).copied().unwrap_or(0)
}

struct InRecord<'w, 'a> {
    doc: Document<'a>,
    shape: &'a Shape,
    walk: &'w mut Walk<'a>,
    starts: &'w [State],
    /// The stretch at which it is, if what it finds there is written down.
    writing: Option<Writing>,
}

impl InRecord<'_, '_> {
    fn push(&mut self, node: NodeId, what: What) {
        self.walk.sites.others.push(Site { node, with: NOWHERE, what });
    }

    /// Notes the marks of a state.
    fn marks(&mut self, id: NodeId, at: Context) {
        let shape = self.shape;
        let facts = shape.facts(at.state);
        let providers = facts.flags & flag::PROVIDERS != 0;
        for mark in shape.marks(facts) {
            let what = match *mark {
                Mark::Cut(spec) => What::Nested(spec),
                Mark::Id => What::Id,
                Mark::Subject => What::Subject,
                Mark::Date(order) => What::Date(order),
                Mark::Episode => What::Episode(providers),
                Mark::Tuple(tuple, part) => What::Tuple(tuple, part),
                Mark::Evidence => What::Evidence(providers),
                Mark::Code(number) => What::HouseCode(number),
                Mark::SystemAt(number) => What::SystemAt(number),
                Mark::Target => What::Target,
                Mark::Owns => What::Owns,
                Mark::Resolve(number) => What::Resolve(number, providers),
                Mark::Field(field) => What::Field(field),
                Mark::Envelope | Mark::Clinical | Mark::Named | Mark::Told | Mark::Element(_) => {
                    continue;
                }
            };
            // What stands in a contained resource is neither the record's subject nor its link.
            let contained = at.depth > CONTAINED;
            if contained && !matches!(what, What::Subject | What::Field(_)) {
                continue;
            }
            let what = if contained && what == What::Subject { What::SubjectInside } else { what };
            let house_code = matches!(what, What::HouseCode(_) | What::SystemAt(_));
            let with = if house_code { self.doc.parent(id).0 } else { NOWHERE };
            self.walk.sites.others.push(Site { node: id, with, what });
        }
    }

    /// Looks at every place of the record, in document order.
    fn places(&mut self, record: Around, repeats: &[Repeat]) {
        let nodes = self.doc.tape.nodes();
        self.walk.learnt.outer.clear();
        let mut inner = record;
        let mut at = inner.id.0.saturating_add(1);
        let first = repeats.partition_point(|repeat| repeat.first < at);
        // What is open at its end, and what is behind it.
        let end = |repeat: &Repeat| Some(NodeId(repeat.behind.saturating_sub(2)));
        self.walk.ahead.look(repeats, first, end);
        let mut ahead = repeats.get(first..).unwrap_or_default();
        let mut stop = ahead.first().map_or(u32::MAX, |repeat| repeat.first);
        loop {
            while at >= inner.end {
                match self.leave(inner) {
                    Some(outer) => inner = outer,
                    None => return,
                }
            }
            if at >= stop {
                (at, stop) = self.stop(at, record.end, &mut ahead, &mut inner);
                continue;
            }
            let id = NodeId(at);
            let Some(node) = nodes.get(place(id)) else { return };
            let known = Place::of(inner.context, node);
            at = at.saturating_add(1);
            let outcome = match self.walk.learnt.outcome(known) {
                Some(outcome) => outcome,
                None => match self.work_out(id, node, &mut inner, known) {
                    (outcome, true) => outcome,
                    (outcome, false) => {
                        at = node.next;
                        outcome
                    }
                },
            };
            inner.seen |= outcome.does & does::SEEN;
            if let Some(writing) = &mut self.writing {
                writing.see(outcome.does & does::SEEN, self.walk.learnt.outer.len());
            }
            if outcome.does & !does::SEEN != 0
                && let Some(inside) = self.apply(id, node, &inner, outcome)
            {
                self.walk.learnt.outer.push(inner);
                inner = inside;
            }
        }
    }

    /// A stretch that repeats begins, or one that is written down ends. Gives back where to go on,
    /// and where to stop next.
    fn stop(
        &mut self,
        mut at: u32,
        end: u32,
        ahead: &mut &[Repeat],
        inner: &mut Around,
    ) -> (u32, u32) {
        let learnt = &mut *self.walk.learnt;
        let mut stage = Stage {
            doc: self.doc,
            sites: &mut self.walk.sites,
            outer: &mut learnt.outer,
            objects: &mut learnt.objects,
        };
        if let Some(mut writing) = self.writing.take() {
            if at != writing.behind {
                writing.spoil();
            }
            let saying = Saying { doc: self.doc, shape: self.shape, codes: self.walk.codes };
            learnt.repeats.written(&writing, inner, &stage, saying, learnt.next);
        }
        // Those that were skipped.
        while ahead.first().is_some_and(|repeat| repeat.first < at) {
            *ahead = ahead.get(1..).unwrap_or_default();
        }
        let is_here = |ahead: &[Repeat]| {
            ahead.first().is_some_and(|repeat| repeat.first == at && repeat.behind < end)
        };
        if is_here(ahead) {
            let mut done = 1;
            match learnt.repeats.step(ahead, end, inner, &mut stage) {
                Step::Copied { repeats, expected } => {
                    (done, learnt.next) = (repeats, expected);
                    let last = ahead.get(repeats.saturating_sub(1));
                    at = last.map_or(at, |repeat| repeat.behind);
                }
                Step::Write { find, repeats } => {
                    let stretch = ahead.get(..repeats).unwrap_or_default();
                    self.writing = Writing::begin(find, stretch, self.walk.parser, inner, &stage);
                    done = repeats;
                }
                Step::Walk => {}
            }
            *ahead = ahead.get(done..).unwrap_or_default();
        }
        let next = ahead.first().filter(|repeat| repeat.behind < end);
        let next = next.map_or(u32::MAX, |repeat| repeat.first);
        (at, self.writing.as_ref().map_or(next, |writing| writing.behind))
    }

    /// The end of an array or object has come; gives back what is around it.
    #[inline]
    fn leave(&mut self, inner: Around) -> Option<Around> {
        let learnt = &mut *self.walk.learnt;
        if let Some(object) = learnt.objects.get_mut(inner.object) {
            object.seen = inner.seen;
        }
        let outer = learnt.outer.pop()?;
        if let Some(writing) = &mut self.writing {
            writing.leave(learnt.outer.len().saturating_add(1), &outer);
        }
        Some(outer)
    }

    /// Does what is done at a place; of an array or object it gives back what those inside it
    /// see.
    #[inline]
    fn apply(
        &mut self,
        id: NodeId,
        node: &Node,
        outer: &Around,
        outcome: Outcome,
    ) -> Option<Around> {
        let does = outcome.does;
        if does & does::RARE != 0 {
            self.apply_rare(id, outcome);
        }
        if does & does::CONTAINER != 0 {
            let concept = match does & (does::ELEMENT | does::IN_CONCEPT) {
                0 => NOWHERE,
                does::IN_CONCEPT => outer.id.0,
                _ => outer.concept,
            };
            let mut object = usize::MAX;
            if does & does::OBJECT != 0 {
                let objects = &mut self.walk.learnt.objects;
                object = objects.len();
                objects.push(Object { id, does, seen: 0, concept });
            }
            let (context, end) = (outcome.context, node.next);
            return Some(Around { id, end, context, seen: 0, concept, object });
        }
        if does & does::WORDS != 0 {
            self.note_words(id, node, does);
        }
        None
    }

    #[inline(never)]
    fn apply_rare(&mut self, id: NodeId, outcome: Outcome) {
        let does = outcome.does;
        if does & does::REQUIRED != 0 {
            self.walk.sites.required.mark(id);
            if let Some(writing) = &mut self.writing {
                writing.require(id);
            }
        }
        if does & does::MARKED != 0 {
            self.marks(id, self.walk.learnt.context(outcome.context));
        }
        if does & does::UNKNOWN != 0 {
            self.push(id, What::Unknown);
        }
        if does & does::HOUSEKEEPING != 0 {
            self.push(id, What::Housekeeping);
        }
        if does & does::MISFORMED != 0 {
            self.push(id, What::Misformed(does & does::BARRED != 0));
        }
    }

    #[inline(never)]
    fn note_words(&mut self, id: NodeId, node: &Node, does: u32) {
        let what = match does & (does::MARKUP | does::PROSE) {
            0 => Words::Label,
            does::PROSE => Words::Prose,
            _ => Words::Markup,
        };
        let site = Site { node: id, with: NOWHERE, what };
        if does & does::IF_WORDY != 0 {
            if let Some(writing) = &mut self.writing {
                writing.note_if_wordy(site);
            }
            if !is_wordy(self.doc.json, node) {
                return;
            }
        }
        self.walk.sites.words.push(site);
    }

    /// Notes what the objects of the record are by what stands in them: references, codes,
    /// attachments.
    fn objects(&mut self) {
        let mut objects = std::mem::take(&mut self.walk.learnt.objects);
        for object in objects.drain(..) {
            self.object(object);
        }
        self.walk.learnt.objects = objects;
    }

    #[inline]
    fn object(&mut self, object: Object) {
        let Object { id, does, concept, .. } = object;
        if object.is_reference() {
            self.push(id, What::Reference(does & does::PROVIDERS != 0));
        }
        if object.is_code() {
            let what = Coded { clinical: does & does::CLINICAL != 0 };
            self.walk.sites.codes.push(Site { node: id, with: concept, what });
        }
        if object.is_attachment() {
            let (with, what) = (NOWHERE, Words::Attachment);
            self.walk.sites.words.push(Site { node: id, with, what });
        }
    }
}

/// Whether a text may be human words: it has a letter, and is not one token with a digit in it
/// (a date, an id, a code).
fn is_wordy(json: &str, node: &Node) -> bool {
    let text = text::str_of(json, node);
    let text = text.as_bytes();
    let letter = text.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let digit = text.iter().any(u8::is_ascii_digit);
    letter && (!digit || text.contains(&b' '))
}
