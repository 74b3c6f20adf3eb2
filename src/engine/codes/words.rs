//! The word list: stems and phrases looked for at word starts of human text.
//!
//! The phrases of all entries are one automaton over folded text; what cancels hits is another,
//! which runs only over a text with a hit that something may cancel. A phrase that cancels does
//! so by whole words: it covers a hit if every word the hit touches lies inside it.

use super::Hits;
use super::lines::{Column, Line, lines};
use super::lists::{self, Place, warning};
use super::phrases::{Phrase, Phrases};
use crate::engine::category::{Categories, Category};
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, Span};
use std::collections::BTreeMap;

const COLUMNS: [Column; 6] = [
    Column::required(&["words"]),
    Column::required(&["category"]),
    Column::optional(&["reach"]),
    Column::optional(&["not_in"]),
    Column::optional(&["source"]),
    Column::optional(&["note"]),
];
const WORDS: usize = 0;
const CATEGORY: usize = 1;
const REACH: usize = 2;
const NOT_IN: usize = 3;

/// A row of `words.csv`.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What a hit gives.
    pub(super) categories: Categories,
    /// Where the row stands.
    pub(super) place: Place,
    hits: Hits,
    /// Whether the row has a `not_in`.
    can_be_cancelled: bool,
}

/// Phrases, each of one or more entries.
#[derive(Debug, Default)]
struct Finder {
    phrases: Option<Phrases>,
    /// By number of the phrase: the numbers of its entries.
    entries: Vec<Vec<usize>>,
}

impl Finder {
    fn of(phrases: BTreeMap<Phrase, Vec<usize>>) -> Result<Finder, String> {
        let compiled = Phrases::of(phrases.keys())?;
        Ok(Finder { phrases: Some(compiled), entries: phrases.into_values().collect() })
    }

    /// Finds every phrase: the entry, the first and the last word.
    #[inline]
    fn find(&self, text: &str, mut found: impl FnMut(usize, usize, usize)) {
        let Some(phrases) = &self.phrases else { return };
        phrases.find(text, |phrase, first, last| {
            for entry in self.entries.get(phrase).into_iter().flatten() {
                found(*entry, first, last);
            }
        });
    }
}

/// A hit or what cancels hits: entry, first word, whether a hit, last word. In order, what
/// cancels stands before the hits that it may cover.
type Event = (usize, usize, bool, usize);

/// All entries of a set, compiled.
#[derive(Debug, Default)]
pub(super) struct WordList {
    entries: Vec<Entry>,
    hits: Finder,
    cancels: Finder,
}

impl WordList {
    /// Reads the files named `words.csv`.
    pub(super) fn read<'f>(
        files: impl Iterator<Item = &'f SourceFile>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> WordList {
        let mut entries = Vec::new();
        let mut hits = BTreeMap::<Phrase, Vec<usize>>::new();
        let mut cancels = BTreeMap::<Phrase, Vec<usize>>::new();
        let mut last_file = None;
        for file in files {
            last_file = Some(file);
            for line in lines(file, &COLUMNS, mistakes) {
                let Some((entry, phrase, cancelling)) = entry(file, &line, mistakes) else {
                    continue;
                };
                hits.entry(phrase).or_default().push(entries.len());
                for phrase in cancelling {
                    cancels.entry(phrase).or_default().push(entries.len());
                }
                entries.push(entry);
            }
        }
        match (Finder::of(hits), Finder::of(cancels), last_file) {
            (Ok(hits), Ok(cancels), _) => WordList { entries, hits, cancels },
            (Err(message), _, file) | (_, Err(message), file) => {
                let mistake = file.map(|file| Diagnostic::error(file, Span::default(), message));
                mistakes.extend(mistake);
                WordList::default()
            }
        }
    }

    /// Whether there is any entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the words of a text say.
    pub(super) fn look_up(&self, text: &str) -> Hits {
        let mut hits = Hits::default();
        let mut events = Vec::new();
        self.hits.find(text, |entry, first, last| match self.entries.get(entry) {
            Some(entry) if !entry.can_be_cancelled => hits = hits.union(entry.hits),
            Some(_) | None => events.push((entry, first, true, last)),
        });
        // What would say nothing new need not be looked into.
        events.retain(|event| self.entries.get(event.0).is_some_and(|e| e.hits.adds_to(hits)));
        self.uncancelled(text, events).fold(hits, |hits, entry| hits.union(entry.hits))
    }

    /// The entries behind [`WordList::look_up`].
    pub(super) fn entries_of(&self, text: &str) -> Vec<&Entry> {
        let mut events = Vec::new();
        self.hits.find(text, |entry, first, last| events.push((entry, first, true, last)));
        self.uncancelled(text, events).collect()
    }

    /// The entries with a hit that nothing covers, each once.
    fn uncancelled(&self, text: &str, mut events: Vec<Event>) -> impl Iterator<Item = &Entry> {
        if !events.is_empty() {
            self.cancels.find(text, |entry, first, last| events.push((entry, first, false, last)));
        }
        events.sort_unstable();
        let mut open: Vec<_> = Vec::new();
        for of_entry in events.chunk_by(|a, b| a.0 == b.0) {
            // Sorted by first word: whatever reaches furthest so far covers, if anything does.
            let mut covered_to = 0;
            let is_open = of_entry.iter().any(|(_, _, is_hit, last)| {
                if !is_hit {
                    covered_to = covered_to.max(*last);
                }
                *is_hit && *last > covered_to
            });
            open.extend(of_entry.first().filter(|_| is_open).map(|event| event.0));
        }
        open.into_iter().filter_map(|entry| self.entries.get(entry))
    }
}

