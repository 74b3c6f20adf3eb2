//! Published bodies: those under `tests/data`, and, where it lies beside the checkout, every body
//! of `../shared/data` (or of the folder that `AGREEMENT_DATA` names). The people in them are put
//! into a family: somebody's child, grown up or not, read by a parent, a sibling and themselves.

use super::oracle::json::Doc;
use super::oracle::people::Family;
use super::oracle::{Oracle, Response};
use super::shrink::shrink;
use super::{CHUNK_BYTES, Tally, agree, difference, engine, oracle, setting};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Larger files are left to `AGREEMENT_ALL=1`: the second redactor is slow.
const USUAL_BYTES_MAX: usize = 24 * 1024;
/// Larger files are pushed whole and in large chunks only.
const ALL_CHUNKS_BYTES_MAX: usize = 8 * 1024;

/// Every JSON and NDJSON file below a folder, sorted.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|end| end == "json" || end == "ndjson") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Names of the patients of a body, the most often named first.
fn patients(body: &[u8]) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let whole = Doc::parse(body, 100).map(|doc| vec![doc]);
    let docs = whole.unwrap_or_else(|_| {
        let lines = body.split(|byte| *byte == b'\n');
        lines.filter_map(|line| Doc::parse(line, 100).ok()).collect()
    });
    for doc in &docs {
        for node in 0..doc.nodes.len() {
            if doc.member_text(node, "resourceType") == Some("Patient")
                && let Some(id) = doc.member_text(node, "id")
            {
                *counts.entry(format!("Patient/{id}")).or_default() += 1000;
            }
            for key in ["patient", "subject", "beneficiary"] {
                let reference =
                    doc.member(node, key).and_then(|at| doc.member_text(at, "reference"));
                let id = reference.and_then(|text| text.rsplit_once("Patient/"));
                if let Some((_, id)) = id.filter(|(_, id)| !id.contains('/')) {
                    *counts.entry(format!("Patient/{id}")).or_default() += 1;
                }
            }
        }
    }
    let mut names: Vec<(usize, String)> =
        counts.into_iter().map(|(name, count)| (count, name)).collect();
    names.sort_by(|(a, one), (b, other)| b.cmp(a).then(one.cmp(other)));
    names
        .into_iter()
        .map(|(_, name)| name)
        .filter(|name| !name.contains(char::is_whitespace))
        .collect()
}

/// A family in which the patients of a body are children born in that year.
fn family(patients: &[String], born: &str, reader: &str) -> Family {
    let mut members = "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
        M-0,C-1,self,1970-01-01,OH,,,Patient/nobody-0\n\
        M-9,C-1,child,2000-01-01,OH,,,Patient/nobody-9\n"
        .to_owned();
    for (number, name) in patients.iter().take(5).enumerate() {
        let line = format!("M-{},C-1,child,{born}-01-01,OH,,,{name}\n", number + 1);
        members.push_str(&line);
    }
    Family::new(&members, reader, "2026-11-21")
}

/// The requests that a body could answer.
fn targets(path: &Path, body: &[u8]) -> Vec<(String, &'static str)> {
    if path.extension().is_some_and(|end| end == "ndjson") {
        return vec![("/fhir/export/body.ndjson".to_owned(), "application/fhir+ndjson")];
    }
    let doc = Doc::parse(body, 100).ok();
    let kind = doc.as_ref().and_then(|doc| doc.member_text(0, "resourceType"));
    let id = doc.as_ref().and_then(|doc| doc.member_text(0, "id")).unwrap_or("1");
    let id: String =
        id.chars().filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c)).collect();
    match kind {
        Some("Bundle") => vec![
            ("/fhir/ExplanationOfBenefit".to_owned(), "application/fhir+json"),
            ("/fhir/Patient/nobody-0/$everything".to_owned(), "application/fhir+json"),
        ],
        Some(kind) => vec![(format!("/fhir/{kind}/{id}"), "application/fhir+json")],
        None => vec![
            ("/api/v1/family/C-1".to_owned(), "application/json"),
            ("/api/v1/claims/1".to_owned(), "application/json"),
            ("/fhir/Patient/1".to_owned(), "application/json"),
        ],
    }
}

/// Compares on every file; tells each difference and gives how many files were judged.
fn compare(folder: &Path) -> (usize, Tally, Vec<String>) {
    let all = setting("AGREEMENT_ALL", 0) > 0;
    let most = usize::try_from(setting("AGREEMENT_DIFFERENCES", 5)).unwrap();
    let oracle = oracle(None);
    let mut differences = Vec::new();
    let mut judged = 0;
    let mut tally = Tally::default();
    for path in files_below(folder) {
        let Ok(body) = fs::read(&path) else { continue };
        if (body.len() > USUAL_BYTES_MAX && !all) || differences.len() >= most {
            continue;
        }
        judged += 1;
        let chunks =
            if body.len() > ALL_CHUNKS_BYTES_MAX { &CHUNK_BYTES[6..] } else { &CHUNK_BYTES[..] };
        let patients = patients(&body);
        let readers = [("M-0", "2001"), ("M-1", "2001"), ("M-0", "2018"), ("M-9", "2001")];
        for (number, (reader, born)) in readers.into_iter().enumerate() {
            if number > 1 && !all && judged % 4 != 0 {
                continue;
            }
            let family = family(&patients, born, reader);
            for (target, content_type) in targets(&path, &body) {
                let response = |body| Response {
                    method: "GET",
                    target: &target,
                    status: 200,
                    content_type,
                    body,
                };
                let chunks = if number == 0 { chunks } else { &[] };
                tally.count(&oracle, &family, response(&body));
                let Err(why) = agree(&oracle, &family, response(&body), chunks) else { continue };
                let small = small(&oracle, &family, &target, content_type, &body, &why);
                let given = engine(&oracle, &family, response(&small), 0);
                let expected = oracle.judge(&family, response(&small));
                differences.push(format!(
                    "{} as {target} read by {reader} (born {born}): {why}\n  body   {}\n  engine {:?} {}\n  oracle {:?} {}\n  {:?}",
                    path.display(),
                    String::from_utf8_lossy(&small),
                    given.refused,
                    String::from_utf8_lossy(&given.body),
                    expected.refused,
                    String::from_utf8_lossy(&expected.body),
                    expected.records,
                ));
            }
        }
    }
    (judged, tally, differences)
}

fn small(
    oracle: &Oracle,
    family: &Family,
    target: &str,
    content_type: &str,
    body: &[u8],
    why: &str,
) -> Vec<u8> {
    let head =
        |why: &str| if why.starts_with("bytes") { "bytes".to_owned() } else { why.to_owned() };
    let trials = if body.len() > 200_000 { 60 } else { 2000 };
    shrink(body, trials, |body| {
        let response = Response { method: "GET", target, status: 200, content_type, body };
        difference(oracle, family, response, 0).is_some_and(|other| head(&other) == head(why))
    })
}

fn check(folder: &Path) -> usize {
    let (judged, tally, differences) = compare(folder);
    for difference in &differences {
        eprintln!("---- {difference}");
    }
    eprintln!("{judged} files of {}: {tally:?}", folder.display());
    assert!(differences.is_empty(), "the engine and the second redactor differ");
    judged
}

#[test]
fn bodies_of_this_repository_are_judged_alike() {
    for folder in ["tests/data", "policies/cases/bodies", "policies/shapes/samples"] {
        assert!(check(Path::new(folder)) > 5, "{folder}");
    }
}

#[test]
fn published_bodies_beside_the_checkout_are_judged_alike() {
    let folder = std::env::var("AGREEMENT_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    check(Path::new(&folder));
}
