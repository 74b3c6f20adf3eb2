//! Payments, letters and messages, month by month, made of the claims on file; and who looks
//! after whom.

use super::super::family::{CONTRACT, Privacy, Who};
use super::providers::Provider as P;
use super::{Api, Container, Record, Writer};
use Privacy::{Ordinary, Sensitive};
use Who::{Ingrid, Maja, Nils, Per, Ruth};
use serde_json::{Value, json};

/// How many months back the mail is kept.
const MONTHS: i32 = 8;

/// Most lines of one person in one payment.
const LINES_MAX: usize = 3;

pub(super) fn write(writer: &mut Writer) {
    for month in 0..MONTHS {
        let claims = claims_of(writer, month);
        payment(writer, month, &claims);
        letter(writer, month, &claims);
    }
    messages(writer);
    care_teams(writer);
}

/// What mail says about one claim.
#[derive(Clone, Debug)]
struct Mentioned {
    who: Who,
    privacy: Privacy,
    claim: String,
    date: String,
    provider: Value,
    code: Value,
    system: Value,
    paid: Value,
}

fn claims_of(writer: &Writer, month: i32) -> Vec<Mentioned> {
    let (from, until) = (month.saturating_mul(30), month.saturating_add(1).saturating_mul(30));
    let (first, last) = (writer.day(until), writer.day(from));
    let mut found: Vec<Mentioned> = Vec::new();
    for who in [Ruth, Per, Ingrid, Nils, Maja] {
        let of_this_month = |date: &str| *date > *first && *date <= *last;
        let claims = writer.records.iter().filter(|record| record.kind == "claim");
        let mentioned = claims.filter(|claim| claim.subjects == [who]).filter_map(mentioned);
        found.extend(mentioned.filter(|claim| of_this_month(&claim.date)).take(LINES_MAX));
    }
    found
}

fn mentioned(claim: &Record) -> Option<Mentioned> {
    let part = |pointer: &str| claim.body.pointer(pointer).cloned();
    Some(Mentioned {
        who: *claim.subjects.first()?,
        privacy: claim.privacy,
        claim: claim.id.clone(),
        date: part("/serviceDate")?.as_str()?.to_owned(),
        provider: part("/provider")?,
        code: part("/lines/0/code")?,
        system: part("/lines/0/codeSystem")?,
        paid: part("/amounts/paid")?,
    })
}

/// One payment to the family, with a line for each claim.
fn payment(writer: &mut Writer, month: i32, claims: &[Mentioned]) {
    let number = writer.number();
    let id = format!("PAY-{number}");
    for (at, claim) in (1..).zip(claims) {
        let line = format!("{id}-{at:02}");
        let body = json!({
            "lineId": line, "memberId": claim.who.person().member, "claimId": claim.claim,
            "serviceDate": claim.date, "code": claim.code, "codeSystem": claim.system,
            "provider": claim.provider, "amount": claim.paid,
        });
        nested(writer, "payment-line", &line, claim, body, &id);
    }
    let total: f64 = claims.iter().filter_map(|claim| claim.paid.as_f64()).sum();
    let body = json!({
        "paymentId": id, "paidOn": writer.day(month.saturating_mul(30)),
        "checkNumber": format!("70{number}"), "total": (total * 100.0).round() / 100.0,
    });
    writer.containers.push(Container { kind: "payment", id, contract: CONTRACT, body });
}

/// One letter to the family: what was paid, person by person.
fn letter(writer: &mut Writer, month: i32, claims: &[Mentioned]) {
    let id = format!("LET-{}", writer.number());
    for (at, claim) in (1..).zip(claims) {
        let section = format!("{id}-{at:02}");
        let name = claim.who.person().first_name;
        let provider = claim.provider.get("name").and_then(Value::as_str).unwrap_or_default();
        let body = json!({
            "sectionId": section, "memberId": claim.who.person().member, "claimId": claim.claim, "title": format!("For {name}"),
            "text": format!("We paid what {provider} billed for the visit of {}.", claim.date),
            "codes": [{"code": claim.code, "system": claim.system}],
        });
        nested(writer, "letter-section", &section, claim, body, &id);
        writer.part("/title", Sensitive);
        writer.part("/text", Sensitive);
    }
    let body = json!({"letterId": id, "sentOn": writer.day(month.saturating_mul(30))});
    writer.containers.push(Container { kind: "letter", id, contract: CONTRACT, body });
}

