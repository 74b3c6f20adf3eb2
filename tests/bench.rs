//! Benchmarks of the engine: `cargo bench --bench redact [-- FILE…]`. Every method is measured in
//! every round, so that a noisy machine is noisy for all of them; the table shows medians, and the
//! best. JSON files named on the command line are measured as well.
#![expect(clippy::print_stdout, reason = "a benchmark prints a table")]

use jiff::civil::date;
use sequester::engine::diagnostics::SourceFile;
use sequester::engine::document::scan::parse;
use sequester::engine::document::tape::{Tape, Vocabulary};
use sequester::engine::facts::People;
use sequester::engine::request::{Asked, Plan, admit};
use sequester::engine::set::PolicySet;
use sequester::engine::{Redactor, Settings};
use sequester::members::{Register, RegisterFiles};
use sequester::policy_files;
use serde::de::IgnoredAny;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const ROUNDS: usize = 31;
/// Bytes that one measurement goes through, at least: less than a slice of the scheduler.
const BYTES_PER_ROUND: usize = 1 << 20;

/// One way through a body; gives back a length, so that nothing is optimized away.
type Way<'m> = Box<dyn FnMut(&[u8]) -> Option<usize> + 'm>;
/// … and its name.
type Method<'m> = (&'static str, Way<'m>);

fn methods(vocabulary: &Vocabulary) -> Vec<Method<'_>> {
    let mut copy = Vec::new();
    let mut tape = Tape::default();
    vec![
        (
            "memcpy",
            Box::new(move |body| {
                copy.clear();
                copy.extend_from_slice(black_box(body));
                Some(black_box(&copy).len())
            }),
        ),
        (
            "parse to tape",
            Box::new(move |body| {
                parse(body, 64, vocabulary, &mut tape).ok()?;
                Some(tape.len())
            }),
        ),
        ("admission of the request", admission("M-100")),
        ("engine, reader is another", engine("M-100")),
        ("engine, reader is the subject", engine("M-102")),
        (
            "serde_json IgnoredAny",
            Box::new(|body| serde_json::from_slice::<IgnoredAny>(body).ok().map(|_| body.len())),
        ),
        (
            "serde_json Value and back",
            Box::new(|body| {
                let value: serde_json::Value = serde_json::from_slice(body).ok()?;
                serde_json::to_vec(&value).ok().map(|written| written.len())
            }),
        ),
    ]
}

fn main() {
    let mut bodies: Vec<(String, Vec<u8>)> = [(1, "8 KB"), (48, "400 KB"), (1_000, "8 MB")]
        .map(|(records, name)| (name.to_owned(), bundle(records).into_bytes()))
        .into();
    bodies.push(("400 KB indented".to_owned(), indented(&bundle(24))));
    for path in std::env::args().skip(1).filter(|argument| !argument.starts_with("--")) {
        match std::fs::read(&path) {
            Ok(body) => bodies.push((path, body)),
            Err(error) => println!("`{path}` cannot be read: {error}"),
        }
    }
    let vocabulary = Vocabulary::new(KEYS.split_whitespace());
    println!("{:28} {:>9} {:>8} {:>6} {:>9} {:>9}", "", "body, B", "GB/s", "best", "µs", "× Value");
    for (name, body) in &bodies {
        let mut methods = methods(&vocabulary);
        let only = std::env::args()
            .find_map(|argument| argument.strip_prefix("--only=").map(str::to_owned));
        methods.retain(|(name, _)| only.as_deref().is_none_or(|only| name.contains(only)));
        let rows = measure(&mut methods, body);
        println!("{name}");
        let naive = rows.last().and_then(|(_, times)| *times).map_or(f64::NAN, |times| times.0);
        for (method, times) in rows {
            let Some((median, least)) = times else {
                println!("  {method:26} refused");
                continue;
            };
            let bytes = f64::from(u32::try_from(body.len()).unwrap_or(u32::MAX));
            let (speed, best, times) = (bytes / median / 1e9, bytes / least / 1e9, naive / median);
            let micros = median * 1e6;
            println!("  {method:26} {bytes:9} {speed:8.2} {best:6.2} {micros:9.1} {times:9.1}");
        }
    }
}

