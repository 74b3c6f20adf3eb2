//! A seam while it is spelled out.

use super::seams::Seams;
use super::tape::Node;

/// Brackets that one seam closes.
const CLOSES: usize = 8;

/// An array or object that a seam opens. Offsets are from the seam's first byte, and places in
/// the tape from the first that the seam fills.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) node: Node,
    /// The bit of the first key in it, see [`Seams::child`]; 0 in an array.
    pub(super) bit: u64,
}

/// What is made of a seam: brackets are closed, others opened, and then there is a scalar.
#[derive(Clone, Debug)]
pub(super) struct Spelled {
    /// Where each closing bracket ends.
    ends: [u8; CLOSES],
    closes: u8,
    /// The bit of its first key if that stands in an object that is open before, else 0.
    pub(super) bit: u64,
    pub(super) opens: Vec<Open>,
    /// Whether it is of this form and can be remembered.
    pub(super) plain: bool,
}

impl Default for Spelled {
    fn default() -> Spelled {
        Spelled { ends: [0; CLOSES], closes: 0, bit: 0, opens: Vec::new(), plain: true }
    }
}

impl Spelled {
    /// Nothing yet.
    pub(super) fn clear(&mut self) {
        self.opens.clear();
        *self = Spelled { opens: std::mem::take(&mut self.opens), ..Spelled::default() };
    }

    /// Where each closing bracket ends.
    pub(super) fn ends(&self) -> &[u8] {
        self.ends.get(..usize::from(self.closes)).unwrap_or_default()
    }

    /// A bracket was closed that ends there.
    pub(super) fn close(&mut self, end: u32) {
        match (u8::try_from(end), self.ends.get_mut(usize::from(self.closes))) {
            (Ok(end), Some(slot)) if self.opens.is_empty() => {
                *slot = end;
                self.closes = self.closes.saturating_add(1);
            }
            _ => self.plain = false,
        }
    }

    /// A key was read.
    pub(super) fn key(&mut self, bit: u64) {
        match self.opens.last_mut() {
            Some(open) => open.bit = bit,
            None => self.bit = bit,
        }
    }

    /// A bracket was opened. One too long to be remembered is not noted to its end.
    pub(super) fn open(&mut self, node: Node) {
        if self.opens.len() < Seams::SEAM_BYTES_MAX {
            self.opens.push(Open { node, bit: 0 });
        }
    }
}
