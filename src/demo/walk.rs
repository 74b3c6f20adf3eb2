//! Everything that somebody could ask for: each person's whole record, by every road there is,
//! and each record of the daughter by its address.

use super::client::Ask;
use super::family::Who;
use super::world::{Api, World};
use std::collections::BTreeSet;

/// Every request that a curious reader would think of.
pub(super) fn requests(world: &World) -> Vec<Ask> {
    let mut asks = Vec::new();
    for subject in Who::ALL {
        about(subject, &mut asks);
    }
    for contract in ["C-1", "C-2"] {
        let family = format!("/api/v1/family/{contract}");
        asks.push(Ask::get(&family));
        for page in ["claims?pageSize=9", "accumulators", "messages", "letters", "payments"] {
            asks.push(Ask::get(format!("{family}/{page}")));
        }
    }
    let fhir = world.records.iter().filter(|record| record.api == Api::Fhir);
    let kinds: BTreeSet<&str> = fhir.map(|record| record.kind).collect();
    asks.extend(kinds.iter().map(|kind| Ask::get(format!("/fhir/export/{kind}.ndjson"))));
    by_address(world, &mut asks);
    asks
}

fn about(subject: Who, asks: &mut Vec<Ask>) {
    let (patient, member) = (subject.patient(), subject.person().member);
    asks.push(Ask::get(format!("/fhir/Patient/{patient}")));
    asks.push(everything(subject));
    asks.push(benefits(subject));
    asks.push(Ask::get(format!("/fhir/ExplanationOfBenefit?patient={patient}")));
    for kind in ["Condition", "Encounter", "Observation", "DocumentReference"] {
        let form = format!("patient={patient}");
        asks.push(Ask::post(format!("/fhir/{kind}/_search"), form));
    }
    let requests = "MedicationRequest?_include=MedicationRequest:requester&_count=7";
    asks.push(Ask::get(format!("/fhir/{requests}&patient=Patient/{patient}")));
    asks.push(Ask::get(format!("/fhir/Coverage?beneficiary={patient}")));
    asks.push(claims(subject));
    for page in ["prescriptions", "authorizations", "care-team"] {
        asks.push(Ask::get(format!("/api/v1/members/{member}/{page}")));
    }
}

/// A person's whole FHIR record.
pub(super) fn everything(subject: Who) -> Ask {
    Ask::get(format!("/fhir/Patient/{}/$everything", subject.patient()))
}

/// A person's explanations of benefits, as CARIN's applications ask for them.
pub(super) fn benefits(subject: Who) -> Ask {
    let with = "_include=ExplanationOfBenefit:encounter&_include=ExplanationOfBenefit:provider";
    let patient = subject.patient();
    Ask::get(format!("/fhir/ExplanationOfBenefit?patient={patient}&_count=200&{with}"))
}

/// A person's claims in the portal.
pub(super) fn claims(subject: Who) -> Ask {
    Ask::get(format!("/api/v1/members/{}/claims?pageSize=200", subject.person().member))
}

/// What somebody would ask who has noted down an address at a time when the portal still showed
/// it.
fn by_address(world: &World, asks: &mut Vec<Ask>) {
    let laboratory = "Riverside Laboratory".into();
    let of_daughter = world.records.iter().filter(|record| record.subjects == [Who::Ingrid]);
    for record in of_daughter {
        match (record.api, record.kind) {
            (Api::Fhir, kind) => asks.push(Ask::get(format!("/fhir/{kind}/{}", record.id))),
            // Alone, a bill for a blood draw is a bill for a blood draw: that it belongs to a
            // session is told by the visit's number, in the lists where the session stands too.
            (Api::House, "claim") if record.body.pointer("/provider/name") == Some(&laboratory) => {
            }
            (Api::House, "claim") => asks.push(Ask::get(format!("/api/v1/claims/{}", record.id))),
            (Api::House, _) => {}
        }
    }
}
