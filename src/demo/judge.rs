//! Who saw what they must not, and who missed what is theirs.
//!
//! Nothing here asks the engine. A record is known by its place in an answer; and every text
//! that stands only in what is kept from a reader (an id, a code, a name, a day, an amount) is
//! looked for in the bytes of everything that reader got.

use super::client::Heard;
use super::family::Who;
use super::world::{Api, Record, World};
use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Shortest text that is looked for, bytes: shorter ones stand anywhere.
const TEXT_BYTES_MIN: usize = 4;

/// Shortest text of digits that is looked for; procedures have five.
const DIGITS_MIN: usize = 5;

/// Shortest text that is looked for in the log: times and sums of its own are full of digits.
const LOGGED_BYTES_MIN: usize = 5;

/// Texts of records that stand in the templates of routes too, and so in the log.
const OF_ROUTES: &[&str] = &["Patient", "claim"];

/// Headers of digits, which may be anything.
const COUNTING: &[&str] = &["content-length", "date", "ratelimit", "ratelimit-policy"];

/// Words of envelopes, which are nobody's.
const ENVELOPE: &str =
    "resourceType Bundle searchset search match include self next entry problem json";

/// Somebody saw what they must not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Leak {
    pub(super) reader: Who,
    pub(super) request: String,
    pub(super) what: String,
}

/// Somebody missed what they have a right to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loss {
    pub(super) reader: Who,
    pub(super) what: String,
}

/// What the judge found.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    pub(super) leaks: Vec<Leak>,
    pub(super) losses: Vec<Loss>,
    /// By reader, which records they got, by number.
    pub(super) seen: BTreeMap<Who, BTreeSet<usize>>,
}

/// Where a record stands: API, kind, id.
type Place<'a> = (Api, &'a str, &'a str);

/// Judges everything that was heard.
pub(super) fn judge(world: &World, heard: &[Heard]) -> Result<Judgement, BuildError> {
    let places: BTreeMap<Place<'_>, usize> = (0..)
        .zip(&world.records)
        .map(|(number, record)| ((record.api, record.kind, record.id.as_str()), number))
        .collect();
    let mut judgement = Judgement::default();
    for reader in Who::ALL {
        let secrets = Secrets::of(world, reader)?;
        let mut whole = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for heard in heard.iter().filter(|heard| heard.reader == reader) {
            let mut leak = |what: String| {
                judgement.leaks.push(Leak { reader, request: heard.ask.shown(), what });
            };
            secrets.found_in(&heard.without_cursors()).into_iter().for_each(&mut leak);
            let headers = heard.headers.iter();
            for (name, value) in headers.filter(|(name, _)| !COUNTING.contains(&name.as_str())) {
                for secret in secrets.found_in(value.as_bytes()) {
                    leak(format!("{secret} (in `{name}`)"));
                }
            }
            for (api, kind, id, body) in records_in(&heard.body) {
                let place = (api, kind.as_str(), id.as_str());
                let Some(number) = places.get(&place) else { continue };
                let Some(record) = world.records.get(*number) else { continue };
                if !record.may_be_seen_by(reader) {
                    leak(format!("the {kind} {id}"));
                }
                seen.insert(*number);
                if record.as_seen_by(reader) == body {
                    whole.insert(*number);
                }
            }
        }
        for (number, record) in (0..).zip(&world.records) {
            judgement.losses.extend(loss(
                record,
                reader,
                seen.contains(&number),
                whole.contains(&number),
            ));
        }
        judgement.seen.insert(reader, seen);
    }
    judgement.leaks.sort();
    judgement.leaks.dedup();
    Ok(judgement)
}

/// A person has a right to their own records as they are; a parent to those of a small child.
fn loss(record: &Record, reader: Who, seen: bool, whole: bool) -> Option<Loss> {
    let mother_or_father = matches!(reader, Who::Ruth | Who::Per);
    let what = format!("the {} {}", record.kind, record.id);
    if record.is_owed_to(reader) && !whole {
        let what = if seen { format!("{what}, which is not whole") } else { what };
        return Some(Loss { reader, what });
    }
    (mother_or_father && record.is_owed_to(Who::Maja) && !seen).then_some(Loss { reader, what })
}

/// The texts that stand only in what is kept from one reader.
#[derive(Debug)]
pub(super) struct Secrets {
    texts: Vec<String>,
    finder: AhoCorasick,
}

impl Secrets {
    /// Those of everything that this reader must not see.
    pub(super) fn of(world: &World, reader: Who) -> Result<Secrets, BuildError> {
        let open = open_to(world, reader);
        let mut texts = BTreeSet::new();
        for record in &world.records {
            leaves(&record.body, &mut texts);
        }
        let bodies = world.containers.iter().map(|container| &container.body);
        for body in bodies.chain(&world.directory) {
            leaves(body, &mut texts);
        }
        let texts: Vec<String> = texts.into_iter().collect();
        let finder = finder(&texts)?;
        let shown: BTreeSet<usize> =
            finder.find_overlapping_iter(&open).map(|found| found.pattern().as_usize()).collect();
        let secret = |(number, text)| (!shown.contains(&number)).then_some(text);
        let texts: Vec<String> = (0..).zip(texts).filter_map(secret).collect();
        let finder = self::finder(&texts)?;
        Ok(Secrets { texts, finder })
    }

    /// Which of them stand in these bytes.
    pub(super) fn found_in(&self, bytes: &[u8]) -> BTreeSet<String> {
        let found = self.finder.find_overlapping_iter(bytes);
        found.filter_map(|found| self.texts.get(found.pattern().as_usize()).cloned()).collect()
    }
}

