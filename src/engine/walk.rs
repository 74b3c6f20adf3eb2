//! One walk over a record: what stands where. It follows the shape's automaton and notes sites;
//! nothing is judged here.

use super::category::Category;
use super::document::tape::{Kind as Json, Node, NodeId, Tape};
use super::document::text;
use super::selectors::automaton::{Child, State};
use super::shapes::meant::{Mark, Shape, flag};
use super::sites::{NOWHERE, Site, What};

/// What a place takes from those around it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, none excludes another"
)]
#[derive(Clone, Copy, Debug)]
struct Around {
    /// Named by the shape, or inside an extension that may leave.
    allowed: bool,
    /// In a place of `members:`.
    wordy: bool,
    /// Inside something that is cut anyway.
    cut: bool,
    clinical: bool,
    quiet: bool,
    prose: bool,
    /// The `CodeableConcept` around a `coding`.
    concept: NodeId,
    /// Members and elements between the record and this place.
    depth: u16,
}

/// A walk over the records of one document.
pub(crate) struct Walk<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) tape: &'a Tape,
    pub(crate) shape: &'a Shape,
    pub(crate) sites: Vec<Site>,
    /// Per node: whether FHIR demands it.
    pub(crate) required: Vec<bool>,
    /// Per node that was walked: its parent.
    pub(crate) parents: Vec<u32>,
}

impl Walk<'_> {
    #[inline]
    pub(crate) fn set_parent(&mut self, child: NodeId, parent: NodeId) {
        let at = usize::try_from(child.0).unwrap_or(usize::MAX);
        if let Some(slot) = self.parents.get_mut(at) {
            *slot = parent.0;
        }
    }

    /// Notes the sites of one record. `starts` are those of its spec.
    pub(crate) fn record(&mut self, root: NodeId, kind: usize, starts: &[State]) {
        let start = start_of(starts, kind);
        let around = Around {
            allowed: false,
            wordy: false,
            cut: false,
            clinical: false,
            quiet: false,
            prose: false,
            concept: NOWHERE,
            depth: 0,
        };
        let clinical_by_name = self.shape.fhir && !self.shape.kind(kind).names_clinical;
        let mut at = InRecord { walk: self, starts, clinical_by_name };
        at.marks(root, NOWHERE, start, around);
        if at.walk.tape.get(root).is_some_and(|node| node.kind == Json::Object) {
            at.object(root, start, around);
        }
    }
}

/// The state at the root of a record of that kind; the last is for kinds that are not named.
fn start_of(starts: &[State], kind: usize) -> State {
    starts.get(kind).or_else(|| starts.last()).copied().unwrap_or(0)
}

struct InRecord<'w, 'a> {
    walk: &'w mut Walk<'a>,
    starts: &'w [State],
    /// Whether the kind declares no clinical places of its own.
    clinical_by_name: bool,
}

/// The members of an object that code asks for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, none excludes another"
)]
#[derive(Clone, Copy, Default)]
struct Seen {
    code: bool,
    code_text: bool,
    system_text: bool,
    value: bool,
    reference: bool,
    data: bool,
}

impl InRecord<'_, '_> {
    fn push(&mut self, node: NodeId, with: NodeId, what: What) {
        self.walk.sites.push(Site { node, with, what });
    }

    /// Notes the marks of a state; gives whether a field of prose is among them.
    fn marks(&mut self, id: NodeId, parent: NodeId, state: State, around: Around) -> bool {
        let shape = self.walk.shape;
        let facts = shape.facts(state);
        if facts.flags & (flag::MARKED | flag::CUT) == 0 {
            return false;
        }
        let providers = facts.flags & flag::PROVIDERS != 0;
        let mut prose = false;
        for mark in shape.marks(facts) {
            let (with, what) = match *mark {
                Mark::Cut(spec) => (NOWHERE, What::Nested(spec)),
                Mark::Id => (NOWHERE, What::Id),
                Mark::Subject => (NOWHERE, What::Subject),
                Mark::Date(order) => (NOWHERE, What::Date(order)),
                Mark::Episode => (NOWHERE, What::Episode(providers)),
                Mark::Tuple(tuple, part) => (NOWHERE, What::Tuple(tuple, part)),
                Mark::Evidence => (NOWHERE, What::Evidence(providers)),
                Mark::Code(number) => (parent, What::HouseCode(number)),
                Mark::SystemAt(number) => (parent, What::SystemAt(number)),
                Mark::Target => (NOWHERE, What::Target),
                Mark::Resolve(number) => (NOWHERE, What::Resolve(number, providers)),
                Mark::Field(field) => {
                    prose |= field.category == Category::FreeText;
                    (NOWHERE, What::Field(field))
                }
                Mark::Envelope | Mark::Clinical | Mark::Named | Mark::Told | Mark::Element(_) => {
                    continue;
                }
            };
            // What stands in a contained resource is neither the record's subject nor its link.
            let own = !matches!(what, What::Field(_)) && around.depth > CONTAINED;
            if !own {
                self.push(id, with, what);
            }
        }
        prose
    }

