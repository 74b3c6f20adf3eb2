//! What of a reference may become part of a request.

use super::{fhir_id, is_house_id};
use crate::engine::diagnostics::SourceFile;
use crate::engine::shapes::compile::compile;
use crate::engine::shapes::written;
use crate::engine::yaml;

const SHAPE: &str = "
shape: fhir
base: /fhir
dialect: fhir
routes:
  - { GET: '/{type}', body: search }
  - { GET: '/{type}/{id}', body: resource }
records: [{ cut: '$.entry[*]', record: $.resource, kind: $.resourceType }]
kinds: { Encounter: { subject: $.subject } }
";

#[test]
fn ids_of_ours_and_nothing_else() {
    let file = SourceFile::new("fhir.yaml", SHAPE);
    let written = yaml::read::<written::Shape>(&file, &mut Vec::new()).unwrap();
    let (shape, _) = compile(&file, &written, &mut Vec::new()).unwrap();
    let read = |text: &'static str| fhir_id(text, &shape, Some("https://members.example"));
    for (text, kind, id) in [
        ("Encounter/e-1", "Encounter", "e-1"),
        ("Encounter/e.1/_history/3", "Encounter", "e.1"),
        ("https://members.example/fhir/Encounter/E1", "Encounter", "E1"),
    ] {
        assert_eq!(read(text), Some((kind, id)), "{text}");
    }
    for text in [
        "",
        "Encounter",
        "Encounter/",
        "/Encounter/e1",
        "Encounter/..",
        "Encounter/.",
        "Encounter/e1/",
        "Encounter/e1/_history",
        "Encounter/e1/_history/..",
        "Encounter/e1/$everything",
        "Encounter/e1?x=1",
        "Encounter/e1#x",
        "Encounter/e1|2",
        "Encounter/e 1",
        "Encounter/e%31",
        "Encounter/\u{e9}",
        "Encounter/e1\r\nX: y",
        "../fhir/Encounter/e1",
        "fhir/Encounter/e1",
        "https://members.example/Encounter/e1",
        "https://members.example/fhirs/Encounter/e1",
        "https://members.example.evil/fhir/Encounter/e1",
        "http://members.example/fhir/Encounter/e1",
        "urn:uuid:1",
        "#e1",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    assert!(fhir_id(&format!("Encounter/{}", "x".repeat(64)), &shape, None).is_some());
    assert!(fhir_id(&format!("Encounter/{}", "x".repeat(65)), &shape, None).is_none());
}

#[test]
fn ids_of_a_house() {
    for id in ["CLM-1", "7", "a.b:c~d_e"] {
        assert!(is_house_id(id), "{id}");
    }
    for id in ["", ".", "..", "_search", "$x", "a/b", "a%2fb", "a b", "-a", "\u{e9}"] {
        assert!(!is_house_id(id), "{id}");
    }
}
