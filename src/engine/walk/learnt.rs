//! What a walk learnt. What is done at a place depends on what is around it, on its key and on the
//! kind of its value; records of one API are alike, so it is worked out once and then repeated,
//! from body to body. Places where it depends on more (filters, marks, values) are not learnt.

use super::repeats::Repeats;
use crate::engine::document::tape::{Kind as Json, Node, NodeId};
use crate::engine::selectors::automaton::State;
use crate::engine::shapes::meant::tell;
use crate::engine::sites::NOWHERE;
use std::collections::BTreeMap;

/// What an array or object gives those inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Context {
    pub(super) state: State,
    /// The inherited flags of it and of all around it.
    pub(super) flags: u32,
    /// Members and elements between the record and this place.
    pub(super) depth: u32,
}

/// A context by number.
pub(super) type ContextId = u32;

/// What is done at a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What those inside it see.
    pub(super) context: ContextId,
    /// Bits of [`does`].
    pub(super) does: u32,
}

/// Bits of [`Outcome::does`].
pub(in crate::engine::walk) mod does {
    /// What its key tells the object around it: bits of `tell`, and eight higher those of strings.
    pub(in crate::engine::walk) const SEEN: u32 = 0x1F1F;
    /// Those inside it are looked at.
    pub(in crate::engine::walk) const CONTAINER: u32 = 1 << 16;
    /// It may be one of FHIR's types.
    pub(in crate::engine::walk) const OBJECT: u32 = 1 << 17;
    /// It is a `coding`; the concept is around it.
    pub(in crate::engine::walk) const IN_CONCEPT: u32 = 1 << 18;
    /// An element: it is in the concept that its array is in.
    pub(in crate::engine::walk) const ELEMENT: u32 = 1 << 19;
    /// Its text is human words; one of the next two says how they are read, else as a label.
    pub(in crate::engine::walk) const WORDS: u32 = 1 << 20;
    pub(in crate::engine::walk) const MARKUP: u32 = 1 << 21;
    pub(in crate::engine::walk) const PROSE: u32 = 1 << 22;
    /// … if it looks like words.
    pub(in crate::engine::walk) const IF_WORDY: u32 = 1 << 23;
    // Of an object: what its element's type is, and where it stands.
    pub(in crate::engine::walk) const REFERENCE: u32 = 1 << 24;
    pub(in crate::engine::walk) const PROVIDERS: u32 = 1 << 25;
    pub(in crate::engine::walk) const CODING: u32 = 1 << 26;
    pub(in crate::engine::walk) const ATTACHMENT: u32 = 1 << 27;
    pub(in crate::engine::walk) const CLINICAL: u32 = 1 << 28;
    /// FHIR demands it.
    pub(in crate::engine::walk) const REQUIRED: u32 = 1 << 29;
    /// Its state has marks to note.
    pub(in crate::engine::walk) const MARKED: u32 = 1 << 30;
    /// The shape does not name it.
    pub(in crate::engine::walk) const UNKNOWN: u32 = 1 << 31;
    /// It is narrative, labels, versions.
    pub(in crate::engine::walk) const HOUSEKEEPING: u32 = 1 << 15;
    /// Of an object: it would be a code, but says nothing, see `quiet`.
    pub(in crate::engine::walk) const NO_CODE: u32 = 1 << 14;
    /// It is not of the form that the shape expects there, and what is above it or it leads to
    /// what tells of the record.
    pub(in crate::engine::walk) const MISFORMED: u32 = 1 << 13;
    /// … or to what bars it.
    pub(in crate::engine::walk) const BARRED: u32 = 1 << 7;
    pub(in crate::engine::walk) const RARE: u32 =
        REQUIRED | MARKED | UNKNOWN | HOUSEKEEPING | MISFORMED;
}

/// An array or object of a record while it is being walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) id: NodeId,
    /// The node after all that is inside.
    pub(super) end: u32,
    pub(super) context: ContextId,
    /// Of an object what its members tell, see [`does::SEEN`]; of an array whose steps ask for
    /// it how many elements came.
    pub(super) seen: u32,
    /// The `CodeableConcept` around a `coding`.
    pub(super) concept: u32,
    /// Its place among [`Learnt::objects`], if it has one.
    pub(super) object: usize,
}

impl Around {
    /// A record.
    pub(super) fn record(root: NodeId, end: u32, context: ContextId) -> Around {
        Around { id: root, end, context, seen: 0, concept: NOWHERE, object: usize::MAX }
    }
}

/// An object that may be one of FHIR's types.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    pub(super) id: NodeId,
    pub(super) does: u32,
    /// As [`Around::seen`] and [`Around::concept`].
    pub(super) seen: u32,
    pub(super) concept: u32,
}

