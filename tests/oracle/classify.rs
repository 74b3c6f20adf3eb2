//! What a record is about: codes, labels, words, fields, links, episodes (DESIGN 3, 4.3, 4.4).

use super::beside::Beside;
use super::codes::{Hits, Judged, Lists};
use super::fhir::{Target, target, targets, without_markup};
use super::json::{Doc, Id, Value};
use super::path::Path;
use super::records::{Body, Subject};
use jiff::civil::Date;
use sequester::engine::category::{Categories, Category};
use sequester::engine::facts::PersonId;
use std::collections::{BTreeMap, BTreeSet};

/// What was found in one record.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Its own categories: what an evidence link to it takes.
    pub own: Hits,
    /// With what it took by evidence.
    pub taken: Hits,
    /// With what its event shares.
    pub all: Categories,
    /// Unclassified codes outside the clinical places.
    pub loose_codes: Vec<Id>,
    /// Whether a code in a clinical place is known.
    pub knows_codes: bool,
    /// Where non-empty psychotherapy notes stand in it.
    pub note_fields: Vec<Id>,
}

const RECORD_UNCLASSIFIED: Hits =
    Hits { record: Categories::of(Category::Unclassified), episode: Categories::NONE };
const EPISODE_MENTAL: Hits =
    Hits { record: Categories::NONE, episode: Categories::of(Category::MentalHealth) };

/// Classifies a record that was looked up: by what stands in it.
pub fn looked_own(body: &Body<'_>, lists: &Lists, record: usize) -> Found {
    let mut found = by_itself(body, lists, record);
    if body.kind(record).is_some_and(|kind| kind.needs_codes) && !found.knows_codes {
        found.own.add(RECORD_UNCLASSIFIED);
    }
    found
}

/// Classifies every record of a body.
pub fn classify(body: &Body<'_>, lists: &Lists, beside: &Beside) -> Vec<Found> {
    let mut found: Vec<Found> =
        (0..body.records.len()).map(|r| own(body, lists, r, beside)).collect();
    for record in 0..found.len() {
        if needs_codes(body, record, &found, beside) {
            found[record].own.add(RECORD_UNCLASSIFIED);
        }
    }
    gather_over_public(body, &mut found);
    for record in 0..found.len() {
        let mut taken = found[record].own;
        let mut named = public_named(body, record);
        named.extend(public_numbered(body, record));
        for target in named {
            taken.add(known(found[target].own));
        }
        for target in evidence(body, record) {
            taken.add(without_notes(found[target].own));
        }
        for looked in looked_evidence(body, record, beside) {
            taken.add(without_notes(beside.looked[looked].own));
        }
        found[record].taken = taken;
    }
    let own: Vec<Hits> = found.iter().map(|one| one.own).collect();
    let events = events(body, beside);
    for record in 0..found.len() {
        let mut all = found[record].taken.all();
        for other in 0..found.len() {
            if other != record && events[other].is_some() && events[other] == events[record] {
                all = all.union(without_notes(found[other].taken).episode);
            }
        }
        for looked in 0..beside.looked.len() {
            let event = events[found.len() + looked];
            if event.is_some() && event == events[record] {
                let mut given = without_notes(beside.looked[looked].own);
                for hits in beside.evidence(body, looked, &own) {
                    given.add(without_notes(hits));
                }
                all = all.union(given.episode);
            }
        }
        found[record].all = all;
    }
    found
}

/// The public records that references of a record point at.
fn public_named(body: &Body<'_>, record: usize) -> BTreeSet<usize> {
    let mut named = BTreeSet::new();
    for node in body.scope(record).iter().filter(|_| body.shape.fhir) {
        if body.records[record].node != Some(*node)
            && let Some(reference) = body.reference(*node)
        {
            named.extend(body.resolve(reference));
        }
    }
    named.retain(|one| *one != record && is_public(body, &body.records[*one].kind));
    named
}

/// The public records whose numbers references of a record bear.
fn public_numbered(body: &Body<'_>, record: usize) -> BTreeSet<usize> {
    let references = body.scope(record).iter().filter(|node| {
        let of = body.records[record].typed.of.get(node).map(String::as_str);
        of.is_some_and(|of| of.starts_with("Reference"))
    });
    let numbers: BTreeSet<String> = references.filter_map(|node| body.identifier(*node)).collect();
    let numbered = |other: &usize| {
        let one = &body.records[*other];
        let identifiers = one.node.and_then(|node| body.doc.member(node, "identifier"));
        let all = identifiers.into_iter().flat_map(|all| body.doc.children(all));
        let mut values = all.filter_map(|one| body.scalar(body.doc.member(*one, "value")?));
        is_public(body, &one.kind) && values.any(|value| numbers.contains(&value))
    };
    (0..body.records.len()).filter(|other| *other != record).filter(numbered).collect()
}

