//! Codes, sentences and days to fill bodies with.

use super::random::Random;

#[derive(Debug)]
pub struct Vocabulary {
    /// System address (if any) and code.
    codes: Vec<(Option<String>, String)>,
}

/// Sentences that say something and sentences that only seem to.
const SENTENCES: [&str; 18] = [
    "Office visit",
    "Major depressive disorder, recurrent",
    "Group psychotherapy",
    "respiratory depression",
    "depressed skull fracture",
    "Alcohol dependence",
    "sertraline 50 MG Oral Tablet",
    "Acute bronchitis (disorder)",
    "12 Psychiatry Road",
    "nutrition counselling",
    "Bipolar\u{e9} x",
    "D\u{e9}pression",
    "schizo-affective \"disorder\"",
    "HIV test",
    "pregnancy test",
    "Dr. O'Brien",
    "x",
    "",
];

impl Vocabulary {
    /// Some codes of every list, and codes that no list names.
    pub fn new(lists: &[(String, String)]) -> Vocabulary {
        let mut codes: Vec<(Option<String>, String)> = Vec::new();
        let systems = [
            ("icd10cm.csv", "http://hl7.org/fhir/sid/icd-10-cm"),
            ("cpt.csv", "http://www.ama-assn.org/go/cpt"),
            ("snomed.csv", "http://snomed.info/sct"),
            ("rxnorm_ingredients.csv", "http://www.nlm.nih.gov/research/umls/rxnorm"),
            ("nucc.csv", "http://nucc.org/provider-taxonomy"),
            ("loinc_documents.csv", "http://loinc.org"),
            ("loinc_instruments.csv", "http://loinc.org"),
        ];
        for (file, system) in systems {
            let Some((_, text)) = lists.iter().find(|(path, _)| path.ends_with(file)) else {
                continue;
            };
            let rows: Vec<&str> = text.lines().skip(1).collect();
            for row in rows.iter().step_by((rows.len() / 6).max(1)) {
                let pattern = row.split(',').nth(1).unwrap_or_default();
                let code = pattern.split("..").next().unwrap_or_default().trim_end_matches('*');
                codes.push((Some(system.to_owned()), code.to_owned()));
            }
        }
        let known = [
            (Some("http://hl7.org/fhir/sid/icd-10-cm"), "J45.909"),
            (Some("http://hl7.org/fhir/sid/icd-10-cm"), " f32.9 "),
            (Some("https://hl7.org/fhir/sid/icd-10-cm/"), "F11.20"),
            (Some("http://hl7.org/fhir/sid/icd-10-cm"), "S82.001A"),
            (Some("http://hl7.org/fhir/sid/icd-10-cm"), "Z13.31"),
            (Some("http://www.ama-assn.org/go/cpt"), "99213"),
            (Some("http://www.ama-assn.org/go/cpt"), "90837"),
            (Some("http://www.ama-assn.org/go/cpt"), "90837-95"),
            (Some("http://snomed.info/sct"), "10509002"),
            (Some("http://snomed.info/sct"), "99999999"),
            (Some("http://loinc.org"), "34865-6"),
            (Some("http://loinc.org"), "8302-2"),
            (Some("http://unitsofmeasure.org"), "mg"),
            (Some("http://terminology.hl7.org/CodeSystem/claim-type"), "professional"),
            (Some("http://x.example/nobody-knows"), "1"),
            (Some("http://x.example/nobody-knows"), "F32.9"),
            (Some(""), "90834"),
            (None, "F33.1"),
            (None, "J45"),
            (None, "F2"),
            (None, ""),
        ];
        for (system, code) in known {
            codes.push((system.map(str::to_owned), code.to_owned()));
            codes.push((system.map(str::to_owned), code.to_owned()));
        }
        for _ in 0..12 {
            codes.push((Some("http://hl7.org/fhir/sid/icd-10-cm".to_owned()), "J20.9".to_owned()));
        }
        Vocabulary { codes }
    }

    pub fn code(&self, random: &mut Random) -> (Option<String>, String) {
        random.pick(&self.codes).clone()
    }

    /// A code for a house body: the key or address of its system, and the code.
    pub fn sentence(&self, random: &mut Random) -> String {
        let _ = self;
        if random.once_in(2) {
            return (*random.pick(&["Office visit", "Plain text", "x-ray of the knee"])).to_owned();
        }
        (*random.pick(&SENTENCES)).to_owned()
    }

    pub fn day(&self, random: &mut Random) -> String {
        let _ = self;
        let days = [
            "2026-01-02",
            "2026-01-02",
            "2026-01-02T10:00:00Z",
            "2026-01-03",
            "2026-01",
            "2019",
            "2026-01-02T23:30:00-05:00",
            "x",
            "",
        ];
        (*random.pick(&days)).to_owned()
    }
}