fn finder(texts: &[String]) -> Result<AhoCorasick, BuildError> {
    AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts)
}

/// All that a reader may see, as text: the records open to them, and of letters, payments and
/// the directory what those point at.
fn open_to(world: &World, reader: Who) -> String {
    let mut open = format!("{ENVELOPE} {} ", world.today);
    let mut within = BTreeSet::new();
    for record in world.records.iter().filter(|record| record.may_be_seen_by(reader)) {
        open.push_str(&record.as_seen_by(reader).to_string());
        within.extend(record.within.as_ref());
    }
    for container in world.containers.iter().filter(|own| within.contains(&own.id)) {
        open.push_str(&container.as_seen_by(reader, world).to_string());
    }
    for resource in &world.directory {
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
        let named = [text("/id"), text("/identifier/0/value")];
        if named.into_iter().flatten().any(|name| open.contains(&format!("{name}\""))) {
            open.push_str(&resource.to_string());
        }
    }
    open
}

/// The texts and broken numbers below a value, as they stand in JSON.
fn leaves(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.values().for_each(|value| leaves(value, found)),
        Value::Array(elements) => elements.iter().for_each(|value| leaves(value, found)),
        Value::String(_) | Value::Number(_) => {
            let text = value.to_string();
            let is_telling = value.is_string() || (value.is_f64() && !text.ends_with(".0"));
            let text = text.trim_matches('"');
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let bytes_min = if is_number { DIGITS_MIN } else { TEXT_BYTES_MIN };
            if is_telling && text.len() >= bytes_min {
                found.insert(text.to_owned());
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

/// The codes, names, days, amounts and words of records that stand in the proxy's log. Ids of
/// members and the days on which the log was written may.
pub(super) fn clinical_in(world: &World, log: &str) -> Result<Vec<String>, BuildError> {
    let mut texts = BTreeSet::new();
    for record in &world.records {
        leaves(&record.body, &mut texts);
    }
    let is_clinical = |text: &&String| {
        let is_day = text.starts_with("20") && text.contains('-');
        let member = |who: &Who| who.person().member == text.as_str();
        let is_ours = OF_ROUTES.contains(&text.as_str());
        text.len() >= LOGGED_BYTES_MIN && !is_day && !is_ours && !Who::ALL.iter().any(member)
    };
    // The log counts and has times: what is all digits is looked for as a text.
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let quoted = |text: &String| if is_number(text) { format!("\"{text}\"") } else { text.clone() };
    let texts: Vec<String> = texts.iter().filter(is_clinical).map(quoted).collect();
    let finder = finder(&texts)?;
    let found = finder.find_overlapping_iter(log);
    let texts = found.filter_map(|found| texts.get(found.pattern().as_usize()).cloned());
    Ok(texts.collect::<BTreeSet<_>>().into_iter().collect())
}

/// The arrays of house JSON whose elements are records: kind, and the member that is the id.
const ARRAYS: &[(&str, &str, &str)] = &[
    ("members", "member", "memberId"),
    ("claims", "claim", "claimId"),
    ("accumulators", "accumulator", "accumulatorId"),
    ("messages", "message", "messageId"),
    ("sections", "letter-section", "sectionId"),
    ("lines", "payment-line", "lineId"),
    ("prescriptions", "prescription", "prescriptionId"),
    ("authorizations", "authorization", "authorizationId"),
    ("careTeam", "care-team-member", "entryId"),
];

/// The records that stand in an answer: API, kind, id, body.
pub(super) fn records_in(body: &[u8]) -> Vec<(Api, String, String, Value)> {
    let mut found = Vec::new();
    // A body, or the lines of a stream.
    let bodies = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    for body in bodies.map_while(Result::ok) {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        match (text("resourceType"), text("claimId")) {
            (Some("Bundle"), _) => {
                let entries = body.get("entry").and_then(Value::as_array);
                let resources = entries.into_iter().flatten().filter_map(|e| e.get("resource"));
                resources.for_each(|resource| fhir_record(resource, &mut found));
            }
            (Some(_), _) => fhir_record(&body, &mut found),
            (None, Some(id)) => {
                found.push((Api::House, "claim".to_owned(), id.to_owned(), body.clone()));
            }
            (None, None) => house_records(&body, &mut found),
        }
    }
    found
}

fn fhir_record(resource: &Value, found: &mut Vec<(Api, String, String, Value)>) {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
    if let (Some(kind), Some(id)) = (text("resourceType"), text("id")) {
        found.push((Api::Fhir, kind, id, resource.clone()));
    }
}

fn house_records(body: &Value, found: &mut Vec<(Api, String, String, Value)>) {
    let Some(members) = body.as_object() else { return };
    for (array, kind, id) in ARRAYS {
        let elements = members.get(*array).and_then(Value::as_array);
        for element in elements.into_iter().flatten() {
            if let Some(id) = element.get(*id).and_then(Value::as_str) {
                let mut own = element.clone();
                if let (Value::Object(own), "member") = (&mut own, *kind) {
                    own.remove("claims");
                    own.remove("claimCount");
                }
                found.push((Api::House, (*kind).to_owned(), id.to_owned(), own));
            }
        }
    }
    for holder in ["members", "letters", "payments"] {
        let elements = members.get(holder).and_then(Value::as_array);
        elements.into_iter().flatten().for_each(|element| house_records(element, found));
    }
}

#[cfg(test)]
mod tests;