/// Slow and plain: each public record takes from those it names until nothing changes.
fn gather_over_public(body: &Body<'_>, found: &mut [Found]) {
    loop {
        let before: Vec<Hits> = found.iter().map(|one| one.own).collect();
        for record in 0..found.len() {
            if is_public(body, &body.records[record].kind) {
                for target in public_named(body, record) {
                    found[record].own.add(known(before[target]));
                    let kinds = [record, target].map(|one| body.records[one].kind.as_str());
                    if kinds == ["PractitionerRole", "Practitioner"] {
                        found[target].own.add(known(before[record]));
                    }
                }
            }
        }
        if found.iter().map(|one| one.own).eq(before) {
            return;
        }
    }
}

/// Whether a record of another person has a link that could not be followed.
fn is_lost(body: &Body<'_>, record: usize, beside: &Beside) -> bool {
    let own = body.all_reader(body.subjects(record));
    let public = body.kind(record).is_some_and(|kind| kind.public);
    let broken = beside.broken.contains(&record);
    let lost = || {
        has_link_out_of_sight(body, record, beside)
            || has_misformed_tie(body, record)
            || !super::forms::misformed(body, record).is_empty()
    };
    !own && !public && (broken || lost())
}

/// Whether something stands where a tie should that is of no form that ties.
fn has_misformed_tie(body: &Body<'_>, record: usize) -> bool {
    let ties = body.kind(record).map(|kind| kind.episode.as_slice()).unwrap_or_default();
    let nodes = ties.iter().flatten().flat_map(|path| body.select(record, path));
    nodes.into_iter().any(|node| match &body.doc.nodes[node].value {
        Value::Array(children) => !children.is_empty(),
        Value::Object(_) => !body.shape.fhir,
        Value::Bool(_) => true,
        Value::Null | Value::Text(_) | Value::Number(_) => false,
    })
}

/// Whether a record must have a known code and has none, neither of its own nor of an attached
/// record that is its evidence (a Medication).
fn needs_codes(body: &Body<'_>, record: usize, found: &[Found], beside: &Beside) -> bool {
    let looked = looked_evidence(body, record, beside).into_iter().any(|at| {
        let one = &beside.looked[at];
        one.knows_codes && body.kind_is(&one.kind, |kind| kind.attached)
    });
    let attached = |target: &usize| body.kind(*target).is_some_and(|kind| kind.attached);
    body.kind(record).is_some_and(|kind| kind.needs_codes)
        && !found[record].knows_codes
        && !looked
        && !evidence(body, record)
            .iter()
            .any(|target| attached(target) && found[*target].knows_codes)
}

/// What a record gives to others: of a note no note, but mental health that its event shares; of
/// what could not be judged nothing that an event shares.
fn without_notes(hits: Hits) -> Hits {
    let note = Categories::of(Category::PsychotherapyNotes);
    let unclassified = Categories::of(Category::Unclassified);
    let mut given = Hits {
        record: hits.record.minus(note),
        episode: hits.episode.minus(note).minus(unclassified),
    };
    if hits.all().contains(Category::PsychotherapyNotes) {
        given.add(EPISODE_MENTAL);
    }
    if hits.all().contains(Category::Unclassified) {
        given.add(RECORD_UNCLASSIFIED);
    }
    given
}

/// The same of what could be judged.
fn known(hits: Hits) -> Hits {
    let Hits { record, episode } = without_notes(hits);
    Hits { record: record.minus(Categories::of(Category::Unclassified)), episode }
}

/// One code of a record.
struct Coded {
    node: Id,
    system: Option<String>,
    /// `None` for what is no text and no number: it cannot be judged.
    code: Option<String>,
    has_words: bool,
    clinical: bool,
}

fn own(body: &Body<'_>, lists: &Lists, record: usize, beside: &Beside) -> Found {
    let mut found = by_itself(body, lists, record);
    if is_lost(body, record, beside) {
        found.own.add(RECORD_UNCLASSIFIED);
    }
    found
}

