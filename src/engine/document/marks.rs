//! Where strings end: every closing quote and every escape, found 64 bytes at a time and a window
//! ahead of the parser, so that no string is looked at byte by byte.

use super::scan::ParseError;
use super::source::place;
use wide::u8x16;

/// Bytes looked through before the parser goes on: the lists stay in the first-level cache.
const WINDOW_BLOCKS: usize = 32;
const BLOCK: usize = 64;
/// Closing closes are written so many at a time.
const AT_ONCE: usize = 6;
/// Room for those of a window (every second byte at most) and for one writing more.
const ROOM: usize = WINDOW_BLOCKS * BLOCK / 2 + AT_ONCE;
/// Stands behind the last closing quote: no string ends at 0.
const SPENT: u32 = 0;
/// No more escapes in this window.
const NONE: u32 = u32::MAX;

/// The lists, kept from document to document.
#[derive(Debug, Default)]
pub(super) struct Room {
    closes: Vec<u32>,
    escapes: Vec<u32>,
}

/// Hands out strings in document order.
#[derive(Debug)]
pub(super) struct Marks<'b> {
    blocks: std::slice::Iter<'b, [u8; BLOCK]>,
    tail: &'b [u8],
    /// Offset of the next block.
    base: u32,
    /// Whether the next block begins inside a string: all bits or none.
    inside: u64,
    /// Whether the next block's first byte is escaped: 0 or 1.
    escaped: u64,
    /// Closing quotes, and behind them SPENT; those before `taken` are handed out.
    closes: Vec<u32>,
    filled: usize,
    taken: usize,
    /// Escapes; the first not looked at yet, and where in the list the one after it is.
    escapes: Vec<u32>,
    next_escape: u32,
    after_escape: usize,
    /// What ends the strings before the bytes do.
    stop: Option<ParseError>,
    end: u32,
}

/// One string, as the closes lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quoted {
    /// Offset of the opening quote.
    pub(super) open: u32,
    /// Offset of the closing quote.
    pub(super) close: u32,
    /// Whether there is a backslash between them.
    pub(super) escaped: bool,
}

