//! The chain: every line carries its number and a hash over the line before and itself.
//!
//! A line is `{"n":7,…,"hash":"…"}` and a line feed. Its hash is the SHA-256 of the 32 bytes of
//! the hash before it (zeros before the first line) and of everything in the line that stands
//! before `,"hash":`. So a line that was changed is found in itself, and one that was removed,
//! moved or put in is found where it is missing or stands. Who knows the last hash knows all.

use super::key::Signer;
use aws_lc_rs::digest::{Context, SHA256};
use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::str::FromStr;

/// Longest line, bytes. A body of 8 MiB has far fewer subjects and rules than fill it; a longer
/// entry is not written, so its answer does not leave.
pub(super) const LINE_BYTES_MAX: usize = 16 << 20;

const NUMBER: &[u8] = b"{\"n\":";
const HASH: &[u8] = b",\"hash\":\"";
const SIGNATURE: &[u8] = b",\"signature\":\"";
const END: &[u8] = b"\"}\n";

/// What is signed begins with this, so that a signature means nothing anywhere else.
const SIGNED_AS: &[u8] = b"sequester audit 1\n";

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What stands before the first line.
    pub const NONE: Hash = Hash([0; 32]);

    /// Of a line, by what stands before its hash.
    fn following(before: &Hash, body: &[u8]) -> Hash {
        let mut context = Context::new(&SHA256);
        context.update(&before.0);
        context.update(body);
        Hash(context.finish().as_ref().try_into().unwrap_or_default())
    }

    /// 64 digits, small letters only: two spellings of one hash would be a change nobody sees.
    pub(super) fn from_hex(text: &[u8]) -> Option<Hash> {
        Some(Hash(from_hex(text)?))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bytes of a fixed number, written in hex with small letters.
pub(super) fn from_hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != N.checked_mul(2)? {
        return None;
    }
    let mut wrong = false;
    for (byte, [high, low]) in bytes.iter_mut().zip(text.as_chunks().0) {
        let (high, low) = (digit_value(*high), digit_value(*low));
        wrong |= (high | low) > 15;
        *byte = high << 4 | low & 15;
    }
    (!wrong).then_some(bytes)
}

/// More than 15 for what is no digit. Digits of hashes are any: a branch for each would be guessed
/// wrong, so there is none.
fn digit_value(digit: u8) -> u8 {
    let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
    let of_letter = if letter < 6 { letter.wrapping_add(10) } else { 0xFF };
    if number < 10 { number } else { of_letter }
}

/// Two small letters or digits for each byte.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(if half < 10 { b'0' + half } else { b'a' + (half - 10) });
    let mut hex = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        hex.push(digit(byte >> 4));
        hex.push(digit(byte & 15));
    }
    hex
}

/// The last line of a chain: its number and its hash. Whoever keeps one elsewhere can tell later
/// whether the log up to there is still what it was. Written `7:ab…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the line; 0 before the first.
    pub n: u64,
    /// Its hash.
    pub hash: Hash,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.n, self.hash)
    }
}

impl FromStr for Head {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Head, &'static str> {
        let wrong = "write a number, `:` and a hash of 64 hex digits, as `audit verify` prints it";
        let (n, hash) = text.split_once(':').ok_or(wrong)?;
        let hash = Hash::from_hex(hash.as_bytes()).ok_or(wrong)?;
        Ok(Head { n: n.parse().map_err(|_| wrong)?, hash })
    }
}

impl Head {
    /// Before the first line of all.
    pub(super) const START: Head = Head { n: 0, hash: Hash::NONE };

    /// Writes the next line, made of a JSON object, and signs it where there is a signer. `None`
    /// only for what is no object.
    pub(super) fn link(
        self,
        object: &[u8],
        signer: Option<&Signer>,
        out: &mut Vec<u8>,
    ) -> Option<Head> {
        let members = object.strip_prefix(b"{")?.strip_suffix(b"}")?;
        let n = self.n.checked_add(1)?;
        let from = out.len();
        // Writing to a `Vec` cannot fail.
        write!(out, "{{\"n\":{n},").unwrap_or_default();
        out.extend_from_slice(members);
        if let Some(signer) = signer {
            let signature = signer.sign(&signed_bytes(self.hash, out.get(from..)?))?;
            out.extend_from_slice(SIGNATURE);
            out.extend_from_slice(to_hex(&signature).as_bytes());
            out.push(b'"');
        }
        let hash = Hash::following(&self.hash, out.get(from..)?);
        out.extend_from_slice(HASH);
        out.extend_from_slice(to_hex(&hash.0).as_bytes());
        out.extend_from_slice(END);
        Some(Head { n, hash })
    }
}

/// A signature is over the hash of the line before, and so over all lines before, and over its
/// own line up to `,"signature":`.
pub(super) fn signed_bytes(before: Hash, body: &[u8]) -> Vec<u8> {
    [SIGNED_AS, &before.0, body].concat()
}