/// What stands in a record.
fn by_itself(body: &Body<'_>, lists: &Lists, record: usize) -> Found {
    let mut found = Found::default();
    if body.records[record].node.is_none() || (body.kind(record).is_none() && !body.shape.fhir) {
        return found;
    }
    let date = date(body, record);
    let codes = if body.shape.fhir { fhir_codes(body, record) } else { house_codes(body, record) };
    for code in codes {
        let judged = match &code.code {
            Some(text) => lists.judge(code.system.as_deref(), text, date),
            None => Judged::ByWords,
        };
        let words = code.code.is_some() && code.has_words && lists.has_words();
        match judged {
            Judged::Ignored => {}
            Judged::Harmless => found.knows_codes |= code.clinical,
            Judged::Listed(hits) => {
                found.knows_codes |= code.clinical;
                found.own.add(hits);
            }
            Judged::ByWords if words => found.knows_codes |= code.clinical,
            Judged::ByWords if code.clinical => found.own.add(RECORD_UNCLASSIFIED),
            Judged::ByWords => found.loose_codes.push(code.node),
        }
    }
    for code in absent_reasons(body, record) {
        let system = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
        if let Judged::Listed(hits) = lists.judge(Some(system), &code, date) {
            found.own.add(hits);
        }
    }
    found.own.add(if body.shape.fhir {
        fhir_words(body, lists, record)
    } else {
        house_words(body, lists, record)
    });
    for (node, category) in field_nodes(body, record) {
        if category == Category::PsychotherapyNotes && !is_empty(body.doc, node) {
            found.note_fields.push(node);
            found.own.add(EPISODE_MENTAL);
        }
    }
    found
}

/// Whether it is a record of another person than the reader.
pub fn is_foreign(body: &Body<'_>, record: usize) -> bool {
    let subjects = body.subjects(record);
    !subjects.is_empty() && !body.all_reader(subjects)
}

pub fn is_empty(doc: &Doc, node: Id) -> bool {
    match &doc.nodes[node].value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        Value::Array(children) | Value::Object(children) => children.is_empty(),
        _ => false,
    }
}

/// Field places of a record, those of contained resources too.
pub fn field_nodes(body: &Body<'_>, record: usize) -> Vec<(Id, Category)> {
    let mut nodes = Vec::new();
    for (kind, top) in kinds_within(body, record) {
        for field in &body.shape.kinds[&kind].fields {
            for node in select_below(body, record, top, &field.at) {
                nodes.push((node, field.category));
            }
        }
    }
    nodes
}

/// A field place that is an array in dialect fhir is cut element by element.
pub fn elements(body: &Body<'_>, node: Id) -> Vec<Id> {
    let children = body.doc.children(node);
    if body.shape.fhir && body.doc.is_array(node) && !children.is_empty() {
        children.to_vec()
    } else {
        vec![node]
    }
}

/// The record and the resources contained in it: kind and node.
pub fn kinds_within(body: &Body<'_>, record: usize) -> Vec<(String, Id)> {
    let one = &body.records[record];
    let Some(node) = one.node else { return Vec::new() };
    if !body.shape.kinds.contains_key(&one.kind) {
        return Vec::new();
    }
    let mut kinds = vec![(one.kind.clone(), node)];
    for (resource, kind) in &one.typed.resources {
        if *resource != node {
            kinds.push((kind.clone(), *resource));
        }
    }
    kinds
}

/// What a path selects from the record's node or from a contained resource of it.
pub fn select_below(body: &Body<'_>, record: usize, top: Id, path: &Path) -> Vec<Id> {
    let scope = body.scope(record);
    path.find(body.doc, top).into_iter().filter(|id| scope.contains(id)).collect()
}

/// The places of a FHIR record in which a code is clinical: those that its kind names, and those
/// that the kinds of contained resources name; where its kind names none, FHIR's own.
fn clinical_places(body: &Body<'_>, record: usize) -> BTreeSet<Id> {
    const NAMES: [&str; 11] = [
        "category",
        "code",
        "diagnosis",
        "medicationCodeableConcept",
        "medicationReference",
        "procedure",
        "productOrService",
        "reasonCode",
        "revenue",
        "specialty",
        "type",
    ];
    let doc = body.doc;
    let mut places = BTreeSet::new();
    for (kind, top) in kinds_within(body, record) {
        for path in &body.shape.kinds[&kind].clinical {
            for node in select_below(body, record, top, path) {
                places.extend(doc.subtree(node));
            }
        }
    }
    if body.kind(record).is_none_or(|kind| kind.clinical.is_empty() && kind.codes.is_empty()) {
        for node in body.scope(record).iter().copied() {
            if doc.key(node).is_some_and(|key| NAMES.contains(&key)) {
                places.extend(doc.subtree(node));
            }
        }
    }
    places
}