fn nested(
    writer: &mut Writer,
    kind: &'static str,
    id: &str,
    claim: &Mentioned,
    body: Value,
    within: &str,
) {
    writer.house(kind, id, claim.who, claim.privacy, body);
    if let Some(record) = writer.records.last_mut() {
        record.within = Some(within.to_owned());
    }
}

/// About whom, how private, title, text, code and its system.
type Message =
    (&'static [Who], Privacy, &'static str, &'static str, Option<(&'static str, &'static str)>);

const MESSAGES: &[Message] = &[
    (&[Ruth], Ordinary, "Your plan card", "A new card is on its way.", Some(("99213", "CPT"))),
    (
        &[Ruth],
        Ordinary,
        "Your knee",
        "Six more visits to the physiotherapist are covered.",
        Some(("M17.11", "ICD-10-CM")),
    ),
    (
        &[Per],
        Ordinary,
        "Bowel screening",
        "Your screening was paid in full.",
        Some(("Z12.11", "ICD-10-CM")),
    ),
    (
        &[Per],
        Sensitive,
        "How is it going?",
        "The counsellor would like to hear from you.",
        Some(("F10.10", "ICD-10-CM")),
    ),
    (
        &[Ingrid],
        Sensitive,
        "Your next session",
        "Dr. Okafor has a free hour on Thursday.",
        Some(("90837", "CPT")),
    ),
    (
        &[Ingrid],
        Sensitive,
        "Twelve further sessions",
        "Your plan has approved them.",
        Some(("F33.1", "ICD-10-CM")),
    ),
    (&[Ingrid], Sensitive, "Form received", "Thank you for the form.", None),
    (&[Ingrid], Ordinary, "Your ankle", "The splint is covered.", Some(("S93.401A", "ICD-10-CM"))),
    (
        &[Nils],
        Ordinary,
        "Sports",
        "The form for the team is attached.",
        Some(("Z02.5", "ICD-10-CM")),
    ),
    (
        &[Nils],
        Sensitive,
        "Your counsellor",
        "Rosa Delgado has moved to the second floor.",
        Some(("F41.1", "ICD-10-CM")),
    ),
    (&[Maja], Ordinary, "Flu shots", "It is time for the flu shot.", Some(("90686", "CPT"))),
    (&[Maja], Sensitive, "Speech", "Ten more hours are covered.", Some(("F80.1", "ICD-10-CM"))),
    (&[Maja, Ingrid], Sensitive, "Two of your family", "We need a form for each of them.", None),
];

fn messages(writer: &mut Writer) {
    for (days_ago, (about, privacy, title, text, code)) in (3..).step_by(5).zip(MESSAGES) {
        let id = format!("MSG-{}", writer.number());
        let members: Vec<&str> = about.iter().map(|who| who.person().member).collect();
        let codes: Vec<Value> =
            code.iter().map(|(code, system)| json!({"code": code, "system": system})).collect();
        let sent = writer.day(days_ago);
        let body = json!({
            "messageId": id, "memberId": members.first(), "about": members, "sentOn": sent,
            "from": "Member services", "title": title, "text": text, "codes": codes,
        });
        writer.put(Api::House, "message", &id, about, *privacy, body);
        for pointer in ["/from", "/title", "/text"] {
            writer.part(pointer, Sensitive);
        }
    }
}

/// Who looks after whom, as the portal lists it.
fn care_teams(writer: &mut Writer) {
    let entries = [
        (Ruth, Ordinary, P::Family),
        (Ruth, Ordinary, P::Orthopaedist),
        (Per, Ordinary, P::Family),
        (Per, Sensitive, P::AlcoholCounsellor),
        (Ingrid, Ordinary, P::Family),
        (Ingrid, Sensitive, P::Therapist),
        (Ingrid, Sensitive, P::Psychiatrist),
        (Nils, Ordinary, P::BayPaediatrician),
        (Nils, Sensitive, P::Counsellor),
        (Maja, Ordinary, P::Paediatrician),
        (Maja, Sensitive, P::SpeechTherapist),
    ];
    for (who, privacy, provider) in entries {
        let id = format!("CT-{}", writer.number());
        let body = json!({
            "entryId": id, "memberId": who.person().member, "since": writer.day(240),
            "provider": provider.house(),
        });
        writer.house("care-team-member", &id, who, privacy, body);
    }
}
