//! A second redactor: slow, obvious, written from DESIGN and sharing no code with the engine. It
//! is what the engine is compared with (`agreement.rs`), so it is kept plain rather than fast.

#![expect(unreachable_pub, reason = "modules of a test binary; nothing outside can reach them")]
#![expect(
    clippy::string_slice,
    clippy::wildcard_enum_match_arm,
    clippy::needless_range_loop,
    clippy::similar_names,
    clippy::single_match_else,
    clippy::struct_excessive_bools,
    reason = "plain code; a panic here is a failed test"
)]

pub mod beside;
pub mod classify;
pub mod codes;
pub mod cuts;
pub mod emit;
pub mod fhir;
pub mod forms;
pub mod json;
pub mod path;
pub mod people;
pub mod records;
pub mod rules;
pub mod shape;
mod tests;
pub mod yaml;

use beside::{Means, World, look_up};
use classify::classify;
use codes::Lists;
use cuts::{Judge, Outcome};
use json::{Doc, Id};
use path::Path;
use records::{Body, Subject};
use rules::Rules;
use sequester::engine::diagnostics::SourceFile;
use sequester::engine::facts::{People, Relation};
use shape::{Place, Route, Shape};
use std::collections::BTreeSet;

/// A policy set and the settings of a deployment.
#[derive(Debug)]
pub struct Oracle {
    pub shapes: Vec<Shape>,
    pub lists: Lists,
    pub rules: Rules,
    pub depth: usize,
    pub hold: usize,
    pub record: usize,
    pub public_url: Option<String>,
    /// What may be looked up; nothing if `None`.
    pub world: Option<World>,
}

/// A response of the upstream, and the request it answers.
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub status: u16,
    pub content_type: &'a str,
    pub body: &'a [u8],
}

/// What the reader gets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The status that stands for a refusal, if it is one.
    pub refused: Option<u16>,
    /// The body; of a refused stream what may have left before.
    pub body: Vec<u8>,
    /// Whether the reader is told that a psychotherapy note of theirs was withheld.
    pub own_note_withheld: bool,
    /// What became of every record, for messages.
    pub records: Vec<Seen>,
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub place: String,
    pub kind: String,
    pub subjects: usize,
    pub released: bool,
    pub categories: String,
}

/// A search that found nothing.
const NOTHING: &[u8] = br#"{"resourceType":"Bundle","type":"searchset"}"#;

/// The route that a request takes, and the values of its template.
struct Taken<'a> {
    shape: &'a Shape,
    route: &'a Route,
    values: Vec<(String, String)>,
}

impl Oracle {
    /// From the texts of a policy folder: `shapes/*.yaml`, `codes/*.csv`, `rules/*.yaml`.
    pub fn new(shapes: &[SourceFile], codes: &[SourceFile], rules: &[SourceFile]) -> Oracle {
        Oracle {
            shapes: shapes.iter().map(|file| Shape::read(&file.text)).collect(),
            lists: Lists::read(codes),
            rules: Rules::read(rules),
            depth: 64,
            hold: 8 << 20,
            record: 4 << 20,
            public_url: None,
            world: None,
        }
    }

    /// Judges one response.
    pub fn judge(&self, people: &dyn People, response: Response<'_>) -> Answer {
        let taken = match self.route(people, response.method, response.target) {
            Ok(taken) => taken,
            Err(status) => return refused(status),
        };
        let by_id = !taken.route.stream && taken.values.iter().any(|(name, _)| name == "id");
        if response.status != 200 {
            if taken.route.body == "search" && [401, 403, 404, 410].contains(&response.status) {
                return Answer { body: NOTHING.to_vec(), ..Answer::default() };
            }
            return refused(match response.status {
                404 | 410 => 404,
                401 | 403 if by_id => 404,
                400 | 422 => 400,
                503 | 429 => 503,
                504 => 504,
                _ => 502,
            });
        }
        if !reads(response.content_type, taken.route) {
            return refused(502);
        }
        if taken.route.body == "ndjson" {
            return self.lines(people, &taken, response.body);
        }
        if taken.route.stream {
            return self.array(people, &taken, response.body);
        }
        if response.body.len() > self.hold {
            return refused(502);
        }
        match Doc::parse(response.body, self.depth) {
            Ok(doc) if has_form(&taken, &doc) => self.whole(people, &taken, &doc),
            Ok(_) | Err(_) => refused(502),
        }
    }

