//! Seams: what stands between one scalar and the next (brackets, keys, commas, white space), and
//! what the parser made of it. Records of one API are written alike, so a seam that was read once
//! is met again and again behind the same path; then its bytes are compared and nothing in it is
//! looked at a second time. Where the scalar behind a seam is the same time and again, too, the
//! seam grows over it and over the one that follows ([`super::growth`]).
//!
//! What the parser makes of a seam depends on its bytes and on the brackets that are open before
//! it, and a path tells those: a member's is in an object, an element's in an array. What depends
//! on more (keys that come twice, depth) is checked each time.

use super::blanks::{Blank, stands_with};
use super::growth::{Evidence, Habit};
use super::offsets::AROUND;
use super::source::{Source, place, two_words};
use super::spelled::Spelled;
use super::steps::{Left, Level, Steps};
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

// BOUNDED: what is remembered, at most about 12 MiB. All is forgotten when there is no room.
const PATHS_MAX: usize = 8_192;
const SEAMS_MAX: usize = 8_192;
const NODES_MAX: usize = 131_072;
const LEVELS_MAX: usize = 65_536;
const BYTES_MAX: usize = 1024 * 1024;
/// Seams behind one path. Where more are met, keys are names of things and come once.
const AFTER_ONE_MAX: u32 = 12;

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
    arounds: (u32, u32),
    left: (u32, u32),
    blanks: (u32, u32),
    pub(super) deepest: isize,
    bytes: (u32, u32),
    pub(super) length: u32,
    /// The next behind the same path.
    next: SeamId,
    /// Whether it ends with the quote of a string.
    quoted: bool,
}

/// One path.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    /// The first seam behind it.
    first: SeamId,
    seams: u32,
    /// How many keys were met in it.
    children: u32,
    /// See [`Seams::child`].
    bit: u64,
    /// The path around it.
    pub(super) parent: PathId,
    /// Whether records begin there.
    pub(super) is_root: bool,
}

