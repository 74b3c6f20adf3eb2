//! Which Content-Types an upstream may name.

use super::shapes::written::Body as Form;

/// Whether a Content-Type is one that the route's bodies have, in UTF-8.
pub(super) fn is_expected(written: &str, fhir: bool, form: Form) -> bool {
    let mut parts = written.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = match (fhir, form) {
        (true, Form::Ndjson) => {
            ["application/fhir+ndjson", "application/ndjson", "application/x-ndjson"].as_slice()
        }
        (true, _) => &["application/fhir+json", "application/json"],
        (false, Form::Ndjson) => {
            &["application/x-ndjson", "application/ndjson", "application/jsonl"]
        }
        (false, _) => &["application/json"],
    };
    known.contains(&kind.as_str())
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
            }
            // `fhirVersion=4.0` and alike say nothing about how to read it.
            Some((name, _)) => !name.trim().is_empty(),
            None => false,
        })
}
