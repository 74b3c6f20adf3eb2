//! What any family has: colds, teeth, knees, vaccines; and of each adult something that is
//! nobody else's business.

use super::super::family::{Privacy, Who};
use super::Writer;
use super::billing::set;
use super::fhir::{Code, System, code, cpt, hl7, icd, meta, patient, to};
use super::providers::Provider as P;
use super::visits::{Told, Trace, Visit};
use Privacy::{Ordinary, Sensitive};
use Who::{Ingrid, Maja, Nils, Per, Ruth, Tomas};
use serde_json::json;

const OFFICE: (Code, i32) = (cpt("99213", "Office visit"), 12_000);
const CHECKUP: (Code, i32) = (cpt("99396", "Yearly examination"), 18_500);
const CHILD_CHECKUP: (Code, i32) = (cpt("99393", "Yearly examination of a child"), 16_500);
const CLEANING: (Code, i32) = (code(System::Cdt, "D1110", "Cleaning of the teeth"), 9_800);
const FILLING: (Code, i32) = (code(System::Cdt, "D2391", "Filling of a tooth"), 17_200);
const EYES: (Code, i32) = (cpt("92014", "Eye examination"), 11_400);
const EXERCISE: (Code, i32) = (cpt("97110", "Exercises with a physiotherapist"), 8_450);
const SPEECH: (Code, i32) = (cpt("92507", "Treatment of speech"), 9_650);
const FLU_SHOT: (Code, i32) = (cpt("90686", "Flu vaccine"), 3_500);
const KNEE_XRAY: (Code, i32) = (cpt("73560", "X-ray of the knee"), 7_600);
const BLOOD: (Code, i32) = (cpt("80053", "Blood panel"), 4_300);

const WELL: Code = icd("Z00.00", "General adult examination");
const WELL_CHILD: Code = icd("Z00.129", "Routine examination of a child");
const TEETH: Code = icd("Z01.20", "Dental examination");
const SIGHT: Code = icd("H52.13", "Short sight, both eyes");
const KNEE: Code = icd("M17.11", "Worn right knee");
const PRESSURE: Code = icd("I10", "High blood pressure");
const FATS: Code = icd("E78.5", "High blood fats");
const COLD: Code = icd("J06.9", "Cold of the upper airways");
const FLU_DUE: Code = icd("Z23", "Immunization");
const EAR: Code = icd("H66.92", "Infection of the left middle ear");
const SPEECH_DELAY: Code = icd("F80.1", "Late speech");

/// Who, how many days ago, with whom, how private, for what, what was done.
type Line = (Who, i32, P, Privacy, &'static [Code], &'static [(Code, i32)]);

