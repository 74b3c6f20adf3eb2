//! Many paths → one deterministic automaton. Each state knows the marks of the paths that end
//! there; a step is one look-up by key number.

use super::filter::Filter;
use super::place::{in_slice, is_index};
use super::{Path, Selector};
use crate::engine::document::tape::{NodeId, Tape, Vocabulary};
use std::collections::BTreeMap;

/// A state. [`DEAD`] leads nowhere and bears no marks.
pub type State = u32;

/// The state of no path.
pub const DEAD: State = 0;

/// Guards at one state beyond which a set of selectors is refused: a state has a row for each
/// combination.
const GUARDS_MAX: usize = 6;

/// What a step may ask besides the key.
#[derive(Clone, Debug, PartialEq)]
enum Guard {
    Index(i64),
    Slice(Option<i64>, Option<i64>, Option<i64>),
    Filter(Filter),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// A member by key number.
    Key(u16),
    /// Any child.
    Child,
    /// Any element of an array.
    Element,
    /// A child for which a guard holds.
    Guarded(u16),
}

/// A place under construction; see [`Builder`].
pub type Place = u32;

/// Paths under construction: a graph whose edges are steps.
#[derive(Debug, Default)]
pub struct Builder {
    edges: Vec<Vec<(Label, Place)>>,
    marks: Vec<Vec<u32>>,
    guards: Vec<Guard>,
}

impl Builder {
    /// A new place without marks.
    pub fn place(&mut self) -> Place {
        self.edges.push(Vec::new());
        self.marks.push(Vec::new());
        u32::try_from(self.edges.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// Marks a place.
    pub fn mark(&mut self, place: Place, mark: u32) {
        if let Some(marks) = self.marks.get_mut(index(place)) {
            marks.push(mark);
        }
    }

    fn edge(&mut self, from: Place, label: Label, to: Place) {
        if let Some(edges) = self.edges.get_mut(index(from)) {
            edges.push((label, to));
        }
    }

    /// A step by the member of that key number.
    pub fn member(&mut self, from: Place, key: u16, to: Place) {
        self.edge(from, Label::Key(key), to);
    }

    /// A step to every element.
    pub fn element(&mut self, from: Place, to: Place) {
        self.edge(from, Label::Element, to);
    }

    /// Gives `to` every step that `from` has by now.
    pub fn same_steps(&mut self, from: Place, to: Place) {
        let steps = self.edges.get(index(from)).cloned().unwrap_or_default();
        if let Some(edges) = self.edges.get_mut(index(to)) {
            edges.extend(steps);
        }
    }

    /// A path from a place; gives the place where it ends.
    pub fn path(&mut self, from: Place, path: &Path, vocabulary: &Vocabulary) -> Place {
        // The path's own chain begins at a copy of nothing: `from` may be shared by many paths,
        // and a descendant step loops on the place it starts from.
        let mut at = from;
        for step in &path.steps {
            if step.descend {
                let again = self.place();
                self.edge(again, Label::Child, again);
                self.edge(at, Label::Child, again);
                let to = self.place();
                for selector in &step.selectors {
                    let label = self.label(selector, vocabulary);
                    self.edge(at, label, to);
                    self.edge(again, label, to);
                }
                at = to;
            } else {
                let to = self.place();
                for selector in &step.selectors {
                    let label = self.label(selector, vocabulary);
                    self.edge(at, label, to);
                }
                at = to;
            }
        }
        at
    }

    fn label(&mut self, selector: &Selector, vocabulary: &Vocabulary) -> Label {
        let guard = match selector {
            Selector::Name(name) => return Label::Key(vocabulary.number(name.as_bytes())),
            Selector::Any => return Label::Child,
            Selector::Index(index) => Guard::Index(*index),
            Selector::Slice(start, end, step) => Guard::Slice(*start, *end, *step),
            Selector::Filter(filter) => Guard::Filter(filter.clone()),
        };
        let known = self.guards.iter().position(|known| *known == guard);
        let number = known.unwrap_or_else(|| {
            self.guards.push(guard);
            self.guards.len().saturating_sub(1)
        });
        Label::Guarded(u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// Makes it deterministic. `starts` are sets of places; their states come back in order.
    /// Fails if too many guards meet at one place.
    pub fn build(self, starts: &[Vec<Place>]) -> Result<(Automaton, Vec<State>), &'static str> {
        let mut making = Making { builder: &self, known: BTreeMap::new(), queue: Vec::new() };
        making.state(Vec::new());
        let starts: Vec<State> = starts.iter().map(|set| making.state(set.clone())).collect();
        let mut automaton = Automaton::default();
        let mut at = 0;
        while let Some(set) = making.queue.get(at).cloned() {
            let row = making.rows(&set, &mut automaton)?;
            automaton.states.push(row);
            at = at.saturating_add(1);
        }
        drop(making);
        automaton.guards = self.guards;
        Ok((automaton, starts))
    }
}

/// Subset construction under way.
struct Making<'b> {
    builder: &'b Builder,
    known: BTreeMap<Vec<Place>, State>,
    queue: Vec<Vec<Place>>,
}

impl Making<'_> {
    fn state(&mut self, mut set: Vec<Place>) -> State {
        set.sort_unstable();
        set.dedup();
        if let Some(state) = self.known.get(&set) {
            return *state;
        }
        let state = State::try_from(self.queue.len()).unwrap_or(DEAD);
        self.known.insert(set.clone(), state);
        self.queue.push(set);
        state
    }

    fn rows(&mut self, set: &[Place], automaton: &mut Automaton) -> Result<Row, &'static str> {
        let builder = self.builder;
        let edges: Vec<(Label, Place)> = set
            .iter()
            .filter_map(|place| builder.edges.get(index(*place)))
            .flatten()
            .copied()
            .collect();
        let mut marks: Vec<u32> = set
            .iter()
            .filter_map(|place| builder.marks.get(index(*place)))
            .flatten()
            .copied()
            .collect();
        marks.sort_unstable();
        marks.dedup();
        let mut guards: Vec<u16> = edges
            .iter()
            .filter_map(|(label, _)| match label {
                Label::Guarded(guard) => Some(*guard),
                Label::Key(_) | Label::Child | Label::Element => None,
            })
            .collect();
        guards.sort_unstable();
        guards.dedup();
        if guards.len() > GUARDS_MAX {
            return Err("too many filters, indices and slices meet at one place");
        }
        let variants = 1_u32 << guards.len();
        let first_variant = u32::try_from(automaton.variants.len()).unwrap_or(u32::MAX);
        for bits in 0..variants {
            let holds = |guard: u16| {
                let at = guards.iter().position(|known| *known == guard).unwrap_or(0);
                bits & (1 << at) != 0
            };
            let variant = self.variant(&edges, holds, automaton);
            automaton.variants.push(variant);
        }
        let marks_start = automaton.marks.len();
        automaton.marks.extend(marks);
        let guards_start = automaton.guard_lists.len();
        automaton.guard_lists.extend(guards);
        Ok(Row {
            variant: first_variant,
            marks: (marks_start, automaton.marks.len()),
            guards: (guards_start, automaton.guard_lists.len()),
        })
    }

