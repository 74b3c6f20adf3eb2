//! Code lists, systems and words (DESIGN 4.4), looked through row by row each time.

use jiff::civil::Date;
use sequester::engine::category::{Categories, Category};
use sequester::engine::diagnostics::SourceFile;
use std::cell::RefCell;
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What a code or text says, apart by reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    pub record: Categories,
    pub episode: Categories,
}

impl Hits {
    pub fn all(self) -> Categories {
        self.record.union(self.episode)
    }

    pub fn add(&mut self, other: Hits) {
        self.record = self.record.union(other.record);
        self.episode = self.episode.union(other.episode);
    }

    /// The same, reaching no further than the record.
    pub fn record_only(self) -> Hits {
        Hits { record: self.all(), episode: Categories::NONE }
    }
}

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    Listed(Hits),
    Harmless,
    Ignored,
    ByWords,
}

#[derive(Debug)]
struct CodeRow {
    pattern: Pattern,
    /// `None` for a `not` row.
    categories: Option<Categories>,
    reach_episode: bool,
    from: Option<Date>,
    until: Option<Date>,
}

#[derive(Debug)]
enum Pattern {
    Exact(String),
    Prefix(String),
    Range(String, String),
}

#[derive(Debug)]
struct SystemRow {
    key: String,
    uri: String,
    kind: String,
}

#[derive(Debug)]
struct WordRow {
    phrase: Vec<String>,
    categories: Categories,
    reach_episode: bool,
    not_in: Vec<Vec<String>>,
}

/// Everything under `policies/codes/`.
#[derive(Debug, Default)]
pub struct Lists {
    /// By system.
    codes: BTreeMap<String, Vec<CodeRow>>,
    systems: Vec<SystemRow>,
    words: Vec<WordRow>,
    /// Numbers of word rows by their first word, a `*` at its end left on.
    first_words: BTreeMap<String, Vec<usize>>,
    /// Texts that were judged before: displays repeat.
    known_texts: RefCell<BTreeMap<String, Hits>>,
}

/// Rows of a CSV file by column name.
pub fn rows(text: &str) -> Vec<Vec<(String, String)>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|row| {
            let row = row.unwrap();
            header
                .iter()
                .enumerate()
                .map(|(i, name)| (name.clone(), row.get(i).unwrap_or_default().trim().to_owned()))
                .collect()
        })
        .collect()
}

pub fn cell<'r>(row: &'r [(String, String)], name: &str) -> &'r str {
    row.iter().find(|(column, _)| column == name).map_or("", |(_, value)| value)
}

fn categories(names: &str) -> Categories {
    names.split_whitespace().filter_map(Category::named).collect()
}

/// Codes are compared after trimming, case-folding and removing dots.
fn plain_code(code: &str) -> String {
    code.trim().to_lowercase().replace('.', "")
}

/// Systems are compared without scheme, version, final slash and case.
fn plain_system(name: &str) -> String {
    let mut name = name.split('|').next().unwrap_or_default().trim().to_lowercase();
    for scheme in ["http://", "https://", "urn:oid:"] {
        if let Some(rest) = name.strip_prefix(scheme) {
            name = rest.to_owned();
            break;
        }
    }
    name.trim_end_matches('/').to_owned()
}

/// The systems whose codes are told by their form: a code of none, of an unknown or surely of
/// another system is tried against those whose form it has.
const TRIED: [&str; 5] = ["ICD-10-CM", "CPT", "HCPCS-II", "NUCC", "LOINC"];

fn has_form_of(system: &str, code: &str) -> bool {
    let code: Vec<char> = code.chars().collect();
    let (letter, digit) = (char::is_ascii_alphabetic, char::is_ascii_digit);
    let all_alphanumeric = code.iter().all(char::is_ascii_alphanumeric);
    match system {
        "ICD-10-CM" => {
            (3..=7).contains(&code.len()) && letter(&code[0]) && digit(&code[1]) && all_alphanumeric
        }
        "CPT" => code.len() == 5 && code[..4].iter().all(digit) && all_alphanumeric,
        "HCPCS-II" => code.len() == 5 && letter(&code[0]) && code[1..].iter().all(digit),
        "NUCC" => code.len() == 10 && all_alphanumeric,
        "LOINC" => match code.as_slice() {
            [number @ .., '-', check] => {
                !number.is_empty() && number.iter().all(digit) && digit(check)
            }
            _ => false,
        },
        _ => true,
    }
}

