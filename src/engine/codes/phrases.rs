//! Phrases of the word list and the one automaton that finds them all.

use super::fold::{Want, fold, folded};
use super::tokens::{Token, for_each_token};
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, nfa::contiguous::NFA};

/// Most bytes of folded phrases in a set: a bound on the memory of the automaton.
const PHRASES_BYTES_MAX: usize = 512 * 1024;

/// One or more words, the last of which may be a stem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Phrase {
    folded: String,
    is_stem: bool,
}

impl Phrase {
    /// `None` for an empty phrase or a `*` elsewhere than at the end of a word that ends it.
    pub(super) fn parse(text: &str) -> Option<Phrase> {
        let (text, is_stem) = text.strip_suffix('*').map_or((text, false), |stem| (stem, true));
        let is_in_place = !is_stem || text.ends_with(char::is_alphanumeric);
        let phrase = Phrase { folded: folded(text), is_stem };
        (is_in_place && !text.contains('*') && !phrase.folded.is_empty()).then_some(phrase)
    }

    fn words(&self) -> impl Iterator<Item = &str> + Clone {
        self.folded.split(' ')
    }

    /// Whether there is a text in which this phrase covers a hit of the other.
    pub(super) fn can_cover(&self, hit: &Phrase) -> bool {
        let (mine, theirs) = (self.words().count(), hit.words().count());
        let Some(most_skipped) = mine.checked_sub(theirs) else { return false };
        (0..=most_skipped).any(|skipped| {
            self.words().skip(skipped).zip(hit.words()).enumerate().all(|(index, (a, b))| {
                let a_is_stem = self.is_stem && index.saturating_add(skipped) == mine - 1;
                let b_is_stem = hit.is_stem && index == theirs - 1;
                a == b || (a_is_stem && b.starts_with(a)) || (b_is_stem && a.starts_with(b))
            })
        })
    }

    /// What is looked for in folded text: from the space before the first word, and to the space
    /// after the last one unless that is a stem.
    fn needle(&self) -> String {
        let end = if self.is_stem { "" } else { " " };
        format!(" {}{end}", self.folded)
    }
}

/// All phrases of a set, compiled.
#[derive(Debug)]
pub(super) struct Phrases {
    automaton: NFA,
    /// Nothing was read.
    start: StateID,
    /// One space was read: no phrase is under way.
    space: StateID,
    /// How many words each phrase has.
    words: Vec<usize>,
    starts: Starts,
}

impl Phrases {
    /// Compiles phrases; they are numbered in this order.
    pub(super) fn of<'p>(
        phrases: impl Iterator<Item = &'p Phrase> + Clone,
    ) -> Result<Phrases, String> {
        let bytes: usize = phrases.clone().map(|phrase| phrase.folded.len()).sum();
        if bytes > PHRASES_BYTES_MAX {
            return Err(format!("the set has more than {PHRASES_BYTES_MAX} bytes of words"));
        }
        let needles = phrases.clone().map(Phrase::needle);
        // No prefilter of the crate's: the words that begin no phrase are skipped before it.
        let automaton =
            NFA::builder().prefilter(false).build(needles).map_err(|why| why.to_string())?;
        let start = automaton.start_state(Anchored::No).map_err(|why| why.to_string())?;
        let space = automaton.next_state(Anchored::No, start, b' ');
        let mut starts = Starts::none();
        phrases.clone().for_each(|phrase| starts.add(phrase));
        let words = phrases.map(|phrase| phrase.words().count()).collect();
        Ok(Phrases { automaton, start, space, words, starts })
    }

    /// Finds every occurrence of every phrase: its number, its first and last word, the words of
    /// the text being numbered from 1.
    #[inline]
    pub(super) fn find(&self, text: &str, found: impl FnMut(usize, usize, usize)) {
        let mut walk = Walk { phrases: self, state: self.start, word: 0, found };
        for_each_token(text, |token| match token {
            Token::Plain(word) => walk.plain(word),
            Token::Other(text) => fold(text, |byte| walk.step(byte)),
        });
        walk.step(b' ');
    }
}

/// A walk over one text.
struct Walk<'p, F> {
    phrases: &'p Phrases,
    state: StateID,
    /// Spaces read so far: the number of the word that is being read.
    word: usize,
    found: F,
}

