//! Made-up bodies like those of a payer's FHIR API (CARIN Blue Button): what both benchmarks go
//! through.

use std::fmt::Write as _;

/// Providers that take turns.
const PROVIDERS: usize = 10;

/// The principal diagnosis of record `n` is number `n % 10`: three of ten are F codes.
const CODES: [(&str, &str); 10] = [
    ("F33.1", "Major depressive disorder, recurrent, moderate"),
    ("I10", "Essential (primary) hypertension"),
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("F41.1", "Generalized anxiety disorder"),
    ("J06.9", "Acute upper respiratory infection, unspecified"),
    ("M54.50", "Low back pain, unspecified"),
    ("F90.2", "Attention-deficit hyperactivity disorder, combined type"),
    ("Z00.00", "General adult medical examination without abnormal findings"),
    ("S93.401A", "Sprain of unspecified ligament of right ankle, initial encounter"),
    ("H52.13", "Myopia, bilateral"),
];

/// The beginning of a search set of so many records.
pub(crate) fn envelope(records: usize) -> String {
    format!(r#"{{"resourceType":"Bundle","id":"b1","type":"searchset","total":{records},"entry":["#)
}

/// An entry of one, with a record of 8.4 KB.
pub(crate) fn entry(out: &mut String, patient: usize, number: usize) {
    let url = format!("https://members.example/fhir/ExplanationOfBenefit/eob-{number:06}");
    write!(out, r#"{{"fullUrl":"{url}","resource":{{"#).ok();
    explanation_of_benefit(out, patient, number);
    out.push_str(r#"},"search":{"mode":"match"}}"#);
}

const CARIN: &str = "http://hl7.org/fhir/us/carin-bb";
const TERMS: &str = "http://terminology.hl7.org/CodeSystem";

/// The members of a made-up ExplanationOfBenefit; of ten in a row three have an F code.
pub(crate) fn explanation_of_benefit(out: &mut String, patient: usize, number: usize) {
    let (code, display) = CODES.get(number % CODES.len()).copied().unwrap_or_default();
    let (month, day, provider) = (number % 12 + 1, number % 28 + 1, number % PROVIDERS);
    let date = format!("2024-{month:02}-{day:02}");
    let first = coding("http://hl7.org/fhir/sid/icd-10-cm", code, display);
    let second =
        coding("http://hl7.org/fhir/sid/icd-10-cm", "Z79.899", "Other long term drug therapy");
    let kind = |code, display| coding(&format!("{TERMS}/ex-diagnosistype"), code, display);
    let claim = coding(&format!("{TERMS}/claim-type"), "professional", "Professional");
    let clinical = coding(&format!("{CARIN}/CodeSystem/C4BBClaimType"), "clinical", "Clinical");
    write!(
        out,
        r#""resourceType":"ExplanationOfBenefit","id":"eob-{number:06}","meta":{{"versionId":"{number}","lastUpdated":"{date}T08:15:30.123-05:00","profile":["{CARIN}/StructureDefinition/C4BB-ExplanationOfBenefit-Professional-NonClinician|2.0.0"]}},"identifier":[{{"type":{{"coding":[{}]}},"system":"https://payer.example/claims","value":"CLM-{number:09}"}}],"status":"active","type":{{"coding":[{claim},{clinical}],"text":"Professional claim"}},"use":"claim","patient":{{"reference":"Patient/p-{patient}"}},"billablePeriod":{{"start":"{date}","end":"{date}"}},"created":"{date}T00:00:00-05:00","insurer":{{"reference":"Organization/payer-1","display":"Example Health Plan"}},"provider":{{"reference":"Organization/prov-{provider}","display":"Example Care Group"}},"outcome":"complete","careTeam":[{{"sequence":1,"provider":{{"reference":"Practitioner/pr-{provider}"}},"role":{{"coding":[{}]}},"qualification":{{"coding":[{}]}}}}],"#,
        coding(&format!("{CARIN}/CodeSystem/C4BBIdentifierType"), "uc", "Unique Claim ID"),
        coding(&format!("{TERMS}/claimcareteamrole"), "performing", "Performing provider"),
        coding("http://nucc.org/provider-taxonomy", "207Q00000X", "Family Medicine Physician"),
    )
    .ok();
    supporting_information(out, &date);
    write!(
        out,
        r#""diagnosis":[{{"sequence":1,"diagnosisCodeableConcept":{{"coding":[{first}],"text":"{display}"}},"type":[{{"coding":[{}]}}]}},{{"sequence":2,"diagnosisCodeableConcept":{{"coding":[{second}]}},"type":[{{"coding":[{}]}}]}}],"insurance":[{{"focal":true,"coverage":{{"reference":"Coverage/c-{patient}"}}}}],"item":["#,
        kind("principal", "Principal Diagnosis"),
        kind("secondary", "Secondary Diagnosis"),
    )
    .ok();
    for line in 1..=3_usize {
        item(out, line, &date, number);
    }
    out.push_str(r#"],"adjudication":["#);
    adjudication(out, "billingnetworkstatus", "In network", None);
    out.push_str(r#"],"total":["#);
    for (count, category) in
        ["submitted", "eligible", "paidtoprovider", "paidbypatient"].iter().enumerate()
    {
        out.push_str(if count == 0 { "" } else { "," });
        adjudication(out, category, "Total of the claim", Some(number * 7 + count));
    }
    write!(out, r#"],"payment":{{"type":{{"coding":[{}]}},"date":"{date}","amount":{{"value":{}.50,"currency":"USD"}}}}"#, coding(&format!("{CARIN}/CodeSystem/C4BBPayerClaimPaymentStatusCode"), "paid", "Paid"), number % 900 + 20).ok();
}

fn supporting_information(out: &mut String, date: &str) {
    out.push_str(r#""supportingInfo":["#);
    for (sequence, code, display) in [
        (1, "clmrecvddate", "Claim received date"),
        (2, "billingnetworkstatus", "Billing network contracting status"),
        (3, "performingnetworkstatus", "Performing network contracting status"),
    ] {
        let comma = if sequence == 1 { "" } else { "," };
        let category = coding(&format!("{CARIN}/CodeSystem/C4BBSupportingInfoType"), code, display);
        write!(out, r#"{comma}{{"sequence":{sequence},"category":{{"coding":[{category}]}},"timingDate":"{date}"}}"#).ok();
    }
    out.push_str("],");
}

fn item(out: &mut String, line: usize, date: &str, number: usize) {
    let comma = if line == 1 { "" } else { "," };
    let service = coding(
        "http://www.ama-assn.org/go/cpt",
        "99213",
        "Office or other outpatient visit, 20 minutes",
    );
    let place = coding(
        "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set",
        "11",
        "Office",
    );
    write!(out, r#"{comma}{{"sequence":{line},"diagnosisSequence":[1,2],"productOrService":{{"coding":[{service}],"text":"Office visit"}},"servicedDate":"{date}","locationCodeableConcept":{{"coding":[{place}]}},"quantity":{{"value":{line},"unit":"UN"}},"net":{{"value":{}.00,"currency":"USD"}},"adjudication":["#, number % 300 + 80).ok();
    for (count, category) in
        ["submitted", "eligible", "deductible", "coinsurance"].iter().enumerate()
    {
        out.push_str(if count == 0 { "" } else { "," });
        adjudication(out, category, "Amount of the line", Some(number * 3 + line + count));
    }
    out.push_str("]}");
}

fn adjudication(out: &mut String, code: &str, display: &str, amount: Option<usize>) {
    let category = coding(&format!("{TERMS}/adjudication"), code, display);
    write!(out, r#"{{"category":{{"coding":[{category}]}}"#).ok();
    if let Some(amount) = amount {
        let (whole, cents) = (amount % 1_400, amount % 100);
        write!(out, r#","amount":{{"value":{whole}.{cents:02},"currency":"USD"}}"#).ok();
    }
    out.push('}');
}

fn coding(system: &str, code: &str, display: &str) -> String {
    format!(r#"{{"system":"{system}","code":"{code}","display":"{display}"}}"#)
}

/// A search finds nothing; a record by its id is a provider.
pub(crate) fn looked_up(path: &str) -> String {
    match path.trim_start_matches("/fhir/").split_once('/') {
        Some((kind, id)) if !path.contains('?') => provider(kind, id),
        _ => r#"{"resourceType":"Bundle","type":"searchset","total":0}"#.to_owned(),
    }
}

/// A provider as the payer has it on file: a family doctor, or where they work.
fn provider(kind: &str, id: &str) -> String {
    let (member, code) = if kind == "Practitioner" {
        let code = coding("http://nucc.org/provider-taxonomy", "207Q00000X", "Family Medicine");
        ("qualification", format!(r#"{{"code":{{"coding":[{code}]}}}}"#))
    } else {
        let code = coding(&format!("{TERMS}/organization-type"), "prov", "Healthcare Provider");
        ("type", format!(r#"{{"coding":[{code}]}}"#))
    };
    format!(r#"{{"resourceType":"{kind}","id":"{id}","active":true,"{member}":[{code}]}}"#)
}
