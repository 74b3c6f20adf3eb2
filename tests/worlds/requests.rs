//! Sequences of requests: what a patient reader, or a program of theirs, could ask.

use super::family::{Content, EVERYBODY, Role};
use super::marks;
use super::pair::Pair;
use super::random::Random;
use super::records::Api;

/// One request; the same in both worlds, but for cursors, which each world hands out itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Ask {
        method: &'static str,
        target: String,
        form: Option<String>,
        fields: Vec<String>,
    },
    /// The next page of the last answer that has one.
    Next,
}

const KINDS: [&str; 15] = [
    "ExplanationOfBenefit",
    "ExplanationOfBenefit",
    "ExplanationOfBenefit",
    "Encounter",
    "Condition",
    "Patient",
    "Coverage",
    "Observation",
    "DocumentReference",
    "MedicationRequest",
    "Medication",
    "Binary",
    "Provenance",
    "List",
    "Practitioner",
];

/// Search parameters besides the person that any reader may send.
const OPEN: [&str; 15] = [
    "_count=1",
    "_count=2",
    "_count=3",
    "_count=5",
    "_count=100",
    "status=active",
    "date=2026-0",
    "_include=ExplanationOfBenefit:provider",
    "_include=ExplanationOfBenefit:encounter",
    "_include=Provenance:target",
    "_include=MedicationRequest:medication",
    "_revinclude=Provenance:target",
    "_revinclude=ExplanationOfBenefit:provider",
    "_revinclude=ExplanationOfBenefit:encounter",
    "_format=json",
];

/// Those that nobody may send about others.
const CLOSED: [&str; 10] = [
    "_summary=count",
    "_total=accurate",
    "_sort=_lastUpdated",
    "_lastUpdated=gt2026-03-01",
    "code=F33.1",
    "diagnosis=F33.1",
    "_has:Condition:patient:code=F33.1",
    "_elements=id",
    "_offset=1",
    "_text=depression",
];

const HOUSE_MORE: [&str; 11] = [
    "pageSize=1",
    "pageSize=1",
    "pageSize=2",
    "pageSize=2",
    "pageSize=4",
    "status=paid",
    "from=2026-01-01",
    "cursor=1",
    "diagnosis=F33.1",
    "q=therapy",
    "sort=serviceDate",
];