impl<F: FnMut(usize, usize, usize)> Walk<'_, F> {
    #[inline]
    fn plain(&mut self, word: &[u8]) {
        self.step(b' ');
        if self.state == self.phrases.space && !self.phrases.starts.may_start(word) {
            self.state = self.phrases.start;
            return;
        }
        for byte in word {
            if self.step(byte | LOWER_CASE) == Want::NextWord {
                return;
            }
        }
    }

    #[inline]
    fn step(&mut self, byte: u8) -> Want {
        let Phrases { automaton, start, .. } = self.phrases;
        self.state = automaton.next_state(Anchored::No, self.state, byte);
        if automaton.is_special(self.state) && automaton.is_match(self.state) {
            self.matches();
        }
        if byte == b' ' {
            self.word = self.word.saturating_add(1);
        }
        // Phrases begin with a space: from the start no letter leads anywhere.
        if self.state == *start { Want::NextWord } else { Want::Byte }
    }

    #[cold]
    fn matches(&mut self) {
        let Phrases { automaton, words, .. } = self.phrases;
        for index in 0..automaton.match_len(self.state) {
            let phrase = automaton.match_pattern(self.state, index).as_usize();
            let words = words.get(phrase).copied().unwrap_or(1);
            let first = self.word.saturating_add(1).saturating_sub(words);
            (self.found)(phrase, first, self.word);
        }
    }
}

/// The bit that makes an ASCII letter lower case and leaves a digit as it is.
const LOWER_CASE: u8 = 0x20;

/// Which ASCII words may start a phrase, by a hash of their first four letters: wrong in the one
/// direction that costs time only.
#[derive(Debug)]
struct Starts {
    bits: Vec<u64>,
}

impl Starts {
    /// A bit for each hash. With the few thousand phrases of a set one in some twenty is set.
    const BITS_LOG2: u32 = 16;

    fn none() -> Starts {
        Starts { bits: vec![0; 1 << (Starts::BITS_LOG2 - 6)] }
    }

    fn add(&mut self, phrase: &Phrase) {
        let mut words = phrase.words();
        let first = words.next().unwrap_or_default().as_bytes();
        let is_stem = phrase.is_stem && words.next().is_none();
        let mut letters = [0; 4];
        for (to, from) in letters.iter_mut().zip(first) {
            *to = *from;
        }
        self.add_letters(letters, first.len(), is_stem);
    }

    /// A stem of fewer than four letters starts every word that goes on from it.
    fn add_letters(&mut self, letters: [u8; 4], length: usize, is_stem: bool) {
        let (slot, bit) = Starts::place(u32::from_le_bytes(letters));
        if let Some(bits) = self.bits.get_mut(slot) {
            *bits |= bit;
        }
        if !is_stem || length >= letters.len() {
            return;
        }
        for next in (b'a'..=b'z').chain(b'0'..=b'9') {
            let mut longer = letters;
            if let Some(letter) = longer.get_mut(length) {
                *letter = next;
            }
            self.add_letters(longer, length.saturating_add(1), true);
        }
    }

    #[inline]
    fn may_start(&self, word: &[u8]) -> bool {
        let letters = match word {
            [a, b, c, d, ..] => [a | LOWER_CASE, b | LOWER_CASE, c | LOWER_CASE, d | LOWER_CASE],
            [a, b, c] => [a | LOWER_CASE, b | LOWER_CASE, c | LOWER_CASE, 0],
            [a, b] => [a | LOWER_CASE, b | LOWER_CASE, 0, 0],
            [a] => [a | LOWER_CASE, 0, 0, 0],
            [] => [0; 4],
        };
        let (slot, bit) = Starts::place(u32::from_le_bytes(letters));
        self.bits.get(slot).is_some_and(|bits| bits & bit != 0)
    }

    #[inline]
    fn place(letters: u32) -> (usize, u64) {
        let hash = letters.wrapping_mul(0x9e37_79b1) >> (32 - Starts::BITS_LOG2);
        (usize::try_from(hash >> 6).unwrap_or_default(), 1 << (hash & 63))
    }
}