impl<'b> Marks<'b> {
    pub(super) fn new(bytes: &'b [u8], end: u32, room: Room) -> Marks<'b> {
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        let Room { mut closes, mut escapes } = room;
        closes.resize(ROOM, SPENT);
        if let Some(first) = closes.first_mut() {
            *first = SPENT;
        }
        escapes.clear();
        Marks {
            blocks: blocks.iter(),
            tail,
            base: 0,
            inside: 0,
            escaped: 0,
            closes,
            filled: 0,
            taken: 0,
            escapes,
            next_escape: NONE,
            after_escape: 0,
            stop: None,
            end,
        }
    }

    /// Gives the lists back.
    pub(super) fn into_room(self) -> Room {
        Room { closes: self.closes, escapes: self.escapes }
    }

    /// The string that begins at `at`. Everything before has been parsed, so every quote and
    /// backslash before belongs to a string, and the next closing quote is this one's.
    #[inline]
    pub(super) fn string(&mut self, at: u32) -> Result<Quoted, ParseError> {
        let close = match self.closes.get(self.taken) {
            Some(close) if *close > at => *close,
            _ => self.refilled(at)?,
        };
        self.taken = self.taken.wrapping_add(1);
        Ok(Quoted { open: at, close, escaped: self.next_escape < close })
    }

    /// The next escape before `close`, handed out once.
    pub(super) fn escape(&mut self, close: u32) -> Option<u32> {
        let escape = self.next_escape;
        if escape >= close {
            return None;
        }
        self.next_escape = self.escapes.get(self.after_escape).copied().unwrap_or(NONE);
        self.after_escape = self.after_escape.wrapping_add(1);
        Some(escape)
    }

    /// Passes over strings that are known to stand in front, and to have no escapes.
    #[inline]
    pub(super) fn skip(&mut self, strings: u16) {
        self.taken = self.taken.wrapping_add(usize::from(strings));
        if self.taken > self.filled {
            self.skip_windows();
        }
    }

    #[cold]
    #[inline(never)]
    fn skip_windows(&mut self) {
        while self.taken > self.filled {
            let rest = self.taken.wrapping_sub(self.filled);
            self.fill();
            self.taken = if self.filled == 0 { 0 } else { rest };
        }
    }

    /// Looks through windows until one has the end of a string; gives back the first.
    #[cold]
    #[inline(never)]
    fn refilled(&mut self, at: u32) -> Result<u32, ParseError> {
        if self.taken < self.filled {
            return Err(ParseError { at: place(at), why: "a stray quote" });
        }
        self.fill();
        match self.closes.first() {
            Some(close) if *close > at => Ok(*close),
            _ => Err(self.stop.unwrap_or(ParseError { at: place(self.end), why: "truncated" })),
        }
    }

    /// Looks through windows until one has the end of a string, or there is none.
    fn fill(&mut self) {
        self.filled = 0;
        self.taken = 0;
        let done = self.after_escape.saturating_sub(usize::from(self.next_escape != NONE));
        self.escapes.drain(..done.min(self.escapes.len()));
        while self.filled == 0 && self.stop.is_none() && self.window() {}
        self.next_escape = self.escapes.first().copied().unwrap_or(NONE);
        self.after_escape = 1;
        if let Some(slot) = self.closes.get_mut(self.filled) {
            *slot = SPENT;
        }
    }

    /// Looks through one window; false when there was none.
    #[inline]
    fn window(&mut self) -> bool {
        let mut padded = [b' '; BLOCK];
        for _ in 0..WINDOW_BLOCKS {
            let block = match self.blocks.next() {
                Some(block) => block,
                None if self.tail.is_empty() => return false,
                None => {
                    for (to, from) in padded.iter_mut().zip(std::mem::take(&mut self.tail)) {
                        *to = *from;
                    }
                    &padded
                }
            };
            self.block(block);
            if self.stop.is_some() {
                return false;
            }
        }
        true
    }

    #[inline]
    fn block(&mut self, block: &[u8; BLOCK]) {
        let found = Found::of(block);
        let base = self.base;
        self.base = base.wrapping_add(64);
        let mut quotes = found.quote;
        if found.any_backslash || self.escaped != 0 {
            let backslash = Found::mask(block, |vector| vector.simd_eq(u8x16::splat(b'\\')));
            let escaped = self.escapes(backslash);
            quotes &= !escaped;
            self.push_escapes(backslash & !escaped, base);
        }
        // From an opening quote to before the closing one.
        let inside = up_to_each(quotes) ^ self.inside;
        self.inside = if inside >> 63 == 0 { 0 } else { u64::MAX };
        let mut closes = quotes & !inside;
        if found.any_control {
            let low = |vector: u8x16| vector.min(u8x16::splat(0x1F)).simd_eq(vector);
            let control = Found::mask(block, low) & inside;
            if control != 0 {
                let at = base.wrapping_add(control.trailing_zeros());
                self.stop = Some(ParseError { at: place(at), why: "a control character" });
                closes &= (control & control.wrapping_neg()).wrapping_sub(1);
            }
        }
        self.push_closes(closes, base);
    }

    /// Which bytes of the block an (odd) backslash stands before.
    fn escapes(&mut self, backslash: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslash = backslash & !self.escaped;
        let follows = (backslash << 1) | self.escaped;
        let odd_starts = backslash & !EVEN & !follows;
        let (even_runs, carry) = odd_starts.overflowing_add(backslash);
        self.escaped = u64::from(carry);
        (EVEN ^ (even_runs << 1)) & follows
    }

    fn push_escapes(&mut self, mut mask: u64, base: u32) {
        while mask != 0 {
            self.escapes.push(base.wrapping_add(mask.trailing_zeros()));
            mask &= mask.wrapping_sub(1);
        }
    }

    /// Writes several at a time whether there are so many or not: cheaper than a mispredicted
    /// branch for each.
    #[inline]
    fn push_closes(&mut self, mut mask: u64, base: u32) {
        let mut at = self.filled;
        self.filled = at.wrapping_add(place(mask.count_ones()));
        while mask != 0 {
            let slots =
                self.closes.get_mut(at..).and_then(|list| list.first_chunk_mut::<AT_ONCE>());
            let Some(slots) = slots else { return };
            for slot in slots {
                // Never zero, so that no instruction is spent on that case.
                *slot = base.wrapping_add((mask | 1 << 63).trailing_zeros());
                mask &= mask.wrapping_sub(1);
            }
            at = at.wrapping_add(AT_ONCE);
        }
    }
}

/// What one block holds.
struct Found {
    /// A bit for each byte, the first byte lowest.
    quote: u64,
    any_backslash: bool,
    any_control: bool,
}

impl Found {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Found {
        let (mut backslash, mut least) = (u8x16::splat(0), u8x16::splat(0xFF));
        let quote = Found::mask(block, |vector| {
            backslash |= vector.simd_eq(u8x16::splat(b'\\'));
            least = least.min(vector);
            vector.simd_eq(u8x16::splat(b'"'))
        });
        let any_control = least.min(u8x16::splat(0x1F)).simd_eq(least).to_bitmask() != 0;
        Found { quote, any_backslash: backslash.to_bitmask() != 0, any_control }
    }

    /// A bit for each byte of the block that `test` sets.
    #[inline]
    fn mask(block: &[u8; BLOCK], mut test: impl FnMut(u8x16) -> u8x16) -> u64 {
        let (vectors, _) = block.as_chunks::<16>();
        let masks = vectors.iter().rev().map(|vector| test(u8x16::new(*vector)).to_bitmask());
        masks.fold(0, |mask, next| mask << 16 | u64::from(next))
    }
}

/// Bit n is set if an odd number of bits up to and with n is.
#[inline]
fn up_to_each(mut mask: u64) -> u64 {
    for by in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << by;
    }
    mask
}
