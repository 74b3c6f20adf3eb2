//! An independent judge: what in a chart is sensitive, and what hangs together with it. It knows
//! FHIR as a person does and nothing of shapes, reach, rules or the engine.

use super::lists::{Hit, Lists, known_by_heart};
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// A record of a chart.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) raw: String,
    pub(super) value: Value,
    pub(super) kind: String,
    /// `Type/id`, and `fullUrl` where it has one.
    pub(super) names: Vec<String>,
    /// The patients it is about, by id.
    pub(super) patients: BTreeSet<String>,
}

/// How much is counted as sensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eye {
    /// What anybody would call sensitive: short lists of words and codes. What these do not see is
    /// harmless, and has to be released.
    Narrow,
    /// That, and every row of the code lists. What either sees must not leave.
    Wide,
}

/// The records of one body and what hangs together in it.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) records: Vec<Record>,
    by_name: BTreeMap<String, usize>,
}

/// Kinds that are nobody's.
pub(super) const NOBODYS: [&str; 12] = [
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Location",
    "HealthcareService",
    "InsurancePlan",
    "Endpoint",
    "Medication",
    "Substance",
    "Binary",
    "Questionnaire",
    "Specimen",
];

/// Members that tie records into one event of care.
const EVENT: [&str; 12] = [
    "encounter",
    "claim",
    "claimResponse",
    "prescription",
    "originalPrescription",
    "request",
    "referral",
    "basedOn",
    "authorizingPrescription",
    "context",
    "partOf",
    "appointment",
];

/// Members whose target says what a record is about.
const ABOUT: [&str; 10] = [
    "diagnosisReference",
    "reasonReference",
    "addresses",
    "condition",
    "procedureReference",
    "medicationReference",
    "focus",
    "resultingCondition",
    "derivedFrom",
    "target",
];

/// Kinds that span events: a plan, a list or a provenance ties nothing.
const SPANNING: [&str; 11] = [
    "Provenance",
    "List",
    "Composition",
    "CareTeam",
    "CarePlan",
    "Goal",
    "EpisodeOfCare",
    "Account",
    "Group",
    "Patient",
    "Coverage",
];

impl Record {
    /// A record of a body; `url` is its entry's `fullUrl`.
    pub(super) fn new(raw: &str, url: Option<&str>) -> Record {
        let value: Value = serde_json::from_str(raw).unwrap();
        let kind = value["resourceType"].as_str().unwrap_or_default().to_owned();
        let mut names = vec![format!("{kind}/{}", value["id"].as_str().unwrap_or("?"))];
        names.extend(url.map(name_of));
        let patients = patients(&value, &kind);
        Record { raw: raw.to_owned(), value, kind, names, patients }
    }

    pub(super) fn name(&self) -> &str {
        &self.names[0]
    }

    pub(super) fn is_somebodys(&self) -> bool {
        !self.patients.is_empty()
    }
}

/// A reference as a name: without the server and the version.
pub(super) fn name_of(reference: &str) -> String {
    let reference = reference.split("/_history").next().unwrap();
    if reference.starts_with("urn:") || reference.starts_with('#') {
        return reference.to_owned();
    }
    let mut parts = reference.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(id), Some(kind)) => format!("{kind}/{id}"),
        _ => reference.to_owned(),
    }
}

fn patients(value: &Value, kind: &str) -> BTreeSet<String> {
    let mut patients = BTreeSet::new();
    if kind == "Patient" {
        patients.extend(value["id"].as_str().map(str::to_owned));
    }
    let mut note = |reference: &Value| {
        let Some(text) = reference["reference"].as_str() else { return };
        let name = name_of(text);
        if let Some(id) = name.strip_prefix("Patient/").or(name.strip_prefix("urn:uuid:")) {
            patients.insert(id.to_owned());
        }
    };
    for member in ["patient", "subject", "beneficiary", "individual"] {
        match &value[member] {
            Value::Array(several) => several.iter().for_each(&mut note),
            one => note(one),
        }
    }
    patients
}

/// Every string of a record with the name of the member it stands under.
pub(super) fn strings(value: &Value, under: &str, each: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => each(under, text),
        Value::Array(elements) => elements.iter().for_each(|one| strings(one, under, each)),
        Value::Object(members) => {
            for (key, inner) in members {
                strings(inner, key, each);
            }
        }
        _ => {}
    }
}