const VISITS: &[Line] = &[
    (Ruth, 12, P::Family, Ordinary, &[FLU_DUE], &[FLU_SHOT]),
    (Ruth, 41, P::Family, Ordinary, &[WELL, PRESSURE], &[CHECKUP, BLOOD]),
    (Ruth, 77, P::Dentist, Ordinary, &[TEETH], &[CLEANING]),
    (Ruth, 96, P::Orthopaedist, Ordinary, &[KNEE], &[OFFICE, KNEE_XRAY]),
    (Ruth, 103, P::Physiotherapist, Ordinary, &[KNEE], &[EXERCISE]),
    (Ruth, 110, P::Physiotherapist, Ordinary, &[KNEE], &[EXERCISE]),
    (Ruth, 117, P::Physiotherapist, Ordinary, &[KNEE], &[EXERCISE]),
    (Ruth, 124, P::Physiotherapist, Ordinary, &[KNEE], &[EXERCISE]),
    (Ruth, 180, P::Optician, Ordinary, &[SIGHT], &[EYES]),
    (Ruth, 260, P::Dentist, Ordinary, &[TEETH], &[FILLING]),
    (
        Ruth,
        62,
        P::GeneticCounsellor,
        Sensitive,
        &[icd("Z15.01", "Inherited risk of breast tumours")],
        &[(cpt("96041", "Counselling about genes"), 14_150)],
    ),
    (Ruth, 150, P::Family, Sensitive, &[icd("F51.01", "Sleeplessness")], &[OFFICE]),
    (Per, 13, P::Family, Ordinary, &[FLU_DUE], &[FLU_SHOT]),
    (Per, 52, P::Family, Ordinary, &[WELL, FATS], &[CHECKUP, BLOOD]),
    (Per, 70, P::Dentist, Ordinary, &[TEETH], &[CLEANING]),
    (Per, 88, P::Family, Ordinary, &[icd("M54.50", "Pain of the lower back")], &[OFFICE]),
    (
        Per,
        133,
        P::Gastroenterologist,
        Ordinary,
        &[icd("Z12.11", "Bowel screening")],
        &[(cpt("45378", "Colonoscopy"), 98_000)],
    ),
    (Per, 181, P::Optician, Ordinary, &[SIGHT], &[EYES]),
    (Per, 214, P::Dermatologist, Ordinary, &[icd("L57.0", "Sun-damaged skin")], &[OFFICE]),
    (
        Per,
        29,
        P::AlcoholCounsellor,
        Sensitive,
        &[icd("F10.10", "Alcohol abuse")],
        &[(cpt("99408", "Brief alcohol counselling"), 6_700)],
    ),
    (
        Per,
        57,
        P::AlcoholCounsellor,
        Sensitive,
        &[icd("F10.10", "Alcohol abuse")],
        &[(cpt("99408", "Brief alcohol counselling"), 6_700)],
    ),
    (Ingrid, 9, P::Family, Ordinary, &[FLU_DUE], &[FLU_SHOT]),
    (
        Ingrid,
        47,
        P::UrgentCare,
        Ordinary,
        &[icd("S93.401A", "Sprain of the right ankle")],
        &[OFFICE, (cpt("73610", "X-ray of the ankle"), 8_300)],
    ),
    (Ingrid, 82, P::Dentist, Ordinary, &[TEETH], &[CLEANING]),
    (Ingrid, 120, P::Family, Ordinary, &[icd("J30.1", "Hay fever")], &[OFFICE]),
    (Ingrid, 165, P::Optician, Ordinary, &[SIGHT], &[EYES]),
    (Ingrid, 205, P::Family, Ordinary, &[icd("J01.90", "Inflamed sinuses")], &[OFFICE]),
    (Ingrid, 275, P::Family, Ordinary, &[WELL], &[CHECKUP, BLOOD]),
    (Ingrid, 90, P::Gynaecologist, Sensitive, &[icd("Z30.41", "Contraceptive pills")], &[OFFICE]),
    (Nils, 15, P::BayPaediatrician, Ordinary, &[FLU_DUE], &[FLU_SHOT]),
    (
        Nils,
        66,
        P::BayPaediatrician,
        Ordinary,
        &[icd("Z02.5", "Examination for sports")],
        &[(cpt("99394", "Yearly examination of a youth"), 17_100)],
    ),
    (
        Nils,
        92,
        P::UrgentCare,
        Ordinary,
        &[icd("S52.501A", "Broken right wrist")],
        &[OFFICE, (cpt("73110", "X-ray of the wrist"), 7_900)],
    ),
    (
        Nils,
        99,
        P::Orthopaedist,
        Ordinary,
        &[icd("S52.501D", "Broken right wrist, healing")],
        &[OFFICE],
    ),
    (Nils, 143, P::Dentist, Ordinary, &[TEETH], &[CLEANING]),
    (Nils, 171, P::Dermatologist, Ordinary, &[icd("L70.0", "Acne")], &[OFFICE]),
    (
        Nils,
        24,
        P::Counsellor,
        Sensitive,
        &[icd("F41.1", "Anxiety")],
        &[(cpt("90834", "Psychotherapy, 45 minutes"), 15_250)],
    ),
    (Maja, 14, P::Paediatrician, Ordinary, &[FLU_DUE], &[FLU_SHOT]),
    (Maja, 33, P::Paediatrician, Ordinary, &[EAR], &[OFFICE]),
    (Maja, 61, P::Paediatrician, Ordinary, &[WELL_CHILD], &[CHILD_CHECKUP]),
    (Maja, 101, P::Paediatrician, Ordinary, &[EAR], &[OFFICE]),
    (Maja, 108, P::EarDoctor, Ordinary, &[EAR], &[(cpt("92557", "Hearing test"), 9_100)]),
    (Maja, 147, P::Paediatrician, Ordinary, &[COLD], &[OFFICE]),
    (Maja, 190, P::Dentist, Ordinary, &[TEETH], &[CLEANING]),
    (Maja, 236, P::Paediatrician, Ordinary, &[EAR], &[OFFICE]),
    (Tomas, 18, P::Family, Ordinary, &[COLD], &[OFFICE]),
    (Tomas, 84, P::Dentist, Ordinary, &[TEETH], &[CLEANING]),
];

