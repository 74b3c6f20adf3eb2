//! Keys: what tells them apart at a glance, and the search for one that comes twice.

use super::scan::ParseError;
use super::source::{Source, place, two_words};
use super::tape::{Node, Vocabulary};
use super::text;
use std::borrow::Cow;

/// Objects with no more keys than this are searched without allocation.
const FEW: usize = 32;
/// A fingerprint holds this many bytes: all of most keys.
pub(super) const HELD: u32 = 16;

/// The first 16 bytes of a key, padded with zeros, and its length: equal keys have equal
/// fingerprints, and up to 16 bytes the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint {
    first: u64,
    second: u64,
    pub(super) length: u32,
}

impl Fingerprint {
    /// What no key has: documents are shorter.
    pub(super) const OF_NONE: Fingerprint = Fingerprint { first: 0, second: 0, length: u32::MAX };

    /// Of the key as it stands in the document, between its quotes.
    #[inline]
    pub(super) fn in_place(source: Source<'_>, start: u32, length: u32) -> Fingerprint {
        let [first, second] = source.two_words(start);
        let [keep_first, keep_second] = KEEP.get(place(length)).copied().unwrap_or([u64::MAX; 2]);
        Fingerprint { first: first & keep_first, second: second & keep_second, length }
    }

    /// Of a name that stands elsewhere.
    pub(super) fn of(name: &str) -> Fingerprint {
        let mut words = [0; 16];
        let held = name.len().min(words.len());
        if let (Some(to), Some(from)) = (words.get_mut(..held), name.as_bytes().get(..held)) {
            to.copy_from_slice(from);
        }
        let [first, second] = two_words(words);
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        Fingerprint { first, second, length }
    }

    /// The high bits are the well-mixed ones. Hostile keys can collide: nothing rests on it but
    /// speed, and that only up to a sort.
    #[inline]
    pub(super) fn hash(self) -> u64 {
        let second = (self.second ^ u64::from(self.length)).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        (self.first ^ second.rotate_left(29)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    /// Equality without a branch for each part.
    #[inline]
    pub(super) fn is(self, other: Fingerprint) -> bool {
        let parts = (self.first ^ other.first) | (self.second ^ other.second);
        parts | u64::from(self.length ^ other.length) == 0
    }
}

/// By length, which bits of the two words belong to a key.
const KEEP: [[u64; 2]; 16] = [
    [0, 0],
    [low_bytes(1), 0],
    [low_bytes(2), 0],
    [low_bytes(3), 0],
    [low_bytes(4), 0],
    [low_bytes(5), 0],
    [low_bytes(6), 0],
    [low_bytes(7), 0],
    [low_bytes(8), 0],
    [low_bytes(8), low_bytes(1)],
    [low_bytes(8), low_bytes(2)],
    [low_bytes(8), low_bytes(3)],
    [low_bytes(8), low_bytes(4)],
    [low_bytes(8), low_bytes(5)],
    [low_bytes(8), low_bytes(6)],
    [low_bytes(8), low_bytes(7)],
];

const fn low_bytes(count: u32) -> u64 {
    u64::MAX >> (64 - 8 * count)
}

/// An escaped key is compared as unescaped.
#[cold]
#[inline(never)]
pub(super) fn escaped_key(
    source: Source<'_>,
    vocabulary: &Vocabulary,
    open: u32,
    close: u32,
) -> u16 {
    let quoted = source.text.get(place(open)..=place(close));
    let text = text::unescape(quoted.unwrap_or_default(), true);
    let print = Fingerprint::of(&text);
    vocabulary.number_of(print, || text.as_bytes())
}

/// Whether the object that `nodes` ends with (the node before its first child is `object`) has a
/// key twice. Compares the keys as unescaped; at most sorts them.
#[cold]
#[inline(never)]
pub(super) fn no_key_twice(
    source: Source<'_>,
    nodes: &[Node],
    object: u32,
) -> Result<(), ParseError> {
    let first = place(object).saturating_add(1);
    let children = std::iter::successors(nodes.get(first), |node| nodes.get(place(node.next)));
    let twice = if children.clone().nth(FEW).is_none() {
        twice_of_few(source, &children)
    } else {
        twice_of_many(source, children)
    };
    match twice {
        None => Ok(()),
        Some(at) => Err(ParseError { at: place(at), why: "duplicate key" }),
    }
}

/// Each with each, by a part of their hashes first. The offset of the first that has come before.
fn twice_of_few<'n>(
    source: Source<'_>,
    children: &(impl Iterator<Item = &'n Node> + Clone),
) -> Option<u32> {
    let mut hashes = [0_u32; FEW];
    for (count, node) in children.clone().enumerate() {
        let print = if node.key_escaped {
            Fingerprint::of(&text_of(source, node))
        } else {
            let key = text::key_span(source.text, node);
            let inner = offset(key.len().saturating_sub(2));
            Fingerprint::in_place(source, offset(key.start).wrapping_add(1), inner)
        };
        let hash = u32::try_from(print.hash() >> 32).unwrap_or(0);
        if hashes.get(..count).is_some_and(|before| before.contains(&hash)) {
            let text = text_of(source, node);
            if children.clone().take(count).any(|other| text_of(source, other) == text) {
                return Some(text::member_start(source.text, node));
            }
        }
        if let Some(slot) = hashes.get_mut(count) {
            *slot = hash;
        }
    }
    None
}

/// By sorting: by hash first, which is fast, then by text, which is right.
fn twice_of_many<'n>(source: Source<'_>, children: impl Iterator<Item = &'n Node>) -> Option<u32> {
    let mut keys: Vec<(u64, Cow<'_, str>, u32)> = children
        .map(|node| {
            let text = text_of(source, node);
            (Fingerprint::of(&text).hash(), text, text::member_start(source.text, node))
        })
        .collect();
    keys.sort_unstable();
    let pairs = keys.iter().zip(keys.iter().skip(1));
    let twice = pairs.filter(|(one, next)| one.0 == next.0 && one.1 == next.1);
    twice.map(|(_, next)| next.2).min()
}

/// A document's bytes are counted in 32 bits.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn text_of<'b>(source: Source<'b>, node: &Node) -> Cow<'b, str> {
    text::key_of(source.text, node)
}