/// A line, taken apart without reading its JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) n: u64,
    pub(super) hash: Hash,
    /// What the hash is over.
    pub(super) body: &'a [u8],
    /// What follows the number.
    rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// `None` if this is no line of a chain, or one that is cut off.
    pub(super) fn read(line: &'a [u8]) -> Option<Line<'a>> {
        let line = line.strip_suffix(END)?;
        let (body, hash) = line.split_at_checked(line.len().checked_sub(64)?)?;
        let body = body.strip_suffix(HASH)?;
        let rest = body.strip_prefix(NUMBER)?;
        let (digits, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == b',')?)?;
        let n = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some(Line { n, hash: Hash::from_hex(hash)?, body, rest })
    }

    /// What its hash must be after that one.
    fn hash_after(&self, before: &Hash) -> Hash {
        Hash::following(before, self.body)
    }

    /// Whether it is a line about the log itself: those begin with their event, entries with the
    /// time.
    pub(super) fn is_mark(&self) -> bool {
        self.rest.starts_with(b",\"event\":\"")
    }

    /// Its object, without its hash.
    pub(super) fn object(&self) -> Vec<u8> {
        [self.body, b"}"].concat()
    }

    /// What is signed of it, and the signature, if it has one.
    pub(super) fn signature(&self) -> Option<(&'a [u8], [u8; 64])> {
        let line = self.body.strip_suffix(b"\"")?;
        let (body, signature) = line.split_at_checked(line.len().checked_sub(128)?)?;
        Some((body.strip_suffix(SIGNATURE)?, from_hex(signature)?))
    }
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is not as it was written, or what stood before it is not.
    Changed,
    /// Lines with these numbers do not stand before it.
    Missing { from: u64, to: u64 },
    /// It stands where another belongs, or twice.
    Misplaced { expected: u64 },
}

/// Follows a chain line by line, and finds its way again after a broken line.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    n: u64,
    /// What the hash before the next line may be: of a line that was changed, what it says and
    /// what it should say, for either may have been changed. None: anything.
    before: Option<(Hash, Hash)>,
    /// The number that was expected where a number was too high.
    jumped_at: Option<u64>,
}

impl Chain {
    pub(super) fn after(head: Head) -> Chain {
        Chain { n: head.n, before: Some((head.hash, head.hash)), jumped_at: None }
    }

    /// The last line that was followed.
    pub(super) fn head(&self) -> Head {
        Head { n: self.n, hash: self.before.map_or(Hash::NONE, |(said, _)| said) }
    }

    /// Something that is no line stands in place of one.
    pub(super) fn unreadable(&mut self) {
        self.n = self.n.saturating_add(1);
        self.before = None;
    }

    /// The next line. If it is in its place, the hash before it is returned, where it is known.
    pub(super) fn follow(&mut self, line: &Line<'_>) -> Result<Option<Hash>, Broken> {
        let mut expected = self.n.saturating_add(1);
        if let Some(was) = self.jumped_at.take()
            && line.n == was.saturating_add(1)
        {
            // Only the number of the line before was wrong.
            expected = line.n;
        }
        if line.n < expected {
            return Err(Broken::Misplaced { expected });
        }
        let computed = self.before.map(|(said, _)| line.hash_after(&said));
        let before = match self.before {
            None => Ok(None),
            Some((said, _)) if computed == Some(line.hash) => Ok(Some(said)),
            Some((_, should)) if line.hash_after(&should) == line.hash => Ok(Some(should)),
            Some(_) => Err(Broken::Changed),
        };
        self.n = line.n;
        if line.n > expected {
            self.before = Some((line.hash, computed.unwrap_or(line.hash)));
            self.jumped_at = Some(expected);
            return Err(Broken::Missing { from: expected, to: line.n.saturating_sub(1) });
        }
        let should = if before.is_ok() { None } else { computed };
        self.before = Some((line.hash, should.unwrap_or(line.hash)));
        before
    }
}

/// The lines of a file, each with its line feed where it has one.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    /// Bytes before the current line.
    pub(super) offset: u64,
    /// The number of the current line in its file, from 1.
    pub(super) number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(input: R) -> Lines<R> {
        Lines { input, line: Vec::new(), offset: 0, number: 0 }
    }

    /// The next one. What is longer than any line may be comes in parts, none of which is a line.
    pub(super) fn next_line(&mut self) -> io::Result<Option<&[u8]>> {
        self.offset = self.offset.saturating_add(self.line.len().try_into().unwrap_or(u64::MAX));
        self.line.clear();
        let most = LINE_BYTES_MAX.saturating_add(1024).try_into().unwrap_or(u64::MAX);
        let read = (&mut self.input).take(most).read_until(b'\n', &mut self.line)?;
        self.number = self.number.saturating_add(1);
        Ok((read > 0).then_some(&self.line))
    }
}