    fn route(&self, people: &dyn People, method: &str, target: &str) -> Result<Taken<'_>, u16> {
        let path = target.split('?').next().unwrap_or_default();
        let mut known = false;
        let mut best: Option<Taken<'_>> = None;
        for shape in &self.shapes {
            let Some(below) = path.strip_prefix(shape.base.as_str()) else { continue };
            for route in &shape.routes {
                let templates = [("GET", &route.get), ("POST", &route.post)];
                for (of, template) in templates {
                    let Some(values) = template.as_ref().and_then(|t| fits(t, below)) else {
                        continue;
                    };
                    known = true;
                    let literal = |values: &[(String, String)]| values.len();
                    let better =
                        best.as_ref().is_none_or(|b| literal(&values) < literal(&b.values));
                    if (of == method || (of == "GET" && method == "HEAD")) && better {
                        best = Some(Taken { shape, route, values });
                    }
                }
            }
        }
        let taken = best.ok_or(if known { 405u16 } else { 404 })?;
        query(people, &taken, target)?;
        for (name, value) in &taken.values {
            let of_patient =
                taken.shape.fhir && target.contains("/Patient/") && target.contains("/$");
            let ours = match name.as_str() {
                "contract" => people.reader_is_on(value),
                "member" => is_near(people, value),
                "id" if of_patient => is_near(people, &format!("Patient/{value}")),
                "type" => taken.shape.kinds.contains_key(value),
                _ => true,
            };
            if !ours {
                return Err(404);
            }
        }
        Ok(taken)
    }

    fn whole(&self, people: &dyn People, taken: &Taken<'_>, doc: &Doc) -> Answer {
        let (body, outcome, seen) = self.outcome(people, taken, doc);
        let mut answer = Answer {
            refused: None,
            body: Vec::new(),
            own_note_withheld: outcome.own_note_withheld,
            records: seen,
        };
        if outcome.leaving.is_empty() && taken.values.iter().any(|(name, _)| name == "id") {
            answer.refused = Some(404);
            return answer;
        }
        if taken.route.body == "search" {
            answer.body = self.search(&body, &outcome);
            return answer;
        }
        let mut cut: BTreeSet<Id> = outcome.cuts.values().flatten().copied().collect();
        if !body.records.iter().any(|record| record.cut == 0) {
            cut.extend(self.envelope(taken, &body, &outcome));
            if taken.shape.omit {
                emit::close(doc, 0, taken.shape.fhir, &mut cut);
            }
        }
        answer.body = emit::value(doc, 0, &cut);
        // White space around the document is part of the body.
        let node = &doc.nodes[0];
        let start = if doc.bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        answer.body =
            [&doc.bytes[start..node.start], answer.body.as_slice(), &doc.bytes[node.end..]]
                .concat();
        answer
    }

    fn outcome<'d>(
        &'d self,
        people: &'d dyn People,
        taken: &Taken<'d>,
        doc: &'d Doc,
    ) -> (Body<'d>, Outcome, Vec<Seen>) {
        let mut body = Body::new(taken.shape, people, doc);
        let one_record = taken.route.body == "resource"
            || (taken.route.body == "ndjson" && taken.shape.fhir)
            || taken.route.record.is_some();
        if one_record {
            let kind = taken.route.record.as_deref().unwrap_or("$.resourceType");
            let nested = nested_in(&taken.shape.records, kind);
            let node = doc.is_object(0).then_some(0);
            body.add(0, node, kind, None, &nested);
        } else {
            body.find(&taken.shape.records, 0, None);
        }
        body.remember();
        let means = Means {
            world: self.world.as_ref(),
            lists: &self.lists,
            rules: &self.rules,
            depth: self.depth,
            public_url: self.public_url.as_deref(),
        };
        let found = classify(&body, &self.lists, &look_up(&body, means));
        let asked = taken.values.iter().find(|(name, _)| name == "type").map(|(_, kind)| kind);
        let asked_public = asked
            .filter(|kind| body.kind_is(kind, |kind| kind.public))
            .filter(|_| ["search", "resource"].contains(&taken.route.body.as_str()))
            .cloned();
        let public_url = self.public_url.as_deref();
        let judge =
            Judge { body: &body, found: &found, rules: &self.rules, public_url, asked_public };
        let outcome = judge.judge();
        let seen = (0..body.records.len())
            .map(|record| Seen {
                place: doc.place(body.records[record].node.unwrap_or(body.records[record].cut), 0),
                kind: body.records[record].kind.clone(),
                subjects: body.subjects(record).len(),
                released: outcome.leaving.contains(&record),
                categories: format!(
                    "{:?}{}",
                    found[record].all,
                    if body.subjects(record).contains(&Subject::Unknown) {
                        " of somebody unknown"
                    } else {
                        ""
                    }
                ),
            })
            .collect();
        (body, outcome, seen)
    }

    /// What is cut outside of records: withheld ones, and what no envelope place names.
    fn envelope(&self, taken: &Taken<'_>, body: &Body<'_>, outcome: &Outcome) -> Vec<Id> {
        let doc = body.doc;
        let mut allowed: Vec<Path> = taken.shape.envelope.clone();
        let mut ways: Vec<Path> = taken.shape.envelope.clone();
        if taken.shape.fhir {
            let names = ["$.resourceType", "$.type"];
            allowed.extend(names.map(Path::read));
            let names = ["fullUrl", "search", "request"];
            allowed.extend(names.map(|name| Path::read(&format!("$.entry[*].{name}"))));
        }
        for place in &taken.shape.records {
            ways.push(place.cut.clone());
        }
        let mut kept: BTreeSet<Id> = BTreeSet::new();
        for path in &allowed {
            for node in path.find(doc, 0) {
                kept.extend(doc.subtree(node));
            }
        }
        for path in ways {
            kept.extend(path.on_the_way(doc, 0).into_iter().filter(|id| doc.is_container(*id)));
        }
        let mut cut = Vec::new();
        for (number, record) in body.records.iter().enumerate() {
            if record.parent.is_some() {
                continue;
            }
            if !outcome.leaving.contains(&number) {
                cut.push(record.cut);
                continue;
            }
            kept.insert(record.cut);
            let node = record.node.unwrap_or(record.cut);
            kept.extend(
                doc.ancestors(node).into_iter().filter(|one| doc.is_within(*one, record.cut)),
            );
            kept.extend(doc.subtree(node));
            cut.extend(self.foreign_url(body, number));
        }
        cut.extend(doc.subtree(0).into_iter().filter(|id| *id != 0 && !kept.contains(id)));
        cut
    }

    /// The `fullUrl` of an entry, if it may not leave.
    fn foreign_url(&self, body: &Body<'_>, record: usize) -> Option<Id> {
        let one = &body.records[record];
        if !body.shape.fhir || one.node == Some(one.cut) {
            return None;
        }
        let node = body.doc.member(one.cut, "fullUrl")?;
        let url = body.doc.text(node).unwrap_or_default();
        let stays = url.starts_with("urn:")
            || match &self.public_url {
                Some(ours) => {
                    url.strip_prefix(ours.as_str()).is_some_and(|rest| rest.starts_with('/'))
                }
                None => {
                    let own = body.id(record).map(|id| format!("/{}/{id}", one.kind));
                    (url.starts_with("http://") || url.starts_with("https://"))
                        && own.is_some_and(|own| url.ends_with(&own))
                }
            };
        (!stays).then_some(node)
    }

    /// Our envelope of a search.
    fn search(&self, body: &Body<'_>, outcome: &Outcome) -> Vec<u8> {
        let cut: BTreeSet<Id> = outcome.cuts.values().flatten().copied().collect();
        let mut entries = Vec::new();
        for (number, record) in body.records.iter().enumerate() {
            if !outcome.leaving.contains(&number) {
                continue;
            }
            let lost = self.foreign_url(body, number);
            let members: Vec<Vec<u8>> = body
                .doc
                .children(record.cut)
                .iter()
                .filter(|one| {
                    ["fullUrl", "resource", "search"].contains(&body.doc.key(**one).unwrap())
                })
                .filter(|one| Some(**one) != lost)
                .map(|one| emit::member(body.doc, *one, &cut))
                .collect();
            entries.push([b"{".as_slice(), &members.join(&b","[..]), b"}"].concat());
        }
        let mut bytes = br#"{"resourceType":"Bundle","type":"searchset""#.to_vec();
        if !entries.is_empty() {
            bytes.extend(b",\"entry\":[");
            bytes.extend(entries.join(&b","[..]));
            bytes.push(b']');
        }
        bytes.push(b'}');
        bytes
    }

    /// JSON lines: each is a body of one record.
    fn lines(&self, people: &dyn People, taken: &Taken<'_>, body: &[u8]) -> Answer {
        let mut answer = Answer::default();
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let mut lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        if !taken.route.stream && body.len() > self.hold {
            return refused(502);
        }
        for line in lines {
            let doc = match Doc::parse(line, self.depth) {
                Ok(doc)
                    if line.len() <= self.record
                        && !line.starts_with(b"\xEF\xBB\xBF")
                        && has_form(taken, &doc) =>
                {
                    doc
                }
                _ => {
                    answer.refused = Some(502);
                    return answer;
                }
            };
            let (_, outcome, seen) = self.outcome(people, taken, &doc);
            answer.records.extend(seen);
            answer.own_note_withheld |= outcome.own_note_withheld;
            if outcome.leaving.contains(&0) {
                let cut: BTreeSet<Id> = outcome.cuts.values().flatten().copied().collect();
                answer.body.extend(emit::value(&doc, 0, &cut));
                answer.body.push(b'\n');
            }
        }
        answer
    }
}