/// The seams that were met. They belong to a vocabulary, which numbers the keys.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// By number.
    pub(super) paths: Vec<Path>,
    children: BTreeMap<(PathId, u16), PathId>,
    /// From 1 on.
    known: Vec<Seam>,
    steps: Steps,
    /// Places of nodes in containers that are open before their seam.
    arounds: Vec<u32>,
    bytes: Vec<u8>,
    pub(super) full: bool,
    /// How often there was no room to grow.
    pub(super) refused: u32,
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

    /// Forgets all seams, and no path.
    pub(super) fn forget(&mut self) {
        for path in &mut self.paths {
            (path.first, path.seams) = (NONE, 0);
        }
        *self = Seams {
            paths: std::mem::take(&mut self.paths),
            children: std::mem::take(&mut self.children),
            evidence: Evidence::begun(),
            numbering: Numbering::begun(),
            keys: self.keys.clone(),
            ..Seams::default()
        };
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
                self.paths.push(Path { bit, parent: of, ..Path::default() });
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
        while let Some(longer) = self.longer(source, at, found) {
            found = longer;
        }
        found
    }

    /// One that stands there and begins with this one, which stands there.
    #[inline]
    fn longer(&mut self, source: Source<'_>, at: u32, than: SeamId) -> Option<SeamId> {
        let longer = self.habit(than)?.longer;
        longer.into_iter().take_while(|longer| *longer != NONE).find(|longer| {
            let stands = self.goes_on(source, at, than, *longer);
            self.note_use(than, *longer, stands);
            stands
        })
    }

    /// Whether what is longer than a seam that stands there stands there, too.
    #[inline]
    fn goes_on(&self, source: Source<'_>, at: u32, than: SeamId, longer: SeamId) -> bool {
        let (Some(than), Some(longer)) = (self.seam(than), self.seam(longer)) else { return false };
        let known = self.blanks(than).len();
        let blanks = self.blanks(longer).get(known..).unwrap_or_default();
        let bytes = part(&self.bytes, longer.bytes);
        stands_with(bytes, blanks, place(than.length), source, at)
            && leads_to_scalar(longer, source, at)
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
        one | two == 0 && self.fits(seam, source, at) && leads_to_scalar(seam, source, at)
    }

    /// Whether what its first bytes left open fits as well.
    #[inline]
    fn fits(&self, seam: &Seam, source: Source<'_>, at: u32) -> bool {
        let (bytes, blanks) = (part(&self.bytes, seam.bytes), self.blanks(seam));
        if !blanks.is_empty() {
            return stands_with(bytes, blanks, 0, source, at);
        }
        let end = at.wrapping_add(seam.length);
        if seam.length > 16 {
            if source.two_words(end.wrapping_sub(16)) != seam.tail {
                return false;
            }
            if seam.length > 32 {
                let rest = 16..bytes.len().saturating_sub(16);
                let here = source.bytes().get(place(at)..).unwrap_or_default();
                return here.get(rest.clone()) == bytes.get(rest);
            }
        }
        true
    }

    #[inline]
    pub(super) fn nodes(&self, seam: &Seam) -> &[Node] {
        part(&self.steps.nodes, seam.nodes)
    }

    /// See [`Level::arounds`]: their places from the first that the seam fills.
    #[inline]
    pub(super) fn arounds(&self, seam: &Seam) -> &[u32] {
        part(&self.arounds, seam.arounds)
    }

    /// See [`Level`].
    #[inline]
    pub(super) fn levels(&self, seam: &Seam) -> &[Level] {
        part(&self.steps.levels, seam.levels)
    }

    /// See [`Blank`].
    pub(super) fn blanks(&self, seam: &Seam) -> &[Blank] {
        part(&self.steps.blanks, seam.blanks)
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
        let steps = Steps::of(spelled);
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
            && self.steps.levels.len() + steps.levels.len() <= LEVELS_MAX / part
    }

    pub(super) fn add(&mut self, seam: &[u8], steps: &Steps, scalar: Node, next: SeamId) -> SeamId {
        let id = number(self.known.len().saturating_add(1));
        let (mut bytes, mut kept) = (seam.to_vec(), vec![0xFF; seam.len()]);
        for text in steps.blanks.iter().map(Blank::text) {
            bytes.get_mut(text.clone()).unwrap_or_default().fill(0);
            kept.get_mut(text).unwrap_or_default().fill(0);
        }
        let tail = seam.len().saturating_sub(16);
        let tail = words_of(bytes.get(tail..).unwrap_or_default());
        let is_around = |(_, node): &(u32, &Node)| node.parent == AROUND;
        let mut nodes = (0..).zip(&steps.nodes);
        let (mut levels, mut arounds) = (steps.levels.clone(), Vec::new());
        for level in &mut levels {
            let before = arounds.len();
            let here = nodes.by_ref().take(level.nodes).filter(is_around);
            arounds.extend(here.map(|(at, _)| at));
            level.arounds = arounds.len() - before;
        }
        self.known.push(Seam {
            head: words_of(&bytes),
            keep: words_of(&kept),
            tail,
            scalar,
            nodes: append(&mut self.steps.nodes, &steps.nodes),
            levels: append(&mut self.steps.levels, &levels),
            arounds: append(&mut self.arounds, &arounds),
            left: append(&mut self.steps.left, &steps.left),
            blanks: append(&mut self.steps.blanks, &steps.blanks),
            deepest: steps.deepest,
            bytes: append(&mut self.bytes, &bytes),
            length: number(seam.len()),
            next,
            quoted: seam.last() == Some(&b'"'),
        });
        self.habits.push(Habit::default());
        id
    }
}

/// Whether behind a seam that stands at `at` there is the kind of scalar that it leads to:
/// without a quote to tell, it is known by its first byte.
#[inline]
fn leads_to_scalar(seam: &Seam, source: Source<'_>, at: u32) -> bool {
    let first = || source.byte(at.wrapping_add(seam.length));
    seam.quoted || matches!(first(), b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

pub(super) fn number(length: usize) -> u32 {
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

/// The first 16 bytes as two words, with zeros behind the last.
fn words_of(bytes: &[u8]) -> [u64; 2] {
    let mut sixteen = [0; 16];
    for (to, byte) in sixteen.iter_mut().zip(bytes) {
        *to = *byte;
    }
    two_words(sixteen)
}
