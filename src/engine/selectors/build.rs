//! Paths under construction, and the subset construction that makes them one automaton.

use super::automaton::{Automaton, DEAD, Guard, Row, State, Steps, index, number, place};
use super::{Path, Selector};
use crate::engine::document::tape::Vocabulary;
use std::collections::BTreeMap;

/// Guards at one state beyond which a set of selectors is refused: a state has a row for each
/// combination.
const GUARDS_MAX: usize = 6;

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
            Selector::Name(name) => return Label::Key(vocabulary.number(name)),
            Selector::Any => return Label::Child,
            Selector::Index(index) => Guard::Index(*index),
            Selector::Slice(start, end, step) => Guard::Slice(*start, *end, *step),
            Selector::Filter(filter) => Guard::Filter(filter.numbered(vocabulary)),
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
        let first_variant = number(automaton.variants.len());
        for bits in 0..1_u32 << guards.len() {
            let holds = |guard: u16| {
                let at = guards.iter().position(|known| *known == guard).unwrap_or(0);
                bits & (1 << at) != 0
            };
            let mut steps = self.steps(&edges, holds, automaton);
            if bits == 0 {
                steps.guarded = !guards.is_empty();
                automaton.steps.push(steps);
            } else {
                automaton.variants.push(steps);
            }
        }
        let marks_start = automaton.marks.len();
        automaton.marks.extend(marks);
        let guards_start = automaton.guard_lists.len();
        automaton.guard_lists.extend(guards);
        Ok(Row {
            variants: first_variant,
            marks: (number(marks_start), number(automaton.marks.len())),
            guards: (number(guards_start), number(automaton.guard_lists.len())),
        })
    }

    fn steps(
        &mut self,
        edges: &[(Label, Place)],
        holds: impl Fn(u16) -> bool,
        automaton: &mut Automaton,
    ) -> Steps {
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
        let table = automaton.keys.len();
        let size =
            if keys.is_empty() { 1 } else { keys.len().saturating_mul(2).next_power_of_two() };
        automaton.keys.resize(table.saturating_add(size), (0, other));
        let mask = u16::try_from(size.saturating_sub(1)).unwrap_or(u16::MAX);
        for key in keys {
            let to = self.state(reached(&|label| child(label) || label == Label::Key(key)));
            let mut at = place(key, mask);
            while let Some(slot) = automaton.keys.get_mut(table.saturating_add(usize::from(at))) {
                if slot.0 == 0 {
                    *slot = (key, to);
                    break;
                }
                at = at.wrapping_add(1) & mask;
            }
        }
        Steps { other, element, table: number(table), mask, guarded: false }
    }
}