impl Oracle {
    /// A streamed array: each element, and each other member around it, is a body of its own, and
    /// what stays is joined by commas alone.
    fn array(&self, people: &dyn People, taken: &Taken<'_>, body: &[u8]) -> Answer {
        let Ok(doc) = Doc::parse(body, self.depth) else { return refused(502) };
        let mut answer = Answer::default();
        if taken.route.record.is_some() {
            if !doc.is_array(0) {
                return refused(502);
            }
            let each = |id: &Id| self.record(people, taken, doc.raw(*id), &mut answer);
            let kept: Option<Vec<Vec<u8>>> = doc.children(0).iter().map(each).collect();
            let Some(kept) = kept else { return refused(502) };
            answer.body = joined("[", kept, "]");
            return answer;
        }
        if !doc.is_container(0) {
            return refused(502);
        }
        let mut members = Vec::new();
        for id in doc.children(0).iter().copied() {
            let Some((quote, _)) = &doc.nodes[id].key else {
                members.push(self.piece(people, taken, "[", doc.raw(id), "]", &mut answer));
                continue;
            };
            let key = &doc.bytes[*quote..];
            let key = &key[..=quoted_length(&key[1..])];
            let before = format!("{{{}:", std::str::from_utf8(key).unwrap());
            let ways = taken.shape.records.iter().map(|place| &place.cut);
            let ways: Vec<&Path> = ways.chain(&taken.shape.envelope).collect();
            let enters = doc.is_array(id)
                && ways.iter().any(|path| path.on_the_way(&doc, 0).contains(&id))
                && !ways.iter().any(|path| path.find(&doc, 0).contains(&id));
            let value = if enters {
                let inner = format!("{before}[");
                let elements = doc.children(id).iter();
                let kept: Vec<Option<Vec<u8>>> = elements
                    .map(|e| self.piece(people, taken, &inner, doc.raw(*e), "]}", &mut answer))
                    .collect();
                let Some(kept) = kept.into_iter().collect() else { return refused(502) };
                let array = joined("[", kept, "]");
                Some(if array == b"[]" && taken.shape.omit { Vec::new() } else { array })
            } else {
                self.piece(people, taken, &before, doc.raw(id), "}", &mut answer)
            };
            members.push(value.map(|value| match value.as_slice() {
                [] => Vec::new(),
                value => [key, b":", value].concat(),
            }));
        }
        let Some(members) = members.into_iter().collect() else { return refused(502) };
        let (open, close) = if doc.is_array(0) { ("[", "]") } else { ("{", "}") };
        answer.body = joined(open, members, close);
        answer
    }