fn can_be_compared(code: &str) -> bool {
    !code.is_empty() && code.len() <= 64 && code.chars().all(|c| (' '..='~').contains(&c))
}

/// Whether a code is one plain code, not two in a string or one with a modifier.
fn is_plain(system: &str, code: &str) -> bool {
    let dash = !TRIED.contains(&system) || system == "LOINC";
    code.chars().all(|c| c.is_ascii_alphanumeric() || (dash && "-_".contains(c)))
}

impl Pattern {
    fn read(text: &str) -> Pattern {
        if let Some((low, high)) = text.split_once("..") {
            return Pattern::Range(plain_code(low), plain_code(high));
        }
        match text.strip_suffix('*') {
            Some(prefix) => Pattern::Prefix(plain_code(prefix)),
            None => Pattern::Exact(plain_code(text)),
        }
    }

    fn matches(&self, code: &str) -> bool {
        match self {
            Pattern::Exact(exact) => code == exact,
            Pattern::Prefix(prefix) => code.starts_with(prefix.as_str()),
            Pattern::Range(low, high) => {
                code >= low.as_str() && (code <= high.as_str() || code.starts_with(high.as_str()))
            }
        }
    }

    /// Its length, and an exact code is longer than a prefix of the same. Where the ends of a
    /// range differ, the reading that hides more.
    fn length(&self, cancels: bool) -> usize {
        match self {
            Pattern::Exact(text) => text.len() * 2 + 1,
            Pattern::Prefix(text) => text.len() * 2,
            Pattern::Range(low, high) if cancels => low.len().min(high.len()) * 2,
            Pattern::Range(low, high) => low.len().max(high.len()) * 2,
        }
    }
}

impl Lists {
    pub fn read(files: &[SourceFile]) -> Lists {
        let mut lists = Lists::default();
        for file in files {
            let name = file.path.rsplit('/').next().unwrap();
            for row in rows(&file.text) {
                match name {
                    "systems.csv" => lists.systems.push(SystemRow {
                        key: cell(&row, "key").to_owned(),
                        uri: cell(&row, "uri_or_oid").to_owned(),
                        kind: row[2].1.clone(),
                    }),
                    "words.csv" => lists.words.push(WordRow {
                        phrase: phrase(cell(&row, "words")),
                        categories: categories(cell(&row, "category")),
                        reach_episode: cell(&row, "reach") != "record",
                        not_in: cell(&row, "not_in")
                            .split('|')
                            .map(phrase)
                            .filter(|phrase| !phrase.is_empty())
                            .collect(),
                    }),
                    _ => lists.codes.entry(cell(&row, "system").to_owned()).or_default().push(
                        CodeRow {
                            pattern: Pattern::read(cell(&row, "code_or_range")),
                            categories: (cell(&row, "category") != "not")
                                .then(|| categories(cell(&row, "category"))),
                            reach_episode: cell(&row, "reach") != "record",
                            from: cell(&row, "from").parse().ok(),
                            until: cell(&row, "until").parse().ok(),
                        },
                    ),
                }
            }
        }
        for (number, row) in lists.words.iter().enumerate() {
            if let Some(first) = row.phrase.first() {
                lists.first_words.entry(first.clone()).or_default().push(number);
            }
        }
        lists
    }

    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    fn system(&self, name: &str) -> Option<&SystemRow> {
        let name = plain_system(name);
        let exact = self.systems.iter().find(|row| {
            !row.uri.ends_with('*')
                && (plain_system(&row.uri) == name || plain_system(&row.key) == name)
        });
        exact.or_else(|| {
            let start = |row: &&SystemRow| row.uri.strip_suffix('*').map(plain_start);
            let rows = self.systems.iter();
            rows.filter(|row| start(row).is_some_and(|start| name.starts_with(&start)))
                .max_by_key(|row| start(row).map(|start| start.len()))
        })
    }