fn fhir_codes(body: &Body<'_>, record: usize) -> Vec<Coded> {
    let doc = body.doc;
    let clinical = clinical_places(body, record);
    let root = body.records[record].node;
    let mut codes = Vec::new();
    for node in body.scope(record).iter().copied().filter(|node| Some(*node) != root) {
        let Some(code) = doc.member(node, "code") else { continue };
        let system = doc.member_text(node, "system");
        let concept = concept_around(body, node);
        let coding = concept.is_some()
            || body.records[record].typed.of.get(&node).is_some_and(|name| name == "Coding");
        let by_form =
            system.is_some() && doc.text(code).is_some() && doc.member(node, "value").is_none();
        if !by_form && (!coding || doc.nodes[code].value == Value::Null) {
            continue;
        }
        let said = |node: Id, key: &str| explained(body, node, key);
        let siblings = concept.and_then(|concept| doc.member(concept, "coding"));
        let has_words = said(node, "display")
            || concept.is_some_and(|concept| said(concept, "text"))
            || siblings
                .is_some_and(|all| doc.children(all).iter().any(|one| said(*one, "display")));
        codes.push(Coded {
            node,
            system: system.map(str::to_owned),
            code: doc.text(code).map(str::to_owned),
            has_words,
            clinical: clinical.contains(&node),
        });
    }
    codes
}

/// Why values of a FHIR record are not there, as extensions that stand in no other that goes say.
fn absent_reasons(body: &Body<'_>, record: usize) -> Vec<String> {
    let doc = body.doc;
    let typed = &body.records[record].typed;
    let is_extension = |node: &Id| typed.of.get(node).is_some_and(|name| name == "Extension");
    let url = |node: Id| doc.member_text(node, "url");
    let goes = |node: Id| url(node).is_none_or(|url| !body.shape.extensions.contains(url));
    let scope = body.scope(record).iter().copied().filter(is_extension);
    let own = scope.filter(|node| goes(*node));
    let own = own.filter(|node| {
        !doc.ancestors(*node).into_iter().any(|around| is_extension(&around) && goes(around))
    });
    let absent = own.filter(|node| {
        url(*node) == Some("http://hl7.org/fhir/StructureDefinition/data-absent-reason")
    });
    absent.filter_map(|node| doc.member_text(node, "valueCode").map(str::to_owned)).collect()
}

/// Whether a member says something of its object that its code does not.
fn explained(body: &Body<'_>, node: Id, key: &str) -> bool {
    const EMPTY: &str = "and any applicable available blister bottle capsule capsules carton code days diagnosis \
                         display dose drug each for item kit line medication none not null oral other pack package \
                         pharmacy procedure retail service supply tablet tablets test text the unit units unknown \
                         unspecified vial with";
    let of = |key: &str| body.doc.member(node, key).and_then(|member| body.scalar(member));
    let Some(text) = of(key) else { return false };
    let repeats = of("code").is_some_and(|code| code.eq_ignore_ascii_case(&text));
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    !repeats
        && words.any(|word| {
            word.chars().count() > 2 && !EMPTY.split_whitespace().any(|empty| empty == word)
        })
}

/// The object whose `coding` (an array or one) a node is.
fn concept_around(body: &Body<'_>, node: Id) -> Option<Id> {
    let doc = body.doc;
    let mut at = node;
    while doc.key(at).is_none() {
        at = doc.nodes[at].parent?;
    }
    if doc.key(at) == Some("coding") { doc.nodes[at].parent } else { None }
}

