//! House JSON made of published bodies: a family's claims as the API of a portal has them.

use super::bodies::{Body, Form};
use super::judge::{self, Eye};
use super::lists::{Hit, Lists};
use super::raw;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A page of claims.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) target: &'static str,
    pub(super) text: String,
}

/// The pages made of a bundle; none of one without claims.
pub(super) fn pages(body: &Body) -> Vec<Page> {
    let is_claim = |value: &&Value| match value["resourceType"].as_str() {
        Some("ExplanationOfBenefit") => true,
        // What the pharmacy claims has no EOB in these bundles.
        Some("Claim") => value.get("prescription").is_some(),
        _ => false,
    };
    let all = body.chart.records.iter().map(|record| &record.value);
    let claims: Vec<String> =
        all.filter(is_claim).map(|value| claim(body, value).to_string()).collect();
    if claims.is_empty() || body.form != Form::Everything || body.patients.len() != 1 {
        return Vec::new();
    }
    let claims = claims.join(",\n    ");
    let member = &body.patients[0];
    vec![
        Page {
            target: "/api/v1/family/C-1/claims",
            text: format!(
                "{{ \"asOf\": \"2026-11-21\", \"contractId\": \"C-1\",\n  \"claims\": [{claims}]\n}}\n"
            ),
        },
        Page {
            target: "/api/v1/family/C-1",
            text: format!(
                "{{\"planName\":\"Buckeye\",\"members\":[{{\"memberId\":\"{member}\",\"name\":\"Milan B.\",\
                 \"coverageStatus\":\"active\",\"claims\":[{claims}]}}]}}"
            ),
        },
    ]
}

/// An EOB or claim with its lines; what FHIR says by reference stands in a line of its own.
fn claim(body: &Body, value: &Value) -> Value {
    let chart = &body.chart;
    let target = |reference: &Value| {
        let name = judge::name_of(reference["reference"].as_str()?);
        chart.find(&name).map(|at| &chart.records[at])
    };
    let mut lines = Vec::new();
    let mut line = |concept: &Value| {
        for coding in concept["coding"].as_array().into_iter().flatten() {
            let mut line = json!({ "line": lines.len() + 1, "amount": 1.10 });
            for (key, from) in [("code", "code"), ("codeSystem", "system"), ("display", "display")]
            {
                if let Some(text) = coding[from].as_str() {
                    line[key] = text.into();
                }
            }
            lines.push(line);
        }
    };
    let mut visit = Value::Null;
    for item in value["item"].as_array().into_iter().flatten() {
        line(&item["productOrService"]);
        if let Some(record) = target(&item["encounter"][0]) {
            visit = record.value["id"].clone();
        }
    }
    let mut diagnoses = Vec::new();
    for diagnosis in value["diagnosis"].as_array().into_iter().flatten() {
        if let Some(record) = target(&diagnosis["diagnosisReference"]) {
            line(&record.value["code"]);
        }
        for coding in
            diagnosis["diagnosisCodeableConcept"]["coding"].as_array().into_iter().flatten()
        {
            diagnoses.push(json!({ "code": coding["code"], "display": coding["display"] }));
        }
    }
    if let Some(record) = target(&value["prescription"]) {
        line(&record.value["medicationCodeableConcept"]);
        if let Some(record) = target(&record.value["encounter"]) {
            visit = record.value["id"].clone();
        }
    }
    let provider = value["provider"]["reference"].as_str().map(judge::name_of).unwrap_or_default();
    let id = value["id"].as_str().unwrap_or("CLM-0");
    let start = value["billablePeriod"]["start"].as_str().and_then(|start| start.get(..10));
    let mut claim = json!({
        "claimId": id,
        "memberId": body.patients[0],
        "status": "paid",
        "amounts": { "billed": 129.16, "paid": 100.00 },
        "provider": { "npi": provider },
        "serviceDate": start,
        "diagnoses": diagnoses,
        "lines": lines,
    });
    if !visit.is_null() {
        claim["visitId"] = visit;
    }
    claim
}

/// The claims of a page, by their bytes.
pub(super) fn claims(page: &str) -> Vec<&str> {
    let mut claims = Vec::new();
    if let Some(members) = raw::member(page, "members") {
        let nested =
            raw::elements(members).into_iter().filter_map(|one| raw::member(one, "claims"));
        claims.extend(nested.flat_map(raw::elements));
    }
    claims.extend(raw::member(page, "claims").into_iter().flat_map(raw::elements));
    claims
}

/// What the judge says of each claim of a page.
#[derive(Debug)]
pub(super) struct Judged {
    /// What is sensitive in it.
    pub(super) own: Vec<Vec<Hit>>,
    /// What is sensitive in its visit.
    pub(super) visit: Vec<Option<String>>,
}

/// Judges the claims of a page.
pub(super) fn judge(claims: &[Value], eye: Eye, lists: &Lists) -> Judged {
    let own: Vec<Vec<Hit>> = claims.iter().map(|claim| judge::hits(claim, eye, lists)).collect();
    // One visit number, or one provider on one day.
    let keys = |claim: &Value| {
        let visit = claim["visitId"].as_str().map(str::to_owned);
        let day = (claim["provider"]["npi"].as_str(), claim["serviceDate"].as_str());
        let day = match day {
            (Some(npi), Some(day)) if !npi.is_empty() => Some(format!("{npi} {day}")),
            _ => None,
        };
        visit.into_iter().chain(day).collect::<Vec<_>>()
    };
    let mut of: Vec<usize> = (0..claims.len()).collect();
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (at, claim) in claims.iter().enumerate() {
        for key in keys(claim) {
            let other = of[*first.entry(key).or_insert(at)];
            let this = of[at];
            of.iter_mut().filter(|visit| **visit == this).for_each(|visit| *visit = other);
        }
    }
    let visit = (0..claims.len())
        .map(|at| {
            let mates = (0..claims.len()).filter(|other| of[*other] == of[at]);
            let mut told = mates.flat_map(|other| own[other].iter().filter(|hit| hit.event));
            told.next().map(|hit| hit.what.clone())
        })
        .collect();
    Judged { own, visit }
}
