//! Blanks: places in a grown seam where any scalar of one kind and length may stand. Dates, ids
//! and most amounts are written in one length, and what is around them is the same in all records;
//! with blanks for them the seam grows on, and every offset in it stays what it was.

use super::numbers::number;
use super::offsets::Offsets;
use super::source::{Source, place};
use super::strings::string;
use super::tape::{Kind, Node};

/// One blank. Offsets are from the seam's first byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blank {
    /// The scalar's place in the tape, from the first that the seam fills.
    pub(super) node: u32,
    /// First byte of the scalar.
    start: u32,
    /// One past its last.
    end: u32,
    is_string: bool,
}

impl Blank {
    /// For a scalar at that place; there is none for words, which are of another kind each, and
    /// escapes are read by the parser.
    pub(super) fn of(scalar: &Node, node: u32) -> Option<Blank> {
        let is_string = scalar.kind == Kind::String;
        let may_be = (is_string && !scalar.escaped) || scalar.kind == Kind::Number;
        may_be.then_some(Blank { node, start: scalar.start, end: scalar.end, is_string })
    }

    /// The same, that much further.
    pub(super) fn moved(self, by: Offsets) -> Blank {
        Blank {
            node: self.node.wrapping_add(by.first),
            start: self.start.wrapping_add(by.base),
            end: self.end.wrapping_add(by.base),
            is_string: self.is_string,
        }
    }

    /// Its bytes of any text: the quotes of a string are the seam's.
    pub(super) fn text(&self) -> std::ops::Range<usize> {
        let quote = u32::from(self.is_string);
        place(self.start.wrapping_add(quote))..place(self.end.wrapping_sub(quote))
    }

    /// Whether a scalar of that kind and length stands there, in a seam that begins at `base`.
    #[inline]
    fn is_filled(&self, source: Source<'_>, base: u32) -> bool {
        let (at, end) = (base.wrapping_add(self.start), base.wrapping_add(self.end));
        if self.is_string {
            // Its first quote was compared with the seam.
            string(source, at, false)
                .is_ok_and(|found| !found.escaped && found.close.wrapping_add(1) == end)
        } else {
            number(source, at).is_ok_and(|found| found == end)
        }
    }
}

/// Whether a seam of these bytes stands at `base`, looked at from one of them on, with what blanks
/// there are from there.
#[inline]
pub(super) fn stands_with(
    bytes: &[u8],
    blanks: &[Blank],
    mut from: usize,
    source: Source<'_>,
    base: u32,
) -> bool {
    let here = source.bytes().get(place(base)..).unwrap_or_default();
    for blank in blanks {
        let text = blank.text();
        // What is behind it tells mostly if it is of another length.
        let ends = here.get(text.end) == bytes.get(text.end);
        let is_same = ends && here.get(from..text.start) == bytes.get(from..text.start);
        if !is_same || !blank.is_filled(source, base) {
            return false;
        }
        from = text.end;
    }
    here.get(from..bytes.len()) == bytes.get(from..)
}
