//! The small pieces that FHIR resources and house records are made of.

use super::super::family::Who;
use serde_json::{Value, json};

/// Which list a code is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Icd10,
    Cpt,
    Cdt,
    Snomed,
    Loinc,
    RxNorm,
    Ndc,
    Cvx,
}

/// A code with our own short words for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    pub(super) system: System,
    pub(super) number: &'static str,
    pub(super) words: &'static str,
}

/// A code.
pub(super) const fn code(system: System, number: &'static str, words: &'static str) -> Code {
    Code { system, number, words }
}

/// A diagnosis.
pub(super) const fn icd(number: &'static str, words: &'static str) -> Code {
    code(System::Icd10, number, words)
}

/// A service.
pub(super) const fn cpt(number: &'static str, words: &'static str) -> Code {
    code(System::Cpt, number, words)
}

impl System {
    fn uri(self) -> &'static str {
        match self {
            System::Icd10 => "http://hl7.org/fhir/sid/icd-10-cm",
            System::Cpt => "http://www.ama-assn.org/go/cpt",
            System::Cdt => "http://www.ada.org/cdt",
            System::Snomed => "http://snomed.info/sct",
            System::Loinc => "http://loinc.org",
            System::RxNorm => "http://www.nlm.nih.gov/research/umls/rxnorm",
            System::Ndc => "http://hl7.org/fhir/sid/ndc",
            System::Cvx => "http://hl7.org/fhir/sid/cvx",
        }
    }

    /// As house JSON names it.
    pub(super) fn house(self) -> &'static str {
        match self {
            System::Icd10 => "ICD-10-CM",
            System::Cpt => "CPT",
            System::Cdt => "CDT",
            System::Snomed => "SNOMED-CT",
            System::Loinc => "LOINC",
            System::RxNorm => "RxNorm",
            System::Ndc => "NDC",
            System::Cvx => "CVX",
        }
    }
}

impl Code {
    /// A `CodeableConcept`.
    pub(super) fn concept(self) -> Value {
        json!({"coding": [{"system": self.system.uri(), "code": self.number, "display": self.words}]})
    }

    /// A `CodeableConcept` without words.
    pub(super) fn bare(self) -> Value {
        json!({"coding": [{"system": self.system.uri(), "code": self.number}]})
    }
}

/// A `CodeableConcept` of one of HL7's own lists.
pub(super) fn hl7(list: &str, code: &str) -> Value {
    let system = format!("http://terminology.hl7.org/CodeSystem/{list}");
    json!({"coding": [{"system": system, "code": code}]})
}

/// A Reference.
pub(super) fn to(kind: &str, id: &str) -> Value {
    json!({"reference": format!("{kind}/{id}")})
}

/// A Reference to somebody.
pub(super) fn patient(who: Who) -> Value {
    to("Patient", &who.patient())
}

/// Dollars, from cents.
pub(super) fn dollars(cents: i32) -> f64 {
    f64::from(cents) / 100.0
}

/// Money.
pub(super) fn money(cents: i32) -> Value {
    json!({"value": dollars(cents), "currency": "USD"})
}

/// An hour of a day.
pub(super) fn at(day: &str, hour: i8) -> String {
    format!("{day}T{hour:02}:00:00-05:00")
}

/// What the payer keeps of when it wrote a resource.
pub(super) fn meta(day: &str, version: u32) -> Value {
    json!({"versionId": version.to_string(), "lastUpdated": format!("{day}T23:10:00Z")})
}
