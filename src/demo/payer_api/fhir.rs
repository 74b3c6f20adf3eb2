//! FHIR R4: search, read, `$everything`, files of an export.

use super::super::family::Who;
use super::super::world::{Api, Record, World};
use super::{Answer, Asked, encode};
use serde_json::{Value, json};

const JSON: &str = "application/fhir+json";

pub(super) fn answer(world: &World, asked: &Asked, path: &[&str]) -> Answer {
    match path {
        ["export", file] => export(world, file),
        ["Patient", id, "$everything"] => everything(world, asked, id),
        [kind] | [kind, "_search"] => search(world, asked, kind),
        [kind, id] => match read(world, kind, id) {
            Some(resource) => Answer::json(JSON, resource),
            None => Answer::not_found(),
        },
        _ => Answer::not_found(),
    }
}

/// All resources: the people's records, then the directory.
fn resources(world: &World) -> impl Iterator<Item = (&Value, Option<&Record>)> {
    let records = world.records.iter().filter(|record| record.api == Api::Fhir);
    let directory = world.directory.iter().map(|resource| (resource, None));
    records.map(|record| (&record.body, Some(record))).chain(directory)
}

fn text<'v>(resource: &'v Value, name: &str) -> &'v str {
    resource.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn read<'w>(world: &'w World, kind: &str, id: &str) -> Option<&'w Value> {
    let is_it = |r: &Value| text(r, "resourceType") == kind && text(r, "id") == id;
    resources(world).map(|(resource, _)| resource).find(|resource| is_it(resource))
}

fn patient(id: &str) -> Option<Who> {
    let id = id.strip_prefix("Patient/").unwrap_or(id);
    Who::ALL.into_iter().find(|who| who.patient() == id)
}

fn everything(world: &World, asked: &Asked, id: &str) -> Answer {
    let Some(who) = patient(id) else { return Answer::not_found() };
    let mut found: Vec<&Value> = resources(world)
        .filter(|(_, record)| record.is_some_and(|record| record.subjects.contains(&who)))
        .map(|(resource, _)| resource)
        .collect();
    let pointed_at: Vec<String> =
        found.iter().flat_map(|resource| references(resource, "")).collect();
    for resource in &world.directory {
        if pointed_at.contains(&name(resource)) {
            found.push(resource);
        }
    }
    let entries: Vec<Value> =
        found.into_iter().map(|resource| entry(asked, resource, None)).collect();
    bundle(&entries, None)
}

fn search(world: &World, asked: &Asked, kind: &str) -> Answer {
    let of_kind = resources(world).filter(|(resource, _)| text(resource, "resourceType") == kind);
    let all: Vec<&Value> =
        of_kind.filter(|(r, record)| fits(world, r, *record, asked)).map(|(r, _)| r).collect();
    let total = all.len();
    let from = asked.number("_offset").unwrap_or(0);
    let count = asked.page_records("_count");
    let page: Vec<&Value> = all.into_iter().skip(from).take(count).collect();
    let included = included(world, asked, &page);
    let mut entries: Vec<Value> =
        page.iter().map(|resource| entry(asked, resource, Some("match"))).collect();
    entries.extend(included.iter().map(|resource| entry(asked, resource, Some("include"))));
    let url = |offset: usize| format!("{}/fhir/{kind}?_count={count}&_offset={offset}", asked.base);
    let mut links = vec![json!({"relation": "self", "url": url(from)})];
    let next = from.saturating_add(count);
    if next < total {
        let others = asked.parameters.iter();
        let others = others.filter(|(name, _)| name != "_count" && name != "_offset");
        let others: String = others
            .flat_map(|(name, value)| ["&".into(), encode(name), "=".into(), encode(value)])
            .collect();
        let url = format!("{}{others}", url(next));
        links.push(json!({"relation": "next", "url": url}));
    }
    bundle(&entries, Some((total, links)))
}

