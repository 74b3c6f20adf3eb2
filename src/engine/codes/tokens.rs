//! Where the words of a text are, 64 bytes at a time.
//!
//! Most words of most texts begin no phrase of any list. To skip them cheaply a text is cut at
//! ASCII separators, by bit masks of whole blocks, into tokens; only what looks like the start of
//! a phrase, or needs folding by character, is then looked at byte by byte.

/// A run of bytes without an ASCII separator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// ASCII letters and digits: one word.
    Plain(&'t [u8]),
    /// Apostrophes or anything beyond ASCII in it: to be folded, may be several words or none.
    Other(&'t str),
}

/// Bytes looked at together: one bit each in a mask.
const BLOCK_BYTES: usize = 64;

/// Hands out the tokens of a text in order.
#[inline]
pub(super) fn for_each_token<'t>(text: &'t str, mut take: impl FnMut(Token<'t>)) {
    let mut from = 0;
    while let Some(rest) = text.as_bytes().get(from..).filter(|rest| !rest.is_empty()) {
        let padded;
        let block = if let Some(block) = rest.first_chunk() {
            block
        } else {
            padded = padded_block(rest);
            &padded
        };
        let other = mask(block, is_other);
        let mut left = other | mask(block, is_plain);
        let mut next = BLOCK_BYTES;
        while left != 0 {
            let start = index(left.trailing_zeros());
            let length = index((!(left >> start)).trailing_zeros());
            if start.saturating_add(length) >= BLOCK_BYTES && rest.len() > BLOCK_BYTES {
                // It may go on beyond the block: the next one starts with it.
                next = start;
                break;
            }
            let token = u64::MAX >> BLOCK_BYTES.saturating_sub(length) << start;
            left &= !token;
            hand_out(text, from.saturating_add(start), length, other & token != 0, &mut take);
        }
        if next == 0 {
            let end = rest.iter().position(|byte| !is_other(*byte) && !is_plain(*byte));
            next = end.unwrap_or(rest.len());
            hand_out(text, from, next, true, &mut take);
        }
        from = from.saturating_add(next);
    }
}

#[inline]
fn hand_out<'t>(
    text: &'t str,
    start: usize,
    length: usize,
    is_other: bool,
    take: &mut impl FnMut(Token<'t>),
) {
    // Cut at ASCII bytes, so never inside a character.
    let range = start..start.saturating_add(length);
    if is_other {
        text.get(range).map(Token::Other).into_iter().for_each(take);
    } else {
        text.as_bytes().get(range).map(Token::Plain).into_iter().for_each(take);
    }
}

fn padded_block(rest: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut block = [b' '; BLOCK_BYTES];
    if let Some(start) = block.get_mut(..rest.len()) {
        start.copy_from_slice(rest);
    }
    block
}

#[inline]
fn is_plain(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10)
}

#[inline]
#[expect(clippy::needless_bitwise_bool, reason = "without short cuts a block is compared at once")]
fn is_other(byte: u8) -> bool {
    (byte >= 0x80) | (byte == b'\'') | (byte == b'`')
}

/// Bit by bit, whether the byte is such.
#[inline]
fn mask(block: &[u8; BLOCK_BYTES], is_such: impl Fn(u8) -> bool) -> u64 {
    let mut flags = [0_u8; BLOCK_BYTES];
    for (flag, byte) in flags.iter_mut().zip(block) {
        *flag = u8::from(is_such(*byte));
    }
    // The multiplication moves the eight flags of a chunk next to each other, into its top byte.
    let (chunks, _) = flags.as_chunks::<8>();
    chunks.iter().rev().fold(0, |mask, chunk| {
        let bits = u64::from_le_bytes(*chunk).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        (mask << 8) | bits
    })
}

#[inline]
fn index(bit: u32) -> usize {
    usize::try_from(bit).unwrap_or(BLOCK_BYTES)
}
