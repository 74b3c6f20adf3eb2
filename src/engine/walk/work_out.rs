//! What is done at a place of a record, worked out from the shape: what the automaton and its
//! flags, the key and the kind of the value say.

use super::learnt::{Around, Context, Outcome, Place, STRING, does};
use super::{CLINICAL_BY_NAME, CONTAINED, GONE, INHERITED, InRecord, start_of};
use crate::engine::document::tape::{Kind as Json, Node, NodeId};
use crate::engine::document::text;
use crate::engine::selectors::automaton::{Child, State};
use crate::engine::shapes::meant::{flag, tell};
use crate::engine::sites::What;

impl InRecord<'_, '_> {
    /// What is done at a place, and whether those below it are looked at. It is learnt if it would
    /// be the same at any place like it.
    #[inline(never)]
    pub(super) fn work_out(
        &mut self,
        id: NodeId,
        node: &Node,
        outer: &mut Around,
        known: Place,
    ) -> (Outcome, bool) {
        let around = self.walk.learnt.context(outer.context);
        let told = self.told(node);
        let mut index = None;
        if node.is_element {
            index = usize::try_from(outer.seen).ok();
            outer.seen = outer.seen.saturating_add(1);
        }
        let child = Child { node: id, key: node.key, index };
        let state = self.shape.automaton.step(around.state, child, self.doc);
        let flags = self.shape.facts(state).flags;
        let depth = around.depth.saturating_add(u32::from(!node.is_element));
        let mut inside = Context { state, flags: around.flags | flags & INHERITED, depth };
        let mut outcome = Outcome { context: 0, does: seen_of(node, told) };
        if flags & flag::CUT != 0 {
            self.spoil();
            self.marks(id, inside);
            return (outcome, false);
        }
        if around.flags & GONE == 0 {
            if !self.is_known(node, flags, inside) {
                outcome.does |= does::UNKNOWN;
                inside.flags |= GONE;
            } else if flags & flag::HOUSEKEEPING != 0 {
                outcome.does |= does::HOUSEKEEPING;
                inside.flags |= GONE;
            }
        }
        if around.flags & CLINICAL_BY_NAME != 0 && told & tell::CLINICAL != 0 {
            inside.flags |= flag::CLINICAL;
        }
        outcome.does |= self.does(node, flags, told, inside.flags);
        outcome.does |= self.misformed(node, flags, around.state);
        let by_value = flags & (flag::RESOURCE | flag::EXTENSION) != 0;
        let guarded = self.shape.automaton.is_guarded(around.state);
        if (by_value || guarded) && !self.is_fixed(id, node, around.state) {
            self.spoil();
        }
        if by_value && node.kind == Json::Object && self.shape.fhir {
            if flags & flag::MARKED != 0 {
                self.marks(id, inside);
                outcome.does &= !does::MARKED;
            }
            self.enter_type(id, flags, &mut inside);
        }
        if outcome.does & (does::CONTAINER | does::MARKED) != 0 {
            outcome.context = self.walk.learnt.number(inside);
        }
        if !by_value && !guarded {
            self.walk.learnt.learn(known, outcome);
        }
        (outcome, true)
    }

    /// What is found depends on more than is told of the stretch that is written down.
    fn spoil(&mut self) {
        if let Some(writing) = &mut self.writing {
            writing.spoil();
        }
    }

    /// Whether all that guards and types look at there is in the stretch that is written down, and
    /// no scalar of any text.
    fn is_fixed(&self, id: NodeId, node: &Node, state: State) -> bool {
        let Some(writing) = &self.writing else { return true };
        let mut fixed = writing.has_all_of(id, node);
        let mut read = |node: NodeId| fixed &= !writing.is_open(node);
        for key in [self.shape.keys.resource_type, self.shape.keys.url] {
            self.doc.member(id, key).into_iter().for_each(&mut read);
        }
        self.shape.automaton.reads(state, id, self.doc, &mut read).is_some() && fixed
    }