/// Up to 20 steps.
pub fn sequence(pair: &Pair, seed: u64) -> Vec<Step> {
    let mut random = Random::new(seed ^ 0x5E9);
    let ids: Vec<(Api, &'static str, String)> = pair
        .worlds
        .iter()
        .flat_map(|world| world.items.iter())
        .map(|item| (item.api, item.kind, item.id.clone()))
        .collect();
    let mut asker = Asker { pair, random: &mut random, ids };
    // Short ones mostly: what a sequence can tell that its requests cannot tell one by one is in
    // pages, and those follow each other.
    let length = if asker.random.once_in(6) {
        1 + asker.random.below(20)
    } else {
        1 + asker.random.below(5)
    };
    let mut steps: Vec<Step> = Vec::new();
    while steps.len() < length {
        let step = asker.step();
        let pages = matches!(&step, Step::Ask { target, form, .. }
            if target.contains("_count") || target.contains("pageSize")
                || form.as_ref().is_some_and(|form| form.contains("_count")));
        steps.push(step);
        if pages {
            steps.extend(vec![Step::Next; asker.random.below(7)]);
        }
    }
    steps.truncate(20);
    steps
}

struct Asker<'a> {
    pair: &'a Pair,
    random: &'a mut Random,
    ids: Vec<(Api, &'static str, String)>,
}

impl Asker<'_> {
    fn step(&mut self) -> Step {
        if self.random.once_in(5) {
            let target = self.long_list();
            return Step::Ask { method: "GET", target, form: None, fields: self.fields() };
        }
        let (target, form) = match self.random.below(20) {
            0..6 => (self.search(), None),
            6..8 => self.post(),
            8..10 => (self.read(), None),
            10..12 => (format!("/fhir/Patient/{}/$everything", self.patient()), None),
            12 => {
                let kind = *self.random.pick(&KINDS);
                (format!("/fhir/export/{kind}.ndjson"), None)
            }
            13 => (self.odd(), None),
            _ => (self.house(), None),
        };
        let method = match (&form, self.random.below(12)) {
            (Some(_), _) => "POST",
            (None, 0 | 1) => "HEAD",
            (None, 2) => *self.random.pick(&["POST", "DELETE", "OPTIONS", "PATCH"]),
            _ => "GET",
        };
        Step::Ask { method, target, form, fields: self.fields() }
    }

    /// A list of more than a page, a page at a time.
    fn long_list(&mut self) -> String {
        let size = 1 + self.random.below(3);
        let contract = self.pair.family.contract();
        let kind = *self.random.pick(&[
            "ExplanationOfBenefit",
            "Condition",
            "Encounter",
            "Patient",
            "Coverage",
        ]);
        match self.random.below(5) {
            0 | 1 => format!("/fhir/{kind}?_count={size}"),
            2 => format!(
                "/fhir/ExplanationOfBenefit?_count={size}&_include=ExplanationOfBenefit:encounter&_include=ExplanationOfBenefit:provider"
            ),
            3 => format!("/api/v1/family/{contract}/claims?pageSize={size}"),
            _ => format!("/api/v1/family/{contract}/messages?pageSize={size}"),
        }
    }

    fn fields(&mut self) -> Vec<String> {
        let version = &self.pair.worlds[self.random.below(2)].habits.version;
        let known = [
            format!("If-None-Match: W/\"{version}\""),
            format!("If-Match: W/\"{version}\""),
            "If-Modified-Since: Mon, 01 Feb 2027 10:00:00 GMT".to_owned(),
            "Range: bytes=0-20".to_owned(),
            "Accept-Encoding: gzip, br".to_owned(),
            "Prefer: handling=lenient".to_owned(),
            "Accept: application/fhir+xml".to_owned(),
        ];
        let count = if self.random.once_in(4) { 1 + self.random.below(2) } else { 0 };
        (0..count).map(|_| self.random.pick(&known).clone()).collect()
    }

    /// Mostly somebody of whom there is something to be seen.
    fn who(&mut self) -> Role {
        let who = *self.random.pick(&EVERYBODY);
        let (family, reader) = (&self.pair.family, self.pair.reader);
        if family.lets(reader, who, Content::Ordinary) || self.random.once_in(3) {
            return who;
        }
        *self.random.pick(&[reader, Role::Daughter, Role::Daughter, Role::Kid])
    }

    fn patient(&mut self) -> String {
        let who = self.who();
        match self.random.below(12) {
            0 => "not-there".to_owned(),
            1 => self.pair.family.member(who),
            _ => self.pair.family.patient(who),
        }
    }

    fn parameters(&mut self, kind: &str) -> String {
        let mut parameters = Vec::new();
        if !self.random.once_in(4) && kind != "Practitioner" {
            let name = match kind {
                "Patient" => "_id",
                "Coverage" => "beneficiary",
                _ => *self.random.pick(&["patient", "patient", "subject"]),
            };
            let prefix = if name != "_id" && self.random.once_in(3) { "Patient/" } else { "" };
            parameters.push(format!("{name}={prefix}{}", self.patient()));
        }
        for _ in 0..self.random.below(3) {
            let closed = self.random.once_in(8);
            let more = if closed { *self.random.pick(&CLOSED) } else { *self.random.pick(&OPEN) };
            let more = more.to_owned();
            // The same parameter twice is refused alike everywhere; that is tested elsewhere.
            let name = more.split('=').next().unwrap().to_owned();
            if !parameters.iter().any(|one| one.starts_with(&format!("{name}="))) {
                parameters.push(more);
            }
        }
        if self.random.once_in(10) {
            let ids: Vec<String> = (0..3).map(|_| self.some_id(kind)).collect();
            if !parameters.iter().any(|one| one.starts_with("_id=")) {
                parameters.push(format!("_id={}", ids.join(",")));
            }
        }
        parameters.join("&")
    }

    fn search(&mut self) -> String {
        if self.random.once_in(12) {
            // Does anything come back, if it is asked for by what is hidden?
            let patient = self.patient();
            return match self.random.below(3) {
                0 => "/fhir/Patient?_has:Condition:patient:code=F33.1".to_owned(),
                1 => format!(
                    "/fhir/ExplanationOfBenefit?patient={patient}&_lastUpdated=gt2026-05-01"
                ),
                _ => format!("/fhir/Condition?patient={patient}&_sort=_lastUpdated"),
            };
        }
        let kind = *self.random.pick(&KINDS);
        let parameters = self.parameters(kind);
        if parameters.is_empty() {
            format!("/fhir/{kind}")
        } else {
            format!("/fhir/{kind}?{parameters}")
        }
    }

    fn post(&mut self) -> (String, Option<String>) {
        let kind = *self.random.pick(&KINDS);
        (format!("/fhir/{kind}/_search"), Some(self.parameters(kind)))
    }

    /// An id of that kind: seen, hidden, of the other world, or of neither.
    fn some_id(&mut self, kind: &str) -> String {
        let of_kind: Vec<&String> =
            self.ids.iter().filter(|(_, own, _)| *own == kind).map(|(_, _, id)| id).collect();
        if of_kind.is_empty() || self.random.once_in(6) {
            return match self.random.below(3) {
                0 => marks::mark(self.random),
                1 => "not an id!".replace(' ', "%20"),
                _ => "absent-1".to_owned(),
            };
        }
        (*self.random.pick(&of_kind)).clone()
    }

    fn read(&mut self) -> String {
        if self.random.once_in(3) {
            return format!("/api/v1/claims/{}", self.some_id("claim"));
        }
        let kind = *self.random.pick(&KINDS);
        format!("/fhir/{kind}/{}", self.some_id(kind))
    }

    fn house(&mut self) -> String {
        let contract = if self.random.once_in(10) {
            "C-elsewhere".to_owned()
        } else if self.pair.reader == Role::Neighbour && self.random.once_in(2) {
            format!("D-{}", self.pair.family.number)
        } else {
            self.pair.family.contract()
        };
        let who = self.who();
        let member = self.pair.family.member(who);
        let path = match self.random.below(13) {
            0 => format!("/family/{contract}"),
            1..4 => format!("/family/{contract}/claims"),
            4..6 => format!("/members/{member}/claims"),
            6 => format!("/family/{contract}/accumulators"),
            7 => format!("/family/{contract}/messages"),
            8 => format!("/family/{contract}/letters"),
            9 => format!("/family/{contract}/payments"),
            10 => format!("/members/{member}/prescriptions"),
            11 => format!("/members/{member}/authorizations"),
            _ => format!("/members/{member}/care-team"),
        };
        let more = if self.random.once_in(2) { *self.random.pick(&HOUSE_MORE) } else { "" };
        let mark = if more.is_empty() { "" } else { "?" };
        format!("/api/v1{path}{mark}{more}")
    }

    /// What is no route, or none of ours.
    fn odd(&mut self) -> String {
        let patient = self.patient();
        let odd = [
            "/".to_owned(),
            "/fhir/metadata".to_owned(),
            "/fhir/Novelty".to_owned(),
            format!("/fhir/Patient/{patient}/_history/1"),
            format!("/fhir/Patient/{patient}/Condition"),
            "/fhir/Condition/_search".to_owned(),
            "/fhir/Condition/$everything".to_owned(),
            "/fhir/%2e%2e/Condition".to_owned(),
            format!("/fhir/Condition?patient={patient}&patient={patient}"),
            format!("/fhir/Condition?patient={patient}&subject={patient}"),
            format!("/fhir/Condition?patient%3Aidentifier={patient}"),
            "/api/v1/family".to_owned(),
        ];
        self.random.pick(&odd).clone()
    }
}
