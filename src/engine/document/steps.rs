//! What the parser does at a seam.

use super::blanks::Blank;
use super::offsets::AROUND;
use super::seams::number;
use super::spelled::Spelled;
use super::tape::Node;

/// What of a seam is in one container that was open before, the innermost first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// The bits of the keys in it, see [`super::seams::Seams::child`]; 0 in an array.
    pub(super) bits: u64,
    /// How many nodes.
    pub(super) nodes: usize,
    /// How many of them are in it, and in none that the seam opens; counted when it is remembered.
    pub(super) arounds: usize,
    /// Where its closing bracket ends; 0 if it stays open, as the last does.
    pub(super) end: u32,
}

/// An array or object that a seam opens and leaves open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub(super) node: u32,
    /// As [`Level::bits`].
    pub(super) bits: u64,
}

/// What the parser does at a seam. Offsets are from the seam's first byte, and places in the tape
/// from the first that the seam fills.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) nodes: Vec<Node>,
    pub(super) levels: Vec<Level>,
    /// The outer ones first.
    pub(super) left: Vec<Left>,
    /// In order.
    pub(super) blanks: Vec<Blank>,
    /// By how much it is nested more deeply, where it is deepest, than what is before it.
    pub(super) deepest: isize,
}

impl Level {
    #[inline]
    pub(super) fn count(&self) -> u32 {
        number(self.nodes)
    }
}

impl Steps {
    /// At a seam that was spelled out: the brackets that it closes are first.
    pub(super) fn of(spelled: &Spelled) -> Steps {
        let ends = spelled.ends().iter();
        let mut levels: Vec<Level> =
            ends.map(|end| Level { end: u32::from(*end), ..Level::default() }).collect();
        let closed = levels.len().cast_signed();
        let opens = &spelled.opens;
        levels.push(Level { bits: spelled.bit, nodes: opens.len(), ..Level::default() });
        let around = std::iter::once(AROUND).chain(0..);
        let nodes = opens.iter().zip(around).map(|(open, parent)| Node { parent, ..open.node });
        let left = (0..).zip(opens).map(|(node, open)| Left { node, bits: open.bit });
        Steps {
            nodes: nodes.collect(),
            levels,
            left: left.collect(),
            blanks: Vec::new(),
            deepest: opens.len().cast_signed() - closed,
        }
    }
}
