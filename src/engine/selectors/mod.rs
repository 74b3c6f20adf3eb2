//! RFC 9535 text → paths → one automaton, walked once per document.
//!
//! [`text`] reads a selector, [`automaton`] merges many into one, [`filter`] judges the few
//! places where a step depends on more than a key.

pub mod automaton;
pub mod build;
pub mod filter;
mod place;
pub mod text;

use filter::Filter;

/// A selector as meant: steps from `$`.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// From the root outward.
    pub steps: Vec<Step>,
}

/// One segment of RFC 9535.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Whether it is a descendant segment (`..`).
    pub descend: bool,
    /// The selectors between the brackets.
    pub selectors: Vec<Selector>,
}

/// One selector of a segment.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// A member of that name.
    Name(String),
    /// Every child.
    Any,
    /// An element; from the end if negative.
    Index(i64),
    /// `start:end:step`
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// Every child that fits.
    Filter(Filter),
}

impl Path {
    /// The names on the way if the path is names only (`$.a.b`), as `kind:` and `record:` need.
    pub fn names(&self) -> Option<Vec<&str>> {
        self.steps
            .iter()
            .map(|step| match step.selectors.as_slice() {
                [Selector::Name(name)] if !step.descend => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }

    /// This path followed by another that begins where this one ends.
    #[must_use]
    pub fn then(&self, rest: &Path) -> Path {
        Path { steps: self.steps.iter().chain(&rest.steps).cloned().collect() }
    }

    /// Every name that the path or one of its filters asks for.
    pub fn vocabulary(&self) -> Vec<&str> {
        let selectors = self.steps.iter().flat_map(|step| &step.selectors);
        selectors
            .flat_map(|selector| match selector {
                Selector::Name(name) => vec![name.as_str()],
                Selector::Filter(filter) => filter.names(),
                Selector::Any | Selector::Index(_) | Selector::Slice(..) => Vec::new(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