fn house_codes(body: &Body<'_>, record: usize) -> Vec<Coded> {
    let doc = body.doc;
    let mut codes = Vec::new();
    for place in &body.kind(record).unwrap().codes {
        let systems =
            place.system_at.as_ref().map(|at| body.select(record, at)).unwrap_or_default();
        for node in body.select(record, &place.at) {
            let holder = doc.nodes[node].parent;
            let sibling = systems.iter().find(|system| doc.nodes[**system].parent == holder);
            let said = |key: &str| holder.is_some_and(|holder| explained(body, holder, key));
            for one in code_values(body, node) {
                codes.push(Coded {
                    node: one,
                    system: match &place.system {
                        Some(system) => Some(system.clone()),
                        None => sibling.and_then(|sibling| body.scalar(*sibling)),
                    },
                    has_words: WORD_KEYS.into_iter().any(said),
                    code: body.scalar(one),
                    clinical: true,
                });
            }
        }
    }
    codes
}

/// A code, or each of an array of them; null is none.
fn code_values(body: &Body<'_>, node: Id) -> Vec<Id> {
    match &body.doc.nodes[node].value {
        Value::Null => Vec::new(),
        Value::Array(children) => children.iter().flat_map(|one| code_values(body, *one)).collect(),
        _ => vec![node],
    }
}

const WORD_KEYS: [&str; 4] = ["display", "text", "title", "description"];

/// The record's date: the first that is there and can be read, the day as written.
fn date(body: &Body<'_>, record: usize) -> Option<(Date, Date)> {
    for path in &body.kind(record)?.date {
        for node in body.select(record, path) {
            let day = body.scalar(node).and_then(|text| text.get(..10)?.parse::<Date>().ok());
            if let Some(day) = day {
                return Some((day, day));
            }
        }
    }
    None
}

fn fhir_words(body: &Body<'_>, lists: &Lists, record: usize) -> Hits {
    let doc = body.doc;
    let typed = &body.records[record].typed;
    let type_of = |node: Id| typed.of.get(&node).map(String::as_str);
    let free_text: BTreeSet<Id> = field_nodes(body, record)
        .into_iter()
        .filter(|(_, category)| *category == Category::FreeText)
        .flat_map(|(node, _)| doc.subtree(node))
        .collect();
    let mut hits = Hits::default();
    for node in body.scope(record).iter().copied() {
        let holds_data = type_of(node) == Some("Attachment")
            || (doc.is_object(node) && doc.member_text(node, "data").is_some());
        if holds_data && Some(node) != body.records[record].node {
            hits.add(attachment(body, lists, node));
        }
        let Some(text) = doc.text(node) else { continue };
        let around: Vec<&str> = doc.ancestors(node).into_iter().filter_map(type_of).collect();
        let prose = free_text.contains(&node)
            || around.iter().any(|name| ["Annotation", "Narrative"].contains(name));
        let key = doc.key(node);
        let element =
            key.or_else(|| doc.ancestors(node).into_iter().find_map(|above| doc.key(above)));
        let found = match type_of(node) {
            Some("string" | "markdown" | "xhtml")
                if around.contains(&"ContactPoint")
                    || is_number_or_place(around.first().copied(), element) =>
            {
                continue;
            }
            Some("canonical") if around.first() != Some(&"Meta") => lists.words(before_uuid(text)),
            Some("uri") if matches!(element, Some("instantiatesUri" | "moduleUri")) => {
                lists.words(before_uuid(text))
            }
            Some("xhtml") => lists.words(&without_markup(text)).record_only(),
            Some("markdown") => lists.words(text).record_only(),
            Some("string") if prose => lists.words(text),
            Some("string") => lists.words(before_uuid(text)),
            Some(_) => continue,
            // What no type is known of is read where FHIR and others keep words.
            None => match key {
                Some("div") => lists.words(&without_markup(text)).record_only(),
                Some(
                    "display" | "text" | "title" | "description" | "valueString" | "valueMarkdown",
                ) => lists.words(if prose { text } else { before_uuid(text) }),
                _ => continue,
            },
        };
        hits.add(if prose { found.record_only() } else { found });
    }
    hits
}

fn is_number_or_place(around: Option<&str>, key: Option<&str>) -> bool {
    match around {
        Some("Identifier") => key == Some("value"),
        Some("HumanName") => matches!(key, Some("family" | "given" | "text")),
        Some("Address") => {
            matches!(key, Some("city" | "country" | "district" | "postalCode" | "state"))
        }
        _ => false,
    }
}

