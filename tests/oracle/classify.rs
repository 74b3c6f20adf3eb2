//! What a record is about: codes, labels, words, fields, links, episodes (DESIGN 3, 4.3, 4.4).

use super::codes::{Hits, Judged, Lists};
use super::fhir::{targets, type_named, without_markup};
use super::json::{Doc, Id, Value};
use super::path::Path;
use super::records::{Body, Subject};
use jiff::civil::Date;
use sequester::engine::category::{Categories, Category};
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
    /// Whether a non-empty psychotherapy note stands in it.
    pub note_fields: Vec<Id>,
}

const RECORD_UNCLASSIFIED: Hits =
    Hits { record: Categories::of(Category::Unclassified), episode: Categories::NONE };
const EPISODE_MENTAL: Hits =
    Hits { record: Categories::NONE, episode: Categories::of(Category::MentalHealth) };

/// Classifies every record of a body.
pub fn classify(body: &Body<'_>, lists: &Lists) -> Vec<Found> {
    let mut found: Vec<Found> = (0..body.records.len()).map(|r| own(body, lists, r)).collect();
    for record in 0..found.len() {
        let mut taken = found[record].own;
        for target in evidence(body, record) {
            taken.add(without_notes(found[target].own));
        }
        found[record].taken = taken;
    }
    let events = events(body);
    for record in 0..found.len() {
        let mut all = found[record].taken.all();
        for other in 0..found.len() {
            if other != record && events[other].is_some() && events[other] == events[record] {
                all = all.union(without_notes(found[other].taken).episode);
            }
        }
        found[record].all = all;
    }
    found
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

/// The codes of a record: the node that holds the code, its system, its words, and whether it
/// stands in a clinical place.
struct Coded {
    node: Id,
    system: Option<String>,
    code: String,
    has_words: bool,
    clinical: bool,
}

fn own(body: &Body<'_>, lists: &Lists, record: usize) -> Found {
    let mut found = Found::default();
    let Some(kind) = body.kind(record) else {
        // Of a kind that nobody named only labels can be told: any code that hits.
        for code in fhir_codes(body, record) {
            if let Judged::Listed(hits) = lists.judge(code.system.as_deref(), &code.code, None) {
                found.own.add(hits);
            }
        }
        return found;
    };
    let date = date(body, record);
    let codes = if body.shape.fhir { fhir_codes(body, record) } else { house_codes(body, record) };
    let mut known = false;
    for code in codes {
        match lists.judge(code.system.as_deref(), &code.code, date) {
            Judged::Ignored => {}
            Judged::Harmless => known |= code.clinical,
            Judged::Listed(hits) => {
                known |= code.clinical;
                found.own.add(hits);
            }
            Judged::ByWords if code.has_words && lists.has_words() => known |= code.clinical,
            Judged::ByWords if code.clinical => found.own.add(RECORD_UNCLASSIFIED),
            Judged::ByWords => found.loose_codes.push(code.node),
        }
    }
    if kind.needs_codes && !known {
        found.own.add(RECORD_UNCLASSIFIED);
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
    if is_foreign(body, record) && has_link_out_of_sight(body, record) {
        found.own.add(RECORD_UNCLASSIFIED);
    }
    found
}

/// Whether it is a record of another person than the reader.
pub fn is_foreign(body: &Body<'_>, record: usize) -> bool {
    let subjects = body.subjects(record);
    !subjects.is_empty() && !body.all_reader(subjects)
}

fn is_empty(doc: &Doc, node: Id) -> bool {
    match &doc.nodes[node].value {
        Value::Null => true,
        Value::Text(text) => text.is_empty(),
        Value::Array(children) | Value::Object(children) => children.is_empty(),
        _ => false,
    }
}

/// Field places of a record, those of contained resources too, element by element in FHIR.
pub fn field_nodes(body: &Body<'_>, record: usize) -> Vec<(Id, Category)> {
    let mut nodes = Vec::new();
    for (kind, top) in kinds_within(body, record) {
        for field in &body.shape.kinds[&kind].fields {
            for node in select_below(body, record, top, &field.at) {
                for node in elements(body, node) {
                    nodes.push((node, field.category));
                }
            }
        }
    }
    nodes
}

/// A field place that is an array in dialect fhir is treated element by element.
pub fn elements(body: &Body<'_>, node: Id) -> Vec<Id> {
    if body.shape.fhir && body.doc.is_array(node) {
        body.doc.children(node).to_vec()
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

fn fhir_codes(body: &Body<'_>, record: usize) -> Vec<Coded> {
    let doc = body.doc;
    let mut clinical = BTreeSet::new();
    for (kind, top) in kinds_within(body, record) {
        for path in &body.shape.kinds[&kind].clinical {
            for node in select_below(body, record, top, path) {
                clinical.extend(doc.subtree(node));
            }
        }
    }
    let mut codes = Vec::new();
    for node in body.scope(record).iter().copied() {
        let Some(code) = doc.member_text(node, "code") else { continue };
        let system = doc.member_text(node, "system");
        let typed = body.records[record].typed.of.get(&node).is_some_and(|name| name == "Coding");
        if !(typed || (system.is_some() && doc.member(node, "value").is_none())) {
            continue;
        }
        let said =
            |node: Id, key: &str| doc.member_text(node, key).is_some_and(|t| !t.trim().is_empty());
        let concept = doc.nodes[node]
            .parent
            .filter(|array| doc.is_array(*array) && doc.key(*array) == Some("coding"))
            .and_then(|array| doc.nodes[array].parent);
        codes.push(Coded {
            node,
            system: system.map(str::to_owned),
            code: code.to_owned(),
            has_words: said(node, "display") || concept.is_some_and(|node| said(node, "text")),
            clinical: clinical.contains(&node),
        });
    }
    codes
}

fn house_codes(body: &Body<'_>, record: usize) -> Vec<Coded> {
    let doc = body.doc;
    let mut codes = Vec::new();
    for place in &body.kind(record).unwrap().codes {
        let systems =
            place.system_at.as_ref().map(|at| body.select(record, at)).unwrap_or_default();
        for node in body.select(record, &place.at) {
            if doc.nodes[node].value == Value::Null {
                continue;
            }
            let holder = doc.nodes[node].parent;
            let sibling = systems.iter().find(|system| doc.nodes[**system].parent == holder);
            let said = |key: &str| {
                holder
                    .and_then(|holder| doc.member_text(holder, key))
                    .is_some_and(|text| !text.trim().is_empty())
            };
            let code = body.scalar(node);
            codes.push(Coded {
                node,
                system: match sibling {
                    Some(sibling) => doc.text(*sibling).map(str::to_owned),
                    None => place.system.clone(),
                },
                has_words: code.is_some() && WORD_KEYS.into_iter().any(said),
                code: code.unwrap_or_default(),
                clinical: true,
            });
        }
    }
    codes
}

const WORD_KEYS: [&str; 4] = ["display", "text", "title", "description"];

/// The record's date: the earliest and the latest day that it allows.
fn date(body: &Body<'_>, record: usize) -> Option<(Date, Date)> {
    for path in &body.kind(record)?.date {
        for node in body.select(record, path) {
            if let Some(text) = body.doc.text(node).filter(|text| !text.is_empty()) {
                return days(text);
            }
        }
    }
    None
}

fn days(text: &str) -> Option<(Date, Date)> {
    let day = |text: &str| text.parse::<Date>().ok();
    match text.len() {
        4 => Some((day(&format!("{text}-01-01"))?, day(&format!("{text}-12-31"))?)),
        7 => {
            let first = day(&format!("{text}-01"))?;
            Some((first, first.last_of_month()))
        }
        _ => {
            let first = day(text.get(..10)?)?;
            Some((first, first))
        }
    }
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
        if type_of(node) == Some("Attachment") {
            hits.add(attachment(doc, lists, node));
        }
        let (Some(text), Some(name)) = (doc.text(node), type_of(node)) else { continue };
        let silent = ["HumanName", "Address", "ContactPoint", "Identifier"];
        if doc.ancestors(node).iter().any(|one| type_of(*one).is_some_and(|t| silent.contains(&t)))
        {
            continue;
        }
        hits.add(match name {
            "string" if free_text.contains(&node) => lists.words(text).record_only(),
            "string" => lists.words(before_uuid(text)),
            "markdown" => lists.words(text).record_only(),
            "xhtml" => lists.words(&without_markup(text)).record_only(),
            _ => Hits::default(),
        });
    }
    hits
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

fn attachment(doc: &Doc, lists: &Lists, node: Id) -> Hits {
    use base64::Engine;
    let kind = doc.member_text(node, "contentType").unwrap_or_default().to_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_text = kind.starts_with("text/")
        || kind == "application/xml"
        || kind == "application/json"
        || kind.ends_with("+xml")
        || kind.ends_with("+json");
    let Some(data) = doc.member_text(node, "data").filter(|_| is_text) else {
        return Hits::default();
    };
    let data: String = data.chars().filter(|letter| !letter.is_whitespace()).collect();
    match base64::engine::general_purpose::STANDARD.decode(data) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let mut hits = lists.words(&text);
            hits.add(lists.words(&without_markup(&text)));
            hits.record_only()
        }
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

/// A date, an id or a number: one word with a digit in it.
fn is_token(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace) && text.contains(|c: char| c.is_ascii_digit())
}

/// The records that a record's evidence links point at.
fn evidence(body: &Body<'_>, record: usize) -> BTreeSet<usize> {
    let mut records = BTreeSet::new();
    let Some(kind) = body.kind(record) else { return records };
    for path in &kind.evidence {
        for node in body.select(record, path) {
            records.extend(pointed_at(body, node));
        }
    }
    records.remove(&record);
    records
}

/// The records of the body that a link points at.
pub fn pointed_at(body: &Body<'_>, node: Id) -> Vec<usize> {
    if let Some(reference) = body.reference(node) {
        return body.resolve(reference);
    }
    match body.scalar(node) {
        Some(text) if !text.is_empty() => body.resolve(&text),
        _ => Vec::new(),
    }
}

/// Whether a link to something that matters is not in this body.
fn has_link_out_of_sight(body: &Body<'_>, record: usize) -> bool {
    let kind = body.kind(record).unwrap();
    let mut links: Vec<&Path> = kind.evidence.iter().chain(&kind.resolve).collect();
    if body.shape.fhir {
        links.extend(kind.episode.iter().filter(|link| link.len() == 1).map(|link| &link[0]));
    }
    links.into_iter().any(|path| {
        body.select(record, path).into_iter().any(|node| is_out_of_sight(body, record, node))
    })
}

fn is_out_of_sight(body: &Body<'_>, record: usize, node: Id) -> bool {
    if !body.shape.fhir {
        return body.scalar(node).is_some_and(|text| !text.is_empty())
            && pointed_at(body, node).is_empty();
    }
    match body.reference(node) {
        Some(reference) if reference.starts_with('#') => !points_inside(body, record, reference),
        Some(_) => pointed_at(body, node).is_empty() && !points_at_public(body, record, node),
        None => {
            body.doc.member(node, "identifier").is_some() && !points_at_public(body, record, node)
        }
    }
}

/// Whether `#id` names a resource contained in the record.
pub fn points_inside(body: &Body<'_>, record: usize, reference: &str) -> bool {
    let Some(node) = body.records[record].node else { return false };
    let wanted = reference.trim_start_matches('#');
    wanted.is_empty()
        || Path::read("$.contained[*].id")
            .find(body.doc, node)
            .iter()
            .any(|id| body.doc.text(*id) == Some(wanted))
}

/// Whether a Reference points at a public kind: by its type, or because nothing else is allowed.
pub fn points_at_public(body: &Body<'_>, record: usize, node: Id) -> bool {
    let public = |name: &str| body.kind_is(name, |kind| kind.public);
    if let Some(name) = body.target_type(node) {
        return public(&name);
    }
    let of = body.records[record].typed.of.get(&node).map(String::as_str).unwrap_or_default();
    let targets = targets(of);
    !targets.is_empty() && targets.into_iter().all(public)
}

/// The event that each record belongs to: records with the same number share one.
fn events(body: &Body<'_>) -> Vec<Option<usize>> {
    let mut keys: BTreeMap<(BTreeSet<Subject>, Vec<String>), Vec<usize>> = BTreeMap::new();
    for record in 0..body.records.len() {
        for key in event_keys(body, record) {
            keys.entry((body.subjects(record).clone(), key)).or_default().push(record);
        }
    }
    let mut event: Vec<Option<usize>> = vec![None; body.records.len()];
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
    let kind = body.kind(record);
    !body.subjects(record).is_empty()
        && kind.is_some_and(|kind| kind_joins(&body.records[record].kind, kind))
}

fn kind_joins(name: &str, kind: &super::shape::Kind) -> bool {
    kind.joins && !kind.public && !kind.attached && !["Patient", "Coverage"].contains(&name)
}

/// Everything that ties a record: its own names, its links, its tuples.
fn event_keys(body: &Body<'_>, record: usize) -> Vec<Vec<String>> {
    if !joins(body, record) {
        return Vec::new();
    }
    let mut keys = vec![vec![own_key(record)]];
    if !body.shape.fhir {
        keys.extend(body.id(record).map(|id| vec![id]));
    }
    for link in &body.kind(record).unwrap().episode {
        let parts: Vec<Vec<String>> = link
            .iter()
            .map(|path| {
                let nodes = body.select(record, path).into_iter();
                nodes.filter_map(|node| part(body, record, node, link.len() > 1)).collect()
            })
            .collect();
        let mut tuples = vec![Vec::new()];
        for values in parts {
            tuples = tuples
                .into_iter()
                .flat_map(|tuple: Vec<String>| {
                    values.iter().map(move |value| [tuple.clone(), vec![value.clone()]].concat())
                })
                .collect();
        }
        keys.extend(tuples);
    }
    keys
}

fn own_key(record: usize) -> String {
    format!("record {record}")
}

/// One part of a tie: a reference by what it points at, anything else by its value; of a
/// date-time the day. `None` ties nothing.
fn part(body: &Body<'_>, record: usize, node: Id, in_tuple: bool) -> Option<String> {
    if body.doc.is_object(node) {
        let Some(reference) = body.reference(node).filter(|reference| !reference.is_empty()) else {
            return body.identifier(node).map(|value| format!("identifier {value}"));
        };
        if reference.starts_with('#') {
            return Some(format!("record {record} {reference}"));
        }
        let targets = body.resolve(reference);
        if let Some(target) = targets.first() {
            // What joins no event ties nothing; as a part of a tuple it is only a value.
            return (in_tuple || joins(body, *target)).then(|| own_key(*target));
        }
        let ties = match type_named(reference)
            .and_then(|name| body.shape.kinds.get(&name).map(|kind| kind_joins(&name, kind)))
        {
            Some(joins) => joins || in_tuple,
            None => true,
        };
        return ties.then(|| super::fhir::plain_reference(reference));
    }
    let text = body.scalar(node).filter(|text| !text.is_empty())?;
    let is_time = text.len() > 10 && text.as_bytes()[10] == b'T' && days(&text).is_some();
    Some(if is_time { text[..10].to_owned() } else { text })
}