/// Every object of a record, with the name of the member it stands under.
pub(super) fn objects(value: &Value, under: &str, each: &mut dyn FnMut(&str, &Value)) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|one| objects(one, under, each)),
        Value::Object(members) => {
            each(under, value);
            for (key, inner) in members {
                objects(inner, key, each);
            }
        }
        _ => {}
    }
}

impl Chart {
    pub(super) fn new(mut records: Vec<Record>) -> Chart {
        let mut by_name = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            for name in &record.names {
                if !name.ends_with("/?") {
                    by_name.insert(name.clone(), at);
                }
            }
        }
        // A Provenance or List without a subject is about those it targets.
        let about: Vec<BTreeSet<String>> = records.iter().map(|r| r.patients.clone()).collect();
        for record in &mut records {
            if record.patients.is_empty() && ["Provenance", "List"].contains(&record.kind.as_str())
            {
                let mut patients = BTreeSet::new();
                references(&record.value, &mut |under, name| {
                    if let (true, Some(at)) =
                        (["target", "item"].contains(&under), by_name.get(name))
                    {
                        patients.extend(about[*at].iter().cloned());
                    }
                });
                record.patients = patients;
            }
        }
        let mut chart = Chart { records, by_name };
        chart.settle_patients();
        chart
    }

    /// A patient named by `urn:uuid:` and by `id` is one.
    fn settle_patients(&mut self) {
        let real = |id: &String| {
            let at = self
                .by_name
                .get(&format!("urn:uuid:{id}"))
                .or(self.by_name.get(&format!("Patient/{id}")));
            let patient = at.map(|at| &self.records[*at]).filter(|record| record.kind == "Patient");
            patient.and_then(|p| p.value["id"].as_str()).map_or_else(|| id.clone(), str::to_owned)
        };
        let settled: Vec<BTreeSet<String>> =
            self.records.iter().map(|record| record.patients.iter().map(real).collect()).collect();
        for (record, patients) in self.records.iter_mut().zip(settled) {
            record.patients = patients;
        }
    }

    /// The record a reference names, in this body.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// What is sensitive in each record by itself.
    pub(super) fn sensitive(&self, eye: Eye, lists: &Lists) -> Vec<Vec<Hit>> {
        let own: Vec<Vec<Hit>> = self.records.iter().map(|r| hits(&r.value, eye, lists)).collect();
        // What a record is about by reference says what it is: one step.
        let mut all = own.clone();
        for (at, record) in self.records.iter().enumerate() {
            references(&record.value, &mut |under, name| {
                if let (true, Some(target)) = (ABOUT.contains(&under), self.find(name)) {
                    let told = own[target].iter().map(|hit| Hit {
                        what: format!("{under} → {}", hit.what),
                        event: hit.event,
                    });
                    if target != at && record.kind != "Provenance" {
                        all[at].extend(told);
                    }
                }
            });
        }
        all
    }

    /// The event each record belongs to.
    pub(super) fn events(&self) -> Vec<usize> {
        let mut events: Vec<usize> = (0..self.records.len()).collect();
        fn top(events: &[usize], mut at: usize) -> usize {
            while events[at] != at {
                at = events[at];
            }
            at
        }
        for (at, record) in self.records.iter().enumerate() {
            if SPANNING.contains(&record.kind.as_str()) {
                continue;
            }
            references(&record.value, &mut |under, name| {
                let Some(target) = self.find(name).filter(|_| EVENT.contains(&under)) else {
                    return;
                };
                let kind = self.records[target].kind.as_str();
                // What is somebody else's is another visit.
                let same = self.records[target].patients == record.patients;
                if same && !SPANNING.contains(&kind) && !NOBODYS.contains(&kind) {
                    let (one, other) = (top(&events, at), top(&events, target));
                    events[one.max(other)] = one.min(other);
                }
            });
        }
        // One patient at one provider on one day is one visit.
        let mut visits: BTreeMap<(&BTreeSet<String>, String, String), usize> = BTreeMap::new();
        for (at, record) in self.records.iter().enumerate() {
            for (provider, day) in visits_of(&record.value) {
                let key = (&record.patients, self.same(&provider), day);
                if let Some(other) = visits.insert(key, at) {
                    let (one, other) = (top(&events, at), top(&events, other));
                    events[one.max(other)] = one.min(other);
                }
            }
        }
        (0..events.len()).map(|at| top(&events, at)).collect()
    }

    /// One name for what has several.
    fn same(&self, name: &str) -> String {
        self.find(name).map_or_else(|| name.to_owned(), |at| self.records[at].name().to_owned())
    }
}

