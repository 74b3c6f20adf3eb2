//! Seams: what stands between one scalar and the next (brackets, keys, commas, white space), and
//! what the parser made of it. Records of one API are written alike, so a seam that was read once
//! is met again and again behind the same path; then its bytes are compared and nothing in it is
//! looked at a second time.
//!
//! What the parser makes of a seam depends on its bytes and on the brackets that are open before
//! it, and a path tells those: a member's is in an object, an element's in an array. What depends
//! on more (keys that come twice, depth) is checked each time.

use super::source::{Source, place};
use super::tape::Node;
use std::collections::BTreeMap;

/// The keys that lead to a value, by number; the elements of an array are one.
pub(super) type PathId = u16;
/// A path that is not remembered.
pub(super) const LOST: PathId = 0;
/// Before the root.
pub(super) const START: PathId = 1;
/// The number of no key: of an element of an array, or the root.
pub(super) const ELEMENT: u16 = u16::MAX;

// BOUNDED: what is remembered, at most about 2 MiB. All is forgotten when there is no room.
const PATHS_MAX: usize = 8_192;
const SEAMS_MAX: u32 = 8_192;
const OPENS_MAX: usize = 8_192;
const BYTES_MAX: usize = 256 * 1024;
/// Seams behind one path. Where more are met, keys are names of things and come once.
const AFTER_ONE_MAX: u32 = 12;

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

/// One seam that is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seam {
    /// Its first 16 bytes, and which bits of them are its.
    head: [u64; 2],
    keep: [u64; 2],
    /// Its last 16 bytes, if it is longer.
    tail: [u64; 2],
    pub(super) bit: u64,
    /// As [`Open::node`]; of a string its end is to be found.
    pub(super) scalar: Node,
    opens: (u32, u32),
    /// Those between, if it is longer than both.
    rest: (u32, u32),
    length: u32,
    /// The next behind the same path; 0 is none.
    next: u32,
    ends: [u8; CLOSES],
    closes: u8,
    /// Whether it ends with the quote of a string.
    pub(super) quoted: bool,
}

impl Seam {
    /// Where each closing bracket ends.
    #[inline]
    pub(super) fn ends(&self) -> &[u8] {
        self.ends.get(..usize::from(self.closes)).unwrap_or_default()
    }
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

/// One path.
#[derive(Clone, Copy, Debug, Default)]
struct Path {
    /// The first seam behind it.
    first: u32,
    seams: u32,
    /// How many keys were met in it.
    children: u32,
    /// See [`Seams::child`].
    bit: u64,
}

/// The seams that were met. They belong to a vocabulary, which numbers the keys.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// By number.
    paths: Vec<Path>,
    children: BTreeMap<(PathId, u16), PathId>,
    /// From 1 on.
    known: Vec<Seam>,
    opens: Vec<Open>,
    bytes: Vec<u8>,
    full: bool,
}

impl Seams {
    /// A longer seam is white space, or keys that are all different.
    pub(super) const SEAM_BYTES_MAX: usize = 512;

    /// Forgets all where there is no room.
    pub(super) fn make_room(&mut self) {
        if self.full || self.paths.is_empty() {
            *self = Seams::default();
            self.paths.resize(usize::from(START) + 1, Path::default());
        }
    }

