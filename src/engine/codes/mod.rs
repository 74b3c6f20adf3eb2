//! Code lists, systems and words → look-up (DESIGN 4.4).
//!
//! A [`CodeBook`] answers two questions: what does this code say, and what do these words say.
//! Both are asked for every code and text of every record, so everything is worked out at load:
//! code lists ([`lists`]) become sorted tables ([`patterns`]), systems ([`declared`], [`systems`])
//! a hash table of their names ([`names`]), the word list ([`words`]) an automaton ([`phrases`])
//! over folded text ([`fold`]), most of which is skipped ([`tokens`]).

mod declared;
mod fold;
mod lines;
mod lists;
mod names;
mod patterns;
mod phrases;
mod systems;
#[cfg(test)]
mod tests;
mod tokens;
mod words;

pub use systems::SystemId;

use super::category::{Categories, Category};
use super::diagnostics::{Diagnostic, SourceFile};
use jiff::civil::Date;
use lists::{Place, Reach};
use patterns::CodeKey;
use systems::{Coverage, System, Systems};
use words::WordList;

/// Fewest letters of a code that is a word (`PSYCH`); shorter ones mean too much.
const CODE_LETTERS_MIN: usize = 5;

/// What a code or a text says, apart by reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Categories of reach `record`.
    pub record: Categories,
    /// Categories of reach `episode`.
    pub episode: Categories,
}

impl Hits {
    /// Categories that are never shared, whatever the reach of their row: a note hides itself
    /// (that it gives its event `mental-health` is the matter of episodes), and what could not
    /// be judged says nothing about other records.
    const NEVER_SHARED: Categories =
        Categories::of(Category::PsychotherapyNotes).union(Categories::of(Category::Unclassified));

    fn of(categories: Categories, reach: Reach) -> Hits {
        let episode = match reach {
            Reach::Record => Categories::NONE,
            Reach::Episode => categories.minus(Hits::NEVER_SHARED),
        };
        Hits { record: categories.minus(episode), episode }
    }

    /// Whether the union with the other would say more than the other.
    fn adds_to(self, other: Hits) -> bool {
        self.union(other) != other
    }

    pub(crate) fn union(self, other: Hits) -> Hits {
        Hits { record: self.record.union(other.record), episode: self.episode.union(other.episode) }
    }
}

/// What became of one code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Rows name it.
    Listed(Hits),
    /// No row names it, and its system is complete.
    Harmless,
    /// Its system is administrative: not looked at.
    Ignored,
    /// To be judged by its words; unclassified if it has none.
    ByWords,
}

/// A row of a list or a word entry, for `explain`: where it stands and what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Path of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// The pattern as written.
    pub pattern: String,
    /// Its categories.
    pub categories: Categories,
}

impl Row {
    fn of(place: &Place, categories: Categories) -> Row {
        let (file, pattern) = (place.file.to_string(), place.written.to_string());
        Row { file, line: place.line, pattern, categories }
    }
}

/// All code lists, systems and words of a policy set.
#[derive(Debug, Default)]
pub struct CodeBook {
    systems: Systems,
    /// The days from which some row says something else than the day before, sorted.
    turns: Vec<Date>,
    words: WordList,
}

impl CodeBook {
    /// Reads `codes/*.csv`; `systems.csv` and `words.csv` are told by their file names. Every
    /// mistake of every file is pushed to `mistakes`; what can be read is read nevertheless.
    pub fn read(files: &[SourceFile], mistakes: &mut Vec<Diagnostic>) -> CodeBook {
        let is = |file: &SourceFile, name| file.path.rsplit(['/', '\\']).next() == Some(name);
        let named = |name| files.iter().filter(move |file| is(file, name));
        let lists = files.iter().filter(|file| !is(file, "systems.csv") && !is(file, "words.csv"));
        let before = mistakes.len();
        let systems = Systems::read(named("systems.csv"), lists, mistakes);
        let words = WordList::read(named("words.csv"), mistakes);
        // As they stand in the files, for who mends them from top to bottom.
        let place = |mistake: &Diagnostic| (mistake.file.path.clone(), mistake.span);
        mistakes.get_mut(before..).unwrap_or_default().sort_by_cached_key(place);
        let turns = systems.turns();
        CodeBook { systems, turns, words }
    }

    /// The stretch of days a date is in: two dates of one era have the same judgements.
    pub fn era(&self, date: Option<Date>) -> Option<usize> {
        date.map(|date| self.turns.partition_point(|turn| *turn <= date))
    }

    /// No date, and one of each era: what is judged the same on all of these always is.
    pub fn dates_of_eras(&self) -> impl Iterator<Item = Option<Date>> {
        [None, Some(Date::MIN)].into_iter().chain(self.turns.iter().copied().map(Some))
    }

    /// Judges a code. `system` is the URI or OID as it stands in the body, unescaped, or the key
    /// a shape names (`ICD-10-CM`); `date` is the record's, for `from`/`until` of rows.
    ///
    /// A code of no, an unknown or surely the wrong system is tried against the rows of some
    /// systems whose codes are known by their form: a hit counts, a miss means nothing.
    pub fn judge(&self, system: Option<&str>, code: &str, date: Option<Date>) -> Judgement {
        let system = system.map_or(SystemId::UNKNOWN, |system| self.system_id(system));
        self.judge_in(system, code, date)
    }