/// Of a name that ends in a UUID, what stands before it: random digits are no words.
fn before_uuid(text: &str) -> &str {
    let is_uuid = |tail: &str| {
        let sizes: Vec<usize> = tail.split('-').map(str::len).collect();
        sizes == [8, 4, 4, 4, 12] && tail.replace('-', "").chars().all(|c| c.is_ascii_hexdigit())
    };
    let at = text.len().saturating_sub(36);
    let parted = text.get(..at).is_some_and(|before| {
        !before.contains(char::is_whitespace)
            && !before.ends_with(|c: char| c.is_ascii_alphanumeric())
    });
    if parted && text.get(at..).is_some_and(is_uuid) { &text[..at] } else { text }
}

/// Text in an attachment reaches the record only; what cannot be read is unclassified.
fn attachment(body: &Body<'_>, lists: &Lists, node: Id) -> Hits {
    use base64::Engine;
    let doc = body.doc;
    let Some(data) = doc.member(node, "data") else { return Hits::default() };
    let kind = doc.member_text(node, "contentType").map(|kind| kind.trim().to_lowercase());
    let base = kind.as_deref().map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let is_text = base.is_none_or(|kind| {
        kind.starts_with("text/") || ["json", "xml", "rtf"].iter().any(|end| kind.ends_with(end))
    });
    if !is_text {
        return Hits::default();
    }
    let Some(data) = doc.text(data) else { return RECORD_UNCLASSIFIED };
    let data: String = data.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    match base64::engine::general_purpose::STANDARD.decode(data) {
        Ok(bytes) if kind.is_none() && std::str::from_utf8(&bytes).is_err() => Hits::default(),
        Ok(bytes) => lists.words(&without_markup(&String::from_utf8_lossy(&bytes))).record_only(),
        Err(_) => RECORD_UNCLASSIFIED,
    }
}

fn house_words(body: &Body<'_>, lists: &Lists, record: usize) -> Hits {
    let doc = body.doc;
    let kind = body.kind(record).unwrap();
    let below = |paths: Vec<&Path>| -> BTreeSet<Id> {
        let nodes = paths.into_iter().flat_map(|path| body.select(record, path));
        nodes.flat_map(|node| doc.subtree(node)).collect()
    };
    let free = kind.fields.iter().filter(|field| field.category == Category::FreeText);
    let free_text = below(free.map(|field| &field.at).collect());
    let members = below(kind.members.iter().collect());
    let mut hits = Hits::default();
    for node in body.scope(record).iter().copied() {
        let Some(text) = doc.text(node) else { continue };
        if free_text.contains(&node) {
            hits.add(lists.words(text).record_only());
        } else if doc.key(node).is_some_and(|key| WORD_KEYS.contains(&key))
            || (members.contains(&node) && !is_token(text))
        {
            hits.add(lists.words(before_uuid(text)));
        }
    }
    hits
}

/// A date, an id or a number: no letter, or one word with a digit in it.
fn is_token(text: &str) -> bool {
    let letter = text.chars().any(|c| c.is_ascii_alphabetic() || !c.is_ascii());
    let digit = text.chars().any(|c| c.is_ascii_digit());
    !letter || (digit && !text.contains(' '))
}

/// The records that a record's evidence links point at.
fn evidence(body: &Body<'_>, record: usize) -> BTreeSet<usize> {
    let mut records = BTreeSet::new();
    let Some(kind) = body.kind(record) else { return records };
    for path in &kind.evidence {
        for node in body.select(record, path) {
            records.extend(body.pointed_at(node));
        }
    }
    records.remove(&record);
    records
}

/// The records beside the body that a record's evidence links point at.
fn looked_evidence(body: &Body<'_>, record: usize, beside: &Beside) -> BTreeSet<usize> {
    let paths = body.kind(record).map(|kind| kind.evidence.as_slice()).unwrap_or_default();
    let nodes = paths.iter().flat_map(|path| body.select(record, path));
    nodes.filter_map(|node| beside.direct.get(&(record, node)).copied()).collect()
}

/// Whether a link to something that matters is neither in this body nor beside it.
fn has_link_out_of_sight(body: &Body<'_>, record: usize, beside: &Beside) -> bool {
    let Some(kind) = body.kind(record) else { return false };
    let mut links: Vec<&Path> = kind.evidence.iter().collect();
    links.extend(kind.resolve.iter().map(|(link, _)| link));
    if body.shape.fhir {
        links.extend(kind.episode.iter().filter(|link| link.len() == 1).map(|link| &link[0]));
    }
    links.into_iter().any(|path| {
        body.select(record, path).into_iter().any(|node| {
            !beside.direct.contains_key(&(record, node)) && is_out_of_sight(body, record, node)
        })
    })
}

