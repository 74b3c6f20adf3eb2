//! One walk over a record: what stands where. It follows the shape's automaton and notes sites;
//! nothing is judged here.

use super::document::read::Document;
use super::document::tape::{Kind as Json, Node, NodeId};
use super::document::text;
use super::selectors::automaton::{Child, State};
use super::shapes::meant::{Mark, Shape, flag, tell};
use super::sites::{Coded, NOWHERE, Site, Sites, What, Words};

/// An array or object as those inside it see it.
#[derive(Clone, Copy, Debug)]
struct Around {
    state: State,
    /// The [`INHERITED`] flags of it and all around it, and [`GONE`].
    flags: u32,
    /// The `CodeableConcept` around a `coding`.
    concept: u32,
    /// Members and elements between the record and this place.
    depth: u32,
    /// Of an object what its members tell, see [`Seen`]; of an array how many elements came.
    seen: u32,
}

impl Around {
    const NOTHING: Around = Around { state: 0, flags: 0, concept: NOWHERE, depth: 0, seen: 0 };
}

/// Bits of [`tell`] by which an object is known for what it is: those of its members that are not
/// null, and eight higher those that are strings.
type Seen = u32;

const STRING: u32 = 8;

/// What a place gives on to all below it: that it may leave, that it has words, is clinical, is
/// not read for words, is prose.
const INHERITED: u32 = flag::NAMED | flag::WORDY | flag::CLINICAL | flag::QUIET | flag::PROSE;

/// Inside something that is cut anyway. No flag of a state.
const GONE: u32 = 1 << 31;

/// From this depth on a place is inside a contained resource.
const CONTAINED: u32 = 1 << 30;

/// A walk over the records of one document.
pub(crate) struct Walk<'a> {
    pub(crate) doc: Document<'a>,
    pub(crate) shape: &'a Shape,
    pub(crate) sites: Sites,
    /// Per node: whether FHIR demands it.
    pub(crate) required: Vec<bool>,
    /// Per node: what those inside it see.
    around: Vec<Around>,
    /// Objects of the record that may be one of FHIR's types, and the flags of their states.
    objects: Vec<(NodeId, u32)>,
}

