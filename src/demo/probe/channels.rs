//! The catalogue: every channel by which a deployment in front of the family may tell the mother
//! what is hidden of her daughter, and the requests that try it.
//!
//! T are the traps that other systems fell into, C the ways in which a payer's data tells of
//! what was taken out of it, R, E, J, F, X, P, I and L what hostile or odd requests and answers
//! try. Rows that cannot be seen from outside are not here.

mod contents;
mod transport;

use super::super::family::Who;
use super::super::world::World;
use super::Channel;
use super::ask::Ask;
use super::questions::Question::{
    self, Alike, Bound, Full, Hers, Locked, Open, Readable, Silent, Uncounted,
};

const EOB: &str = "/fhir/ExplanationOfBenefit?patient=p-102";
const EVERYTHING: &str = "/fhir/Patient/p-102/$everything";
const CLAIMS: &str = "/api/v1/members/M-102/claims";

/// Kinds of which the daughter has hidden records that can be read by id.
const KINDS: [&str; 12] = [
    "ExplanationOfBenefit",
    "Encounter",
    "Condition",
    "Observation",
    "DocumentReference",
    "MedicationRequest",
    "CareTeam",
    "CarePlan",
    "Claim",
    "ClaimResponse",
    "Appointment",
    "Communication",
];

/// Every channel, in the order of the sheet.
pub(super) fn all(world: &World) -> Vec<Channel> {
    let mut channels = controls();
    channels.extend(existence(world));
    channels.extend(counting());
    channels.extend(contents::searching());
    channels.extend(contents::roads());
    channels.extend(contents::other_forms());
    channels.extend(contents::money_and_mail(world));
    channels.extend(transport::heads());
    channels.extend(transport::odd_requests(world));
    channels
}

fn channel(ids: &'static str, holds: &'static str, question: Question) -> Channel {
    Channel { ids, holds, question }
}

fn gets<T: Into<String>>(targets: impl IntoIterator<Item = T>) -> Vec<Ask> {
    targets.into_iter().map(Ask::get).collect()
}

fn about(kinds: &[&str], parameters: &str) -> Vec<Ask> {
    gets(kinds.iter().map(|kind| format!("/fhir/{kind}?patient=p-102{parameters}")))
}

/// The same list, asked for by what is hidden and by what is nowhere.
fn either(rows: &[(&str, &str, &str)]) -> Question {
    let ask = |list: &str, by: &str| Ask::get(format!("{list}{by}"));
    Alike(rows.iter().map(|(list, one, other)| (ask(list, one), ask(list, other))).collect())
}

/// The address of a hidden record of that kind.
fn hidden(world: &World, kind: &str) -> Option<String> {
    let is_secret = |record: &&super::super::world::Record| {
        record.kind == kind && record.subjects == [Who::Ingrid] && !record.may_be_seen_by(Who::Ruth)
    };
    let telling = |record: &&super::super::world::Record| {
        kind != "claim" || record.body.to_string().contains("F33")
    };
    let record = world.records.iter().filter(is_secret).find(telling)?;
    let list = if kind == "claim" { "/api/v1/claims".to_owned() } else { format!("/fhir/{kind}") };
    Some(format!("{list}/{}", record.id))
}

fn controls() -> Vec<Channel> {
    vec![
        channel(
            "control T34",
            "the daughter sees what is hers",
            Hers(gets([EOB, EVERYTHING, CLAIMS])),
        ),
        channel(
            "control",
            "the mother sees what she may of everybody",
            Open(gets([
                "/fhir/Patient/p-100/$everything",
                EVERYTHING,
                "/api/v1/family/C-1/claims",
            ])),
        ),
        channel(
            "T16",
            "what a list shows can be read by its address",
            Readable(Ask::get("/fhir/ExplanationOfBenefit?patient=p-100")),
        ),
        channel(
            "I1 I3 T24",
            "without a token there is nothing",
            Locked(gets([EOB, EVERYTHING, CLAIMS])),
        ),
    ]
}

/// T8, T9, C15, R8: there, and not to be seen; or not there.
fn existence(world: &World) -> Vec<Channel> {
    let there = KINDS.iter().filter_map(|kind| hidden(world, kind));
    let there: Vec<String> = there.chain(hidden(world, "claim")).collect();
    let absent = |address: &String| {
        let list = address.rsplit_once('/').map_or("", |(list, _)| list);
        format!("{list}/absent-0000")
    };
    let alike = there.iter().map(|one| (Ask::get(one), Ask::get(absent(one)))).collect();
    let by_id = |address: &String| {
        let (list, id) = address.rsplit_once('/').unwrap_or(("", ""));
        (Ask::get(format!("{list}?_id={id}")), Ask::get(format!("{list}?_id=absent-0000")))
    };
    let fhir = there.iter().filter(|one| one.starts_with("/fhir"));
    vec![
        channel("T8 C15 R8 F17", "hidden by its id is answered as absent is", Alike(alike)),
        channel(
            "T9 T19",
            "nothing hidden can be read by its id",
            Silent(gets(there.iter().cloned())),
        ),
        channel(
            "T8 T13",
            "hidden in a search by id is answered as absent is",
            Alike(fhir.map(by_id).collect()),
        ),
        channel(
            "C14 F13",
            "older versions of what is hidden are no other way to it",
            Silent(gets(
                there
                    .iter()
                    .flat_map(|one| [format!("{one}/_history"), format!("{one}/_history/1")]),
            )),
        ),
    ]
}

/// T1 to T5, T14, C2, C25: how many there are.
fn counting() -> Vec<Channel> {
    let small = |list: &str| Ask::get(format!("{list}&_count=3"));
    let lists = [EOB, EVERYTHING, CLAIMS, "/api/v1/family/C-1", "/api/v1/family/C-1/messages"];
    vec![
        channel("T1 T4 C2", "no total counts what is hidden", Uncounted(gets(lists))),
        channel(
            "T2 T3 F25",
            "asked how many there are, it does not say",
            Uncounted(gets([
                format!("{EOB}&_summary=count"),
                format!("{EOB}&_total=accurate"),
                format!("{EOB}&_total=estimate"),
                format!("{EOB}&_count=0"),
            ])),
        ),
        channel(
            "T1 T5 C2 C25",
            "pages are as full as if the hidden were not there",
            Full { pages: small(EOB), size: 3, whole: Ask::get(format!("{EOB}&_count=1000")) },
        ),
        channel(
            "T1 T5 C2",
            "so are the portal's",
            Full {
                pages: Ask::get(format!("{CLAIMS}?pageSize=3")),
                size: 3,
                whole: Ask::get(format!("{CLAIMS}?pageSize=1000")),
            },
        ),
        channel(
            "T6 T14 L7",
            "a place in one reader's list is none in another's",
            Bound(small(EOB)),
        ),
        channel(
            "T6 C2",
            "no reader chooses from where the upstream counts",
            Silent(gets([
                format!("{EOB}&_offset=2&_count=1"),
                format!("{EOB}&_getpagesoffset=2&_count=1"),
                format!("{EOB}&page=2&_count=1"),
                format!("{CLAIMS}?cursor=2&pageSize=1"),
            ])),
        ),
        channel(
            "C2",
            "no reader counts the upstream's pages",
            either(&[("/api/v1/members/M-102/claims?pageSize=1&", "cursor=2", "cursor=9999")]),
        ),
    ]
}