    /// The system that a name means, for [`CodeBook::judge_in`]: worth keeping where many codes
    /// have the same.
    pub fn system_id(&self, system: &str) -> SystemId {
        self.systems.named(system)
    }

    /// [`CodeBook::judge`] for a system looked up before, in this same book.
    pub fn judge_in(&self, system: SystemId, code: &str, date: Option<Date>) -> Judgement {
        let system = self.systems.system(system);
        if system.is_some_and(|system| system.coverage == Coverage::Administrative) {
            return Judgement::Ignored;
        }
        let key = CodeKey::of(code);
        if let Some(hits) = key.and_then(|key| self.listed(system, &key, date)) {
            return Judgement::Listed(hits);
        }
        let complete = system.filter(|system| system.coverage == Coverage::Complete);
        let Some(complete) = complete else { return self.by_words(code) };
        if key.is_some_and(|key| complete.is_plain(&key) && self.may_have(complete, &key)) {
            return Judgement::Harmless;
        }
        // SILENCE-HIDES: what cannot be compared is never harmless, and may hold a code that can.
        let listed = pieces(code).filter_map(|piece| self.listed(system, &piece, date));
        listed.reduce(Hits::union).map_or_else(|| self.by_words(code), Judgement::Listed)
    }

    /// A code of which no list is all there is: one that is a word says what the word says.
    fn by_words(&self, code: &str) -> Judgement {
        let letters = code.bytes().filter(u8::is_ascii_alphabetic).count();
        let hits = if letters < CODE_LETTERS_MIN { Hits::default() } else { self.words(code) };
        if hits == Hits::default() { Judgement::ByWords } else { Judgement::Listed(hits) }
    }

    /// What the rows say of a code that can be compared.
    fn listed(&self, system: Option<&System>, code: &CodeKey, date: Option<Date>) -> Option<Hits> {
        if let Some(hits) = system.and_then(|system| system.look_up(code, date)) {
            return Some(hits);
        }
        let tried = self.tried(system, code).filter_map(|system| system.look_up(code, date));
        tried.reduce(Hits::union)
    }

    fn may_have(&self, system: &System, code: &CodeKey) -> bool {
        system.may_have(code) || self.systems.kin(system, code).is_some()
    }

    /// The systems to try a code against whose own system is none, unknown or surely wrong.
    fn tried(&self, system: Option<&System>, code: &CodeKey) -> impl Iterator<Item = &System> {
        let is_known = system.is_some_and(|system| {
            system.coverage != Coverage::CompleteWithoutRows && !system.is_mislabelled(code)
        });
        let kin = system.filter(|_| !is_known).and_then(|own| self.systems.kin(own, code));
        (!is_known).then(|| self.systems.tried(*code)).into_iter().flatten().chain(kin)
    }

    /// What the words of a human text say. The text is unescaped and free of markup.
    ///
    /// A caller who reads prose or attachments shares nothing of it: both sets then reach the
    /// record only.
    pub fn words(&self, text: &str) -> Hits {
        self.words.look_up(text)
    }

    /// Whether the set holds any words; where it holds none, nothing is harmless by words.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    /// The rows behind [`CodeBook::judge`].
    pub fn rows_of_code(&self, system: Option<&str>, code: &str, date: Option<Date>) -> Vec<Row> {
        let system = system.and_then(|system| self.systems.system(self.system_id(system)));
        let rows_of = |code: CodeKey| {
            let own = system.map(|system| system.rows_of(&code, date)).unwrap_or_default();
            if own.is_empty() {
                self.tried(system, &code).flat_map(|system| system.rows_of(&code, date)).collect()
            } else {
                own
            }
        };
        let mut rows = CodeKey::of(code).map(rows_of).unwrap_or_default();
        if rows.is_empty() && system.is_some_and(|of| of.coverage == Coverage::Complete) {
            rows = pieces(code).flat_map(rows_of).collect();
        }
        if rows.is_empty() && matches!(self.by_words(code), Judgement::Listed(_)) {
            return self.rows_of_words(code);
        }
        rows.into_iter().filter_map(lists::CodeRow::as_row).collect()
    }

    /// The entries behind [`CodeBook::words`].
    pub fn rows_of_words(&self, text: &str) -> Vec<Row> {
        let entries = self.words.entries_of(text);
        entries.into_iter().map(|entry| Row::of(&entry.place, entry.categories)).collect()
    }

    /// Whether `systems.csv` declares this URI or OID (for `check --samples`).
    pub fn knows_system(&self, system: &str) -> bool {
        self.system_id(system) != SystemId::UNKNOWN
    }
}

/// The codes that may stand in what is not one plain code (`HC:90837:95`, `ICD10 F33.1`, one with
/// an invisible letter): each run of letters and digits, and all of them together.
fn pieces(code: &str) -> impl Iterator<Item = CodeKey> {
    let folded = fold::folded(&code.replace('.', ""));
    let mut runs: Vec<String> = folded.split(' ').map(str::to_owned).collect();
    runs.push(runs.concat());
    runs.into_iter().filter_map(|run| CodeKey::of(&run))
}
