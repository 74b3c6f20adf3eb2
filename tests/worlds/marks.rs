//! Canaries: marks of 128 random bits in everything hidden, and the search for them, raw or
//! encoded.
//!
//! A mark is a word of 34 letters without vowels: no stem of the word lists, no code and no
//! ordinary text looks like one, so any of them is found without a list of those that were made.

use super::random::Random;
use base64::Engine;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use std::io::Read;

/// Sixteen letters: four bits each.
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrtvw";
/// How every mark begins.
const HEAD: &[u8] = b"zz";
/// Letters after the head.
const BODY_LETTERS: usize = 32;
/// How every mark that is a number begins; 15 digits follow.
const NUMBER_HEAD: &[u8] = b"7777";
const NUMBER_DIGITS: usize = 15;

/// A mark that is a word.
pub fn mark(random: &mut Random) -> String {
    let letters = (0..BODY_LETTERS).map(|_| char::from(LETTERS[random.below(16)]));
    "zz".chars().chain(letters).collect()
}

/// A mark that is a number. One is 50 bits: hidden records carry three of them.
pub fn number(random: &mut Random) -> u64 {
    7_777_000_000_000_000_000 + u64::try_from(random.below(1_000_000_000_000_000)).unwrap()
}

/// The first mark in some bytes: as it stands, or percent-encoded, escaped, in base64 or gzip,
/// or in one of these inside another.
pub fn find(bytes: &[u8]) -> Option<String> {
    find_but(bytes, "")
}

/// The first mark that does not stand in this text: what a reader asked for by name may come back
/// in a link to the next page.
pub fn find_but(bytes: &[u8], asked: &str) -> Option<String> {
    search(bytes, asked, 3)
}

fn search(bytes: &[u8], asked: &str, depth: usize) -> Option<String> {
    if let Some(found) = plain(bytes, asked) {
        return Some(found);
    }
    if depth == 0 {
        return None;
    }
    let decoded = [unescaped(bytes), unpercented(bytes)];
    let inner = decoded.into_iter().flatten().chain(from_base64(bytes)).chain(from_gzip(bytes));
    inner.into_iter().find_map(|bytes| search(&bytes, asked, depth - 1))
}

fn plain(bytes: &[u8], asked: &str) -> Option<String> {
    let is_letter = |byte: &u8| LETTERS.contains(&byte.to_ascii_lowercase());
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        if rest.len() >= HEAD.len() + BODY_LETTERS
            && rest[..HEAD.len()].eq_ignore_ascii_case(HEAD)
            && rest[HEAD.len()..].iter().take(BODY_LETTERS).all(is_letter)
        {
            let mark = String::from_utf8_lossy(&rest[..HEAD.len() + BODY_LETTERS]).into_owned();
            if !asked.contains(&mark) {
                return Some(mark);
            }
        }
        let number = NUMBER_HEAD.len() + NUMBER_DIGITS;
        if rest.starts_with(NUMBER_HEAD)
            && rest.len() >= number
            && rest[..number].iter().all(u8::is_ascii_digit)
        {
            return Some(String::from_utf8_lossy(&rest[..number]).into_owned());
        }
    }
    None
}

/// With `\uXXXX` and `\xXX` replaced by what they stand for.
fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let hex = |digits: &[u8]| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    replaced(bytes, b'\\', |rest| {
        let digits = match rest.first()? {
            b'u' => 4,
            b'x' => 2,
            _ => return None,
        };
        Some((char::from_u32(hex(rest.get(1..=digits)?)?)?, 1 + digits))
    })
}

fn unpercented(bytes: &[u8]) -> Option<Vec<u8>> {
    replaced(bytes, b'%', |rest| {
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        Some((char::from(u8::from_str_radix(digits, 16).ok()?), 2))
    })
}

/// `None` if there is nothing to replace.
fn replaced(
    bytes: &[u8],
    escape: u8,
    meant: impl Fn(&[u8]) -> Option<(char, usize)>,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut at, mut any) = (0, false);
    while at < bytes.len() {
        let found = if bytes[at] == escape { meant(&bytes[at + 1..]) } else { None };
        if let Some((letter, length)) = found {
            out.extend(letter.to_string().bytes());
            at += 1 + length;
            any = true;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    any.then_some(out)
}

/// Every long run of the base64 alphabets, decoded from each of its four alignments.
fn from_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
    let runs = bytes.split(|byte| !is_letter(byte)).filter(|run| run.len() >= 46);
    let mut found = Vec::new();
    for run in runs {
        for from in 0..4 {
            let run = &run[from..];
            // A single letter at the end stands for nothing.
            let whole = &run[..run.len() - usize::from(run.len() % 4 == 1)];
            found.extend([&STANDARD, &URL_SAFE].into_iter().find_map(|it| lenient(it, whole)));
        }
    }
    found
}

fn lenient(alphabet: &Alphabet, run: &[u8]) -> Option<Vec<u8>> {
    let any_end = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, any_end).decode(run).ok()
}

fn from_gzip(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for at in 0..bytes.len().saturating_sub(2) {
        if bytes[at..].starts_with(&[0x1f, 0x8b, 8]) {
            let mut out = Vec::new();
            // What came out before it broke counts too.
            flate2::read::MultiGzDecoder::new(&bytes[at..]).read_to_end(&mut out).ok();
            found.push(out);
        }
    }
    found
}

#[test]
fn a_mark_is_found_however_it_is_written() {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::io::Write;
    let mut random = Random::new(1);
    let (word, figure) = (mark(&mut random), number(&mut random).to_string());
    let number_in = format!("{{\"a\":{figure}}}");
    assert_eq!(find(number_in.as_bytes()), Some(figure));
    let percent: String = word.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = word.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let mut written = vec![word.clone(), percent, escaped, word.to_uppercase()];
    for before in ["", "x", "xy", "xyz"] {
        written.push(STANDARD_NO_PAD.encode(format!("{before}{word} and so on")));
        written.push(URL_SAFE_NO_PAD.encode(format!("{before}{word}")));
    }
    for text in &written {
        let text = format!("{{\"a\":\"{text}\"}}");
        assert!(find(text.as_bytes()).is_some(), "{text}");
        let mut zipped = flate2::write::GzEncoder::new(vec![b'x'; 3], flate2::Compression::fast());
        zipped.write_all(text.as_bytes()).unwrap();
        assert!(find(&zipped.finish().unwrap()).is_some(), "{text} in gzip");
    }
    assert_eq!(find(b"{\"note\":\"zzbcd, and nothing else 77771234\"}"), None);
    // A word cut short by one letter is none.
    assert_eq!(find(&word.as_bytes()[..33]), None);
}
