//! Human text → words as the lists compare them: case, accents and look-alike letters folded.
//!
//! Folding makes one form of the many ways a word can be written or disguised: `Dépression`,
//! `DE\u{ad}PRESSION` and `dерression` with Cyrillic letters all become `depression`. Compatibility
//! decomposition (NFKD), combining marks and invisible characters dropped, apostrophes dropped,
//! every other run of characters that are no letters or digits is one space: `self-harm` and
//! `self harm` are the same. An underscore is a space; `CamelCase` is one word.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What the taker of folded bytes asks for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// The next byte.
    Byte,
    /// Nothing of this word any more.
    NextWord,
}

/// Hands the folded text out byte by byte: a space and the first word, a space and the second …
/// Nothing is allocated, and the rest of a word is skipped when the taker asks for that.
#[inline]
pub(super) fn fold(text: &str, take: impl FnMut(u8) -> Want) {
    let mut words = Words { take, between: true, skips: false };
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => words.ascii(byte),
            _ => words.other(character),
        }
    }
}

/// The folded text as one string: the form in which entries are kept.
pub(super) fn folded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    fold(text, |byte| {
        bytes.push(byte);
        Want::Byte
    });
    String::from_utf8_lossy(&bytes).trim_start_matches(' ').to_owned()
}

struct Words<F> {
    take: F,
    /// A separator was met (or nothing yet): a space is due before the next letter.
    between: bool,
    /// The taker wants no more of this word.
    skips: bool,
}

impl<F: FnMut(u8) -> Want> Words<F> {
    #[inline]
    fn ascii(&mut self, byte: u8) {
        match ASCII.get(usize::from(byte)).copied().unwrap_or(SEPARATOR) {
            SEPARATOR => self.between = true,
            DROPPED => {}
            letter => self.letter(letter),
        }
    }

    #[inline]
    fn letter(&mut self, byte: u8) {
        if self.between {
            self.between = false;
            self.skips = (self.take)(b' ') == Want::NextWord;
        }
        if !self.skips {
            self.skips = (self.take)(byte) == Want::NextWord;
        }
    }

    #[cold]
    fn other(&mut self, character: char) {
        if is_invisible(character) || is_apostrophe(character) {
            return;
        }
        if is_mark_beside_a_word(character) {
            self.between = true;
            return;
        }
        decompose_compatible(character, |part| self.part(part));
    }

    fn part(&mut self, part: char) {
        if is_combining_mark(part) {
            return;
        }
        if let Some(latin) = look_alike(part) {
            latin.bytes().for_each(|byte| self.letter(byte));
        } else if let (true, Ok(byte)) = (part.is_ascii(), u8::try_from(part)) {
            self.ascii(byte);
        } else if part.is_alphanumeric() {
            part.to_lowercase().for_each(|lower| self.lower_case(lower));
        } else {
            self.between = true;
        }
    }

    fn lower_case(&mut self, letter: char) {
        let mut buffer = [0; 4];
        let encoded = letter.encode_utf8(&mut buffer);
        look_alike(letter).unwrap_or(encoded).bytes().for_each(|byte| self.letter(byte));
    }
}

const SEPARATOR: u8 = 0;
const DROPPED: u8 = 1;

/// What each ASCII byte becomes: a lower-case letter or digit, nothing, or a word's end.
static ASCII: [u8; 128] = ascii_table();

#[expect(clippy::as_conversions, reason = "no `TryFrom` in a const; the values are below 128")]
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which checks the bound")]
const fn ascii_table() -> [u8; 128] {
    let mut table = [SEPARATOR; 128];
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = byte.to_ascii_lowercase();
        } else if byte == b'\'' || byte == b'`' {
            table[byte as usize] = DROPPED;
        }
        byte += 1;
    }
    table
}

/// Characters that no reader sees and that would split a word for a machine only.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn is_apostrophe(character: char) -> bool {
    matches!(
        character,
        '\u{b4}' | '\u{2b9}'..='\u{2bf}' | '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{ff07}'
    )
}