/// Reads a row: the entry, its phrase, and the phrases that cancel it.
fn entry(
    file: &SourceFile,
    line: &Line,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<(Entry, Phrase, Vec<Phrase>)> {
    let words = line.cell(WORDS);
    let phrase = words.and_then(|cell| phrase(file, line, cell, &cell.value, mistakes));
    let cancelling = not_in(file, line, phrase.as_ref(), mistakes);
    let categories = lists::categories(file, line, CATEGORY, &[], mistakes);
    let reach = lists::reach(file, line.filled(REACH), mistakes);
    let mut categories = categories?;
    if categories.contains(Category::PsychotherapyNotes) {
        let place = line.cell(CATEGORY).map_or(line.span, |cell| cell.span);
        let message = "words never make a psychotherapy note";
        mistakes.push(Diagnostic::error(file, place, message).help("write `mental-health`"));
        categories = Categories::of(Category::MentalHealth);
    }
    let hits = Hits::of(categories, reach?);
    let place = Place::of(file, line, words?);
    let can_be_cancelled = !cancelling.is_empty();
    Some((Entry { categories, place, hits, can_be_cancelled }, phrase?, cancelling))
}

fn phrase(
    file: &SourceFile,
    line: &Line,
    cell: &At<String>,
    text: &str,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Phrase> {
    let phrase = Phrase::parse(text).filter(|_| !is_of_other_patterns(text));
    if phrase.is_none() {
        let (place, message) = if cell.value.is_empty() {
            (line.span, "the row has no words".to_owned())
        } else {
            (cell.span, format!("`{text}` is no stem or phrase"))
        };
        let help =
            "write a word or phrase with letters or digits; a final `*` makes its last word a stem";
        mistakes.push(Diagnostic::error(file, place, message).help(help));
    }
    phrase
}

/// Whether it is written as patterns are elsewhere, or as a comment: all but letters and digits is
/// one space to us, so that `bipolar%` would be the word alone, and `# bipolar` one too.
fn is_of_other_patterns(text: &str) -> bool {
    text.contains(['|', '%', '^', '$', '#', '?', '\\', '[', ']', '{', '}'])
        || text.starts_with('/')
        || text.ends_with('/')
}

/// Reads the `not_in` cell: phrases separated by `|`.
fn not_in(
    file: &SourceFile,
    line: &Line,
    hit: Option<&Phrase>,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<Phrase> {
    let Some(cell) = line.filled(NOT_IN) else { return Vec::new() };
    let mut phrases = Vec::new();
    for text in cell.value.split('|').map(str::trim) {
        let Some(phrase) = phrase(file, line, cell, text, mistakes) else { continue };
        if hit == Some(&phrase) {
            let message = format!("`{text}` cancels every hit of its row");
            mistakes.push(Diagnostic::error(file, cell.span, message));
        } else if hit.is_some_and(|hit| !phrase.can_cover(hit)) {
            let message = format!("`{text}` never cancels a hit: it does not contain the words");
            mistakes.push(warning(file, cell.span, message));
        }
        phrases.push(phrase);
    }
    phrases
}
