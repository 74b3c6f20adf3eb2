//! Seams: what stands between one scalar and the next (brackets, keys, commas, white space), and
//! what the parser made of it. Records of one API are written alike, so a seam that was read once
//! is met again and again behind the same path; then its bytes are compared and nothing in it is
//! looked at a second time. Where the scalar behind a seam is the same time and again, too, the
//! seam grows over it and over the one that follows ([`super::growth`]).
//!
//! What the parser makes of a seam depends on its bytes and on the brackets that are open before
//! it, and a path tells those: a member's is in an object, an element's in an array. What depends
//! on more (keys that come twice, depth) is checked each time.

use super::growth::{Evidence, Habit};
use super::offsets::AROUND;
use super::source::{Source, place};
use super::spelled::Spelled;
use super::tape::{Node, Numbering, SeamId};
use std::collections::BTreeMap;

/// The keys that lead to a value, by number; the elements of an array are one.
pub(super) type PathId = u16;
/// A path that is not remembered.
pub(super) const LOST: PathId = 0;
/// Before the root.
pub(super) const START: PathId = 1;
/// The number of no key: of an element of an array, or the root.
pub(super) const ELEMENT: u16 = u16::MAX;
/// No seam.
pub(super) const NONE: SeamId = 0;

// BOUNDED: what is remembered, at most about 4 MiB. All is forgotten when there is no room.
const PATHS_MAX: usize = 8_192;
const SEAMS_MAX: usize = 8_192;
const NODES_MAX: usize = 32_768;
const BYTES_MAX: usize = 512 * 1024;
/// Seams behind one path. Where more are met, keys are names of things and come once.
const AFTER_ONE_MAX: u32 = 12;

/// What of a seam is in one container that was open before, the innermost first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Level {
    /// The bits of the keys in it, see [`Seams::child`]; 0 in an array.
    pub(super) bits: u64,
    /// How many nodes.
    pub(super) nodes: usize,
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
    /// By how much it is nested more deeply, where it is deepest, than what is before it.
    pub(super) deepest: isize,
}

/// One seam that is remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seam {
    /// Its first 16 bytes, and which bits of them are its.
    head: [u64; 2],
    keep: [u64; 2],
    /// Its last 16 bytes, if it is longer.
    tail: [u64; 2],
    /// The scalar that it leads to: of a string its end is to be found.
    pub(super) scalar: Node,
    /// Of [`Seams::steps`].
    nodes: (u32, u32),
    levels: (u32, u32),
    left: (u32, u32),
    pub(super) deepest: isize,
    /// Those bytes that are neither the first nor the last.
    rest: (u32, u32),
    pub(super) length: u32,
    /// The next behind the same path.
    next: SeamId,
    /// Whether it ends with the quote of a string.
    quoted: bool,
}

impl Level {
    #[inline]
    pub(super) fn count(&self) -> u32 {
        number(self.nodes)
    }
}

/// One path.
#[derive(Clone, Copy, Debug, Default)]
struct Path {
    /// The first seam behind it.
    first: SeamId,
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
    steps: Steps,
    bytes: Vec<u8>,
    full: bool,
    /// Of each seam.
    pub(super) habits: Vec<Habit>,
    pub(super) evidence: Evidence,
    /// By what others know that a number means the same seam.
    pub(super) numbering: Numbering,
    /// Of the vocabulary.
    keys: Numbering,
}

impl Seams {
    /// A longer seam is white space, or keys that are all different.
    pub(super) const SEAM_BYTES_MAX: usize = 512;

