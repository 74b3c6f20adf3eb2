//! FHIR resources of a world, as payers have them: what happened at one visit, the resources
//! about one person, and the ones that are nobody's.

use super::family::{Content, Family, Role};
use super::marks;
use super::random::Random;
use serde_json::{Value, json};

/// In which of the two APIs a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    Fhir,
    House,
}

/// A record of a world.
#[derive(Clone, Debug)]
pub struct Item {
    pub api: Api,
    pub kind: &'static str,
    pub id: String,
    /// Whom a search by person finds it under.
    pub who: Role,
    pub content: Content,
    pub body: Value,
    /// Tells nothing by itself, but belongs to a visit that is hidden, by whatever road it is
    /// asked for. It is never there without what tells.
    pub silent: bool,
}

/// Makes the records of one pair of worlds.
pub struct Maker<'m> {
    pub family: &'m Family,
    pub reader: Role,
    /// In every id of this pair: ids of different pairs never meet.
    pub tag: String,
    pub random: &'m mut Random,
    pub count: usize,
}

/// Codes of each content: ICD-10-CM, what it is called, CPT.
fn codes(content: Content, random: &mut Random) -> (&'static str, &'static str, &'static str) {
    let known: &[(&str, &str, &str)] = match content {
        Content::Ordinary => &[
            ("J20.9", "Acute bronchitis", "99213"),
            ("S93.401A", "Sprain of the right ankle", "73721"),
            ("M54.50", "Low back pain", "97110"),
        ],
        Content::Mental => &[
            ("F33.1", "Major depressive disorder", "90837"),
            ("F41.1", "Generalized anxiety disorder", "90834"),
        ],
        Content::Substance => &[("F10.20", "Alcohol dependence", "99408")],
        Content::Reproductive => &[("Z33.1", "Pregnant state", "59400")],
        Content::Abuse => &[("T74.11XA", "Adult physical abuse", "99214")],
        Content::Note => &[("F33.1", "Session note", "90837")],
        Content::Unclear => &[("QX-1", "", "QX-2")],
    };
    *random.pick(known)
}

/// CMS place, provider, amount, … : ids of the directory, the same in both worlds.
const DOCTOR: &str = "doc-1";
const THERAPIST: &str = "doc-2";