/// Trade marks and superscript digits: NFKD would glue them to the word (`Zoloft™` → `zolofttm`).
fn is_mark_beside_a_word(character: char) -> bool {
    matches!(
        character,
        '\u{2120}' | '\u{2122}' | '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{2070}'..='\u{208e}'
    )
}

/// The Latin letters a character is read as, or is commonly written as. Upper and lower case of
/// Cyrillic fold alike; Greek letters by what each looks like.
fn look_alike(character: char) -> Option<&'static str> {
    Some(match character {
        'А' | 'а' | 'Α' | 'α' | 'ɑ' | 'ᴀ' => "a",
        'Æ' | 'æ' | 'Ӕ' | 'ӕ' | 'ᴁ' => "ae",
        'В' | 'в' | 'Β' | 'β' | 'Ь' | 'ь' | 'ʙ' | 'ƀ' | 'ɓ' => "b",
        'С' | 'с' | 'Ϲ' | 'ϲ' | 'ᴄ' | 'ƈ' => "c",
        'Ԁ' | 'ԁ' | 'Đ' | 'đ' | 'Ð' | 'ð' | 'ᴅ' | 'ɖ' | 'ɗ' => "d",
        'Е' | 'е' | 'Ε' | 'ε' | 'Є' | 'є' | 'ɛ' | 'ᴇ' | 'ə' | 'Ə' | 'ǝ' => "e",
        'Ғ' | 'ғ' | 'ƒ' | 'ꜰ' | 'Ϝ' | 'ϝ' => "f",
        'ɡ' | 'ɢ' | 'Ԍ' | 'ԍ' | 'ǥ' | 'ɠ' => "g",
        'Н' | 'н' | 'Η' | 'Һ' | 'һ' | 'ʜ' | 'Ħ' | 'ħ' | 'ɦ' => "h",
        'І' | 'і' | 'Ι' | 'ι' | 'ı' | 'ɪ' | 'ɩ' | 'Ӏ' | 'ӏ' | 'ɨ' | 'Ɨ' => "i",
        'Ј' | 'ј' | 'Ϳ' | 'ϳ' | 'ȷ' | 'ᴊ' | 'ɉ' => "j",
        'К' | 'к' | 'Κ' | 'κ' | 'ᴋ' | 'ƙ' => "k",
        'Ł' | 'ł' | 'ʟ' | 'ƚ' | 'ɫ' | 'ɭ' => "l",
        'М' | 'м' | 'Μ' | 'ᴍ' | 'Ϻ' => "m",
        'Ν' | 'η' | 'ɴ' | 'п' | 'П' | 'ŋ' | 'Ŋ' | 'ɲ' => "n",
        'О' | 'о' | 'Ο' | 'ο' | 'Ø' | 'ø' | 'ᴏ' | 'σ' | 'օ' | 'Օ' | 'ɵ' => "o",
        'Œ' | 'œ' | 'ɶ' => "oe",
        'Р' | 'р' | 'Ρ' | 'ρ' | 'ᴘ' | 'ƥ' => "p",
        'Ԛ' | 'ԛ' => "q",
        'г' | 'Г' | 'ʀ' | 'ɾ' | 'ɍ' => "r",
        'Ѕ' | 'ѕ' | 'ꜱ' | 'ʂ' | 'Տ' => "s",
        'ß' | 'ẞ' => "ss",
        'Т' | 'т' | 'Τ' | 'τ' | 'ᴛ' | 'ŧ' | 'Ŧ' => "t",
        'Þ' | 'þ' => "th",
        'υ' | 'μ' | 'ᴜ' | 'ս' | 'Ս' | 'ʋ' => "u",
        'ν' | 'Ѵ' | 'ѵ' | 'ᴠ' => "v",
        'Ԝ' | 'ԝ' | 'ω' | 'ᴡ' | 'ա' => "w",
        'Х' | 'х' | 'Χ' | 'χ' => "x",
        'У' | 'у' | 'Υ' | 'Ү' | 'ү' | 'γ' | 'ʏ' => "y",
        'Ζ' | 'ζ' | 'ᴢ' | 'ƶ' => "z",
        _ => return None,
    })
}
