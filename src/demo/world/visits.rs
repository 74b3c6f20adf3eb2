//! A visit, and the records that it leaves behind: an encounter, a diagnosis, the explanation of
//! benefits, the claim in the portal.

use super::super::family::{Privacy, Who};
use super::Writer;
use super::billing::Bill;
use super::fhir::{Code, at, hl7, meta, patient, to};
use super::providers::Provider;
use serde_json::json;

/// One visit, as a line of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) who: Who,
    pub(super) days_ago: i32,
    pub(super) provider: Provider,
    pub(super) privacy: Privacy,
    pub(super) diagnoses: &'static [Code],
    /// What was done, and what was billed for it, cents.
    pub(super) services: &'static [(Code, i32)],
    pub(super) told: Told,
}

/// How much of it the papers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Diagnoses and services, everywhere.
    All,
    /// The bill names the service and no diagnosis.
    ServiceOnly,
    /// The bill names a symptom and an office visit: nothing tells what it was for but the
    /// encounter that it points at.
    EncounterOnly,
}

/// The ids of what a visit left behind.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) number: u32,
    pub(super) encounter: String,
    pub(super) condition: String,
}

impl Writer {
    /// Writes everything that a visit leaves behind.
    pub(super) fn visit(&mut self, visit: &Visit) -> Trace {
        let number = self.number();
        let trace = Trace {
            number,
            encounter: format!("enc-{number}"),
            condition: format!("cond-{number}"),
        };
        self.encounter(visit, &trace);
        if let Some(diagnosis) = visit.diagnoses.first() {
            self.condition(visit, *diagnosis, &trace);
        }
        self.bill(&Bill::of(visit, &trace));
        trace
    }

    fn encounter(&mut self, visit: &Visit, trace: &Trace) {
        let day = self.day(visit.days_ago);
        let mut body = json!({
            "meta": meta(&day, 2), "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": patient(visit.who),
            "participant": [{"individual": visit.provider.reference()}],
            "period": {"start": at(&day, 16), "end": at(&day, 17)},
            "reasonCode": visit.diagnoses.iter().map(|code| code.concept()).collect::<Vec<_>>(),
            "type": visit.services.iter().map(|(code, _)| code.concept()).collect::<Vec<_>>(),
        });
        if visit.provider.fhir_name().0 == "Organization"
            && let Some(members) = body.as_object_mut()
        {
            members.remove("participant");
            members.insert("serviceProvider".to_owned(), visit.provider.reference());
        }
        self.fhir(visit.who, visit.privacy, "Encounter", &trace.encounter, body);
    }

    fn condition(&mut self, visit: &Visit, diagnosis: Code, trace: &Trace) {
        let day = self.day(visit.days_ago);
        let body = json!({
            "meta": meta(&day, 2),
            "clinicalStatus": hl7("condition-clinical", "active"),
            "verificationStatus": hl7("condition-ver-status", "confirmed"),
            "category": [hl7("condition-category", "encounter-diagnosis")],
            "code": diagnosis.concept(), "subject": patient(visit.who),
            "encounter": to("Encounter", &trace.encounter), "recordedDate": day,
        });
        self.fhir(visit.who, visit.privacy, "Condition", &trace.condition, body);
    }
}
