//! Prescriptions: the order, each time it was filled, what the pharmacy billed, and the same in
//! the portal's JSON.

use super::super::family::{Privacy, Who};
use super::Writer;
use super::billing::Bill;
use super::fhir::{Code, System, code, dollars, meta, patient, to};
use super::providers::Provider as P;
use Privacy::{Ordinary, Sensitive};
use Who::{Ingrid, Maja, Nils, Per, Ruth};
use serde_json::json;

/// A prescription and how often it was filled.
#[derive(Clone, Copy, Debug)]
struct Drug {
    who: Who,
    /// First filled so many days ago, then every thirty days.
    since_days: i32,
    fills: i32,
    prescriber: P,
    pharmacy: P,
    privacy: Privacy,
    medicine: Code,
    /// What the pharmacy bills: the number on the pack, which says nothing to most people.
    pack: Code,
    cents: i32,
    directions: &'static str,
}

const fn rx(number: &'static str, words: &'static str) -> Code {
    code(System::RxNorm, number, words)
}

const fn pack(number: &'static str, words: &'static str) -> Code {
    code(System::Ndc, number, words)
}

const DRUGS: &[Drug] = &[
    Drug {
        who: Ingrid,
        since_days: 245,
        fills: 8,
        prescriber: P::Psychiatrist,
        pharmacy: P::HarborPharmacy,
        privacy: Sensitive,
        medicine: rx("312941", "Sertraline 50 MG Oral Tablet"),
        pack: pack("99900-0421-30", "Sertraline 50 mg, 30 tablets"),
        cents: 1_460,
        directions: "one tablet in the morning",
    },
    Drug {
        who: Ingrid,
        since_days: 90,
        fills: 3,
        prescriber: P::Gynaecologist,
        pharmacy: P::HarborPharmacy,
        privacy: Sensitive,
        medicine: rx("748856", "Levonorgestrel and ethinyl estradiol oral tablets"),
        pack: pack("99900-0533-28", "Levonorgestrel and ethinyl estradiol, 28 tablets"),
        cents: 990,
        directions: "one tablet a day",
    },
    Drug {
        who: Ingrid,
        since_days: 205,
        fills: 1,
        prescriber: P::Family,
        pharmacy: P::HarborPharmacy,
        privacy: Ordinary,
        medicine: rx("562251", "Amoxicillin and clavulanate oral tablet"),
        pack: pack("99900-0217-20", "Amoxicillin and clavulanate, 20 tablets"),
        cents: 1_120,
        directions: "twice a day with food",
    },
    Drug {
        who: Ruth,
        since_days: 171,
        fills: 6,
        prescriber: P::Family,
        pharmacy: P::ElmPharmacy,
        privacy: Ordinary,
        medicine: rx("314076", "Lisinopril 10 MG Oral Tablet"),
        pack: pack("99900-0118-30", "Lisinopril 10 mg, 30 tablets"),
        cents: 640,
        directions: "one tablet in the evening",
    },
    Drug {
        who: Per,
        since_days: 173,
        fills: 6,
        prescriber: P::Family,
        pharmacy: P::ElmPharmacy,
        privacy: Ordinary,
        medicine: rx("617310", "Atorvastatin 20 MG Oral Tablet"),
        pack: pack("99900-0124-30", "Atorvastatin 20 mg, 30 tablets"),
        cents: 710,
        directions: "one tablet in the evening",
    },
    Drug {
        who: Nils,
        since_days: 171,
        fills: 2,
        prescriber: P::Dermatologist,
        pharmacy: P::ElmPharmacy,
        privacy: Ordinary,
        medicine: rx("308177", "Adapalene 0.1 % topical gel"),
        pack: pack("99900-0331-45", "Adapalene gel, 45 g"),
        cents: 2_350,
        directions: "a thin layer at night",
    },
    Drug {
        who: Maja,
        since_days: 236,
        fills: 1,
        prescriber: P::Paediatrician,
        pharmacy: P::ElmPharmacy,
        privacy: Ordinary,
        medicine: rx("308189", "Amoxicillin 80 MG/ML oral suspension"),
        pack: pack("99900-0219-01", "Amoxicillin suspension, 100 ml"),
        cents: 830,
        directions: "one spoon three times a day",
    },
    Drug {
        who: Maja,
        since_days: 101,
        fills: 1,
        prescriber: P::Paediatrician,
        pharmacy: P::ElmPharmacy,
        privacy: Ordinary,
        medicine: rx("308189", "Amoxicillin 80 MG/ML oral suspension"),
        pack: pack("99900-0219-01", "Amoxicillin suspension, 100 ml"),
        cents: 830,
        directions: "one spoon three times a day",
    },
];

pub(super) fn write(writer: &mut Writer) {
    for drug in DRUGS {
        let order = order(writer, drug);
        for fill in 0..drug.fills {
            let days_ago = drug.since_days.saturating_sub(fill.saturating_mul(30));
            filled(writer, drug, &order, days_ago);
        }
    }
}

fn order(writer: &mut Writer, drug: &Drug) -> String {
    let (id, day) = (format!("rx-{}", writer.number()), writer.day(drug.since_days));
    let body = json!({
        "meta": meta(&day, 1), "status": "active", "intent": "order",
        "medicationCodeableConcept": drug.medicine.concept(), "subject": patient(drug.who),
        "authoredOn": day, "requester": drug.prescriber.reference(),
        "dosageInstruction": [{"patientInstruction": drug.directions}],
    });
    writer.fhir(drug.who, drug.privacy, "MedicationRequest", &id, body);
    writer.part("/dosageInstruction/0/patientInstruction", Sensitive);
    id
}

fn filled(writer: &mut Writer, drug: &Drug, order: &str, days_ago: i32) {
    let (number, day) = (writer.number(), writer.day(days_ago));
    // Pharmacies are often content with the number.
    let named = match drug.privacy {
        Ordinary => drug.medicine.concept(),
        Privacy::Contact | Sensitive | Privacy::Nobody => drug.medicine.bare(),
    };
    let body = json!({
        "meta": meta(&day, 1), "status": "completed",
        "medicationCodeableConcept": named, "subject": patient(drug.who),
        "authorizingPrescription": [to("MedicationRequest", order)], "whenHandedOver": day,
        "performer": [{"actor": drug.pharmacy.reference()}],
    });
    writer.fhir(drug.who, drug.privacy, "MedicationDispense", &format!("disp-{number}"), body);
    writer.bill(&Bill {
        who: drug.who,
        days_ago,
        provider: drug.pharmacy,
        privacy: drug.privacy,
        number,
        encounter: None,
        prescription: Some(order.to_owned()),
        visit: number,
        diagnoses: Vec::new(),
        services: vec![(drug.pack, drug.cents)],
    });
    let id = format!("RX-{number}");
    let body = json!({
        "prescriptionId": id, "memberId": drug.who.person().member,
        "writtenOn": writer.day(drug.since_days), "filledOn": day, "claimId": format!("CLM-{number}"),
        "drug": {"code": drug.medicine.number, "codeSystem": drug.medicine.system.house(), "display": drug.medicine.words},
        "prescriber": drug.prescriber.house(), "pharmacy": drug.pharmacy.name(),
        "quantity": 30, "daysSupply": 30, "amount": dollars(drug.cents), "directions": drug.directions,
    });
    writer.house("prescription", &id, drug.who, drug.privacy, body);
    writer.part("/directions", Sensitive);
}