    /// The bits of what is done, by flags of the place and of all around it.
    fn does(&self, node: &Node, flags: u32, told: u16, inside: u32) -> u32 {
        let bit = |of: u32, is: bool| if is { of } else { 0 };
        let mut does = bit(does::REQUIRED, flags & flag::REQUIRED != 0)
            | bit(does::MARKED, flags & flag::MARKED != 0);
        match node.kind {
            Json::Object | Json::Array => {
                does |= does::CONTAINER | bit(does::ELEMENT, node.is_element);
                let coding = !node.is_element && told & tell::CODING != 0;
                does |= bit(does::IN_CONCEPT, coding);
            }
            Json::String => does |= self.words(flags, told, inside),
            Json::Null | Json::False | Json::True | Json::Number => {}
        }
        if node.kind == Json::Object && self.shape.fhir {
            does |= does::OBJECT
                | bit(does::REFERENCE, flags & flag::REFERENCE != 0)
                | bit(does::PROVIDERS, flags & flag::PROVIDERS != 0)
                | bit(does::CODING, flags & flag::CODING != 0)
                | bit(does::ATTACHMENT, flags & flag::ATTACHMENT != 0)
                | bit(does::CLINICAL, inside & flag::CLINICAL != 0);
        }
        does
    }

    /// What the key of a member tells.
    /// Whether selectors of what tells go through the place, or through the array around it, and
    /// pass over this value: a scalar where they go on, an element where they ask for members.
    fn misformed(&self, node: &Node, flags: u32, around: State) -> u32 {
        let container = matches!(node.kind, Json::Object | Json::Array);
        let passes = flags & (flag::LEADS | flag::MARKED | flag::CUT) == 0;
        let way = if node.kind == Json::Null {
            0
        } else if !container && flags & flag::TELLS_BELOW != 0 && flags & flag::MARKED == 0 {
            flags
        } else if node.is_element && passes && !self.shape.automaton.is_guarded(around) {
            self.shape.facts(around).flags
        } else {
            0
        };
        let bit = |of: u32, is: bool| if is { of } else { 0 };
        bit(does::MISFORMED, way & flag::TELLS_BELOW != 0)
            | bit(does::BARRED, way & flag::BARS_BELOW != 0)
    }

    #[inline]
    fn told(&self, node: &Node) -> u16 {
        self.shape.tells.get(usize::from(node.key)).copied().unwrap_or(0)
    }

    /// Whether the shape names this place, and its value is of the form it should have.
    fn is_known(&self, node: &Node, flags: u32, around: Context) -> bool {
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
    fn enter_type(&mut self, id: NodeId, flags: u32, inside: &mut Context) {
        if flags & flag::RESOURCE != 0 {
            let kind = self.doc.member(id, self.shape.keys.resource_type);
            let name = kind.and_then(|kind| self.doc.text(kind));
            let number = name.and_then(|name| self.shape.kind_number(&name));
            inside.state = start_of(self.starts, number.unwrap_or(usize::MAX));
            inside.depth = CONTAINED;
        }
        if flags & flag::EXTENSION != 0 && inside.flags & GONE == 0 && !self.may_leave(id) {
            self.push(id, What::Extension);
            inside.flags |= GONE;
        }
    }

    fn may_leave(&self, extension: NodeId) -> bool {
        let url = self.doc.member(extension, self.shape.keys.url).and_then(|url| self.doc.get(url));
        let Some(node) = url else { return false };
        let url = text::str_of(self.doc.json, node);
        let known = &self.shape.extensions;
        known.binary_search_by(|allowed| allowed.as_str().cmp(url.as_ref())).is_ok()
    }

    /// Whether a string is human words, and how they are read; `inside` are the flags of the place
    /// and of all around it.
    fn words(&self, flags: u32, told: u16, inside: u32) -> u32 {
        let mut does = does::WORDS;
        if !self.shape.fhir {
            if told & tell::WORDS == 0 && inside & flag::PROSE == 0 {
                if inside & flag::WORDY == 0 {
                    return 0;
                }
                does |= does::IF_WORDY;
            }
        } else if flags & flag::ELEMENT != 0 {
            if flags & flag::WORDS == 0 || inside & flag::QUIET != 0 {
                return 0;
            }
        } else if told & (tell::WORDS | tell::FHIR_WORDS) == 0 {
            return 0;
        }
        if flags & flag::MARKUP != 0 || told & tell::MARKUP != 0 {
            does |= does::MARKUP;
        } else if inside & flag::PROSE != 0 {
            does |= does::PROSE;
        }
        does
    }
}

/// What the key of a value tells the object around it, by which that is known for what it is: by
/// its members that are not null, and eight bits higher by those that are strings.
fn seen_of(node: &Node, told: u16) -> u32 {
    let told = u32::from(told & tell::SEEN);
    match node.kind {
        _ if node.is_element => 0,
        Json::Null => told & u32::from(tell::VALUE),
        Json::String => told | told << STRING,
        Json::True | Json::False | Json::Number | Json::Array | Json::Object => told,
    }
}