impl Maker<'_> {
    /// Whether the reader may not see it: then everything in it carries marks.
    pub fn is_hidden(&self, who: Role, content: Content) -> bool {
        !self.family.lets(self.reader, who, content)
    }

    pub fn id(&mut self, prefix: &str) -> String {
        self.count += 1;
        format!("{prefix}-{}-{}", self.tag, self.count)
    }

    /// The id of a record: of a hidden one it carries a mark too.
    fn name(&mut self, prefix: &str, hidden: bool) -> String {
        if hidden { format!("{prefix}-{}", marks::mark(self.random)) } else { self.id(prefix) }
    }

    /// Hidden visits are on odd days, the others on even ones: two visits of one person at one
    /// provider on one day are one event, and what is hidden of it hides all of it.
    pub fn day(&mut self, hidden: bool) -> String {
        let day = 2 * (1 + self.random.below(14)) - usize::from(hidden);
        format!("2026-{:02}-{day:02}", 1 + self.random.below(9))
    }

    /// Words: of a hidden record they carry a mark, and are of any length.
    pub fn words(&mut self, hidden: bool, plain: &str) -> String {
        if !hidden {
            return plain.to_owned();
        }
        let more = " and more of it".repeat(self.random.below(4));
        format!("{plain} {}{more}", marks::mark(self.random))
    }

    fn concept(&mut self, content: Content, hidden: bool) -> Value {
        let (icd, display, _) = codes(content, self.random);
        let display = self.words(hidden, display);
        if content == Content::Unclear {
            let code = marks::mark(self.random);
            return json!({"coding": [{"system": "http://x.example/nobody-knows", "code": code}]});
        }
        let mut coding = json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": icd});
        if self.random.once_in(2) {
            coding["display"] = display.into();
        }
        json!({"coding": [coding]})
    }

    fn service(&mut self, content: Content, hidden: bool) -> Value {
        let (_, _, cpt) = codes(content, self.random);
        let mut coding = json!({"system": "http://www.ama-assn.org/go/cpt", "code": cpt});
        if hidden && self.random.once_in(2) {
            coding["display"] = self.words(true, "Office visit").into();
        }
        json!({"coding": [coding]})
    }

    /// What hidden records have besides: numbers, keys, attachments, all marked.
    fn secrets(&mut self, body: &mut Value) {
        let key = marks::mark(self.random);
        body[key] = json!(marks::number(self.random));
        if self.random.once_in(2) {
            let numbers: Vec<u64> =
                (0..1 + self.random.below(20)).map(|_| marks::number(self.random)).collect();
            body["extension"] = json!([{"url": format!("http://x.example/{}", marks::mark(self.random)),
                        "valueString": marks::mark(self.random)}]);
            body["internal"] = json!(numbers);
        }
    }

    fn item(&mut self, who: Role, content: Content, kind: &'static str, mut body: Value) -> Item {
        let hidden = self.is_hidden(who, content);
        let id = self.name(&kind.to_lowercase()[..3], hidden);
        body["resourceType"] = kind.into();
        body["id"] = id.clone().into();
        if hidden {
            self.secrets(&mut body);
        }
        Item { api: Api::Fhir, kind, id, who, content, body, silent: false }
    }

    fn patient(&self, who: Role) -> Value {
        json!({"reference": format!("Patient/{}", self.family.patient(who))})
    }

    /// Everything that one visit leaves behind: an encounter, a diagnosis, the bill for it, and
    /// some of what else there is. The bill of a hidden visit may say nothing at all of what it
    /// was for: then only the encounter tells.
    pub fn visit(&mut self, who: Role, content: Content) -> Vec<Item> {
        let hidden = self.is_hidden(who, content);
        // A child's bill always tells by itself: to parents `unclassified` of a child is open.
        // What is unclear is so by itself, and no part of an event.
        let shared = hidden && who != Role::Kid && content != Content::Unclear;
        // Only a diagnosis that points at the encounter tells, from the side.
        let aside = shared && content != Content::Note && self.random.once_in(4);
        let doctor = match content {
            _ if aside => DOCTOR,
            Content::Mental | Content::Substance | Content::Note => THERAPIST,
            _ => DOCTOR,
        };
        let doctor = json!({"reference": format!("Practitioner/{doctor}")});
        let day = self.day(hidden);
        let mut items = Vec::new();
        let body = json!({
            "status": "finished", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": self.patient(who), "period": {"start": day, "end": day},
            "reasonCode": [self.concept(if aside { Content::Ordinary } else { content }, hidden)],
        });
        let encounter = Item { silent: aside, ..self.item(who, content, "Encounter", body) };
        let to_encounter = json!({"reference": format!("Encounter/{}", encounter.id)});
        items.push(encounter);
        let silent = aside || shared && self.random.once_in(3);
        let told = if silent { Content::Ordinary } else { content };
        let linked = silent || self.random.once_in(3);
        let eob = self.bill(who, content, told, &day, &doctor, linked.then_some(&to_encounter));
        let to_eob = json!({"reference": format!("ExplanationOfBenefit/{}", eob.id)});
        items.push(eob);
        if aside || self.random.once_in(2) {
            let status = json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]});
            let mut body = json!({
                "clinicalStatus": status, "code": self.concept(content, hidden),
                "subject": self.patient(who), "recordedDate": day,
            });
            if linked {
                body["encounter"] = to_encounter.clone();
            }
            items.push(self.item(who, content, "Condition", body));
        }
        if hidden && self.random.once_in(3) {
            items.push(self.document(who, content, &day, &to_encounter));
        }
        if self.random.once_in(4) {
            items.extend(self.drug(who, content, &day, linked.then_some(&to_encounter)));
        }
        if self.random.once_in(6) {
            items.extend(self.scan(who, content, &day));
        }
        if self.random.once_in(4) {
            let body = json!({
                "target": [to_eob], "recorded": format!("{day}T10:00:00Z"), "agent": [{"who": doctor}],
            });
            items.push(self.item(who, content, "Provenance", body));
        }
        items
    }

    fn bill(
        &mut self,
        who: Role,
        content: Content,
        told: Content,
        day: &str,
        doctor: &Value,
        encounter: Option<&Value>,
    ) -> Item {
        let hidden = self.is_hidden(who, content);
        let lines = if hidden { 1 + self.random.below(4) } else { 1 };
        let items: Vec<Value> = (0..lines)
            .map(|line| {
                let mut item = json!({
                    "sequence": line + 1, "productOrService": self.service(told, hidden), "servicedDate": day,
                    "net": {"value": 10 + self.random.below(300), "currency": "USD"},
                });
                if let Some(encounter) = encounter {
                    item["encounter"] = json!([encounter]);
                }
                item
            })
            .collect();
        let body = json!({
            "status": *self.random.pick(&["active", "active", "cancelled"]),
            "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional"}]},
            "use": "claim", "patient": self.patient(who), "billablePeriod": {"start": day, "end": day}, "created": day,
            "insurer": {"reference": "Organization/org-plan"}, "provider": doctor, "outcome": "complete",
            "diagnosis": [{"sequence": 1, "diagnosisCodeableConcept": self.concept(told, hidden)}],
            "insurance": [{"focal": true, "coverage": {"reference": format!("Coverage/{}", self.coverage(who))}}],
            "item": items,
        });
        self.item(who, content, "ExplanationOfBenefit", body)
    }

    /// A prescription and the drug that it points at, which is nobody's by itself.
    fn drug(
        &mut self,
        who: Role,
        content: Content,
        day: &str,
        encounter: Option<&Value>,
    ) -> Vec<Item> {
        let hidden = self.is_hidden(who, content);
        // A psychiatric drug, unless the reader may know of those.
        let code = if self.is_hidden(who, Content::Mental) && hidden { "36437" } else { "161" };
        let words = self.words(hidden, "Tablet");
        let drug = json!({"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code, "display": words}]});
        let drug = self.item(who, content, "Medication", json!({"status": "active", "code": drug}));
        let mut body = json!({
            "status": "active", "intent": "order", "subject": self.patient(who), "authoredOn": day,
            "medicationReference": {"reference": format!("Medication/{}", drug.id)},
            "reasonCode": [self.concept(content, hidden)],
        });
        if let Some(encounter) = encounter {
            body["encounter"] = encounter.clone();
        }
        vec![self.item(who, content, "MedicationRequest", body), drug]
    }

    /// A document that is kept apart from what says whose it is.
    fn scan(&mut self, who: Role, content: Content, day: &str) -> Vec<Item> {
        use base64::Engine;
        let hidden = self.is_hidden(who, content);
        let text = self.words(hidden, "Seen and well");
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        let scan = json!({"contentType": "text/plain", "data": data});
        let scan = self.item(who, content, "Binary", scan);
        let mut body = json!({
            "status": "current", "subject": self.patient(who), "date": format!("{day}T10:00:00Z"),
            "type": {"coding": [{"system": "http://loinc.org", "code": "34133-9"}]},
            "category": [self.concept(content, hidden)],
            "content": [{"attachment": {"contentType": "text/plain", "url": format!("Binary/{}", scan.id)}}],
        });
        if content == Content::Note {
            let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"});
            body["meta"] = json!({"security": [label]});
        }
        vec![self.item(who, content, "DocumentReference", body), scan]
    }

    fn document(&mut self, who: Role, content: Content, day: &str, encounter: &Value) -> Item {
        use base64::Engine;
        let text = self.words(true, "Spoke of the day");
        let data = base64::engine::general_purpose::STANDARD.encode(text);
        let label = if content == Content::Note { "34866-4" } else { "11488-4" };
        let mut body = json!({
            "status": "current", "subject": self.patient(who), "date": format!("{day}T10:00:00Z"),
            "type": {"coding": [{"system": "http://loinc.org", "code": label}]},
            "category": [self.concept(content, true)],
            "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
            "context": {"encounter": [encounter]},
        });
        if content == Content::Note {
            let label = json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSYTHPN"});
            body["meta"] = json!({"security": [label]});
        }
        self.item(who, content, "DocumentReference", body)
    }

    pub fn coverage(&self, who: Role) -> String {
        format!("cov-{}", self.family.patient(who))
    }

    /// The Patient and the Coverage of somebody. They are there in both worlds, and of those
    /// that the reader may not know, marked.
    pub fn person(&mut self, who: Role) -> Vec<Item> {
        let hidden = self.is_hidden(who, Content::Ordinary);
        let patient = self.family.patient(who);
        let name = self.words(hidden, "Lindqvist");
        let body = json!({
            "resourceType": "Patient", "id": patient, "active": true,
            "name": [{"family": name, "given": ["A"]}], "gender": "unknown", "birthDate": "1980-01-01",
        });
        let person = Item {
            api: Api::Fhir,
            kind: "Patient",
            id: patient,
            who,
            content: Content::Ordinary,
            body,
            silent: false,
        };
        let id = self.coverage(who);
        let body = json!({
            "resourceType": "Coverage", "id": id, "status": "active", "beneficiary": self.patient(who),
            "payor": [{"reference": "Organization/org-plan"}], "subscriberId": self.words(hidden, "S"),
        });
        let coverage = Item { kind: "Coverage", id, body, ..person.clone() };
        vec![person, coverage]
    }

    /// Records that are hidden from everybody: of nobody, of a stranger, of a kind unheard of.
    pub fn astray(&mut self) -> Item {
        let concept = self.concept(Content::Ordinary, true);
        let (who, content) = (Role::Nobody, Content::Ordinary);
        match self.random.below(3) {
            0 => {
                let body = json!({"status": "final", "code": concept, "valueString": self.words(true, "x")});
                self.item(who, content, "Observation", body)
            }
            1 => {
                let body = json!({
                    "status": "final", "code": concept,
                    "subject": {"reference": format!("Patient/{}", marks::mark(self.random))},
                });
                self.item(who, content, "Observation", body)
            }
            _ => {
                let body =
                    json!({"status": "active", "subject": self.patient(who), "code": concept});
                self.item(who, content, "Condition", body)
            }
        }
    }

    /// A list of somebody's problems: the list is ordinary, what it names may be hidden.
    pub fn problems(&mut self, who: Role) -> Item {
        let body = json!({
            "status": "current", "mode": "working", "subject": self.patient(who), "date": "2026-05-05",
            "entry": [],
        });
        self.item(who, Content::Ordinary, "List", body)
    }
}

/// Doctors and plans, the same in every world.
pub fn directory() -> Vec<Value> {
    vec![
        json!({"resourceType": "Practitioner", "id": DOCTOR, "name": [{"family": "Novak"}]}),
        json!({"resourceType": "Practitioner", "id": THERAPIST, "name": [{"family": "Okafor"}]}),
        json!({"resourceType": "Organization", "id": "org-plan", "name": "Riverside Health Plan"}),
    ]
}
