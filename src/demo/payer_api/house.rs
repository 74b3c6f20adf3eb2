//! The portal's own JSON: a family, its claims, its mail, its care.

use super::super::family::Who;
use super::super::world::{Api, Container, Record, World};
use super::{Answer, Asked};
use serde_json::{Value, json};

/// The latest claims of each person on the family's page.
const LATEST_CLAIMS: usize = 6;

pub(super) fn answer(world: &World, asked: &Asked, path: &[&str]) -> Answer {
    let body = match path {
        ["family", contract] => family(world, contract),
        ["family", contract, "claims"] => {
            page(world, asked, "claims", &of_kind(world, "claim", contract))
        }
        ["family", contract, "accumulators"] => {
            list(world, "accumulators", &of_kind(world, "accumulator", contract))
        }
        ["family", contract, "messages"] => {
            page(world, asked, "messages", &of_kind(world, "message", contract))
        }
        ["family", contract, "letters"] => filled(world, asked, "letter", "sections", contract),
        ["family", contract, "payments"] => filled(world, asked, "payment", "lines", contract),
        ["members", member, "claims"] => {
            page(world, asked, "claims", &of_member(world, "claim", member))
        }
        ["members", member, "prescriptions"] => {
            list(world, "prescriptions", &of_member(world, "prescription", member))
        }
        ["members", member, "authorizations"] => {
            list(world, "authorizations", &of_member(world, "authorization", member))
        }
        ["members", member, "care-team"] => {
            list(world, "careTeam", &of_member(world, "care-team-member", member))
        }
        ["claims", id] => {
            let claims = of_kind(world, "claim", "");
            match claims.into_iter().find(|claim| claim.id == *id) {
                Some(claim) => claim.body.clone(),
                None => return Answer::not_found(),
            }
        }
        _ => return Answer::not_found(),
    };
    Answer::json("application/json", &body)
}

/// The records of a kind on a contract, the latest first; on all, if none is named.
fn of_kind<'w>(world: &'w World, kind: &str, contract: &str) -> Vec<&'w Record> {
    let on = |who: &Who| contract.is_empty() || who.person().contract == contract;
    latest_first(world.records.iter().filter(|record| {
        record.api == Api::House && record.kind == kind && record.subjects.iter().any(on)
    }))
}

fn of_member<'w>(world: &'w World, kind: &str, member: &str) -> Vec<&'w Record> {
    let is_it = |who: &Who| who.person().member == member;
    latest_first(world.records.iter().filter(|record| {
        record.api == Api::House && record.kind == kind && record.subjects.iter().any(is_it)
    }))
}

fn latest_first<'w>(records: impl Iterator<Item = &'w Record>) -> Vec<&'w Record> {
    let mut records: Vec<&Record> = records.collect();
    records.sort_by_key(|record| std::cmp::Reverse(date(record)));
    records
}

fn date(record: &Record) -> Option<&str> {
    let date = record.body.get("serviceDate").or_else(|| record.body.get("sentOn"));
    date.and_then(Value::as_str)
}

fn head(world: &World) -> Value {
    json!({"asOf": world.today.to_string()})
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    if let Value::Object(members) = &mut body {
        members.insert(name.to_owned(), value);
    }
    body
}

fn bodies(records: &[&Record]) -> Value {
    records.iter().map(|record| record.body.clone()).collect()
}

fn list(world: &World, name: &str, records: &[&Record]) -> Value {
    with(head(world), name, bodies(records))
}

fn page(world: &World, asked: &Asked, name: &str, records: &[&Record]) -> Value {
    let all = records.iter().map(|record| record.body.clone()).collect();
    paged(world, asked, name, all)
}

fn paged(world: &World, asked: &Asked, name: &str, all: Vec<Value>) -> Value {
    let all: Vec<Value> = all.into_iter().filter(|one| fits(one, asked)).collect();
    let total = all.len();
    let size = asked.page_records("pageSize");
    let from = asked.number("cursor").unwrap_or(0);
    let until = from.saturating_add(size);
    let next = (until < total).then(|| until.to_string());
    let shown: Vec<Value> = all.into_iter().skip(from).take(size).collect();
    let body = with(head(world), name, shown.into());
    with(body, "page", json!({"size": size, "total": total, "next": next}))
}

/// Whether a record is what a search asks for: portals look for words anywhere.
fn fits(record: &Value, asked: &Asked) -> bool {
    let text = record.to_string();
    let mut wanted =
        ["diagnosis", "provider", "drug", "q"].into_iter().flat_map(|it| asked.parameters(it));
    wanted.all(|words| text.contains(words))
}

/// The family's page: its members, and the latest claims of each.
fn family(world: &World, contract: &str) -> Value {
    let members: Vec<Value> = of_kind(world, "member", contract)
        .into_iter()
        .map(|member| {
            let mut claims = of_member(world, "claim", &member.id);
            let count = claims.len();
            claims.truncate(LATEST_CLAIMS);
            let body = with(member.body.clone(), "claims", bodies(&claims));
            with(body, "claimCount", count.into())
        })
        .collect();
    let body = with(head(world), "contractId", contract.into());
    let body = with(body, "planName", "Silver 2000".into());
    let body = with(body, "memberCount", members.len().into());
    with(body, "members", members.into())
}

/// Letters or payments with their parts.
fn filled(world: &World, asked: &Asked, kind: &str, parts: &str, contract: &str) -> Value {
    let on = |container: &&Container| container.kind == kind && container.contract == contract;
    let all = world.containers.iter().filter(on).map(|container| {
        let within = |record: &&Record| record.within.as_ref() == Some(&container.id);
        let inside: Vec<&Record> = world.records.iter().filter(within).collect();
        with(container.body.clone(), parts, bodies(&inside))
    });
    paged(world, asked, &format!("{kind}s"), all.collect())
}