/// Whose, how many days ago, which vaccine.
const VACCINES: &[(Who, i32, &str, &str)] = &[
    (Ruth, 12, "150", "Flu vaccine"),
    (Per, 13, "150", "Flu vaccine"),
    (Ingrid, 9, "150", "Flu vaccine"),
    (Ingrid, 275, "115", "Tetanus booster"),
    (Nils, 15, "150", "Flu vaccine"),
    (Nils, 66, "136", "Meningitis vaccine"),
    (Maja, 14, "150", "Flu vaccine"),
    (Maja, 61, "21", "Chickenpox vaccine"),
    (Maja, 61, "03", "Measles vaccine"),
];

/// Whose, how many days ago, code of the measurement, words, value, unit.
const MEASUREMENTS: &[(Who, i32, &str, &str, f64, &str)] = &[
    (Ruth, 41, "8302-2", "Body height", 168.4, "cm"),
    (Ruth, 41, "29463-7", "Body weight", 70.3, "kg"),
    (Per, 52, "2093-3", "Cholesterol", 231.5, "mg/dL"),
    (Per, 52, "8302-2", "Body height", 183.2, "cm"),
    (Ingrid, 275, "8302-2", "Body height", 170.1, "cm"),
    (Ingrid, 275, "29463-7", "Body weight", 63.7, "kg"),
    (Ingrid, 275, "718-7", "Hemoglobin", 13.4, "g/dL"),
    (Nils, 66, "8302-2", "Body height", 176.8, "cm"),
    (Maja, 61, "8302-2", "Body height", 127.6, "cm"),
    (Maja, 61, "29463-7", "Body weight", 26.2, "kg"),
];

pub(super) fn write(writer: &mut Writer) {
    for &(who, days_ago, provider, privacy, diagnoses, services) in VISITS {
        let visit =
            Visit { who, days_ago, provider, privacy, diagnoses, services, told: Told::All };
        let trace = writer.visit(&visit);
        afterwards(writer, &visit, &trace);
    }
    allergies(writer);
    // Ten weeks of speech therapy: a parent brings the child there and reads all of it.
    for week in 0..10 {
        writer.visit(&Visit {
            who: Maja,
            days_ago: 5 + 7 * week,
            provider: P::SpeechTherapist,
            privacy: Sensitive,
            diagnoses: &[SPEECH_DELAY],
            services: &[SPEECH],
            told: Told::All,
        });
    }
}

/// What somebody does not tolerate.
fn allergies(writer: &mut Writer) {
    for (who, number, words) in
        [(Ingrid, "256277009", "Grass pollen"), (Maja, "91930004", "Allergy to eggs")]
    {
        let (id, day) = (format!("all-{}", writer.number()), writer.day(230));
        let body = json!({
            "meta": meta(&day, 1), "patient": patient(who), "recordedDate": day,
            "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
            "code": code(System::Snomed, number, words).concept(),
        });
        writer.fhir(who, Ordinary, "AllergyIntolerance", &id, body);
    }
}

/// Vaccines and measurements of the day belong to the visit.
fn afterwards(writer: &mut Writer, visit: &Visit, trace: &Trace) {
    let is_this = |who: Who, days_ago: i32| who == visit.who && days_ago == visit.days_ago;
    let day = writer.day(visit.days_ago);
    for (_, _, number, words) in VACCINES.iter().filter(|line| is_this(line.0, line.1)) {
        let id = format!("imm-{}", writer.number());
        let body = json!({
            "meta": meta(&day, 1), "status": "completed",
            "vaccineCode": code(System::Cvx, number, words).concept(), "patient": patient(visit.who),
            "encounter": to("Encounter", &trace.encounter), "occurrenceDateTime": day,
        });
        writer.fhir(visit.who, Ordinary, "Immunization", &id, body);
    }
    for (_, _, number, words, value, unit) in
        MEASUREMENTS.iter().filter(|line| is_this(line.0, line.1))
    {
        let id = format!("obs-{}", writer.number());
        let mut body = json!({
            "meta": meta(&day, 1), "status": "final",
            "category": [hl7("observation-category", "vital-signs")],
            "code": code(System::Loinc, number, words).concept(), "subject": patient(visit.who),
            "encounter": to("Encounter", &trace.encounter), "effectiveDateTime": day,
        });
        set(&mut body, "valueQuantity", json!({"value": value, "unit": unit}));
        writer.fhir(visit.who, Ordinary, "Observation", &id, body);
    }
}
