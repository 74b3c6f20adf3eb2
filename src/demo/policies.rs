//! The project's own policies, in the binary: the demo runs on what everybody runs on.

use std::fs;
use std::io;
use std::path::Path;

/// The files by name, with their text.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../policies/", $name)))),*]
    };
}

/// Every file that a policy set is made of.
pub(super) const FILES: &[(&str, &str)] = files![
    "codes/atc.csv",
    "codes/cpt.csv",
    "codes/drg.csv",
    "codes/hcpcs.csv",
    "codes/hl7_labels.csv",
    "codes/icd10cm.csv",
    "codes/icd10pcs.csv",
    "codes/icd9cm.csv",
    "codes/icd9pcs.csv",
    "codes/loinc_documents.csv",
    "codes/loinc_instruments.csv",
    "codes/loinc_tests.csv",
    "codes/nucc.csv",
    "codes/other.csv",
    "codes/pos.csv",
    "codes/revenue.csv",
    "codes/rxnorm_ingredients.csv",
    "codes/rxnorm_products.csv",
    "codes/snomed.csv",
    "codes/systems.csv",
    "codes/words.csv",
    "rules/us-federal.yaml",
    "shapes/family-account.yaml",
    "shapes/fhir-r4.yaml",
    "shapes/samples/family-care.json",
    "shapes/samples/family-claim.json",
    "shapes/samples/family-claims.json",
    "shapes/samples/family-money.json",
    "shapes/samples/family-post.json",
    "shapes/samples/family.json",
    "shapes/samples/fhir-everything.json",
    "shapes/samples/fhir-people.json",
    "shapes/samples/fhir-search.json",
    "states.csv",
];

/// Writes them into a folder.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let file = folder.join(name);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