    /// For another document, with keys of that numbering. Forgets all where there is no room, or
    /// what was met has other keys.
    pub(super) fn prepare(&mut self, keys: &Numbering) {
        if self.full || !self.keys.is(keys) {
            let (numbering, evidence) = (Numbering::begun(), Evidence::begun());
            *self = Seams { evidence, numbering, keys: keys.clone(), ..Seams::default() };
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

    /// The longest seam known that stands at `at`, behind a value of that path. `before` is the
    /// one before: what followed it last is looked for first.
    #[inline]
    pub(super) fn met(
        &mut self,
        source: Source<'_>,
        at: u32,
        after: PathId,
        before: SeamId,
    ) -> SeamId {
        let words = source.two_words(at);
        let likely = self.habit(before).map_or(NONE, |habit| habit.likely);
        let mut found = likely;
        if !self.stands(source, at, words, likely) {
            found = self.paths.get(usize::from(after)).map_or(NONE, |path| path.first);
            while found != NONE && !self.stands(source, at, words, found) {
                found = self.seam(found).map_or(NONE, |seam| seam.next);
            }
        }
        while let Some(longer) = self.longer(source, at, words, found) {
            found = longer;
        }
        found
    }

    /// One that stands there and begins with this one.
    #[inline]
    fn longer(
        &mut self,
        source: Source<'_>,
        at: u32,
        words: [u64; 2],
        than: SeamId,
    ) -> Option<SeamId> {
        let habit = self.habit(than)?;
        if habit.longer[0] == NONE {
            return None;
        }
        let longer = habit.longer;
        longer.into_iter().take_while(|longer| *longer != NONE).find(|longer| {
            let stands = self.stands(source, at, words, *longer);
            self.note_use(than, *longer, stands);
            stands
        })
    }

    #[inline]
    pub(super) fn seam(&self, id: SeamId) -> Option<&Seam> {
        self.known.get(place(id.wrapping_sub(1)))
    }

    #[inline]
    fn habit(&self, of: SeamId) -> Option<&Habit> {
        self.habits.get(place(of.wrapping_sub(1)))
    }

    #[inline]
    fn stands(&self, source: Source<'_>, at: u32, words: [u64; 2], id: SeamId) -> bool {
        let Some(seam) = self.seam(id) else { return false };
        let one = (words[0] & seam.keep[0]) ^ seam.head[0];
        let two = (words[1] & seam.keep[1]) ^ seam.head[1];
        one | two == 0 && self.fits(seam, source, at)
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

    #[inline]
    pub(super) fn nodes(&self, seam: &Seam) -> &[Node] {
        part(&self.steps.nodes, seam.nodes)
    }

    /// See [`Level`].
    #[inline]
    pub(super) fn levels(&self, seam: &Seam) -> &[Level] {
        part(&self.steps.levels, seam.levels)
    }

    /// What it leaves open, the outer ones first.
    #[inline]
    pub(super) fn left(&self, seam: &Seam) -> &[Left] {
        part(&self.steps.left, seam.left)
    }

    /// Remembers what was made of a seam, if there is room.
    pub(super) fn learn(
        &mut self,
        after: PathId,
        seam: &[u8],
        spelled: &Spelled,
        scalar: Node,
    ) -> SeamId {
        let too_long = seam.len() > Seams::SEAM_BYTES_MAX;
        if too_long || !spelled.plain || after == LOST || scalar.path == LOST {
            return NONE;
        }
        let Some(path) = self.paths.get(usize::from(after)).copied() else { return NONE };
        if path.seams >= AFTER_ONE_MAX {
            return NONE;
        }
        let steps = steps_of(spelled);
        if !self.has_room(seam.len(), &steps, 1) {
            self.full = true;
            return NONE;
        }
        let id = self.add(seam, &steps, scalar, path.first);
        if let Some(path) = self.paths.get_mut(usize::from(after)) {
            path.first = id;
            path.seams += 1;
        }
        id
    }

    /// Whether there is room for one seam more, in such a part of all that there is.
    pub(super) fn has_room(&self, bytes: usize, steps: &Steps, part: usize) -> bool {
        self.known.len() < SEAMS_MAX / part
            && self.bytes.len() + bytes <= BYTES_MAX / part
            && self.steps.nodes.len() + steps.nodes.len() <= NODES_MAX / part
            && self.steps.levels.len() + steps.levels.len() <= NODES_MAX / part
    }

    pub(super) fn add(&mut self, seam: &[u8], steps: &Steps, scalar: Node, next: SeamId) -> SeamId {
        let (head, keep) = words_of(seam);
        let tail = seam.len().saturating_sub(16);
        let (tail, _) = words_of(seam.get(tail..).unwrap_or_default());
        let between = seam.get(16..seam.len().saturating_sub(16)).unwrap_or_default();
        self.known.push(Seam {
            head,
            keep,
            tail,
            scalar,
            nodes: append(&mut self.steps.nodes, &steps.nodes),
            levels: append(&mut self.steps.levels, &steps.levels),
            left: append(&mut self.steps.left, &steps.left),
            deepest: steps.deepest,
            rest: append(&mut self.bytes, between),
            length: number(seam.len()),
            next,
            quoted: seam.last() == Some(&b'"'),
        });
        self.habits.push(Habit::default());
        number(self.known.len())
    }
}

/// What is done at a seam that was spelled out: the brackets that it closes are first.
fn steps_of(spelled: &Spelled) -> Steps {
    let ends = spelled.ends().iter();
    let mut levels: Vec<Level> =
        ends.map(|end| Level { end: u32::from(*end), ..Level::default() }).collect();
    let closed = levels.len().cast_signed();
    let opens = &spelled.opens;
    levels.push(Level { bits: spelled.bit, nodes: opens.len(), end: 0 });
    let around = std::iter::once(AROUND).chain(0..);
    let nodes = opens.iter().zip(around).map(|(open, parent)| Node { parent, ..open.node });
    let left = (0..).zip(opens).map(|(node, open)| Left { node, bits: open.bit });
    Steps {
        nodes: nodes.collect(),
        levels,
        left: left.collect(),
        deepest: opens.len().cast_signed() - closed,
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[inline]
fn part<T>(all: &[T], of: (u32, u32)) -> &[T] {
    all.get(place(of.0)..place(of.1)).unwrap_or_default()
}

fn append<T: Copy>(all: &mut Vec<T>, more: &[T]) -> (u32, u32) {
    let first = number(all.len());
    all.extend_from_slice(more);
    (first, number(all.len()))
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
