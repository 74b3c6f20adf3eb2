//! In a dialect without types, the form that a value must have: what selectors go through is an
//! array or an object, and a value of another form is passed over by all of them, which must not
//! mean that nothing stands there.

use super::compile::Compiler;
use super::kinds::one_or_many;
use super::meant::{Mark, StateFacts, flag, tell};
use crate::engine::category::Category;
use crate::engine::selectors::automaton::Automaton;

impl Compiler<'_> {
    /// Notes the keys under which kinds name their subjects, by the last name of each selector.
    pub(super) fn tell_subjects(&self, mut tells: Vec<u16>) -> Vec<u16> {
        let kinds = self.written.kinds.values();
        let selectors = kinds.filter_map(|kind| kind.value.subject.as_ref()).flat_map(one_or_many);
        for selector in selectors {
            let Some(path) = self.path(&selector) else { continue };
            let names: Vec<&str> = path.vocabulary().into_iter().collect();
            let number = names.last().map_or(0, |name| usize::from(self.vocabulary.number(name)));
            if let (1.., Some(tells)) = (number, tells.get_mut(number)) {
                *tells |= tell::SUBJECT;
            }
        }
        tells
    }
}

/// Notes of each state what of a record is told below it.
pub(super) fn tell_ways(automaton: &Automaton, facts: &mut [StateFacts], marks: &[Mark]) {
    let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let ends = facts.iter().map(|facts| {
        let (start, end) = facts.marks;
        let marks = marks.get(at(start)..at(end)).unwrap_or_default();
        marks.iter().fold(0, |flags, mark| flags | told_above(*mark))
    });
    let below = automaton.below(&ends.collect::<Vec<_>>());
    for (facts, below) in facts.iter_mut().zip(below) {
        facts.flags |= below;
    }
}

/// What a mark means to the places that lead to it.
fn told_above(mark: Mark) -> u32 {
    match mark {
        Mark::Subject => flag::TELLS_BELOW | flag::BARS_BELOW,
        Mark::Field(field) if field.category == Category::PsychotherapyNotes => {
            flag::TELLS_BELOW | flag::BARS_BELOW
        }
        Mark::Cut(_)
        | Mark::Episode
        | Mark::Tuple(..)
        | Mark::Evidence
        | Mark::Code(_)
        | Mark::SystemAt(_)
        | Mark::Resolve(_) => flag::TELLS_BELOW,
        Mark::Envelope
        | Mark::Clinical
        | Mark::Named
        | Mark::Told
        | Mark::Element(_)
        | Mark::Id
        | Mark::Date(_)
        | Mark::Target
        | Mark::Owns
        | Mark::Field(_) => 0,
    }
}