impl<'a> Walk<'a> {
    /// A walk over records of a document.
    pub(crate) fn new(doc: Document<'a>, shape: &'a Shape) -> Walk<'a> {
        let nodes = doc.tape.len();
        let (sites, required) = (Sites::with_room_for(nodes), vec![false; nodes]);
        let around = vec![Around::NOTHING; nodes];
        Walk { doc, shape, sites, required, around, objects: Vec::new() }
    }

    /// Notes the sites of one record. `starts` are those of its spec.
    pub(crate) fn record(&mut self, root: NodeId, kind: usize, starts: &[State]) {
        let around = Around { state: start_of(starts, kind), ..Around::NOTHING };
        let clinical_by_name = self.shape.fhir && !self.shape.kind(kind).names_clinical;
        let (doc, shape) = (self.doc, self.shape);
        let mut record = InRecord { doc, shape, walk: self, starts, clinical_by_name };
        record.marks(root, around.state, around);
        if let Some(node) = doc.get(root).filter(|node| node.kind == Json::Object) {
            record.put(root, around);
            record.places(root, node);
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
    /// Whether the kind declares no clinical places of its own.
    clinical_by_name: bool,
}

impl InRecord<'_, '_> {
    fn push(&mut self, node: NodeId, what: What) {
        self.walk.sites.others.push(Site { node, with: NOWHERE, what });
    }

    /// Notes the marks of a state.
    fn marks(&mut self, id: NodeId, state: State, around: Around) {
        let shape = self.shape;
        let facts = shape.facts(state);
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
            if around.depth > CONTAINED && !matches!(what, What::Field(_)) {
                continue;
            }
            let house_code = matches!(what, What::HouseCode(_) | What::SystemAt(_));
            let with = if house_code { self.doc.parent(id).0 } else { NOWHERE };
            self.walk.sites.others.push(Site { node: id, with, what });
        }
    }

    fn put(&mut self, id: NodeId, around: Around) {
        if let Some(slot) = self.walk.around.get_mut(place(id)) {
            *slot = around;
        }
    }

    /// Looks at every place of the record, in document order.
    fn places(&mut self, root: NodeId, whole: &Node) {
        let mut at = root.0.saturating_add(1);
        while at < whole.next {
            let id = NodeId(at);
            let Some(node) = self.doc.get(id) else { return };
            at = at.saturating_add(1);
            let (state, outer) = self.state_of(id, node);
            let flags = self.shape.facts(state).flags;
            let scalar = !matches!(node.kind, Json::Object | Json::Array);
            // Most of a body: a primitive that is an element and bears nothing, or words.
            if scalar && flags & REMARKABLE == flag::ELEMENT | flag::PRIMITIVE {
                self.note_required(id, flags);
                if flags & flag::WORDS != 0 && node.kind == Json::String {
                    self.string(id, node, flags, outer.flags | flags & INHERITED);
                }
            } else if !self.enter((id, node), state, outer) {
                at = node.next;
            }
        }
    }

    /// The state of a place, and what is around it; what its key tells is noted there.
    #[inline]
    fn state_of(&mut self, id: NodeId, node: &Node) -> (State, Around) {
        let Some(around) = self.walk.around.get_mut(place(NodeId(node.parent))) else {
            return (0, Around::NOTHING);
        };
        let is_element = node.key_start == u32::MAX;
        let mut index = None;
        if is_element {
            index = usize::try_from(around.seen).ok();
            around.seen = around.seen.saturating_add(1);
        } else {
            let told = self.shape.tells.get(usize::from(node.key)).copied().unwrap_or(0);
            let told = Seen::from(told & tell::SEEN);
            around.seen |= match node.kind {
                Json::Null => told & Seen::from(tell::VALUE),
                Json::String => told | told << STRING,
                Json::True | Json::False | Json::Number | Json::Array | Json::Object => told,
            };
        }
        let around = *around;
        let child = Child { node: id, key: node.key, index };
        (self.shape.automaton.step(around.state, child, self.doc), around)
    }

    /// A place that needs a look; whether those below it are to be looked at.
    fn enter(&mut self, (id, node): (NodeId, &Node), state: State, outer: Around) -> bool {
        let flags = self.shape.facts(state).flags;
        let told = self.told(node);
        let container = matches!(node.kind, Json::Object | Json::Array);
        let expected = if container { flag::ELEMENT } else { flag::ELEMENT | flag::PRIMITIVE };
        let clinical = self.clinical_by_name && told & tell::CLINICAL != 0;
        let is_element = node.key_start == u32::MAX;
        // An element of an array is in the concept that the array is in.
        let concept = match (is_element, told & tell::CODING != 0) {
            (true, _) => outer.concept,
            (false, true) => node.parent,
            (false, false) => NOWHERE,
        };
        let depth = outer.depth.saturating_add(u32::from(!is_element));
        let mut around = Around { state, flags: outer.flags, concept, depth, seen: 0 };
        // An element that bears nothing needs no second look.
        if flags & REMARKABLE == expected && !clinical {
            self.note_required(id, flags);
            around.flags |= flags & INHERITED;
        } else if !self.look((id, node), state, clinical, &mut around) {
            return false;
        }
        if node.kind == Json::Object && self.shape.fhir {
            self.enter_type(id, flags, &mut around);
            self.walk.objects.push((id, flags));
        }
        if container {
            self.put(id, around);
        } else if node.kind == Json::String {
            self.string(id, node, flags, around.flags);
        }
        true
    }

    /// What the key of a member tells.
    #[inline]
    fn told(&self, node: &Node) -> u16 {
        self.shape.tells.get(usize::from(node.key)).copied().unwrap_or(0)
    }

    /// Notes what a place bears and what it gives those below it; whether they are to be walked.
    fn look(
        &mut self,
        (id, node): (NodeId, &Node),
        state: State,
        clinical: bool,
        around: &mut Around,
    ) -> bool {
        let flags = self.shape.facts(state).flags;
        if flags & (flag::MARKED | flag::CUT) != 0 {
            self.marks(id, state, *around);
        }
        if flags & flag::CUT != 0 {
            return false;
        }
        self.note_required(id, flags);
        around.flags |= flags & INHERITED;
        if around.flags & GONE == 0 {
            if !self.is_known(node, flags, *around) {
                self.push(id, What::Unknown);
                around.flags |= GONE;
            } else if flags & flag::HOUSEKEEPING != 0 {
                self.push(id, What::Housekeeping);
                around.flags |= GONE;
            }
        }
        if clinical {
            around.flags |= flag::CLINICAL;
        }
        true
    }

    #[inline]
    fn note_required(&mut self, id: NodeId, flags: u32) {
        if flags & flag::REQUIRED != 0 {
            let at = usize::try_from(id.0).unwrap_or(usize::MAX);
            if let Some(required) = self.walk.required.get_mut(at) {
                *required = true;
            }
        }
    }

    /// Whether the shape names this place, and its value is of the form it should have.
    fn is_known(&self, node: &Node, flags: u32, around: Around) -> bool {
        let container = matches!(node.kind, Json::Object | Json::Array);
        if around.flags & flag::NAMED != 0 {
            return true;
        }
        if flags & flag::ELEMENT != 0 {
            return match (flags & flag::PRIMITIVE != 0, node.kind) {
                (true, kind) => kind != Json::Object,
                (false, kind) => container || kind == Json::Null,
            };
        }
        if self.shape.fhir {
            return around.depth == 1 && self.told(node) & tell::WHAT_IT_IS != 0;
        }
        flags & flag::LEADS != 0 && container
    }

    /// A contained resource has the places of its own kind; an extension may leave if it is
    /// listed.
    fn enter_type(&mut self, id: NodeId, flags: u32, around: &mut Around) {
        if flags & flag::RESOURCE != 0 {
            let kind = self.doc.member(id, self.shape.keys.resource_type);
            let name = kind.and_then(|kind| self.doc.text(kind));
            let number = name.and_then(|name| self.shape.kind_number(&name));
            around.state = start_of(self.starts, number.unwrap_or(usize::MAX));
            around.depth = CONTAINED;
        }
        if flags & flag::EXTENSION != 0 && around.flags & GONE == 0 && !self.may_leave(id) {
            self.push(id, What::Extension);
            around.flags |= GONE;
        }
    }

    /// Notes what the objects of the record are by what stands in them: references, codes,
    /// attachments.
    fn objects(&mut self) {
        let mut objects = std::mem::take(&mut self.walk.objects);
        for (id, flags) in objects.drain(..) {
            let around = self.walk.around.get(place(id)).copied().unwrap_or(Around::NOTHING);
            self.object(id, flags, around);
        }
        self.walk.objects = objects;
    }

    fn object(&mut self, id: NodeId, flags: u32, around: Around) {
        let seen = around.seen;
        let string = |told: u16| Seen::from(told) << STRING;
        if flags & flag::REFERENCE != 0 || seen & string(tell::REFERENCE) != 0 {
            self.push(id, What::Reference(flags & flag::PROVIDERS != 0));
        }
        let both = string(tell::CODE | tell::SYSTEM);
        let coded = seen & both == both && seen & Seen::from(tell::VALUE) == 0;
        let coding = flags & flag::CODING != 0 || around.concept != NOWHERE;
        if coded || (coding && seen & Seen::from(tell::CODE) != 0) {
            let what = Coded { clinical: around.flags & flag::CLINICAL != 0 };
            self.walk.sites.codes.push(Site { node: id, with: around.concept, what });
        }
        if flags & flag::ATTACHMENT != 0 || seen & string(tell::DATA) != 0 {
            let (with, what) = (NOWHERE, Words::Attachment);
            self.walk.sites.words.push(Site { node: id, with, what });
        }
    }

    fn may_leave(&self, extension: NodeId) -> bool {
        let url = self.doc.member(extension, self.shape.keys.url).and_then(|url| self.doc.get(url));
        let Some(node) = url else { return false };
        let url = text::str_of(self.doc.json, node);
        let known = &self.shape.extensions;
        known.binary_search_by(|allowed| allowed.as_str().cmp(url.as_ref())).is_ok()
    }

    /// Notes words. `around` are the flags of the place and of all around it.
    fn string(&mut self, id: NodeId, node: &Node, flags: u32, around: u32) {
        let told = self.told(node);
        let wanted = if !self.shape.fhir {
            told & tell::WORDS != 0
                || around & flag::PROSE != 0
                || (around & flag::WORDY != 0 && is_wordy(self.doc.json, node))
        } else if flags & flag::ELEMENT != 0 {
            flags & flag::WORDS != 0 && around & flag::QUIET == 0
        } else {
            told & (tell::WORDS | tell::FHIR_WORDS) != 0
        };
        if !wanted {
            return;
        }
        let what = if flags & flag::MARKUP != 0 || told & tell::MARKUP != 0 {
            Words::Markup
        } else if around & flag::PROSE != 0 {
            Words::Prose
        } else {
            Words::Label
        };
        self.walk.sites.words.push(Site { node: id, with: NOWHERE, what });
    }
}

/// What an element that needs no second look has of these: that it is one, and nothing else.
const REMARKABLE: u32 = !(flag::REQUIRED
    | flag::LEADS
    | flag::QUIET
    | flag::PROSE
    | flag::CODING
    | flag::REFERENCE
    | flag::EXTENSION
    | flag::ATTACHMENT
    | flag::PROVIDERS
    | flag::RESOURCE
    | flag::WORDS
    | flag::MARKUP);

/// Whether a text may be human words: it has a letter, and is not one token with a digit in it
/// (a date, an id, a code).
fn is_wordy(json: &str, node: &Node) -> bool {
    let text = text::str_of(json, node);
    let text = text.as_bytes();
    let letter = text.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let digit = text.iter().any(u8::is_ascii_digit);
    letter && (!digit || text.contains(&b' '))
}