    /// What the rows of one system say of a code; `None` if none names it.
    fn hits(&self, key: &str, code: &str, date: Option<(Date, Date)>) -> Option<Hits> {
        let named: Vec<&CodeRow> = self
            .codes
            .get(key)
            .into_iter()
            .flatten()
            .filter(|row| row.pattern.matches(code))
            .filter(|row| in_force(row, date))
            .collect();
        let cancelled = named
            .iter()
            .filter(|row| row.categories.is_none())
            .map(|row| row.pattern.length(true))
            .max();
        let mut hits: Option<Hits> = None;
        for row in named {
            let Some(categories) = row.categories else { continue };
            if cancelled.is_some_and(|length| row.pattern.length(false) < length) {
                continue;
            }
            let hits = hits.get_or_insert_default();
            if row.reach_episode {
                hits.episode = hits.episode.union(categories);
            } else {
                hits.record = hits.record.union(categories);
            }
        }
        hits
    }

    /// Judges a code of that system (a URI, an OID or a key) at that date (earliest, latest).
    pub fn judge(&self, system: Option<&str>, code: &str, date: Option<(Date, Date)>) -> Judged {
        let declared = system.and_then(|name| self.system(name));
        if declared.is_some_and(|row| row.kind == "administrative") {
            return Judged::Ignored;
        }
        let plain = plain_code(code);
        if let Some(hits) = self.listed(declared, &plain, date) {
            return Judged::Listed(hits);
        }
        let complete =
            declared.filter(|declared| declared.kind == "complete" && self.has_rows(&declared.key));
        let Some(complete) = complete else { return self.by_words(code) };
        let procedures = ["CPT", "HCPCS-II"];
        let key = complete.key.as_str();
        let has = if procedures.contains(&key) {
            plain.len() == 2
                || procedures.iter().any(|key| has_form_of(key, &plain))
                || self.kin(key, &plain).is_some()
        } else {
            !TRIED.contains(&key) || has_form_of(key, &plain) || self.kin(key, &plain).is_some()
        };
        if can_be_compared(&plain) && is_plain(key, &plain) && has {
            return Judged::Harmless;
        }
        let mut runs = phrase(&code.replace('.', "").replace('*', " "));
        runs.push(runs.concat());
        let mut found: Option<Hits> = None;
        for run in runs {
            if let Some(hits) = self.listed(declared, &run, date) {
                found.get_or_insert_default().add(hits);
            }
        }
        found.map_or_else(|| self.by_words(code), Judged::Listed)
    }

    /// What a code that is a word says.
    fn by_words(&self, code: &str) -> Judged {
        let letters = code.chars().filter(char::is_ascii_alphabetic).count();
        let hits = if letters >= 5 { self.words(code) } else { Hits::default() };
        if hits == Hits::default() { Judged::ByWords } else { Judged::Listed(hits) }
    }

    /// What the rows of the declared system, or of those to try instead, say of a plain code.
    fn listed(
        &self,
        declared: Option<&SystemRow>,
        code: &str,
        date: Option<(Date, Date)>,
    ) -> Option<Hits> {
        if !can_be_compared(code) {
            return None;
        }
        let mut try_others = true;
        if let Some(declared) = declared {
            let key = declared.key.as_str();
            if let Some(hits) = self.hits(key, code, date) {
                return Some(hits);
            }
            let unknown = declared.kind == "complete" && !self.has_rows(key);
            try_others = unknown || (TRIED.contains(&key) && !has_form_of(key, code));
        }
        let mut found: Option<Hits> = None;
        let kin = declared.filter(|_| try_others).and_then(|own| self.kin(&own.key, code));
        let fitting = TRIED.into_iter().filter(|key| try_others && has_form_of(key, code));
        for key in fitting.chain(kin) {
            if let Some(hits) = self.hits(key, code, date) {
                found.get_or_insert_default().add(hits);
            }
        }
        found
    }

