//! The word list: stems and phrases looked for at word starts of human text.
//!
//! All phrases of all entries, and all that cancel them, are one automaton over folded text. A
//! phrase begins with the space before its first word, and ends with the space after its last one
//! unless it is a stem. A phrase that cancels does so by whole words: it covers a hit if every
//! word the hit touches lies inside it.

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
}

/// What it means that a phrase stands in a text.
#[derive(Clone, Copy, Debug)]
struct Role {
    /// Number of the entry.
    entry: usize,
    /// Whether it cancels hits of that entry, or is one.
    cancels: bool,
    /// What a hit that nothing can cancel gives.
    certain: Option<Hits>,
}

/// A hit or what cancels hits: entry, first word, whether a hit, last word. In order, what
/// cancels stands before the hits that it may cover.
type Event = (usize, usize, bool, usize);

/// All entries of a set, compiled.
#[derive(Debug, Default)]
pub(super) struct WordList {
    entries: Vec<Entry>,
    phrases: Option<Phrases>,
    /// By number of the phrase: what it is to which entries.
    roles: Vec<Vec<Role>>,
}

impl WordList {
    /// Reads the files named `words.csv`.
    pub(super) fn read<'f>(
        files: impl Iterator<Item = &'f SourceFile>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> WordList {
        let mut list = WordList::default();
        let mut roles = BTreeMap::<Phrase, Vec<Role>>::new();
        for file in files {
            for line in lines(file, &COLUMNS, mistakes) {
                let Some((entry, phrase, cancelling)) = entry(file, &line, mistakes) else {
                    continue;
                };
                let number = list.entries.len();
                let certain = cancelling.is_empty().then_some(entry.hits);
                list.entries.push(entry);
                let hit = Role { entry: number, cancels: false, certain };
                roles.entry(phrase).or_default().push(hit);
                for phrase in cancelling {
                    let cancel = Role { entry: number, cancels: true, certain: None };
                    roles.entry(phrase).or_default().push(cancel);
                }
            }
            match Phrases::of(roles.keys()) {
                Ok(phrases) => list.phrases = Some(phrases),
                Err(message) => mistakes.push(Diagnostic::error(file, Span::default(), message)),
            }
        }
        list.roles = roles.into_values().collect();
        list
    }

    /// Whether there is any entry.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What the words of a text say.
    pub(super) fn look_up(&self, text: &str) -> Hits {
        let mut hits = Hits::default();
        let mut events = Vec::new();
        self.scan(text, |role, first, last| match role.certain {
            Some(certain) => hits = hits.union(certain),
            None => events.push((role.entry, first, !role.cancels, last)),
        });
        for entry in self.uncancelled(events) {
            hits = hits.union(entry.hits);
        }
        hits
    }

    /// The entries behind [`WordList::look_up`].
    pub(super) fn entries_of(&self, text: &str) -> Vec<&Entry> {
        let mut events = Vec::new();
        self.scan(text, |role, first, last| {
            events.push((role.entry, first, !role.cancels, last));
        });
        self.uncancelled(events)
    }

    /// Finds what stands in a text: roles of phrases, with their first and last word.
    #[inline]
    fn scan(&self, text: &str, mut found: impl FnMut(&Role, usize, usize)) {
        let Some(phrases) = &self.phrases else { return };
        phrases.find(text, |phrase, first, last| {
            for role in self.roles.get(phrase).into_iter().flatten() {
                found(role, first, last);
            }
        });
    }

    /// The entries with a hit that nothing covers, each once.
    fn uncancelled(&self, mut events: Vec<Event>) -> Vec<&Entry> {
        events.sort_unstable();
        let mut entries = Vec::new();
        for of_entry in events.chunk_by(|a, b| a.0 == b.0) {
            // Sorted by first word: whatever reaches furthest so far covers, if anything does.
            let mut covered_to = 0;
            let is_open = of_entry.iter().any(|(_, _, is_hit, last)| {
                if !is_hit {
                    covered_to = covered_to.max(*last);
                }
                *is_hit && *last > covered_to
            });
            let entry = of_entry.first().and_then(|event| self.entries.get(event.0));
            entries.extend(entry.filter(|_| is_open));
        }
        entries
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
    Some((Entry { categories, place, hits }, phrase?, cancelling))
}

fn phrase(
    file: &SourceFile,
    line: &Line,
    cell: &At<String>,
    text: &str,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Phrase> {
    let phrase = Phrase::parse(text).filter(|_| !text.contains('|'));
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
