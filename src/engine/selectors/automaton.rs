//! Many paths as one deterministic automaton. Each state knows the marks of the paths that end
//! there; a step is one look-up by key number. [`super::build`] makes it.

use super::filter::Filter;
use super::place::{in_slice, is_index};
use crate::engine::document::tape::{NodeId, Tape};

/// A state. [`DEAD`] leads nowhere and bears no marks.
pub type State = u32;

/// The state of no path.
pub const DEAD: State = 0;

/// What a step may ask besides the key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Guard {
    Index(i64),
    Slice(Option<i64>, Option<i64>, Option<i64>),
    Filter(Filter),
}

/// The automaton.
#[derive(Debug, Default)]
pub struct Automaton {
    pub(super) states: Vec<Row>,
    pub(super) variants: Vec<Variant>,
    /// Tables of [`Variant::table`], one after the other: key and state; key 0 is a free place.
    pub(super) keys: Vec<(u16, State)>,
    pub(super) marks: Vec<u32>,
    pub(super) guard_lists: Vec<u16>,
    pub(super) guards: Vec<Guard>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The variant for no guard that holds; the others follow it.
    pub(super) variant: u32,
    pub(super) guarded: bool,
    pub(super) marks: (u32, u32),
    pub(super) guards: (u32, u32),
}

/// The steps of a state where certain guards hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    pub(super) other: State,
    pub(super) element: State,
    /// First place of its table of keys, and the table's size less one; a power of two.
    pub(super) table: u32,
    pub(super) mask: u32,
}

/// Where a key is looked for first in a table.
pub(super) fn place(key: u16, mask: u32) -> u32 {
    u32::from(key ^ (key >> 6)) & mask
}

/// A child as a step sees it.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    /// The node.
    pub node: NodeId,
    /// Its key's number; 0 if unknown.
    pub key: u16,
    /// Its place in an array; `None` for a member of an object.
    pub index: Option<usize>,
}

impl Automaton {
    /// How many states.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether it has no state.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// The marks of a state, sorted.
    pub fn marks(&self, state: State) -> &[u32] {
        let row = self.states.get(index(state));
        row.and_then(|row| self.marks.get(index(row.marks.0)..index(row.marks.1)))
            .unwrap_or_default()
    }

    /// Whether the state leads anywhere.
    pub fn goes_on(&self, state: State) -> bool {
        self.states.get(index(state)).is_some_and(|row| {
            row.guarded
                || self.variants.get(index(row.variant)).is_some_and(|variant| {
                    variant.other != DEAD || variant.element != DEAD || variant.mask > 0
                })
        })
    }

    /// The state of a child.
    #[inline]
    pub fn step(
        &self,
        state: State,
        child: Child,
        bytes: &[u8],
        tape: &Tape,
        parent: NodeId,
    ) -> State {
        let Some(row) = self.states.get(index(state)) else { return DEAD };
        let mut variant = row.variant;
        if row.guarded {
            variant = variant.saturating_add(self.bits(*row, child, bytes, tape, parent));
        }
        let Some(variant) = self.variants.get(index(variant)) else { return DEAD };
        if child.index.is_some() {
            return variant.element;
        }
        if child.key == 0 {
            return variant.other;
        }
        let mut at = place(child.key, variant.mask);
        // A table is at most half full, so a free place ends the search.
        loop {
            match self.keys.get(index(variant.table.saturating_add(at))) {
                Some((key, to)) if *key == child.key => return *to,
                Some((0, _)) | None => return variant.other,
                Some(_) => at = at.saturating_add(1) & variant.mask,
            }
        }
    }

    fn bits(&self, row: Row, child: Child, bytes: &[u8], tape: &Tape, parent: NodeId) -> u32 {
        let guards =
            self.guard_lists.get(index(row.guards.0)..index(row.guards.1)).unwrap_or_default();
        let mut bits = 0;
        for (at, guard) in guards.iter().enumerate() {
            let holds = match self.guards.get(usize::from(*guard)) {
                Some(Guard::Filter(filter)) => filter.fits(bytes, tape, child.node),
                Some(Guard::Index(wanted)) => {
                    child.index.is_some_and(|at| is_index(at, *wanted, tape, parent))
                }
                Some(Guard::Slice(start, end, step)) => {
                    child.index.is_some_and(|at| in_slice(at, (*start, *end, *step), tape, parent))
                }
                None => false,
            };
            if holds {
                bits |= 1 << at;
            }
        }
        bits
    }
}

pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