    /// What else stands under the address of another system.
    fn kin(&self, key: &str, plain: &str) -> Option<&'static str> {
        let digits = plain.chars().all(|c| c.is_ascii_digit());
        let kin = match (key, plain.len()) {
            ("ICD-10-CM", 3..=5) if digits => "ICD-9-CM",
            ("ICD-10-CM", 7) if plain.chars().all(|c| c.is_ascii_alphanumeric()) => "ICD-10-PCS",
            ("CPT" | "HCPCS-II", 4) if digits => "NUBC-REV",
            _ => return None,
        };
        let complete = self.systems.iter().any(|row| row.key == kin && row.kind == "complete");
        (complete && self.has_rows(kin)).then_some(kin)
    }

    fn has_rows(&self, key: &str) -> bool {
        self.codes.get(key).is_some_and(|rows| rows.iter().any(|row| row.categories.is_some()))
    }

    /// What the words of a text say.
    pub fn words(&self, text: &str) -> Hits {
        if let Some(hits) = self.known_texts.borrow().get(text) {
            return *hits;
        }
        let hits = self.words_anew(&phrase(&text.replace('*', " ")));
        if text.len() < 300 {
            self.known_texts.borrow_mut().insert(text.to_owned(), hits);
        }
        hits
    }

    fn words_anew(&self, text: &[String]) -> Hits {
        let mut hits = Hits::default();
        for start in 0..text.len() {
            for row in self.rows_that_may_begin_with(&text[start]) {
                let end = start + row.phrase.len();
                if !stands_at(text, start, &row.phrase) || covered(text, start, end, &row.not_in) {
                    continue;
                }
                let mut categories = row.categories;
                if categories.contains(Category::PsychotherapyNotes) {
                    // Words never make a note.
                    categories = categories
                        .minus(Categories::of(Category::PsychotherapyNotes))
                        .union(Categories::of(Category::MentalHealth));
                }
                if row.reach_episode {
                    hits.episode = hits.episode.union(categories);
                } else {
                    hits.record = hits.record.union(categories);
                }
            }
        }
        hits
    }

    fn rows_that_may_begin_with(&self, word: &str) -> Vec<&WordRow> {
        let mut numbers: Vec<usize> =
            self.first_words.get(word).into_iter().flatten().copied().collect();
        for end in 1..=word.len() {
            if word.is_char_boundary(end) {
                let stem = format!("{}*", &word[..end]);
                numbers.extend(self.first_words.get(&stem).into_iter().flatten());
            }
        }
        numbers.into_iter().map(|number| &self.words[number]).collect()
    }
}

/// Whether one of the phrases stands around what was found.
fn covered(text: &[String], start: usize, end: usize, phrases: &[Vec<String>]) -> bool {
    phrases.iter().any(|phrase| {
        (0..=start).any(|from| from + phrase.len() >= end && stands_at(text, from, phrase))
    })
}

/// The start of system names, as `uri*` declares it: its final slash stays.
fn plain_start(start: &str) -> String {
    let slash = if start.ends_with('/') { "/" } else { "" };
    format!("{}{slash}", plain_system(start))
}

/// Whether a row counts for a record of that date (earliest, latest). Where it is not known, the
/// reading that hides more.
fn in_force(row: &CodeRow, date: Option<(Date, Date)>) -> bool {
    match (date, row.categories) {
        (None, Some(_)) => true,
        (None, None) => row.from.is_none() && row.until.is_none(),
        (Some((earliest, latest)), Some(_)) => {
            row.from.is_none_or(|from| latest >= from)
                && row.until.is_none_or(|until| earliest <= until)
        }
        (Some((earliest, latest)), None) => {
            row.from.is_none_or(|from| earliest >= from)
                && row.until.is_none_or(|until| latest <= until)
        }
    }
}

/// A text as a list of words, folded: letters and digits only, no case, no accents, no
/// apostrophes. A `*` stays at the end of a word of a word list.
fn phrase(text: &str) -> Vec<String> {
    const MARKS: &str = "\u{2120}\u{2122}\u{b2}\u{b3}\u{b9}";
    const NOTHING: &str = "'`\u{b4}\u{2018}\u{2019}\u{201a}\u{201b}\u{2032}\u{ad}\u{200b}\u{feff}";
    let text: String = text
        .chars()
        .filter(|letter| !NOTHING.contains(*letter))
        .map(|letter| if MARKS.contains(letter) { ' ' } else { letter })
        .collect();
    let folded: String = text
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .collect();
    let mut words = vec![String::new()];
    for letter in folded.chars() {
        let last = words.last_mut().unwrap();
        if letter.is_alphanumeric() || (letter == '*' && !last.is_empty()) {
            last.push(letter);
        } else if !last.is_empty() {
            words.push(String::new());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a phrase of the lists stands at that word of a text.
fn stands_at(text: &[String], start: usize, phrase: &[String]) -> bool {
    !phrase.is_empty()
        && phrase.iter().enumerate().all(|(i, wanted)| {
            text.get(start + i).is_some_and(|word| match wanted.strip_suffix('*') {
                Some(stem) => word.starts_with(stem),
                None => word == wanted,
            })
        })
}
