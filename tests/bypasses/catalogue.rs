//! The list of ids, held against the tests there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Ids of the functions named `bypass_<ID>_…` in the Rust files of a folder.
fn tested(folder: &Path, found: &mut BTreeMap<String, Vec<String>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tested(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let mut attribute = "";
            for line in text.lines() {
                let line = line.trim();
                let name = line.trim_start_matches("async ").strip_prefix("fn bypass_");
                if let Some((id, _)) = name.and_then(|name| name.split_once('_')) {
                    let is_test = ["#[test]", "#[tokio::test]"].contains(&attribute)
                        || attribute.starts_with("#[tokio::test(");
                    if is_test && id.starts_with(|first: char| first.is_ascii_uppercase()) {
                        found.entry(id.to_owned()).or_default().push(line.to_owned());
                    }
                }
                attribute = line;
            }
        }
    }
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let catalogue = read("tests/bypasses/catalogue.csv");
    let rows: Vec<(&str, &str)> =
        catalogue.lines().skip(1).map(|line| line.split_once(',').unwrap()).collect();
    let ids: BTreeSet<&str> = rows.iter().map(|(id, _)| *id).collect();
    assert_eq!((rows.len(), ids.len()), (167, 167), "each id once");
    assert!(rows.iter().all(|(_, title)| !title.is_empty()));
    let mut tests = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    tested(&root.join("tests/bypasses"), &mut tests);
    tested(&root.join("src"), &mut tests);
    let page = read("tests/bypasses/not-applicable.md");
    let mut reasons: BTreeMap<&str, &str> = BTreeMap::new();
    for line in page.lines().filter_map(|line| line.strip_prefix("- **")) {
        let (id, why) = line.split_once("** ").unwrap();
        assert!(why.len() > 30, "{id}: why?");
        assert!(reasons.insert(id, why).is_none(), "{id} is there twice");
    }
    for id in &ids {
        let count = usize::from(tests.contains_key(*id)) + usize::from(reasons.contains_key(id));
        assert_eq!(count, 1, "{id} has neither a test nor a reason, or both");
    }
    for id in tests.keys().map(String::as_str).chain(reasons.keys().copied()) {
        assert!(ids.contains(id), "{id} is not in the catalogue");
    }
}
