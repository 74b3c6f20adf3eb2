//! Paths and queries: what is read, what is refused.

use super::target::segments;

#[test]
fn paths_with_two_readings_are_refused() {
    for path in [
        "/a/../b",
        "/a/%2e%2e/b",
        "/a/%252e",
        "/./a",
        "//a",
        "/a;x=1",
        "/a\\b",
        "/a/%5c",
        "/a/%2F",
        "/a/%00",
        "/a/%zz",
        "/a/%",
        "a",
        "/a#b",
        "/a/ b",
        "/ä",
        "/a/",
        "/%2e",
    ] {
        assert!(segments(path).is_err(), "{path}");
    }
    assert_eq!(segments("/fhir/Patient/p-1/$everything").unwrap().len(), 4);
    assert_eq!(segments("/fhir/Patient/p-1/%24everything").unwrap().last().unwrap(), "$everything");
}