    fn variant(
        &mut self,
        edges: &[(Label, Place)],
        holds: impl Fn(u16) -> bool,
        automaton: &mut Automaton,
    ) -> Variant {
        let reached = |wanted: &dyn Fn(Label) -> bool| -> Vec<Place> {
            edges.iter().filter(|(label, _)| wanted(*label)).map(|(_, to)| *to).collect()
        };
        let child = |label: Label| match label {
            Label::Child => true,
            Label::Guarded(guard) => holds(guard),
            Label::Key(_) | Label::Element => false,
        };
        let other = self.state(reached(&child));
        let element = self.state(reached(&|label| child(label) || label == Label::Element));
        let mut keys: Vec<u16> = edges
            .iter()
            .filter_map(|(label, _)| match label {
                Label::Key(key) if *key != 0 => Some(*key),
                Label::Key(_) | Label::Child | Label::Element | Label::Guarded(_) => None,
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let start = automaton.keys.len();
        for key in keys {
            let to = self.state(reached(&|label| child(label) || label == Label::Key(key)));
            automaton.keys.push((key, to));
        }
        Variant { other, element, keys: (start, automaton.keys.len()) }
    }
}

/// The automaton.
#[derive(Debug, Default)]
pub struct Automaton {
    states: Vec<Row>,
    variants: Vec<Variant>,
    keys: Vec<(u16, State)>,
    marks: Vec<u32>,
    guard_lists: Vec<u16>,
    guards: Vec<Guard>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    variant: u32,
    marks: (usize, usize),
    guards: (usize, usize),
}

#[derive(Clone, Copy, Debug)]
struct Variant {
    other: State,
    element: State,
    keys: (usize, usize),
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
        row.and_then(|row| self.marks.get(row.marks.0..row.marks.1)).unwrap_or_default()
    }

    /// Whether the state leads anywhere.
    pub fn goes_on(&self, state: State) -> bool {
        self.states.get(index(state)).is_some_and(|row| {
            row.guards.0 < row.guards.1
                || self.variants.get(index(row.variant)).is_some_and(|variant| {
                    variant.other != DEAD
                        || variant.element != DEAD
                        || variant.keys.0 < variant.keys.1
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
        if row.guards.0 < row.guards.1 {
            variant = variant.saturating_add(self.bits(*row, child, bytes, tape, parent));
        }
        let Some(variant) = self.variants.get(index(variant)) else { return DEAD };
        if child.index.is_some() {
            return variant.element;
        }
        if child.key == 0 {
            return variant.other;
        }
        let keys = self.keys.get(variant.keys.0..variant.keys.1).unwrap_or_default();
        match keys.binary_search_by_key(&child.key, |(key, _)| *key) {
            Ok(at) => keys.get(at).map_or(DEAD, |(_, to)| *to),
            Err(_) => variant.other,
        }
    }

    fn bits(&self, row: Row, child: Child, bytes: &[u8], tape: &Tape, parent: NodeId) -> u32 {
        let guards = self.guard_lists.get(row.guards.0..row.guards.1).unwrap_or_default();
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

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
