//! The doctors, clinics and pharmacies of the demo. All are invented; the numbers are of a form
//! that is never given out.

use serde_json::{Value, json};

/// Who gave the care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Provider {
    Family,
    UrgentCare,
    Laboratory,
    Dentist,
    Optician,
    Orthopaedist,
    Physiotherapist,
    Dermatologist,
    Gastroenterologist,
    Therapist,
    Psychiatrist,
    Gynaecologist,
    Paediatrician,
    EarDoctor,
    SpeechTherapist,
    BayPaediatrician,
    Counsellor,
    AlcoholCounsellor,
    GeneticCounsellor,
    ElmPharmacy,
    HarborPharmacy,
    Insurer,
}

/// One line of the directory: name (first and last, or of an organisation), taxonomy.
type Line = (Provider, &'static str, Option<&'static str>, &'static str);

const DIRECTORY: &[Line] = &[
    (Provider::Family, "Hale", Some("Ruben"), "207Q00000X"),
    (Provider::UrgentCare, "Riverside Urgent Care", None, "261QU0200X"),
    (Provider::Laboratory, "Riverside Laboratory", None, "291U00000X"),
    (Provider::Dentist, "Lind", Some("Ewa"), "122300000X"),
    (Provider::Optician, "Farr", Some("Otto"), "152W00000X"),
    (Provider::Orthopaedist, "Sloane", Some("Miriam"), "207X00000X"),
    (Provider::Physiotherapist, "Weir", Some("Jonas"), "225100000X"),
    (Provider::Dermatologist, "Narayan", Some("Leela"), "207N00000X"),
    (Provider::Gastroenterologist, "Brook", Some("Silas"), "207RG0100X"),
    (Provider::Therapist, "Okafor", Some("Lena"), "103TC0700X"),
    (Provider::Psychiatrist, "Mirza", Some("Dana"), "2084P0800X"),
    (Provider::Gynaecologist, "Voss", Some("Clara"), "207V00000X"),
    (Provider::Paediatrician, "Ahlgren", Some("Bo"), "208000000X"),
    (Provider::EarDoctor, "Rautio", Some("Ines"), "207Y00000X"),
    (Provider::SpeechTherapist, "Castell", Some("Wren"), "235Z00000X"),
    (Provider::BayPaediatrician, "Tully", Some("Amos"), "208000000X"),
    (Provider::Counsellor, "Delgado", Some("Rosa"), "101YM0800X"),
    (Provider::AlcoholCounsellor, "Stahl", Some("Henrik"), "101YA0400X"),
    (Provider::GeneticCounsellor, "Quist", Some("Alva"), "170300000X"),
    (Provider::ElmPharmacy, "Elm Street Pharmacy", None, "3336C0003X"),
    (Provider::HarborPharmacy, "Harbor Pharmacy", None, "3336C0003X"),
    (Provider::Insurer, "Lakeside Health Plan", None, "305R00000X"),
];

impl Provider {
    /// All of them, with what the directory says.
    pub(super) fn all() -> impl Iterator<Item = Provider> {
        DIRECTORY.iter().map(|line| line.0)
    }

    fn line(self) -> (&'static str, Option<&'static str>, &'static str, usize) {
        let found = DIRECTORY.iter().enumerate().find(|(_, line)| line.0 == self);
        found.map_or(("", None, "", 0), |(at, line)| (line.1, line.2, line.3, at))
    }

    /// The national provider identifier.
    pub(super) fn npi(self) -> String {
        format!("99900000{:02}", self.line().3.saturating_add(11))
    }

    /// First and last name, or the organisation's.
    pub(super) fn name(self) -> String {
        let (last, first, ..) = self.line();
        first.map_or_else(|| last.to_owned(), |first| format!("{first} {last}"))
    }

    pub(super) fn taxonomy(self) -> &'static str {
        self.line().2
    }

    /// Kind and id in FHIR.
    pub(super) fn fhir_name(self) -> (&'static str, String) {
        let (_, first, _, at) = self.line();
        let number = at.saturating_add(11);
        match first {
            Some(_) => ("Practitioner", format!("prac-{number}")),
            None => ("Organization", format!("org-{number}")),
        }
    }

    /// A FHIR Reference, with the name as its display.
    pub(super) fn reference(self) -> Value {
        let (kind, id) = self.fhir_name();
        json!({"reference": format!("{kind}/{id}"), "display": self.name()})
    }

    /// As house JSON names a provider.
    pub(super) fn house(self) -> Value {
        json!({"npi": self.npi(), "name": self.name(), "taxonomy": self.taxonomy()})
    }

    /// What somebody does in a care team, as a `CodeableConcept`.
    pub(super) fn role(self) -> Value {
        json!({"coding": [{"system": "http://nucc.org/provider-taxonomy", "code": self.taxonomy()}]})
    }

    /// The FHIR resource.
    pub(super) fn resource(self) -> Value {
        let (last, first, taxonomy, _) = self.line();
        let (kind, id) = self.fhir_name();
        let identifier = json!([{"system": "http://hl7.org/fhir/sid/us-npi", "value": self.npi()}]);
        let coding = json!([{"system": "http://nucc.org/provider-taxonomy", "code": taxonomy}]);
        match first {
            Some(first) => json!({
                "resourceType": kind, "id": id, "identifier": identifier, "active": true,
                "name": [{"family": last, "given": [first]}],
                "qualification": [{"code": {"coding": coding}}],
            }),
            None => json!({
                "resourceType": kind, "id": id, "identifier": identifier, "active": true,
                "name": last, "type": [{"coding": coding}],
            }),
        }
    }
}