/// Providers and days of a claim or an encounter.
fn visits_of(value: &Value) -> Vec<(String, String)> {
    let mut providers = Vec::new();
    for member in ["provider", "serviceProvider"] {
        providers.extend(value[member]["reference"].as_str().map(name_of));
    }
    if !["Claim", "ExplanationOfBenefit", "Encounter"]
        .contains(&value["resourceType"].as_str().unwrap_or_default())
    {
        return Vec::new();
    }
    let mut days = Vec::new();
    for member in ["billablePeriod", "period"] {
        days.extend(value[member]["start"].as_str());
    }
    for item in value["item"].as_array().into_iter().flatten() {
        days.extend(item["servicedDate"].as_str());
    }
    let days = days.into_iter().filter_map(|day| day.get(..10));
    days.flat_map(|day| providers.iter().map(|one| (one.clone(), day.to_owned()))).collect()
}

/// Every reference of a record: the member it stands under (`item.encounter` and alike by the
/// last name) and what it names.
pub(super) fn references(value: &Value, each: &mut dyn FnMut(&str, &str)) {
    objects(value, "", &mut |under, object| {
        if let Some(text) = object.get("reference").and_then(Value::as_str) {
            each(under, &name_of(text));
        }
    });
}

/// What is sensitive in a value.
pub(super) fn hits(value: &Value, eye: Eye, lists: &Lists) -> Vec<Hit> {
    let mut hits = Vec::new();
    objects(value, "", &mut |under, object| {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        if let Some(code) = text("code") {
            // In house JSON a line tells its system by another name, a diagnosis by none.
            let by_place = (under == "diagnoses").then_some("http://hl7.org/fhir/sid/icd-10-cm");
            let system = text("system").or(text("codeSystem")).or(by_place).unwrap_or_default();
            hits.extend(known_by_heart(system, code));
            if eye == Eye::Wide {
                hits.extend(lists.look_up(system, code));
            }
        }
        let kind = text("contentType").unwrap_or("text/plain");
        if let Some(data) =
            text("data").filter(|_| kind.starts_with("text/") || kind.contains("xml"))
        {
            let bytes = base64::engine::general_purpose::STANDARD.decode(data).unwrap_or_default();
            let words = sensitive_words(&String::from_utf8_lossy(&bytes));
            hits.extend(words.into_iter().map(|what| Hit { what, event: false }));
        }
    });
    strings(value, "", &mut |under, text| {
        const NO_WORDS: [&str; 16] = [
            "id",
            "reference",
            "url",
            "system",
            "fullUrl",
            "family",
            "given",
            "line",
            "city",
            "data",
            "profile",
            "lastUpdated",
            "resourceType",
            "unit",
            "versionId",
            "email",
        ];
        if NO_WORDS.contains(&under) {
            return;
        }
        for what in sensitive_words(text) {
            // A label colours its event, prose and a screening only themselves.
            let label = ["display", "text"].contains(&under) && text.len() < 160;
            // A drug for seizures or sleep as well as for panic says nothing of the visit.
            const DRUGS: [&str; 1] = ["word clonazepam"];
            let event = label && !is_screening(text) && !DRUGS.contains(&what.as_str());
            hits.push(Hit { what, event });
        }
    });
    hits
}