/// The policies of this repository and a reader: the mother, or the daughter of 25 whose claims
/// these are.
fn deployment(reader: &str) -> Option<(Arc<PolicySet>, Arc<dyn People>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let policies = policy_files::read(&folder).0?;
    let members = "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
        M-100,C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100\n\
        M-102,C-1,child,2001-02-03,OH,2015-01-01,,\
        Patient/p-0 Patient/p-1 Patient/p-2 Patient/p-3 Patient/p-4\n";
    let members = SourceFile::new("members.csv", members);
    let files = RegisterFiles { members, grants: None, restrictions: None };
    let register = Arc::new(Register::read(&files, &mut Vec::new())?);
    Some((policies.set, register.view(reader, date(2026, 11, 21), &policies.states)))
}

fn admitted(set: &PolicySet, people: &dyn People) -> Option<Plan> {
    let target = "/fhir/ExplanationOfBenefit?patient=Patient/p-0";
    admit(set, people, Asked { method: "GET", target, form: None }).ok()
}

/// What is done once for a request, before there is a body.
fn admission<'m>(reader: &str) -> Way<'m> {
    let Some((set, people)) = deployment(reader) else { return Box::new(|_| None) };
    Box::new(move |_| admitted(&set, people.as_ref()).map(|plan| black_box(plan).target.len()))
}

/// The whole engine, from the first byte of a body to what leaves.
fn engine<'m>(reader: &str) -> Way<'m> {
    let Some((set, people)) = deployment(reader) else { return Box::new(|_| None) };
    let Some(plan) = admitted(&set, people.as_ref()) else { return Box::new(|_| None) };
    let settings = Settings { hold: 64 << 20, record: 4 << 20, depth: 64, public_url: None };
    Box::new(move |body| {
        let (set, people) = (Arc::clone(&set), Arc::clone(&people));
        let mut redactor = Redactor::new(set, people, settings.clone(), plan.clone(), false);
        redactor.head(200, &["application/fhir+json"]).ok()?;
        for chunk in body.chunks(64 << 10) {
            redactor.push(chunk).ok()?;
        }
        redactor.finish().ok().map(|released| released.len())
    })
}

