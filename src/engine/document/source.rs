//! The document as the parser reads it.

use super::scan::ParseError;
use wide::u8x16;

/// The document, read without a bounds check that can fail: past the end are zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'b> {
    pub(super) text: &'b str,
}

impl<'b> Source<'b> {
    pub(super) fn new(text: &'b str) -> Source<'b> {
        Source { text }
    }

    #[inline]
    pub(super) fn bytes(self) -> &'b [u8] {
        self.text.as_bytes()
    }

    #[inline]
    pub(super) fn byte(self, at: u32) -> u8 {
        self.bytes().get(place(at)).copied().unwrap_or(0)
    }

    /// Eight bytes, the first lowest.
    #[inline]
    pub(super) fn word(self, at: u32) -> u64 {
        let eight = self.bytes().get(place(at)..).and_then(|rest| rest.first_chunk::<8>());
        eight.map_or_else(|| self.last_words(at)[0], |eight| u64::from_le_bytes(*eight))
    }

    /// Sixteen bytes, if there are so many.
    #[inline]
    pub(super) fn sixteen(self, at: u32) -> Option<[u8; 16]> {
        self.bytes().get(place(at)..)?.first_chunk::<16>().copied()
    }

    /// Sixteen bytes, the first lowest.
    #[inline]
    pub(super) fn two_words(self, at: u32) -> [u64; 2] {
        self.sixteen(at).map_or_else(|| self.last_words(at), two_words)
    }

    /// How many spaces there are in front, of 32 bytes; fewer near the end.
    #[inline]
    fn spaces(self, at: u32) -> u32 {
        let rest = self.bytes().get(place(at)..).unwrap_or_default();
        let Some(([first, second], _)) = rest.first_chunk::<32>().map(|it| it.as_chunks::<16>())
        else {
            return 0;
        };
        let mask = |part: [u8; 16]| u8x16::new(part).simd_eq(u8x16::splat(b' ')).to_bitmask();
        (mask(*first) | mask(*second) << 16).trailing_ones()
    }

    #[cold]
    #[inline(never)]
    fn last_words(self, at: u32) -> [u64; 2] {
        let rest = self.bytes().get(place(at)..).unwrap_or_default();
        let mut words = [0; 2];
        for (index, byte) in rest.iter().take(16).enumerate() {
            if let Some(word) = words.get_mut(index / 8) {
                *word |= u64::from(*byte) << (index % 8 * 8);
            }
        }
        words
    }

    /// What to say of a token that does not fit: that there is none, if there is none.
    #[cold]
    pub(super) fn wrong(self, at: u32, why: &'static str) -> ParseError {
        let why = match self.bytes().get(place(at)) {
            Some(_) => why,
            None if self.bytes().is_empty() => "empty",
            None => "truncated",
        };
        ParseError { at: place(at), why }
    }
}

/// As two numbers, the first byte lowest.
#[inline]
pub(super) fn two_words(sixteen: [u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(sixteen);
    let low = |word: u128| u64::try_from(word & u128::from(u64::MAX)).unwrap_or(0);
    [low(both), low(both >> 64)]
}

/// An offset or a place in the tape as an index.
#[inline]
pub(super) fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The end of the white space at `at`: mostly one space, or a line break and a run of spaces.
#[inline]
pub(super) fn past_space(source: Source<'_>, at: u32) -> u32 {
    let next = at.wrapping_add(1);
    if source.byte(next) > b' ' && is_space(source.byte(at)) { next } else { past_run(source, at) }
}

fn past_run(source: Source<'_>, mut at: u32) -> u32 {
    while is_space(source.byte(at)) {
        at = at.wrapping_add(1);
        at = at.wrapping_add(source.spaces(at));
    }
    at
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}