/// Word beginnings, with the near misses of each.
const STEMS: [(&str, &[&str]); 99] = [
    (
        "depress",
        &[
            "respiratory depress",
            "st depress",
            "st segment depress",
            "tongue depress",
            "depressed skull",
            "central nervous system depress",
        ],
    ),
    ("anxi", &["anxious to"]),
    ("psych", &[]),
    ("suicid", &[]),
    ("self harm", &[]),
    ("bipolar", &["bipolar electro", "bipolar catheter"]),
    ("schizo", &[]),
    ("ptsd", &[]),
    ("post traumatic stress", &[]),
    ("posttraumatic stress", &[]),
    ("panic", &[]),
    ("phobi", &[]),
    ("obsessive", &[]),
    ("adhd", &[]),
    ("attention deficit", &[]),
    ("autis", &[]),
    ("mental", &[]),
    ("behavioral health", &[]),
    ("behavioural health", &[]),
    ("cognitive therap", &[]),
    ("cognitive and behav", &[]),
    ("cognitive behav", &[]),
    ("eating disorder", &[]),
    ("anorexia nervosa", &[]),
    ("bulimi", &[]),
    ("dementia", &[]),
    ("alzheimer", &[]),
    ("phq", &[]),
    ("little interest or pleasure", &[]),
    ("gad 7", &[]),
    ("antidepress", &[]),
    ("sertraline", &[]),
    ("fluoxetine", &[]),
    ("prozac", &[]),
    ("paroxetine", &[]),
    ("citalopram", &[]),
    ("escitalopram", &[]),
    ("venlafaxine", &[]),
    ("bupropion", &[]),
    ("alprazolam", &[]),
    ("clonazepam", &[]),
    ("lithium", &["lithium ion"]),
    ("quetiapine", &[]),
    ("olanzapine", &[]),
    ("risperidone", &[]),
    ("aripiprazole", &[]),
    ("methylphenidate", &[]),
    ("donepezil", &[]),
    ("memantine", &[]),
    ("galantamine", &[]),
    ("drug rehab", &[]),
    ("detox", &[]),
    ("addict", &[]),
    ("alcoholi", &[]),
    ("alcohol abuse", &[]),
    ("alcohol use", &[]),
    ("alcohol depend", &[]),
    ("alcohol disorder", &[]),
    ("opioid use", &[]),
    ("opioid abuse", &[]),
    ("opioid depend", &[]),
    ("drug abuse", &[]),
    ("drug depend", &[]),
    ("drug overdose", &[]),
    ("overdose", &[]),
    ("substance use", &[]),
    ("substance abuse", &[]),
    ("methadone", &[]),
    ("buprenorphine", &[]),
    ("naltrexone", &[]),
    ("cocaine", &[]),
    ("heroin", &[]),
    ("marijuana", &[]),
    ("cannabis", &[]),
    ("abuse", &[]),
    ("domestic violence", &[]),
    ("partner violence", &[]),
    ("sexual assault", &[]),
    ("rape ", &[]),
    ("pregnan", &[]),
    ("contracept", &[]),
    ("prenatal", &[]),
    ("antenatal", &[]),
    ("obstetric", &[]),
    ("abortion", &[]),
    ("miscarriage", &[]),
    ("fetal", &[]),
    ("fetus", &[]),
    ("gestation", &[]),
    ("postnatal", &[]),
    ("intrauterine", &[]),
    ("genetic", &[]),
    ("genom", &[]),
    ("hiv ", &[]),
    ("immunodeficiency virus", &[]),
    ("sexually transmitted", &[]),
    ("chlamydia", &[]),
    ("syphilis", &[]),
    ("transgender", &[]),
];

/// What somebody would see in a text at a glance.
pub(super) fn sensitive_words(text: &str) -> Vec<String> {
    static ALL: OnceLock<AhoCorasick> = OnceLock::new();
    let stems = || STEMS.iter().map(|(stem, _)| format!(" {stem}"));
    let all = ALL.get_or_init(|| AhoCorasick::new(stems()).unwrap());
    let plain = plain(text);
    if !all.is_match(&plain) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (stem, near_misses) in STEMS {
        let count = |phrase: &str| plain.matches(&format!(" {phrase}")).count();
        let misses: usize = near_misses.iter().map(|miss| count(miss)).sum();
        if count(stem) > misses {
            found.push(format!("word {stem}"));
        }
    }
    found
}

/// Small letters and digits, everything else a space, a space before.
fn plain(text: &str) -> String {
    let mut plain = String::from(" ");
    for letter in text.chars() {
        if letter.is_alphanumeric() {
            plain.extend(letter.to_lowercase());
        } else if !plain.ends_with(' ') {
            plain.push(' ');
        }
    }
    plain
}

/// A question everybody is asked says nothing of the visit.
fn is_screening(text: &str) -> bool {
    let plain = plain(text);
    [
        "screen",
        "assessment",
        "questionnaire",
        "score",
        "scale",
        "inventory",
        "phq",
        "gad",
        "audit c",
        "dast",
        "little interest",
        "little interest",
    ]
    .iter()
    .any(|word| plain.contains(&format!(" {word}")))
}