/// Whether a resource is what a search asks for. Parameters that are not known here are ignored,
/// as many servers do.
fn fits(world: &World, resource: &Value, record: Option<&Record>, asked: &Asked) -> bool {
    asked.parameters.iter().all(|(name, value)| match name.as_str() {
        "patient" | "subject" | "beneficiary" | "individual" => {
            let who = patient(value);
            who.is_some_and(|who| record.is_some_and(|record| record.subjects.contains(&who)))
        }
        "_id" => value.split(',').any(|id| id == text(resource, "id")),
        "code" => {
            let code = value.rsplit('|').next().unwrap_or_default();
            resource.to_string().contains(&format!("\"code\":\"{code}\""))
        }
        "_has:Condition:patient:code" => resources(world).any(|(other, _)| {
            text(other, "resourceType") == "Condition"
                && other.to_string().contains(&format!("\"code\":\"{value}\""))
                && references(other, "subject").contains(&self::name(resource))
        }),
        "_lastUpdated" => {
            let updated = resource.pointer("/meta/lastUpdated").and_then(Value::as_str);
            updated.is_some_and(|updated| updated > value.trim_start_matches("gt"))
        }
        "status" => value == text(resource, "status"),
        "name" | "family" => resource.to_string().to_lowercase().contains(&value.to_lowercase()),
        _ => true,
    })
}

/// What `_include` and `_revinclude` add: the records that a page points at, and those that
/// point at it.
fn included<'w>(world: &'w World, asked: &Asked, page: &[&Value]) -> Vec<&'w Value> {
    let (mut pointed_at, mut pointing) = (Vec::new(), Vec::new());
    for include in asked.parameters("_include") {
        if let Some((kind, parameter)) = include.split_once(':') {
            let of_kind = page.iter().filter(|resource| text(resource, "resourceType") == kind);
            pointed_at
                .extend(of_kind.flat_map(|resource| references(resource, &member(parameter))));
        }
    }
    for include in asked.parameters("_revinclude") {
        if let Some((kind, parameter)) = include.split_once(':') {
            pointing.push((kind, member(parameter)));
        }
    }
    let names: Vec<String> = page.iter().map(|resource| name(resource)).collect();
    let points = |resource: &Value| {
        pointing.iter().any(|(kind, member)| {
            let found = references(resource, member);
            text(resource, "resourceType") == *kind && found.iter().any(|to| names.contains(to))
        })
    };
    resources(world)
        .map(|(resource, _)| resource)
        .filter(|resource| !names.contains(&name(resource)))
        .filter(|resource| pointed_at.contains(&name(resource)) || points(resource))
        .collect()
}

/// `care-team` → `careTeam`: the member that a search parameter looks at.
fn member(parameter: &str) -> String {
    let parameter = parameter.split(':').next().unwrap_or_default();
    let mut member = String::new();
    let mut upper = false;
    for letter in parameter.chars() {
        match letter {
            '-' => upper = true,
            _ if upper => {
                member.push(letter.to_ascii_uppercase());
                upper = false;
            }
            _ => member.push(letter),
        }
    }
    member
}

/// The references below every member of that name; below all, if there is none.
fn references(value: &Value, member: &str) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "reference" && member.is_empty() {
                    found.extend(value.as_str().map(str::to_owned));
                } else if name == member {
                    found.extend(references(value, ""));
                } else {
                    found.extend(references(value, member));
                }
            }
        }
        Value::Array(elements) => {
            found.extend(elements.iter().flat_map(|element| references(element, member)));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    found
}

fn name(resource: &Value) -> String {
    format!("{}/{}", text(resource, "resourceType"), text(resource, "id"))
}

fn entry(asked: &Asked, resource: &Value, mode: Option<&str>) -> Value {
    let url = format!("{}/fhir/{}", asked.base, name(resource));
    match mode {
        Some(mode) => json!({"fullUrl": url, "resource": resource, "search": {"mode": mode}}),
        None => json!({"fullUrl": url, "resource": resource}),
    }
}

fn bundle(entries: &[Value], page: Option<(usize, Vec<Value>)>) -> Answer {
    let mut body = json!({"resourceType": "Bundle", "type": "searchset", "entry": entries});
    if let (Value::Object(members), Some((total, links))) = (&mut body, page) {
        members.insert("total".to_owned(), total.into());
        members.insert("link".to_owned(), links.into());
    }
    Answer::json(JSON, &body)
}

fn export(world: &World, file: &str) -> Answer {
    let Some(kind) = file.strip_suffix(".ndjson") else { return Answer::not_found() };
    let mut body = String::new();
    for (resource, _) in resources(world) {
        if text(resource, "resourceType") == kind {
            body.push_str(&resource.to_string());
            body.push('\n');
        }
    }
    if body.is_empty() {
        return Answer::not_found();
    }
    Answer { status: hyper::StatusCode::OK, content_type: "application/fhir+ndjson", body }
}
