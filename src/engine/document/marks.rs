//! Where strings begin and end: every unescaped quote and every escape, found 64 bytes at a
//! time and a window ahead of the parser, so that no string is looked at byte by byte.

use super::scan::{ParseError, place};
use wide::u8x16;

/// Bytes looked through before the parser goes on: the lists stay in the first-level cache.
const WINDOW_BLOCKS: usize = 32;
const BLOCK: usize = 64;
/// Quotes are written eight at a time, so the list has room for a window and one writing more.
const ROOM: usize = WINDOW_BLOCKS * BLOCK + 16;
/// No more escapes in this window.
const NONE: u32 = u32::MAX;

/// The lists, kept from document to document.
#[derive(Debug, Default)]
pub(super) struct Lists {
    quotes: Vec<u32>,
    escapes: Vec<u32>,
}

/// Hands out strings in document order.
#[derive(Debug)]
pub(super) struct Marks<'b> {
    blocks: std::slice::Iter<'b, [u8; BLOCK]>,
    tail: &'b [u8],
    /// Offset of the next block.
    base: u32,
    /// Whether the next block begins inside a string: 0 or 1.
    inside: u64,
    /// Whether the next block's first byte is escaped: 0 or 1.
    escaped: u64,
    lists: &'b mut Lists,
    /// Quotes in the list, and how many of them are handed out.
    filled: usize,
    taken: usize,
    /// The first escape not looked at yet, and where in the list the one after it is.
    next_escape: u32,
    after_escape: usize,
    /// What ends the strings before the bytes do.
    stop: Option<ParseError>,
    end: u32,
}

/// One string, as the quotes lie.
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
    pub(super) fn new(bytes: &'b [u8], end: u32, lists: &'b mut Lists) -> Marks<'b> {
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        lists.quotes.resize(ROOM, 0);
        lists.escapes.clear();
        Marks {
            blocks: blocks.iter(),
            tail,
            base: 0,
            inside: 0,
            escaped: 0,
            lists,
            filled: 0,
            taken: 0,
            next_escape: NONE,
            after_escape: 0,
            stop: None,
            end,
        }
    }

    /// The next string. It must begin at `at`: everything before it has been parsed, so the
    /// next quote not handed out can lie nowhere else.
    #[inline]
    pub(super) fn string(&mut self, at: u32) -> Result<Quoted, ParseError> {
        let mut pair = self.pair();
        if pair.is_none() {
            self.refill();
            pair = self.pair();
        }
        let Some([open, close]) = pair else { return Err(self.ended()) };
        if open != at {
            return Err(ParseError { at: place(at), why: "a stray quote" });
        }
        self.taken = self.taken.wrapping_add(2);
        Ok(Quoted { open, close, escaped: self.next_escape < close })
    }

    /// The next escape before `close`, handed out once.
    pub(super) fn escape(&mut self, close: u32) -> Option<u32> {
        let escape = self.next_escape;
        if escape >= close {
            return None;
        }
        self.next_escape = self.lists.escapes.get(self.after_escape).copied().unwrap_or(NONE);
        self.after_escape = self.after_escape.wrapping_add(1);
        Some(escape)
    }

    #[inline]
    fn pair(&self) -> Option<[u32; 2]> {
        let after = self.taken.wrapping_add(2);
        if after > self.filled {
            return None;
        }
        self.lists.quotes.get(self.taken..after)?.first_chunk::<2>().copied()
    }

    #[cold]
    fn ended(&self) -> ParseError {
        self.stop.unwrap_or(ParseError { at: place(self.end), why: "truncated" })
    }

    /// Looks through windows until there is a whole string again, or nothing more.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        let left = self.lists.quotes.get(self.taken).copied().filter(|_| self.taken < self.filled);
        self.filled = usize::from(left.is_some());
        self.taken = 0;
        if let (Some(quote), Some(first)) = (left, self.lists.quotes.first_mut()) {
            *first = quote;
        }
        let done = self.after_escape.saturating_sub(usize::from(self.next_escape != NONE));
        self.lists.escapes.drain(..done.min(self.lists.escapes.len()));
        while self.filled < 2 && self.stop.is_none() && self.window() {}
        self.next_escape = self.lists.escapes.first().copied().unwrap_or(NONE);
        self.after_escape = 1;
    }

    /// Looks through one window; false when there was none.
    fn window(&mut self) -> bool {
        for _ in 0..WINDOW_BLOCKS {
            match self.blocks.next() {
                Some(block) => self.block(block),
                None if self.tail.is_empty() => return false,
                None => {
                    let mut block = [b' '; BLOCK];
                    for (to, from) in block.iter_mut().zip(std::mem::take(&mut self.tail)) {
                        *to = *from;
                    }
                    self.block(&block);
                }
            }
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
        if found.backslash | self.escaped != 0 {
            let escaped = self.escapes(found.backslash);
            quotes &= !escaped;
            self.push_escapes(found.backslash & !escaped, base);
        }
        if found.control != 0 {
            let control = found.control & (up_to_each(quotes) ^ self.inside.wrapping_neg());
            if control != 0 {
                let at = base.wrapping_add(control.trailing_zeros());
                self.stop = Some(ParseError { at: place(at), why: "a control character" });
                quotes &= (control & control.wrapping_neg()).wrapping_sub(1);
            }
        }
        self.push_quotes(quotes, base);
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
            self.lists.escapes.push(base.wrapping_add(mask.trailing_zeros()));
            mask &= mask.wrapping_sub(1);
        }
    }

    /// Writes eight at a time whether there are eight or not: cheaper than a mispredicted branch
    /// for each.
    #[inline]
    fn push_quotes(&mut self, mut mask: u64, base: u32) {
        let count = mask.count_ones();
        let mut at = self.filled;
        self.filled = at.wrapping_add(place(count));
        self.inside ^= u64::from(count & 1);
        while mask != 0 {
            let Some(slots) =
                self.lists.quotes.get_mut(at..).and_then(|l| l.first_chunk_mut::<8>())
            else {
                return;
            };
            for slot in slots {
                *slot = base.wrapping_add(mask.trailing_zeros());
                mask &= mask.wrapping_sub(1);
            }
            at = at.wrapping_add(8);
        }
    }
}

/// A bit for each byte of a block, the first byte lowest.
struct Found {
    quote: u64,
    backslash: u64,
    control: u64,
}

impl Found {
    #[inline]
    fn of(block: &[u8; BLOCK]) -> Found {
        let mut found = Found { quote: 0, backslash: 0, control: 0 };
        let (vectors, _) = block.as_chunks::<16>();
        for vector in vectors.iter().rev() {
            let vector = u8x16::new(*vector);
            let mask = |of: u8x16| u64::from(of.to_bitmask());
            found.quote = found.quote << 16 | mask(vector.simd_eq(u8x16::splat(b'"')));
            found.backslash = found.backslash << 16 | mask(vector.simd_eq(u8x16::splat(b'\\')));
            let low = vector.min(u8x16::splat(0x1F));
            found.control = found.control << 16 | mask(vector.simd_eq(low));
        }
        found
    }
}

/// Bit n is set if an odd number of bits up to and with n is: inside a string, or its opening
/// quote.
fn up_to_each(mut mask: u64) -> u64 {
    for by in [1, 2, 4, 8, 16, 32] {
        mask ^= mask << by;
    }
    mask
}