    fn child(&mut self, id: NodeId, node: &Node, parent: NodeId, state: State, mut around: Around) {
        let flags = self.walk.shape.facts(state).flags;
        let container = matches!(node.kind, Json::Object | Json::Array);
        // An element of a complex type that bears nothing needs no second look.
        let plain = container && flags & NOTED == flag::ELEMENT && !self.clinical_by_name;
        if plain {
            self.note_required(id, flags);
        } else if !self.look(id, node, parent, state, &mut around) {
            return;
        }
        match node.kind {
            Json::Object => self.typed_object(id, state, around),
            Json::Array => {
                for (index, (element, inner)) in self.walk.tape.children(id).enumerate() {
                    self.walk.set_parent(element, id);
                    let child = Child { node: element, key: 0, index: Some(index) };
                    let next = self.step(state, child, id);
                    self.child(element, inner, id, next, around);
                }
            }
            Json::String => self.string(id, node, flags, around),
            Json::Null | Json::True | Json::False | Json::Number => {}
        }
    }

    /// Notes what a place bears and what it gives those below it; whether they are to be walked.
    fn look(
        &mut self,
        id: NodeId,
        node: &Node,
        parent: NodeId,
        state: State,
        around: &mut Around,
    ) -> bool {
        let flags = self.walk.shape.facts(state).flags;
        if flags & flag::CUT != 0 {
            self.marks(id, parent, state, *around);
            return false;
        }
        around.prose |= self.marks(id, parent, state, *around);
        self.note_required(id, flags);
        around.allowed |= flags & flag::NAMED != 0;
        around.wordy |= flags & flag::WORDY != 0;
        if !around.cut && !self.is_known(node, flags, *around) {
            self.push(id, NOWHERE, What::Unknown);
            around.cut = true;
        }
        if flags & flag::HOUSEKEEPING != 0 && !around.cut {
            self.push(id, NOWHERE, What::Housekeeping);
            around.cut = true;
        }
        around.clinical |= flags & flag::CLINICAL != 0 || self.is_clinical_by_name(node);
        around.quiet |= flags & flag::QUIET != 0;
        around.prose |= flags & flag::PROSE != 0;
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

    fn step(&self, state: State, child: Child, parent: NodeId) -> State {
        let walk = &self.walk;
        walk.shape.automaton.step(state, child, walk.bytes, walk.tape, parent)
    }

    /// Whether the shape names this place, and its value is of the form it should have.
    fn is_known(&self, node: &Node, flags: u32, around: Around) -> bool {
        let container = matches!(node.kind, Json::Object | Json::Array);
        if around.allowed {
            return true;
        }
        if flags & flag::ELEMENT != 0 {
            return match (flags & flag::PRIMITIVE != 0, node.kind) {
                (true, kind) => kind != Json::Object,
                (false, kind) => container || kind == Json::Null,
            };
        }
        let keys = &self.walk.shape.keys;
        (flags & flag::LEADS != 0 && container && !self.walk.shape.fhir)
            || (self.walk.shape.fhir
                && around.depth == 1
                && is_one(node.key, &[keys.resource_type, keys.id]))
    }

    /// FHIR's clinical element names, for a kind that declares none.
    fn is_clinical_by_name(&self, node: &Node) -> bool {
        const NAMES: [&str; 11] = [
            "category",
            "code",
            "diagnosis",
            "medicationCodeableConcept",
            "medicationReference",
            "procedure",
            "productOrService",
            "reasonCode",
            "revenue",
            "specialty",
            "type",
        ];
        self.clinical_by_name
            && node.key_start != u32::MAX
            && NAMES.iter().any(|name| text::key_is(self.walk.bytes, node, name))
    }

    fn typed_object(&mut self, id: NodeId, state: State, mut around: Around) {
        if !self.walk.shape.fhir {
            self.object(id, state, around);
            return;
        }
        let flags = self.walk.shape.facts(state).flags;
        let keys = self.walk.shape.keys;
        let mut state = state;
        if flags & flag::RESOURCE != 0 {
            let kind = self.member(id, keys.resource_type).and_then(|at| self.walk.tape.get(at));
            let name = kind.map(|node| text::str_of(self.walk.bytes, node));
            let number = name.and_then(|name| self.walk.shape.kind_number(&name));
            state = start_of(self.starts, number.unwrap_or(usize::MAX));
            around.depth = CONTAINED;
        }
        if flags & flag::EXTENSION != 0 && !around.cut && !self.may_leave(self.member(id, keys.url))
        {
            self.push(id, NOWHERE, What::Extension);
            around.cut = true;
        }
        let seen = self.object(id, state, around);
        if flags & flag::REFERENCE != 0 || seen.reference {
            self.push(id, NOWHERE, What::Reference(flags & flag::PROVIDERS != 0));
        }
        let coded = seen.code_text && seen.system_text && !seen.value;
        let coding = flags & flag::CODING != 0 || around.concept != NOWHERE;
        if coded || (coding && seen.code) {
            self.push(id, around.concept, What::Code(around.clinical));
        }
        if flags & flag::ATTACHMENT != 0 || seen.data {
            self.push(id, NOWHERE, What::Attachment);
        }
    }

    fn member(&self, object: NodeId, key: u16) -> Option<NodeId> {
        let mut children = self.walk.tape.children(object);
        children.find(|(_, node)| key != 0 && node.key == key).map(|(id, _)| id)
    }

    /// Notes a member that tells what its object is.
    #[inline]
    fn see(&self, node: &Node, seen: &mut Seen) {
        let keys = &self.walk.shape.keys;
        let string = node.kind == Json::String;
        match node.key {
            0 => {}
            key if key == keys.code => {
                seen.code = node.kind != Json::Null;
                seen.code_text = string;
            }
            key if key == keys.system => seen.system_text = string,
            key if key == keys.value => seen.value = true,
            key if key == keys.reference => seen.reference = string,
            key if key == keys.data => seen.data = string,
            _ => {}
        }
    }

    fn may_leave(&self, url: Option<NodeId>) -> bool {
        let Some(node) = url.and_then(|url| self.walk.tape.get(url)) else { return false };
        let url = text::str_of(self.walk.bytes, node);
        let known = &self.walk.shape.extensions;
        known.binary_search_by(|allowed| allowed.as_str().cmp(url.as_ref())).is_ok()
    }

    fn object(&mut self, id: NodeId, state: State, around: Around) -> Seen {
        let coding = self.walk.shape.keys.coding;
        let mut seen = Seen::default();
        let mut inside = around;
        inside.depth = around.depth.saturating_add(1);
        for (child, node) in self.walk.tape.children(id) {
            if self.walk.shape.telling.get(usize::from(node.key)).copied().unwrap_or(false) {
                self.see(node, &mut seen);
            }
            self.walk.set_parent(child, id);
            let next = self.step(state, Child { node: child, key: node.key, index: None }, id);
            // Most of a body: a primitive that is an element and bears nothing.
            let flags = self.walk.shape.facts(next).flags;
            let scalar = !matches!(node.kind, Json::Object | Json::Array);
            if scalar && flags & PLAIN == flag::ELEMENT | flag::PRIMITIVE {
                self.note_required(child, flags);
                continue;
            }
            inside.concept = if node.key == coding && coding != 0 { id } else { NOWHERE };
            self.child(child, node, id, next, inside);
        }
        seen
    }

    fn string(&mut self, id: NodeId, node: &Node, flags: u32, around: Around) {
        let keys = &self.walk.shape.keys;
        let named = [keys.display, keys.text, keys.title, keys.description];
        let what = if around.prose { What::Prose } else { What::Words };
        let wanted = if self.walk.shape.fhir {
            if flags & flag::ELEMENT != 0 {
                flags & flag::WORDS != 0 && !around.quiet
            } else {
                is_one(node.key, &named)
                    || is_one(node.key, &[keys.div, keys.value_string, keys.value_markdown])
            }
        } else {
            is_one(node.key, &named)
                || around.prose
                || (around.wordy && is_wordy(self.walk.bytes, node))
        };
        if wanted {
            let markup = flags & flag::MARKUP != 0 || is_one(node.key, &[keys.div]);
            self.push(id, NOWHERE, if markup { What::Markup } else { what });
        }
    }
}

/// What a plain primitive has of these: that it is one, and nothing else.
const PLAIN: u32 = !(flag::REQUIRED | flag::LEADS | flag::QUIET | flag::PROSE);

/// What a complex element may bear besides, without anything to be noted or given on.
const NOTED: u32 = !(flag::REQUIRED
    | flag::LEADS
    | flag::CODING
    | flag::REFERENCE
    | flag::EXTENSION
    | flag::ATTACHMENT
    | flag::PROVIDERS
    | flag::RESOURCE);

/// From this depth on a place is inside a contained resource.
const CONTAINED: u16 = 1 << 12;

fn is_one(key: u16, of: &[u16]) -> bool {
    key != 0 && of.contains(&key)
}

/// Whether a text may be human words: it has a letter, and is not one token with a digit in it
/// (a date, an id, a code).
fn is_wordy(bytes: &[u8], node: &Node) -> bool {
    let text = text::str_of(bytes, node);
    let text = text.as_bytes();
    let letter = text.iter().any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80);
    let digit = text.iter().any(u8::is_ascii_digit);
    letter && (!digit || text.contains(&b' '))
}
