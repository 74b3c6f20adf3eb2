//! What a code object or a human text says, by the code book alone. Whoever asks asks here, so that
//! what a walk leaves out is what would have been judged to say nothing.

use super::codes::{CodeBook, Hits, Judgement, SystemId};
use super::document::read::Document;
use super::document::tape::NodeId;
use super::document::text;
use super::markup::words_of;
use super::names::without_uuid;
use super::shapes::meant::Shape;
use super::sites::{Site, Words};
use super::told::Said;
use jiff::civil::Date;
use std::borrow::Cow;

/// A document, and what its codes and words are read and judged by.
#[derive(Clone, Copy)]
pub(crate) struct Saying<'a> {
    pub(crate) doc: Document<'a>,
    pub(crate) shape: &'a Shape,
    pub(crate) codes: &'a CodeBook,
}

impl<'a> Saying<'a> {
    /// What a code says; its system as it stands in the body, or the key a shape names.
    pub(crate) fn judge(self, system: Option<&str>, code: &str, date: Option<Date>) -> Said {
        let id = system.map_or(SystemId::UNKNOWN, |system| self.codes.system_id(system));
        let judged = self.codes.judge_in(id, code, date);
        let unknown_system = judged == Judgement::ByWords && id == SystemId::UNKNOWN;
        Said { judged: Some(judged), unknown_system, explained: false }
    }

    /// The system and the code of an object that has a string of the latter.
    pub(crate) fn code_of(self, node: NodeId) -> Option<(Option<Cow<'a, str>>, Cow<'a, str>)> {
        let code = self.doc.member(node, self.shape.keys.code).and_then(|at| self.doc.text(at))?;
        let system = self.doc.member(node, self.shape.keys.system).and_then(|at| self.doc.text(at));
        Some((system, code))
    }

    /// What the code of an object says.
    pub(crate) fn judge_object(self, node: NodeId, date: Option<Date>) -> Said {
        let Some((system, code)) = self.code_of(node) else { return Said::default() };
        let said = self.judge(system.as_deref(), &code, date);
        let by_words = said.judged == Some(Judgement::ByWords);
        Said { explained: by_words && self.has_words(node, &[self.shape.keys.display]), ..said }
    }

    /// Whether an object has words under one of these keys that tell what its code means, and there
    /// are words to judge it by.
    pub(crate) fn has_words(self, object: NodeId, keys: &[u16]) -> bool {
        let said = |key: &u16| self.doc.member(object, *key).and_then(|at| self.doc.scalar(at));
        let code = || said(&self.shape.keys.code);
        let tells = |text: Cow<'a, str>| {
            explains(&text) && code().is_none_or(|code| !code.eq_ignore_ascii_case(&text))
        };
        self.codes.has_words() && keys.iter().filter_map(said).any(tells)
    }

    /// The words of a string as they are looked up; an attachment is no string.
    pub(crate) fn text_of(self, site: Site<Words>) -> Option<Cow<'a, str>> {
        let text = || Some(text::str_of(self.doc.json, self.doc.get(site.node)?));
        match site.what {
            Words::Label => Some(match text()? {
                Cow::Borrowed(text) => Cow::Borrowed(without_uuid(text)),
                Cow::Owned(text) => Cow::Owned(without_uuid(&text).to_owned()),
            }),
            Words::Prose => text(),
            Words::Markup => Some(Cow::Owned(words_of(&text()?))),
            Words::Attachment => None,
        }
    }

    /// What the words of a string say, apart by the reach of their entries; nothing is said here
    /// of an attachment.
    pub(crate) fn hits(self, site: Site<Words>) -> Option<Hits> {
        self.text_of(site).map(|text| self.codes.words(&text))
    }

    /// Whether the code of an object adds nothing to a record, whenever that was and whatever
    /// stands around the object: it is not counted, hides nothing, does not go and is no finding.
    pub(crate) fn is_quiet_code(self, object: NodeId, clinical: bool) -> bool {
        self.codes.dates_of_eras().all(|date| {
            let said = self.judge_object(object, date);
            match said.judged {
                _ if said.unknown_system => false,
                Some(Judgement::Ignored) => true,
                Some(Judgement::Harmless) => !clinical,
                Some(Judgement::ByWords) => !clinical && said.explained,
                Some(Judgement::Listed(_)) | None => false,
            }
        })
    }

    /// The same of words.
    pub(crate) fn is_quiet_text(self, site: Site<Words>) -> bool {
        self.hits(site) == Some(Hits::default())
    }
}

/// Fewest letters of a word that tells what a code means.
const WORD_LETTERS_MIN: usize = 3;
/// Words that stand for any code as well: what is judged by these alone is not judged.
const EMPTY_WORDS: [&str; 44] = [
    "and",
    "any",
    "applicable",
    "available",
    "blister",
    "bottle",
    "capsule",
    "capsules",
    "carton",
    "code",
    "days",
    "diagnosis",
    "display",
    "dose",
    "drug",
    "each",
    "for",
    "item",
    "kit",
    "line",
    "medication",
    "none",
    "not",
    "null",
    "oral",
    "other",
    "pack",
    "package",
    "pharmacy",
    "procedure",
    "retail",
    "service",
    "supply",
    "tablet",
    "tablets",
    "test",
    "text",
    "the",
    "unit",
    "units",
    "unknown",
    "unspecified",
    "vial",
    "with",
];

/// SILENCE-HIDES: whether a text says anything of what stands beside it. `N/A`, `Diagnosis 1` and
/// `100 CAPSULE in 1 BOTTLE` do not.
fn explains(text: &str) -> bool {
    let mut words = text.split(|letter: char| !letter.is_alphabetic());
    words.any(|word| {
        word.chars().nth(WORD_LETTERS_MIN.saturating_sub(1)).is_some()
            && !EMPTY_WORDS.iter().any(|empty| word.eq_ignore_ascii_case(empty))
    })
}
