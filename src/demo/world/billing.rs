//! What a visit costs: the explanation of benefits in FHIR and the claim in the portal's JSON.

use super::super::family::{Privacy, Who};
use super::Writer;
use super::fhir::{Code, cpt, dollars, hl7, icd, meta, money, patient, to};
use super::providers::Provider;
use super::visits::{Told, Trace, Visit};
use serde_json::{Value, json};

/// One bill.
#[derive(Clone, Debug)]
pub(super) struct Bill {
    pub(super) who: Who,
    pub(super) days_ago: i32,
    pub(super) provider: Provider,
    pub(super) privacy: Privacy,
    pub(super) number: u32,
    /// The encounter it is for, unless nobody wrote that down.
    pub(super) encounter: Option<String>,
    /// The prescription it is for.
    pub(super) prescription: Option<String>,
    /// The visit number of the portal.
    pub(super) visit: u32,
    pub(super) diagnoses: Vec<Code>,
    pub(super) services: Vec<(Code, i32)>,
}

/// What a bill says that names nothing.
const TIREDNESS: Code = icd("R53.83", "Other fatigue");
const OFFICE_VISIT: Code = cpt("99213", "Office visit");

impl Bill {
    /// The bill for a visit, telling as much as the visit says.
    pub(super) fn of(visit: &Visit, trace: &Trace) -> Bill {
        let cents = visit.services.iter().map(|(_, cents)| cents).sum();
        let (diagnoses, services) = match visit.told {
            Told::All => (visit.diagnoses.to_vec(), visit.services.to_vec()),
            Told::ServiceOnly => (Vec::new(), visit.services.to_vec()),
            Told::EncounterOnly => (vec![TIREDNESS], vec![(OFFICE_VISIT, cents)]),
        };
        Bill {
            who: visit.who,
            days_ago: visit.days_ago,
            provider: visit.provider,
            privacy: visit.privacy,
            number: trace.number,
            encounter: Some(trace.encounter.clone()),
            prescription: None,
            visit: trace.number,
            diagnoses,
            services,
        }
    }

    fn cents(&self) -> i32 {
        self.services.iter().map(|(_, cents)| cents).sum()
    }

    /// The plan pays four fifths.
    fn paid_cents(&self) -> i32 {
        self.cents().saturating_mul(4).checked_div(5).unwrap_or(0)
    }
}

impl Writer {
    /// Writes the explanation of benefits and the portal's claim of a bill.
    pub(super) fn bill(&mut self, bill: &Bill) {
        let day = self.day(bill.days_ago);
        let id = format!("eob-{}", bill.number);
        self.fhir(bill.who, bill.privacy, "ExplanationOfBenefit", &id, benefit(bill, &day));
        let id = format!("CLM-{}", bill.number);
        self.house("claim", &id, bill.who, bill.privacy, claim(bill, &id, &day));
    }
}

fn benefit(bill: &Bill, day: &str) -> Value {
    let diagnoses: Vec<Value> = (1..)
        .zip(&bill.diagnoses)
        .map(|(n, code)| json!({"sequence": n, "diagnosisCodeableConcept": code.concept()}))
        .collect();
    let items: Vec<Value> = (1..)
        .zip(&bill.services)
        .map(|(n, (code, cents))| {
            let mut item = json!({
                "sequence": n, "productOrService": code.concept(), "servicedDate": day,
                "net": money(*cents),
                "adjudication": [{"category": hl7("adjudication", "submitted"), "amount": money(*cents)}],
            });
            if let Some(encounter) = &bill.encounter {
                set(&mut item, "encounter", json!([to("Encounter", encounter)]));
            }
            item
        })
        .collect();
    let mut body = json!({
        "meta": meta(day, 1),
        "identifier": [{"system": "https://lakeside.example/claim", "value": format!("LHP{}", bill.number)}],
        "status": "active", "type": hl7("claim-type", "professional"), "use": "claim",
        "patient": patient(bill.who), "billablePeriod": {"start": day, "end": day}, "created": day,
        "insurer": Provider::Insurer.reference(), "provider": bill.provider.reference(),
        "outcome": "complete",
        "insurance": [{"focal": true, "coverage": to("Coverage", &bill.who.coverage())}],
        "item": items,
        "total": [{"category": hl7("adjudication", "submitted"), "amount": money(bill.cents())}],
        "payment": {"date": day, "amount": money(bill.paid_cents())},
    });
    if let Some(prescription) = &bill.prescription {
        set(&mut body, "prescription", to("MedicationRequest", prescription));
    }
    if !diagnoses.is_empty() {
        set(&mut body, "diagnosis", diagnoses.into());
    }
    body
}

fn claim(bill: &Bill, id: &str, day: &str) -> Value {
    let diagnoses: Vec<Value> = bill
        .diagnoses
        .iter()
        .map(|code| json!({"code": code.number, "display": code.words}))
        .collect();
    let lines: Vec<Value> = (1..)
        .zip(&bill.services)
        .map(|(n, (code, cents))| {
            json!({"line": n, "code": code.number, "codeSystem": code.system.house(),
                   "display": code.words, "amount": dollars(*cents)})
        })
        .collect();
    let (billed, paid) = (bill.cents(), bill.paid_cents());
    json!({
        "claimId": id, "memberId": bill.who.person().member, "visitId": format!("V-{}", bill.visit),
        "serviceDate": day, "status": "paid", "provider": bill.provider.house(),
        "diagnoses": diagnoses, "lines": lines,
        "amounts": {"billed": dollars(billed), "paid": dollars(paid),
                    "owed": dollars(billed.saturating_sub(paid))},
    })
}

/// Sets a member of an object.
pub(super) fn set(body: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = body {
        members.insert(name.to_owned(), value);
    }
}
