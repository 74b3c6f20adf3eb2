//! Published bodies, and bodies made of them as other routes of the same API would give them.

use super::judge::{Chart, Record};
use super::raw;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How a body stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A Bundle as published, at `$everything`.
    Everything,
    /// A paged search made of a bundle's records of one kind.
    Search,
    /// One record a line.
    Lines,
}

impl Form {
    pub(super) fn name(self) -> &'static str {
        match self {
            Form::Everything => "everything",
            Form::Search => "search",
            Form::Lines => "ndjson",
        }
    }
}

/// A body, and whom it speaks of.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) set: String,
    pub(super) file: String,
    pub(super) form: Form,
    pub(super) target: String,
    pub(super) text: String,
    pub(super) chart: Chart,
    /// Ids of Patients, the first the one asked for.
    pub(super) patients: Vec<String>,
}

/// The folders of published bodies: what lies beside the checkout, and of what is committed the
/// rest.
pub(super) fn folders() -> Vec<PathBuf> {
    let beside = std::env::var("REAL_BODIES_DATA").unwrap_or_else(|_| "../shared/data".to_owned());
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    for root in ["tests/data", &beside] {
        let Ok(entries) = fs::read_dir(root) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() && is_fhir_r4(&path) {
                folders.insert(set_name(&path), path);
            }
        }
    }
    let only = std::env::var("REAL_BODIES").ok();
    folders.retain(|name, _| only.as_ref().is_none_or(|only| only == name));
    folders.into_values().collect()
}

fn set_name(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

fn is_fhir_r4(folder: &Path) -> bool {
    const SETS: [&str; 17] = [
        "carin",
        "cms-ab2d",
        "cms-bcda",
        "cms-bfd",
        "cumulus-etl",
        "davinci",
        "ds4p",
        "fhir-gateway",
        "fhir-r4-examples",
        "inferno",
        "ms-fhir-server",
        "shift-sls-ri",
        "synthea",
        "us-core",
        "cms-bluebutton",
        "icanbwell-consent",
        "shares-cds",
    ];
    let name = set_name(folder);
    SETS.iter().any(|set| name.starts_with(set))
}

/// Files under a folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The records of a bundle's text.
pub(super) fn entries(bundle: &str) -> Vec<(Option<&str>, &str)> {
    let Some(entries) = raw::member(bundle, "entry") else { return Vec::new() };
    raw::elements(entries)
        .into_iter()
        .filter_map(|entry| {
            let url = raw::member(entry, "fullUrl").map(|url| url.trim_matches('"'));
            Some((url, raw::member(entry, "resource")?))
        })
        .collect()
}

/// All bodies of a folder.
pub(super) fn bodies(folder: &Path) -> Vec<Body> {
    let set = set_name(folder);
    let mut bodies = Vec::new();
    let mut singles: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for path in files(folder) {
        let file = path.strip_prefix(folder).unwrap().display().to_string();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        if path.extension().is_some_and(|end| end == "ndjson") {
            for line in text.lines().filter(|line| kind_of(line).is_some()) {
                single(line, &mut singles, &mut seen);
            }
        } else if path.extension().is_some_and(|end| end == "json") {
            match kind_of(text).as_deref() {
                Some("Bundle") if entries(text).len() > 1 && has_people(text) => {
                    bodies.extend(of_bundle(&set, &file, text));
                }
                Some("Bundle") => {
                    for (_, resource) in entries(text) {
                        single(resource, &mut singles, &mut seen);
                    }
                }
                Some(_) => single(text, &mut singles, &mut seen),
                None => {}
            }
        }
    }
    bodies.extend(of_singles(&set, &singles));
    bodies
}

fn kind_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(value["resourceType"].as_str()?.to_owned())
}

fn has_people(bundle: &str) -> bool {
    entries(bundle).into_iter().any(|(url, raw)| Record::new(raw, url).is_somebodys())
}

fn single(text: &str, singles: &mut Vec<String>, seen: &mut BTreeSet<String>) {
    let record = Record::new(text.trim(), None);
    if seen.insert(record.name().to_owned()) {
        singles.push(text.trim().to_owned());
    }
}

fn of_bundle(set: &str, file: &str, text: &str) -> Vec<Body> {
    let records = || entries(text).into_iter().map(|(url, raw)| Record::new(raw, url)).collect();
    let make = |form, target: String, text: String, records: Vec<Record>| {
        let chart = Chart::new(records);
        let patients = patients(&chart);
        let target = target.replace("{patient}", patients.first().map_or("nobody", String::as_str));
        Body { set: set.to_owned(), file: file.to_owned(), form, target, text, chart, patients }
    };
    let everything = "/fhir/Patient/{patient}/$everything".to_owned();
    let mut bodies = vec![make(Form::Everything, everything, text.to_owned(), records())];
    let is_eob = |(_, raw): &(Option<&str>, &str)| {
        serde_json::from_str::<serde_json::Value>(raw).unwrap()["resourceType"]
            == "ExplanationOfBenefit"
    };
    let eobs: Vec<_> = entries(text).into_iter().filter(is_eob).collect();
    if !eobs.is_empty() {
        let entry = |(url, raw): &(Option<&str>, &str)| {
            let url = url.map(|url| format!("\"fullUrl\":\"{url}\", ")).unwrap_or_default();
            format!("{{{url}\"resource\": {raw}, \"search\":{{\"mode\":\"match\"}}}}")
        };
        let entries: Vec<String> = eobs.iter().map(entry).collect();
        let search = format!(
            "{{\"resourceType\":\"Bundle\",\"id\":\"s\",\"type\":\"searchset\",\"total\":{},\"link\":[{{\"relation\":\"self\",\"url\":\"http://up/fhir/ExplanationOfBenefit\"}}],\"entry\":[{}]}}",
            eobs.len(),
            entries.join(",\n")
        );
        let target = "/fhir/ExplanationOfBenefit?patient={patient}".to_owned();
        let records = eobs.iter().map(|(url, raw)| Record::new(raw, *url)).collect();
        bodies.push(make(Form::Search, target, search, records));
    }
    let lines: Vec<String> = entries(text).iter().map(|(_, raw)| raw::on_one_line(raw)).collect();
    let records = lines.iter().map(|line| Record::new(line, None)).collect();
    let text = lines.join("\n") + "\n";
    bodies.push(make(Form::Lines, "/fhir/export/all.ndjson".to_owned(), text, records));
    bodies
}

/// Files of one resource each: all of a folder as one bundle, so that links are in sight.
fn of_singles(set: &str, singles: &[String]) -> Vec<Body> {
    if singles.is_empty() {
        return Vec::new();
    }
    let entries: Vec<String> =
        singles.iter().map(|raw| format!("{{\"resource\":{raw}}}")).collect();
    let bundle = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{}]}}",
        entries.join(",")
    );
    of_bundle(set, "(single resources)", &bundle)
}

/// Who is spoken of; the one with most records first.
fn patients(chart: &Chart) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for patient in chart.records.iter().flat_map(|record| &record.patients) {
        *counts.entry(patient).or_default() += 1;
    }
    let mut patients: Vec<_> = counts.into_iter().collect();
    patients.sort_by_key(|(_, count)| usize::MAX - count);
    patients.into_iter().map(|(id, _)| id.to_owned()).collect()
}