/// Who a link to one of these means is known: it is never out of sight, and ties nothing.
const PEOPLE: [&str; 3] = ["Patient", "RelatedPerson", "Coverage"];

fn is_out_of_sight(body: &Body<'_>, record: usize, node: Id) -> bool {
    let text = match &body.doc.nodes[node].value {
        Value::Null => return false,
        Value::Array(_) | Value::Bool(_) => return true,
        Value::Object(_) => match body.reference(node) {
            Some(reference) => reference.to_owned(),
            None => {
                return body.identifier(node).is_some() && !is_only_to_public(body, record, node);
            }
        },
        Value::Text(_) | Value::Number(_) => match body.scalar(node) {
            Some(text) => text,
            None => return false,
        },
    };
    if !body.pointed_at(node).is_empty() {
        return false;
    }
    if !body.shape.fhir {
        return true;
    }
    let seen_anyway = match target(&text) {
        Target::Inside => true,
        Target::Named(Some(kind), _) => is_public(body, &kind) || PEOPLE.contains(&kind.as_str()),
        Target::Searched(kind) => is_public(body, &kind),
        Target::Named(None, _) | Target::Unreadable => false,
    };
    !seen_anyway && !is_only_to_public(body, record, node)
}

pub fn is_public(body: &Body<'_>, kind: &str) -> bool {
    body.kind_is(kind, |kind| kind.public)
}

/// Whether the element allows nothing but public kinds.
pub fn is_only_to_public(body: &Body<'_>, record: usize, node: Id) -> bool {
    let of = body.records[record].typed.of.get(&node).map(String::as_str).unwrap_or_default();
    let targets = targets(of);
    !targets.is_empty() && targets.into_iter().all(|name| is_public(body, name))
}

/// The event that each record belongs to: records with the same number share one.
fn events(body: &Body<'_>, beside: &Beside) -> Vec<Option<usize>> {
    let mut keys: BTreeMap<(BTreeSet<Subject>, Vec<String>), Vec<usize>> = BTreeMap::new();
    for record in 0..body.records.len() {
        for key in event_keys(body, record, beside) {
            keys.entry((body.subjects(record).clone(), key)).or_default().push(record);
        }
    }
    let count = body.records.len();
    let mut event: Vec<Option<usize>> = vec![None; count + beside.looked.len()];
    for looked in 0..beside.looked.len() {
        for key in beside.keys(body, looked) {
            let subjects = beside.looked[looked].subjects.clone();
            keys.entry((subjects, key)).or_default().push(count + looked);
            event[count + looked] = Some(count + looked);
        }
    }
    for record in 0..body.records.len() {
        if joins(body, record) {
            event[record] = Some(record);
        }
    }
    // Slow and plain: spread the smallest number until nothing changes.
    loop {
        let mut changed = false;
        for records in keys.values() {
            let least = records.iter().filter_map(|record| event[*record]).min();
            for record in records {
                if event[*record] != least {
                    event[*record] = least;
                    changed = true;
                }
            }
        }
        if !changed {
            return event;
        }
    }
}

/// Whether a record joins events: it is about somebody, and its kind does.
fn joins(body: &Body<'_>, record: usize) -> bool {
    !body.subjects(record).is_empty() && kind_joins(body, &body.records[record].kind)
}

pub fn kind_joins(body: &Body<'_>, name: &str) -> bool {
    !["Patient", "Coverage"].contains(&name)
        && body.shape.kinds.get(name).is_none_or(|kind| kind.joins && !kind.public)
}

/// Everything that ties a record: its own names, its links, its tuples.
fn event_keys(body: &Body<'_>, record: usize, beside: &Beside) -> Vec<Vec<String>> {
    if !joins(body, record) {
        return Vec::new();
    }
    let mut keys = vec![vec![own_key(record)]];
    if !body.shape.fhir {
        keys.extend(body.id(record).map(|id| vec![id]));
    }
    for link in body.kind(record).map(|kind| kind.episode.as_slice()).unwrap_or_default() {
        let parts: Vec<Vec<String>> = link
            .iter()
            .map(|path| {
                let nodes = body.select(record, path).into_iter();
                let ties = nodes.filter_map(|node| {
                    let looked = beside.direct.get(&(record, node)).filter(|_| link.len() == 1);
                    match looked.filter(|_| body.shape.fhir) {
                        Some(at) => beside.key_of_link(body, *at).map(|key| key.concat()),
                        None => part(body, node, link.len() > 1),
                    }
                });
                ties.collect()
            })
            .collect();
        keys.extend(choices(Vec::new(), parts));
    }
    keys
}

