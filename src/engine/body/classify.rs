//! What each record is about by what stands in it: codes, labels, words, fields.

use super::{Body, Record, Terms, Whose, Why};
use crate::engine::category::{Categories, Category};
use crate::engine::codes::{Hits, Judgement};
use crate::engine::day::day_of;
use crate::engine::document::ahead::Ahead;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::document::text;
use crate::engine::markup::words_of;
use crate::engine::released::Finding;
use crate::engine::saying::Saying;
use crate::engine::shapes::meant::Field;
use crate::engine::sites::{Coded, NOWHERE, Site, What, Words};
use crate::engine::told::{Said, Told};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use std::borrow::Cow;

/// The extension of FHIR that says why a value is not there, and the system of its codes.
const DATA_ABSENT_REASON: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
const DATA_ABSENT_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// What is found of one record.
#[derive(Default)]
struct Found {
    own: Hits,
    /// Codes in clinical places that are known.
    known: u32,
    loose: Vec<NodeId>,
    note: bool,
    why: Vec<Why>,
    unknown_systems: u64,
    /// Of the record's date, see `CodeBook::era`.
    era: Option<usize>,
    told: Told,
}

impl Body<'_> {
    pub(super) fn classify(&mut self) {
        // Words never make a note, so a body that is the reader's alone needs none.
        let words = (0..self.records.len()).any(|record| self.needs_words(record));
        let mut told = self.terms.shape.told.lend();
        // Evidence may be taken by a record of somebody else, who is judged by other rules.
        let several = self.speaks_of_several();
        let (mut codes_ahead, mut others_ahead) = (Ahead::texts(self.doc), Ahead::texts(self.doc));
        for record in 0..self.records.len() {
            if let Some(Record { noted, .. }) = self.records.get(record) {
                let (codes, others) = (noted.codes().start, noted.others().start);
                codes_ahead.look(&self.sites.codes, codes, |site| Some(site.node));
                let date = |site: &Site| matches!(site.what, What::Date(_)).then_some(site.node);
                others_ahead.look(&self.sites.others, others, date);
            }
            let date = self.date(record);
            let era = self.terms.policy.codes.era(date);
            let mut found = Found { era, told: std::mem::take(&mut *told), ..Found::default() };
            let noted = self.records.get(record).map(|record| record.noted.clone());
            let noted = noted.unwrap_or_default();
            for site in self.sites.codes(&noted) {
                self.fhir_code(*site, date, &mut found);
            }
            for site in self.sites.others(&noted) {
                match site.what {
                    What::HouseCode(number) => {
                        self.house_code(record, *site, number, date, &mut found);
                    }
                    What::Field(field) => self.field(*site, field, &mut found),
                    What::Extension => self.absent(*site, date, &mut found),
                    _ => {}
                }
            }
            let open = words && (several || !self.is_settled(record, found.own));
            if open || self.terms.explain {
                for site in self.sites.words(&noted) {
                    self.words_at(*site, &mut found);
                }
            }
            *told = std::mem::take(&mut found.told);
            self.keep(record, found);
        }
    }

    /// Whether there are records of different people.
    pub(super) fn speaks_of_several(&self) -> bool {
        let mut whose = self.records.iter().filter_map(|record| match &record.whose {
            Whose::People(people) => Some(people),
            _ => None,
        });
        let first = whose.next();
        whose.any(|other| Some(other) != first)
    }

    fn needs_words(&self, record: usize) -> bool {
        let whose = self.records.get(record).map(|record| &record.whose);
        !matches!(whose, Some(Whose::Public)) && !self.is_own(record)
    }

    /// Whether codes alone withhold the record and all that shares its event: without a grant,
    /// more categories can only hide more.
    fn is_settled(&mut self, record: usize, own: Hits) -> bool {
        let Some(Whose::People(people)) = self.records.get(record).map(|r| r.whose.clone()) else {
            return false;
        };
        self.is_settled_for(&people, own)
    }

    fn keep(&mut self, record: usize, found: Found) {
        if found.unknown_systems > 0 {
            *self.report.findings.entry(Finding::UnknownSystem).or_default() +=
                found.unknown_systems;
        }
        if found.note {
            *self.report.findings.entry(Finding::PsychotherapyNote).or_default() += 1;
        }
        if let Some(record) = self.records.get_mut(record) {
            let Record { own, loose, note, evidence, known_codes, .. } = record;
            *known_codes = found.known;
            *own = found.own;
            *loose = found.loose;
            *note = found.note;
            *evidence = found.why;
        }
    }

    /// The record's date: the first of `date:` that can be read.
    fn date(&self, record: usize) -> Option<Date> {
        let read = |node| day_of(&self.doc.scalar(node)?);
        let mut first: Option<(u8, Date)> = None;
        for site in self.sites(record) {
            let What::Date(order) = site.what else { continue };
            if first.is_none_or(|(before, _)| order < before) {
                first = read(site.node).map(|date| (order, date)).or(first);
            }
        }
        first.map(|(_, date)| date)
    }

    /// A FHIR Coding, or any object with a string `system` and `code` and no `value`.
    fn fhir_code(&self, site: Site<Coded>, date: Option<Date>, found: &mut Found) {
        let clinical = site.what.clinical;
        let ask = || self.saying().judge_object(site.node, date);
        let said = found.told.codes.of(self.doc, site.node, found.era, ask);
        let Some(judged) = said.judged else {
            // A code that is no string cannot be judged.
            return self.lost(site.node, clinical, found);
        };
        self.heed(said, found);
        if self.terms.explain
            && let Some((system, code)) = self.saying().code_of(site.node)
        {
            self.tell_rows(said, (system.as_deref(), &code, date), site.node, found);
        }
        if judged == Judgement::ByWords && !said.explained && !self.is_explained_beside(site) {
            return self.lost(site.node, clinical, found);
        }
        if clinical && judged != Judgement::Ignored {
            found.known = found.known.saturating_add(1);
        }
    }

    /// Why a value is not there, as an extension says it, is a code like any other: one that is
    /// `masked` tells that something is hidden.
    fn absent(&self, site: Site, date: Option<Date>, found: &mut Found) {
        let text = |name| self.doc.member_named(site.node, name).and_then(|at| self.doc.text(at));
        if text("url").is_none_or(|url| url != DATA_ABSENT_REASON) {
            return;
        }
        let Some(code) = text("valueCode") else { return };
        let system = Some(DATA_ABSENT_SYSTEM);
        let said = self.saying().judge(system, &code, date);
        self.heed(said, found);
        self.tell_rows(said, (system, &code, date), site.node, found);
    }

    /// What codes and words are judged by.
    fn saying(&self) -> Saying<'_> {
        let Terms { shape, policy, .. } = self.terms;
        Saying { doc: self.doc, shape, codes: &policy.codes }
    }

    fn house_code(
        &self,
        record: usize,
        site: Site,
        number: u8,
        date: Option<Date>,
        found: &mut Found,
    ) {
        let Some(node) = self.doc.get(site.node) else { return };
        match node.kind {
            Json::Null => return,
            Json::Array => {
                for (child, _) in self.doc.children(site.node) {
                    let inner = Site { node: child, ..site };
                    self.house_code(record, inner, number, date, found);
                }
                return;
            }
            _ => {}
        }
        let Some(code) = self.doc.scalar(site.node) else {
            return self.lost(site.node, true, found);
        };
        let fixed = self.kind(record).code_systems.get(usize::from(number));
        let fixed = fixed.and_then(Option::as_deref).map(Cow::Borrowed);
        let beside =
            |other: &&Site| other.what == What::SystemAt(number) && other.with == site.with;
        let told = self.sites(record).iter().find(beside).and_then(|at| self.doc.scalar(at.node));
        let system = fixed.or(told);
        let said = self.saying().judge(system.as_deref(), &code, date);
        self.heed(said, found);
        self.tell_rows(said, (system.as_deref(), &code, date), site.node, found);
        let judged = said.judged.unwrap_or(Judgement::ByWords);
        if judged == Judgement::ByWords && !self.has_house_words(NodeId(site.with)) {
            return self.lost(site.node, true, found);
        }
        if judged != Judgement::Ignored {
            found.known = found.known.saturating_add(1);
        }
    }

    fn heed(&self, said: Said, found: &mut Found) {
        if let Some(Judgement::Listed(hits)) = said.judged {
            self.add(hits, found);
        }
        found.unknown_systems =
            found.unknown_systems.saturating_add(u64::from(said.unknown_system));
    }

    /// Tells which rows name a code.
    fn tell_rows(
        &self,
        said: Said,
        (system, code, date): (Option<&str>, &str, Option<Date>),
        node: NodeId,
        found: &mut Found,
    ) {
        if !self.terms.explain || !matches!(said.judged, Some(Judgement::Listed(_))) {
            return;
        }
        for row in self.terms.policy.codes.rows_of_code(system, code, date) {
            let because = format!("{}:{} {}", row.file, row.line, row.pattern);
            found.why.push(Why { categories: row.categories, node, because });
        }
    }

    /// Adds hits; a psychotherapy note is never shared, what it gives its event is
    /// `mental-health`.
    fn add(&self, hits: Hits, found: &mut Found) {
        let _ = self;
        let note = Categories::of(Category::PsychotherapyNotes);
        if hits.record.union(hits.episode).contains(Category::PsychotherapyNotes) {
            found.note = true;
            found.own.record = found.own.record.union(note);
            found.own.episode.insert(Category::MentalHealth);
        }
        found.own.record = found.own.record.union(hits.record);
        found.own.episode = found.own.episode.union(hits.episode.minus(note));
    }

    /// A code that cannot be judged: in a clinical place the record is unclassified, elsewhere
    /// that code goes.
    fn lost(&self, node: NodeId, clinical: bool, found: &mut Found) {
        if clinical {
            self.unclassified(found, node, "a code that no list knows and no words explain");
        } else {
            found.loose.push(node);
        }
    }

    pub(super) fn unclassified_why(node: NodeId, because: &str) -> Why {
        let categories = Categories::of(Category::Unclassified);
        Why { categories, node, because: because.to_owned() }
    }

    fn unclassified(&self, found: &mut Found, node: NodeId, because: &str) {
        found.own.record.insert(Category::Unclassified);
        if self.terms.explain {
            found.why.push(Self::unclassified_why(node, because));
        }
    }

    /// Whether a code has words beside it: its concept's, or those of another code of that.
    fn is_explained_beside(&self, site: Site<Coded>) -> bool {
        if site.with == NOWHERE {
            return false;
        }
        let (saying, keys) = (self.saying(), &self.terms.shape.keys);
        let concept = NodeId(site.with);
        let siblings = self.doc.member(concept, keys.coding);
        saying.has_words(concept, &[keys.text])
            || siblings.is_some_and(|coding| {
                let mut siblings = self.doc.children(coding);
                siblings.any(|(sibling, _)| saying.has_words(sibling, &[keys.display]))
            })
    }

    fn has_house_words(&self, beside: NodeId) -> bool {
        let keys = &self.terms.shape.keys;
        let places = [keys.display, keys.text, keys.title, keys.description];
        self.saying().has_words(beside, &places)
    }

    /// A place of `fields:` that holds a psychotherapy note colours its record.
    fn field(&self, site: Site, field: Field, found: &mut Found) {
        if field.category != Category::PsychotherapyNotes || self.is_empty(site.node) {
            return;
        }
        found.note = true;
        found.own.episode.insert(Category::MentalHealth);
        if self.terms.explain {
            let categories = Categories::of(Category::MentalHealth);
            let because = "a psychotherapy note stands here".to_owned();
            found.why.push(Why { categories, node: site.node, because });
        }
    }

    pub(super) fn is_empty(&self, node: NodeId) -> bool {
        self.doc.get(node).is_none_or(|inner| match inner.kind {
            Json::Null => true,
            Json::String => text::str_of(self.doc.json, inner).trim().is_empty(),
            Json::Array | Json::Object => self.doc.children(node).next().is_none(),
            Json::True | Json::False | Json::Number => false,
        })
    }

    fn words_at(&self, site: Site<Words>, found: &mut Found) {
        let (saying, label) = (self.saying(), site.what == Words::Label);
        let ask = || saying.hits(site).unwrap_or_default();
        if label && found.told.words.of(self.doc, site.node, None, ask) == Hits::default() {
            return;
        }
        match saying.text_of(site) {
            Some(text) => self.words(site.node, &text, !label, found),
            None => self.attachment(site.node, found),
        }
    }

    /// What is found in prose reaches the record only.
    fn words(&self, node: NodeId, words: &str, prose: bool, found: &mut Found) {
        let codes = &self.terms.policy.codes;
        let hits = codes.words(words);
        if hits == Hits::default() {
            return;
        }
        let all = hits.record.union(hits.episode);
        let hits = if prose { Hits { record: all, episode: Categories::NONE } } else { hits };
        self.add(hits, found);
        if self.terms.explain {
            for row in codes.rows_of_words(words) {
                let because = format!("{}:{} {}", row.file, row.line, row.pattern);
                found.why.push(Why { categories: row.categories, node, because });
            }
        }
    }

    /// Text attachments are read; what is no text is left to the `free-text` place it stands in.
    fn attachment(&self, node: NodeId, found: &mut Found) {
        let keys = &self.terms.shape.keys;
        let Some(data) = self.doc.member(node, keys.data) else { return };
        let kind = self.doc.member(node, keys.content_type).and_then(|at| self.doc.text(at));
        let kind = kind.map(|kind| kind.trim().to_ascii_lowercase());
        if kind.as_deref().is_some_and(|kind| !is_text(kind)) {
            return;
        }
        let written = bytes_of(self.doc.written(data).as_bytes());
        let decoded = written.and_then(|written| STANDARD.decode(written.as_ref()).ok());
        match decoded.map(String::from_utf8) {
            Some(Ok(text)) => self.words(node, &words_of(&text), true, found),
            Some(Err(_)) if kind.is_none() => {}
            Some(Err(bytes)) => {
                let text = String::from_utf8_lossy(bytes.as_bytes()).into_owned();
                self.words(node, &words_of(&text), true, found);
            }
            None => self.unclassified(found, node, "an attachment that cannot be read"),
        }
    }
}

fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.starts_with("text/") || ["json", "xml", "rtf"].iter().any(|end| kind.ends_with(end))
}

/// The base64 of a string node without quotes and white space (FHIR allows it); `None` of what is
/// no string.
fn bytes_of(written: &[u8]) -> Option<Cow<'_, [u8]>> {
    let inner = written.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte)) {
        return Some(Cow::Borrowed(inner));
    }
    let text = serde_json::from_slice::<String>(written).ok()?;
    Some(Cow::Owned(text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect()))
}