/// Median and least seconds of each method for one body; none if it refused the body.
fn measure(methods: &mut [Method<'_>], body: &[u8]) -> Vec<(&'static str, Option<(f64, f64)>)> {
    let repeats = u32::try_from((BYTES_PER_ROUND / body.len().max(1)).max(1)).unwrap_or(u32::MAX);
    let mut times = vec![Vec::new(); methods.len()];
    for round in 0..=ROUNDS {
        for ((_, method), times) in methods.iter_mut().zip(&mut times) {
            let start = Instant::now();
            let done = (0..repeats).all(|_| black_box(method(black_box(body))).is_some());
            let seconds = start.elapsed().as_secs_f64() / f64::from(repeats);
            // The first round warms up.
            if done && round > 0 {
                times.push(seconds);
            }
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        Some((*times.get(times.len() / 2)?, *times.first()?))
    };
    methods.iter().map(|(name, _)| *name).zip(times.iter_mut().map(median)).collect()
}

fn indented(text: &str) -> Vec<u8> {
    let value: Result<serde_json::Value, _> = serde_json::from_str(text);
    value.and_then(|value| serde_json::to_vec_pretty(&value)).unwrap_or_default()
}

/// What a shape for payers asks for, more or less: about half of the keys that come.
const KEYS: &str = "resourceType id meta entry fullUrl resource search patient subject encounter \
    coding code system display text diagnosis diagnosisCodeableConcept diagnosisReference item \
    productOrService procedure procedureCodeableConcept type subType supportingInfo category \
    careTeam provider facility billablePeriod start servicedDate servicedPeriod claim prescription \
    insurance coverage reference identifier note contained total payment security div link";

/// A searchset of made-up ExplanationOfBenefit resources, 8.4 KB each, 30 % with an F code.
fn bundle(records: usize) -> String {
    let mut out = String::from(r#"{"resourceType":"Bundle","id":"b1","type":"searchset","total":"#);
    write!(out, r#"{records},"entry":["#).ok();
    for number in 0..records {
        let comma = if number == 0 { "" } else { "," };
        let url = format!("https://members.example/fhir/ExplanationOfBenefit/eob-{number:06}");
        write!(out, r#"{comma}{{"fullUrl":"{url}","resource":{{"#).ok();
        explanation_of_benefit(&mut out, number);
        out.push_str(r#"},"search":{"mode":"match"}}"#);
    }
    out.push_str("]}");
    out
}

const CARIN: &str = "http://hl7.org/fhir/us/carin-bb";
const TERMS: &str = "http://terminology.hl7.org/CodeSystem";

fn explanation_of_benefit(out: &mut String, number: usize) {
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
    let (code, display) = CODES.get(number % CODES.len()).copied().unwrap_or_default();
    let (month, day, person) = (number % 12 + 1, number % 28 + 1, number % 5);
    let date = format!("2024-{month:02}-{day:02}");
    let first = coding("http://hl7.org/fhir/sid/icd-10-cm", code, display);
    let second =
        coding("http://hl7.org/fhir/sid/icd-10-cm", "Z79.899", "Other long term drug therapy");
    let kind = |code, display| coding(&format!("{TERMS}/ex-diagnosistype"), code, display);
    let claim = coding(&format!("{TERMS}/claim-type"), "professional", "Professional");
    let clinical = coding(&format!("{CARIN}/CodeSystem/C4BBClaimType"), "clinical", "Clinical");
    write!(
        out,
        r#""resourceType":"ExplanationOfBenefit","id":"eob-{number:06}","meta":{{"versionId":"{number}","lastUpdated":"{date}T08:15:30.123-05:00","profile":["{CARIN}/StructureDefinition/C4BB-ExplanationOfBenefit-Professional-NonClinician|2.0.0"]}},"identifier":[{{"type":{{"coding":[{}]}},"system":"https://payer.example/claims","value":"CLM-{number:09}"}}],"status":"active","type":{{"coding":[{claim},{clinical}],"text":"Professional claim"}},"use":"claim","patient":{{"reference":"Patient/p-{person}"}},"billablePeriod":{{"start":"{date}","end":"{date}"}},"created":"{date}T00:00:00-05:00","insurer":{{"reference":"Organization/payer-1","display":"Example Health Plan"}},"provider":{{"reference":"Organization/prov-{person}","display":"Example Care Group"}},"outcome":"complete","careTeam":[{{"sequence":1,"provider":{{"reference":"Practitioner/pr-{person}"}},"role":{{"coding":[{}]}},"qualification":{{"coding":[{}]}}}}],"#,
        coding(&format!("{CARIN}/CodeSystem/C4BBIdentifierType"), "uc", "Unique Claim ID"),
        coding(&format!("{TERMS}/claimcareteamrole"), "performing", "Performing provider"),
        coding("http://nucc.org/provider-taxonomy", "207Q00000X", "Family Medicine Physician"),
    )
    .ok();
    supporting_information(out, &date);
    write!(
        out,
        r#""diagnosis":[{{"sequence":1,"diagnosisCodeableConcept":{{"coding":[{first}],"text":"{display}"}},"type":[{{"coding":[{}]}}]}},{{"sequence":2,"diagnosisCodeableConcept":{{"coding":[{second}]}},"type":[{{"coding":[{}]}}]}}],"insurance":[{{"focal":true,"coverage":{{"reference":"Coverage/c-{person}"}}}}],"item":["#,
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