    /// What stays of a value in this smallest of bodies; empty if nothing, `None` if too long.
    fn piece(
        &self,
        people: &dyn People,
        taken: &Taken<'_>,
        before: &str,
        value: &[u8],
        after: &str,
        answer: &mut Answer,
    ) -> Option<Vec<u8>> {
        if value.len() > self.record {
            return None;
        }
        let body = [before.as_bytes(), value, after.as_bytes()].concat();
        let doc = Doc::parse(&body, self.depth).unwrap();
        let one = self.whole(people, taken, &doc);
        answer.records.extend(one.records);
        answer.own_note_withheld |= one.own_note_withheld;
        let kept = one.body.strip_prefix(before.as_bytes());
        Some(kept.and_then(|kept| kept.strip_suffix(after.as_bytes())).unwrap_or(b"").to_vec())
    }

    /// What stays of an element that is a record by its route.
    fn record(
        &self,
        people: &dyn People,
        taken: &Taken<'_>,
        element: &[u8],
        answer: &mut Answer,
    ) -> Option<Vec<u8>> {
        if element.len() > self.record {
            return None;
        }
        let doc = Doc::parse(element, self.depth).unwrap();
        let (_, outcome, seen) = self.outcome(people, taken, &doc);
        answer.records.extend(seen);
        answer.own_note_withheld |= outcome.own_note_withheld;
        if !outcome.leaving.contains(&0) {
            return Some(Vec::new());
        }
        let cut: BTreeSet<Id> = outcome.cuts.values().flatten().copied().collect();
        Some(emit::value(&doc, 0, &cut))
    }
}