/// Whoever is a person counts as that person, by whichever name.
pub fn or_person(body: &Body<'_>, text: String) -> String {
    body.people.find(&text).map_or(text, person_key)
}

pub fn person_key(person: PersonId) -> String {
    format!("person {}", person.0)
}

pub fn own_key(record: usize) -> String {
    format!("record {record}")
}

/// One part of a tie: a reference by what it points at, anything else by its value; of a
/// date-time the day. `None` ties nothing.
fn part(body: &Body<'_>, node: Id, in_tuple: bool) -> Option<String> {
    let text = body.scalar(node);
    if !body.doc.is_object(node) && (in_tuple || !body.shape.fhir) {
        let value = || value(body, node).map(|text| or_person(body, text));
        return if in_tuple { value() } else { text };
    }
    let Some(reference) = body.reference(node).map(str::to_owned).or(text) else {
        return body.identifier(node).filter(|_| in_tuple).map(|text| or_person(body, text));
    };
    let reference = reference.as_str();
    if in_tuple && let Subject::Known(person) = body.who_is(Some(reference), None) {
        return Some(person_key(person));
    }
    if let Some(target) = body.resolve(reference).first() {
        // What joins no event ties nothing; as a part of a tuple it is only a value.
        let ties = in_tuple || kind_joins(body, &body.records[*target].kind);
        return ties.then(|| own_key(*target));
    }
    match target(reference) {
        Target::Named(kind, name) => {
            let people = kind.as_deref().is_some_and(|kind| PEOPLE.contains(&kind));
            let ties = kind.is_none_or(|kind| !people && kind_joins(body, &kind));
            (in_tuple || ties).then_some(name)
        }
        _ => in_tuple.then(|| reference.to_owned()),
    }
}

/// A value of a tuple: of a date-time the day.
pub fn value(body: &Body<'_>, node: Id) -> Option<String> {
    let text = body.scalar(node)?;
    let day = text.get(..10).filter(|day| day.parse::<Date>().is_ok());
    Some(day.map_or_else(|| text.clone(), str::to_owned))
}

/// What ties a record to company, by texts alone: a record in sight by its type and id, a subject
/// by none.
pub fn texts_that_tie(body: &Body<'_>, record: usize) -> Vec<Vec<String>> {
    let mut keys: Vec<Vec<String>> =
        body.names(record).into_iter().map(|name| vec![name]).collect();
    let named = |text: &str| match target(text) {
        Target::Named(_, name) if body.shape.fhir => name,
        _ => text.to_owned(),
    };
    let Some(kind) = body.kind(record) else { return keys };
    for link in &kind.episode {
        let parts = link.iter().map(|path| -> Vec<String> {
            let subject = link.len() > 1 && kind.subject.contains(path);
            let nodes = body.select(record, path).into_iter();
            let texts = nodes.filter_map(|node| {
                if !body.doc.is_object(node) {
                    let text = body.scalar(node);
                    return if link.len() > 1 {
                        value(body, node)
                    } else {
                        text.map(|t| named(&t))
                    };
                }
                let Some(text) = body.reference(node) else {
                    return body.identifier(node).filter(|_| link.len() > 1);
                };
                let seen = body.resolve(text).first().copied().filter(|_| link.len() > 1);
                let typed = seen.and_then(|seen| {
                    let id = body.doc.member_text(body.records[seen].node?, "id")?;
                    Some(format!("{}/{id}", body.records[seen].kind))
                });
                Some(typed.unwrap_or_else(|| named(text)))
            });
            texts.map(|text| if subject { String::new() } else { text }).collect()
        });
        let start = if link.len() > 1 { vec!["tuple".to_owned()] } else { Vec::new() };
        keys.extend(choices(start, parts));
    }
    keys
}

/// Every choice of one value of each part, behind what they begin with.
pub fn choices(
    start: Vec<String>,
    parts: impl IntoIterator<Item = Vec<String>>,
) -> Vec<Vec<String>> {
    parts.into_iter().fold(vec![start], |tuples, values| {
        let longer = tuples.iter().flat_map(|tuple| {
            values.iter().map(|value| [tuple.clone(), vec![value.clone()]].concat())
        });
        longer.collect()
    })
}
