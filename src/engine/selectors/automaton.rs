//! Many paths as one deterministic automaton. Each state knows the marks of the paths that end
//! there; a step is one look-up by key number. [`super::build`] makes it.

use super::filter::Filter;
use super::place::{in_slice, is_index};
use crate::engine::document::read::Document;
use crate::engine::document::tape::NodeId;

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
    /// By state: its steps where none of its guards holds.
    pub(super) steps: Vec<Steps>,
    pub(super) states: Vec<Row>,
    /// The steps of guarded states by which of their guards hold; see [`Row::variants`].
    pub(super) variants: Vec<Steps>,
    /// Tables of [`Steps::table`], one after the other: key and state; key 0 is a free place.
    pub(super) keys: Vec<(u16, State)>,
    pub(super) marks: Vec<u32>,
    pub(super) guard_lists: Vec<u16>,
    pub(super) guards: Vec<Guard>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The steps for each set of guards that hold, from one on; the first is for the first guard
    /// alone.
    pub(super) variants: u32,
    pub(super) marks: (u32, u32),
    pub(super) guards: (u32, u32),
}

/// The steps of a state.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steps {
    pub(super) other: State,
    pub(super) element: State,
    /// First place of its table of keys, and the table's size less one; a power of two.
    pub(super) table: u32,
    pub(super) mask: u16,
    /// Whether other steps are taken where a guard holds.
    pub(super) guarded: bool,
}

/// Where a key is looked for first in a table.
#[inline]
pub(super) fn place(key: u16, mask: u16) -> u16 {
    (key ^ (key >> 6)) & mask
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
        self.steps.get(index(state)).is_some_and(|steps| {
            steps.guarded || steps.other != DEAD || steps.element != DEAD || steps.mask > 0
        })
    }

    /// By state all bits of the states that it leads to, over any number of steps; none of one
    /// through which a `..` passes, for that leads everywhere.
    pub fn below(&self, ends: &[u32]) -> Vec<u32> {
        let mut below = vec![0; self.len()];
        loop {
            let mut changed = false;
            for state in 0..self.len() {
                let all = self.next(state).fold(0, |all, next| {
                    let of = |bits: &[u32]| bits.get(index(next)).copied().unwrap_or_default();
                    all | of(ends) | of(&below)
                });
                if let Some(bits) = below.get_mut(state).filter(|bits| **bits != all) {
                    *bits = all;
                    changed = true;
                }
            }
            if !changed {
                break;
            }
        }
        let other = |state: State| self.steps.get(index(state)).map_or(DEAD, |steps| steps.other);
        for (state, bits) in below.iter_mut().enumerate() {
            let next = other(number(state));
            if next != DEAD && other(next) == next {
                *bits = 0;
            }
        }
        below
    }

    /// The states that a step may lead to.
    fn next(&self, state: usize) -> impl Iterator<Item = State> {
        let row = self.states.get(state);
        let variants = row.map_or(0..0, |row| {
            let guards = row.guards.1.saturating_sub(row.guards.0);
            let count = 1_u32.checked_shl(guards).unwrap_or(u32::MAX).saturating_sub(1);
            index(row.variants)..index(row.variants.saturating_add(count))
        });
        let variants = self.variants.get(variants).unwrap_or_default();
        self.steps.get(state).into_iter().chain(variants).flat_map(|steps| {
            let table = index(steps.table)..=index(steps.table.saturating_add(steps.mask.into()));
            let keyed = self.keys.get(table).unwrap_or_default();
            let keyed = keyed.iter().filter(|(key, _)| *key != 0).map(|(_, to)| *to);
            [steps.other, steps.element].into_iter().chain(keyed)
        })
    }

    /// Whether a step from there may ask for more than a key.
    pub fn is_guarded(&self, state: State) -> bool {
        self.steps.get(index(state)).is_some_and(|steps| steps.guarded)
    }

    /// What of a child a guarded step from there looks at besides keys; `None` if it asks for its
    /// place among others.
    pub fn reads(
        &self,
        state: State,
        child: NodeId,
        doc: Document<'_>,
        read: &mut dyn FnMut(NodeId),
    ) -> Option<()> {
        let row = self.states.get(index(state))?;
        for guard in self.guards_of(*row) {
            match self.guards.get(usize::from(*guard))? {
                Guard::Filter(filter) => filter.reads(doc, child, read),
                Guard::Index(_) | Guard::Slice(..) => return None,
            }
        }
        Some(())
    }

    fn guards_of(&self, row: Row) -> &[u16] {
        self.guard_lists.get(index(row.guards.0)..index(row.guards.1)).unwrap_or_default()
    }

    /// The state of a child.
    #[inline]
    pub fn step(&self, state: State, child: Child, doc: Document<'_>) -> State {
        match self.steps.get(index(state)) {
            Some(steps) if steps.guarded => self.guarded(state, child, doc),
            Some(steps) => self.follow(steps, child),
            None => DEAD,
        }
    }

    #[inline]
    fn follow(&self, steps: &Steps, child: Child) -> State {
        if child.index.is_some() {
            return steps.element;
        }
        let mut at = place(child.key, steps.mask);
        // A table is at most half full, so a free place ends the search.
        loop {
            match self.keys.get(index(steps.table.wrapping_add(u32::from(at)))) {
                // First, for a key that nobody asks for has number 0.
                Some((0, _)) | None => return steps.other,
                Some((key, to)) if *key == child.key => return *to,
                Some(_) => at = at.wrapping_add(1) & steps.mask,
            }
        }
    }

    /// The step of a guarded state.
    #[cold]
    fn guarded(&self, state: State, child: Child, doc: Document<'_>) -> State {
        let Some(row) = self.states.get(index(state)) else { return DEAD };
        let steps = match self.bits(*row, child, doc) {
            0 => self.steps.get(index(state)),
            bits => self.variants.get(index(row.variants.saturating_add(bits - 1))),
        };
        steps.map_or(DEAD, |steps| self.follow(steps, child))
    }

    fn bits(&self, row: Row, child: Child, doc: Document<'_>) -> u32 {
        let parent = doc.parent(child.node);
        let mut bits = 0;
        for (at, guard) in self.guards_of(row).iter().enumerate() {
            let holds = match self.guards.get(usize::from(*guard)) {
                Some(Guard::Filter(filter)) => filter.fits(doc, child.node),
                Some(Guard::Index(wanted)) => {
                    child.index.is_some_and(|at| is_index(at, *wanted, doc, parent))
                }
                Some(Guard::Slice(start, end, step)) => {
                    child.index.is_some_and(|at| in_slice(at, (*start, *end, *step), doc, parent))
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