fn joined(open: &str, kept: Vec<Vec<u8>>, close: &str) -> Vec<u8> {
    let kept: Vec<Vec<u8>> = kept.into_iter().filter(|one| !one.is_empty()).collect();
    [open.as_bytes(), &kept.join(&b","[..]), close.as_bytes()].concat()
}

/// How many bytes a string has after its opening quote.
fn quoted_length(text: &[u8]) -> usize {
    let mut at = 0;
    while text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn refused(status: u16) -> Answer {
    Answer { refused: Some(status), ..Answer::default() }
}

/// Whether a person shares a contract with the reader, or granted them something.
fn is_near(people: &dyn People, name: &str) -> bool {
    let Some(person) = people.find(name) else { return false };
    let standing = people.standing(person);
    people.reader().is_some()
        && (!standing.grants.is_empty()
            || standing.ties.iter().any(|tie| tie.relation != Relation::Outsider))
}

/// Whether the reader may send these parameters: 400 if not.
fn query(people: &dyn People, taken: &Taken<'_>, target: &str) -> Result<(), u16> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let sent: Vec<(&str, &str)> = query
        .split('&')
        .filter(|one| !one.is_empty())
        .map(|one| one.split_once('=').unwrap_or((one, "")))
        .map(|(name, value)| (name.split(':').next().unwrap_or_default(), value))
        .collect();
    let shape = taken.shape;
    let named = |list: &[String], name: &str| list.iter().any(|one| one == name);
    let pins: Vec<&str> = sent
        .iter()
        .filter(|(name, _)| named(&shape.pinned_by, name))
        .map(|(_, value)| *value)
        .collect();
    let is_reader = |value: &str| {
        let names = [value.to_owned(), format!("Patient/{value}")];
        names.iter().any(|name| {
            let found = people.find(name);
            found.is_some() && found == people.reader()
        })
    };
    let pinned = matches!(pins.as_slice(), [one] if is_reader(one));
    let public = taken.values.iter().any(|(name, value)| {
        name == "type" && shape.kinds.get(value).is_some_and(|kind| kind.public)
    });
    let open = |name: &str| {
        named(&shape.open, name)
            || (public && named(&shape.public, name))
            || (pinned && named(&shape.self_only, name))
            || (pinned && named(&shape.pinned_by, name))
    };
    if sent.iter().all(|(name, _)| open(name)) { Ok(()) } else { Err(400) }
}

/// Whether a body is of the form that its route declares.
fn has_form(taken: &Taken<'_>, doc: &Doc) -> bool {
    let bundle = ["search", "bundle"].contains(&taken.route.body.as_str());
    if taken.shape.fhir && bundle {
        return doc.member_text(0, "resourceType") == Some("Bundle");
    }
    if taken.shape.fhir {
        doc.is_object(0)
    } else {
        taken.route.record.is_some() || doc.is_container(0)
    }
}

/// The values of a template, if the path fits it.
fn fits(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let wanted: Vec<&str> = template.split('/').collect();
    let given: Vec<&str> = path.split('/').collect();
    if wanted.len() != given.len() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, given) in wanted.into_iter().zip(given) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(_) if given.is_empty() => return None,
            Some(name) => values.push((name.to_owned(), given.to_owned())),
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(values)
}

/// Whether a body of that type can be judged on that route.
fn reads(content_type: &str, route: &Route) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_lowercase();
    if route.body == "ndjson" {
        [
            "application/fhir+ndjson",
            "application/ndjson",
            "application/x-ndjson",
            "application/jsonl",
        ]
        .contains(&kind.as_str())
    } else {
        kind == "application/json" || kind.ends_with("+json")
    }
}

/// The places of records inside records of a kind, as the shape writes them.
fn nested_in(places: &[Place], kind: &str) -> Vec<Place> {
    let mut nested = Vec::new();
    for place in places {
        if place.kind == kind {
            nested.extend(place.nested.iter().cloned());
        }
        nested.extend(nested_in(&place.nested, kind));
    }
    nested
}