/// By how many bits higher a key tells that its value is a string.
pub(super) const STRING: u32 = 8;

impl Object {
    /// Whether strings of all these names are in it.
    #[inline]
    fn has(&self, told: u16) -> bool {
        let string = u32::from(told) << STRING;
        self.seen & string == string
    }

    #[inline]
    pub(super) fn is_reference(&self) -> bool {
        self.does & does::REFERENCE != 0 || self.has(tell::REFERENCE)
    }

    #[inline]
    pub(super) fn is_code(&self) -> bool {
        let coded = self.has(tell::CODE | tell::SYSTEM) && self.seen & u32::from(tell::VALUE) == 0;
        let coding = self.does & does::CODING != 0 || self.concept != NOWHERE;
        let code = coded || (coding && self.seen & u32::from(tell::CODE) != 0);
        code && self.does & does::NO_CODE == 0
    }

    #[inline]
    pub(super) fn is_attachment(&self) -> bool {
        self.does & does::ATTACHMENT != 0 || self.has(tell::DATA)
    }

    /// Whether it is any of these.
    pub(super) fn is_something(&self) -> bool {
        self.is_reference() || self.is_code() || self.is_attachment()
    }
}

/// A place as outcomes are found by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u64);

impl Place {
    #[inline]
    pub(super) fn of(around: ContextId, node: &Node) -> Place {
        let kind = match node.kind {
            Json::Null => 1_u64,
            Json::False => 2,
            Json::True => 3,
            Json::Number => 4,
            Json::String => 5,
            Json::Array => 6,
            Json::Object => 7,
        };
        let element = u64::from(node.is_element);
        Place(u64::from(around) << 32 | u64::from(node.key) << 16 | kind << 1 | element)
    }

    fn slot(self) -> usize {
        let mixed = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - SLOTS.trailing_zeros());
        usize::try_from(mixed).unwrap_or(0)
    }
}

/// A place that falls on the slot of another takes it.
const SLOTS: usize = 4_096;
/// BOUNDED: places kept, and contexts from body to body. All is forgotten when there are more.
const PLACES_MAX: usize = 16_384;

/// All of it, of one shape.
#[derive(Debug, Default)]
pub(crate) struct Learnt {
    contexts: Vec<Context>,
    numbers: BTreeMap<Context, ContextId>,
    /// In the order in which they were met, which is that of most records.
    outcomes: Vec<(Place, Outcome)>,
    /// Where in that list a place is.
    slots: Vec<u16>,
    /// The one that is expected next.
    pub(super) next: usize,
    pub(in crate::engine) repeats: Repeats,
    // Lists that keep their room.
    /// What is around the innermost.
    pub(super) outer: Vec<Around>,
    pub(super) objects: Vec<Object>,
}

impl Learnt {
    /// The memory that its lists keep, bytes.
    pub(in crate::engine) fn keeps(&self) -> usize {
        self.objects.capacity().saturating_mul(size_of::<Object>())
    }

    /// For another body.
    pub(in crate::engine) fn prepare(&mut self) {
        if self.outcomes.len().max(self.contexts.len()) >= PLACES_MAX {
            *self = Learnt::default();
        }
        self.slots.resize(SLOTS, 0);
        self.objects.clear();
    }

    /// What is done there, if it is known.
    #[inline]
    pub(super) fn outcome(&mut self, place: Place) -> Option<Outcome> {
        match self.outcomes.get(self.next) {
            Some((known, outcome)) if *known == place => {
                self.next = self.next.wrapping_add(1);
                Some(*outcome)
            }
            _ => self.look_up(place),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, place: Place) -> Option<Outcome> {
        let at = usize::from(*self.slots.get(place.slot())?);
        let (known, outcome) = self.outcomes.get(at)?;
        self.next = at.wrapping_add(1);
        (*known == place).then_some(*outcome)
    }

    pub(super) fn learn(&mut self, place: Place, outcome: Outcome) {
        if self.outcomes.len() < PLACES_MAX
            && let Some(slot) = self.slots.get_mut(place.slot())
            && let Ok(at) = u16::try_from(self.outcomes.len())
        {
            *slot = at;
            self.outcomes.push((place, outcome));
            self.next = self.outcomes.len();
        }
    }

    pub(super) fn number(&mut self, context: Context) -> ContextId {
        if let Some(number) = self.numbers.get(&context) {
            return *number;
        }
        let number = u32::try_from(self.contexts.len()).unwrap_or(u32::MAX);
        self.contexts.push(context);
        self.numbers.insert(context, number);
        number
    }

    pub(super) fn context(&self, number: ContextId) -> Context {
        let nowhere = Context { state: 0, flags: 0, depth: 0 };
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        self.contexts.get(at).copied().unwrap_or(nowhere)
    }
}