    /// How many are remembered.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.known.len()
    }

    /// The path of a child, and the bit by which its key is known among those of one object. Keys
    /// with different bits are different; there are 64 bits, so not the other way round.
    pub(super) fn child(&mut self, of: PathId, key: u16) -> (PathId, u64) {
        if of == LOST {
            return (LOST, 1);
        }
        if let Some(path) = self.children.get(&(of, key)) {
            return (*path, self.paths.get(usize::from(*path)).map_or(1, |path| path.bit));
        }
        let Some(parent) = self.paths.get_mut(usize::from(of)) else { return (LOST, 1) };
        let bit = 1 << (parent.children % u64::BITS);
        parent.children = parent.children.wrapping_add(1);
        match PathId::try_from(self.paths.len()) {
            Ok(path) if self.paths.len() < PATHS_MAX => {
                self.paths.push(Path { bit, ..Path::default() });
                self.children.insert((of, key), path);
                (path, bit)
            }
            _ => {
                self.full = true;
                (LOST, 1)
            }
        }
    }

    /// The seam that stands at `at`, behind a value of that path.
    #[inline]
    pub(super) fn met(&self, source: Source<'_>, at: u32, after: PathId) -> Option<&Seam> {
        let mut next = self.paths.get(usize::from(after))?.first;
        let [first, second] = source.two_words(at);
        loop {
            let seam = self.known.get(place(next.wrapping_sub(1)))?;
            let one = (first & seam.keep[0]) ^ seam.head[0];
            let two = (second & seam.keep[1]) ^ seam.head[1];
            if one | two == 0 && self.fits(seam, source, at) {
                return Some(seam);
            }
            next = seam.next;
        }
    }

    /// Whether what its first bytes left open fits as well.
    #[inline]
    fn fits(&self, seam: &Seam, source: Source<'_>, at: u32) -> bool {
        let end = at.wrapping_add(seam.length);
        if seam.length > 16 {
            if source.two_words(end.wrapping_sub(16)) != seam.tail {
                return false;
            }
            if seam.length > 32 {
                let rest = place(at.wrapping_add(16))..place(end.wrapping_sub(16));
                let known = self.bytes.get(place(seam.rest.0)..place(seam.rest.1));
                if source.bytes().get(rest) != known {
                    return false;
                }
            }
        }
        // Without a quote to tell, a scalar is known by its first byte.
        seam.quoted || matches!(source.byte(end), b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
    }

    /// What it opens, the outer ones first.
    #[inline]
    pub(super) fn opens(&self, seam: &Seam) -> &[Open] {
        self.opens.get(place(seam.opens.0)..place(seam.opens.1)).unwrap_or_default()
    }

    /// Remembers what was made of a seam, if there is room.
    pub(super) fn learn(&mut self, after: PathId, seam: &[u8], spelled: &Spelled, scalar: Node) {
        let too_long = seam.len() > Seams::SEAM_BYTES_MAX;
        if too_long || !spelled.plain || after == LOST || scalar.path == LOST {
            return;
        }
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let seams = number(self.known.len());
        let Some(path) = self.paths.get_mut(usize::from(after)) else { return };
        if path.seams >= AFTER_ONE_MAX {
            return;
        }
        let no_bytes = self.bytes.len() + seam.len() > BYTES_MAX;
        if seams >= SEAMS_MAX || no_bytes || self.opens.len() + spelled.opens.len() > OPENS_MAX {
            self.full = true;
            return;
        }
        let (head, keep) = words_of(seam);
        let tail = seam.len().saturating_sub(16);
        let (tail, _) = words_of(seam.get(tail..).unwrap_or_default());
        let (rest, open) = (number(self.bytes.len()), number(self.opens.len()));
        let between = 16..seam.len().saturating_sub(16);
        self.bytes.extend_from_slice(seam.get(between).unwrap_or_default());
        self.opens.extend_from_slice(&spelled.opens);
        self.known.push(Seam {
            head,
            keep,
            tail,
            bit: spelled.bit,
            scalar,
            opens: (open, number(self.opens.len())),
            rest: (rest, number(self.bytes.len())),
            length: number(seam.len()),
            next: path.first,
            ends: spelled.ends,
            closes: spelled.closes,
            quoted: seam.last() == Some(&b'"'),
        });
        path.first = seams.wrapping_add(1);
        path.seams += 1;
    }
}

/// The first 16 bytes as two words, and which bits of them there are.
fn words_of(seam: &[u8]) -> ([u64; 2], [u64; 2]) {
    let (mut head, mut keep) = ([0; 2], [0; 2]);
    for (at, byte) in seam.iter().take(16).enumerate() {
        let shift = at % 8 * 8;
        if let (Some(head), Some(keep)) = (head.get_mut(at / 8), keep.get_mut(at / 8)) {
            *head |= u64::from(*byte) << shift;
            *keep |= 0xFF << shift;
        }
    }
    (head, keep)
}
