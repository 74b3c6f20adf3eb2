//! Folders with everything wrong, and LAST-GOOD.

use super::{PolicyStore, read_folder, store};
use crate::engine::diagnostics::{Diagnostic, Severity};
use crate::engine::facts::AgeBand;
use std::fs;
use std::os::unix::fs::symlink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

const STATES: &str = "state,age_of_majority,minor_mh_outpatient_consent_age\nOH,18,14\n";

/// A set that takes effect.
const WHOLE: [(&str, &str); 2] = [
    ("shapes/s.yaml", "shape: s\nbase: /s\nroutes: []\nkinds: {}\n"),
    (
        "rules/open.yaml",
        "pack: open\nreleases:\n  - { category: any, reader: others, why: the floor is enough }\n",
    ),
];

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for inside in ["shapes/samples", "codes", "rules"] {
        fs::create_dir_all(folder.path().join(inside)).unwrap();
    }
    write(folder.path(), "states.csv", STATES);
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The messages, with the temporary folder's name taken out.
fn told(folder: &Path, mistakes: &[Diagnostic]) -> String {
    let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    texts.concat().replace(&format!("{}", folder.display()), "policies")
}

#[test]
fn reads_what_a_set_is_made_of_and_nothing_else() {
    let shape = "shape: s\nbase: /s\nroutes: []\nkinds: {}\nsamples: [samples/b.json]\n";
    let folder = folder(&[
        ("shapes/s.yaml", shape),
        ("shapes/samples/b.json", "{}"),
        ("shapes/samples/unnamed.json", "{}"),
        ("codes/b.csv", "b"),
        ("codes/a.csv", "a"),
        ("rules/r.yaml", "r"),
        ("rules/.hidden.yaml", "r"),
        ("rules/README.md", "r"),
        ("cases/c.yaml", "c"),
    ]);
    let (files, mistakes) = read_folder(folder.path());
    assert_eq!(told(folder.path(), &mistakes), "");
    let names = |files: &[super::SourceFile]| -> Vec<String> {
        files.iter().map(|file| file.path.rsplit('/').next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&files.shapes), ["s.yaml"]);
    assert_eq!(names(&files.codes), ["a.csv", "b.csv"]);
    assert_eq!(names(&files.rules), ["r.yaml"]);
    assert_eq!(&*files.samples[0].path, "samples/b.json");
    assert_eq!(files.samples.len(), 1);
    assert_eq!(&*files.states.unwrap().text, STATES);
}

#[test]
fn every_way_a_folder_is_broken() {
    let shape = "shape: s\nbase: /s\nroutes: []\nkinds: {}\nsamples: [samples/b.json, ../x]\n";
    let folder = folder(&[("shapes/s.yaml", shape), ("rules/r.yml", "r"), ("rules/r.yaml~", "r")]);
    symlink("loop.csv", folder.path().join("codes/loop.csv")).unwrap();
    fs::write(folder.path().join("codes/latin.csv"), b"ab\xE9").unwrap();
    fs::create_dir(folder.path().join("codes/folder.csv")).unwrap();
    let long = fs::File::create(folder.path().join("codes/long.csv")).unwrap();
    long.set_len(super::FILE_BYTES_MAX + 1).unwrap();
    fs::remove_file(folder.path().join("states.csv")).unwrap();
    let (_, mistakes) = read_folder(folder.path());
    let expected = "\
error: the sample `samples/b.json` cannot be read: no such file
 --> policies/shapes/s.yaml:5:11
  |
5 | samples: [samples/b.json, ../x]
  |           ^^^^^^^^^^^^^^
  = help: samples are named relative to the shape's file
error: the sample `../x` cannot be read: it is not below the folder of the shapes
 --> policies/shapes/s.yaml:5:27
  |
5 | samples: [samples/b.json, ../x]
  |                           ^^^^
  = help: samples are named relative to the shape's file
error: the file cannot be read: it is a folder
 --> policies/codes/folder.csv
  = help: check that it is there and may be read
error: the file cannot be read: not UTF-8 text at byte 2
 --> policies/codes/latin.csv
  = help: check that it is there and may be read
error: the file cannot be read: it is longer than 16 MiB
 --> policies/codes/long.csv
  = help: check that it is there and may be read
error: the file cannot be read: too many levels of symbolic links (os error 40)
 --> policies/codes/loop.csv
  = help: check that it is there and may be read
warning: this file is not read: only `*.yaml` is
 --> policies/rules/r.yaml~
  = help: move it out of the folder
error: this file is not read: its name must end in `.yaml`
 --> policies/rules/r.yml
  = help: rename it, or move it out of the folder
error: the file cannot be read: no such file
 --> policies/states.csv
  = help: check that it is there and may be read
";
    let told = told(folder.path(), &mistakes);
    assert!(told == expected, "got\n{told}\nexpected\n{expected}");
}

#[test]
fn a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (_, mistakes) = read_folder(&folder.path().join("none"));
    assert_eq!(
        told(folder.path(), &mistakes),
        "error: policies cannot be read: no such folder\n --> policies/none\n  = help: name the folder that holds `shapes`, `codes`, `rules` and `states.csv`\n"
    );
    let (_, mistakes) = read_folder(folder.path());
    assert_eq!(mistakes.len(), 4);
    assert!(store::read(folder.path()).0.is_none());
}

#[test]
fn last_good_stays_and_a_good_one_takes_over() {
    let folder = folder(&WHOLE);
    let heard = Arc::new(Mutex::new(String::new()));
    let listener = Arc::clone(&heard);
    let store = PolicyStore::open(folder.path(), move |mistakes: &[Diagnostic]| {
        let errors = mistakes.iter().filter(|mistake| mistake.severity == Severity::Error);
        listener.lock().unwrap().extend(errors.map(|mistake| mistake.message.clone()));
    })
    .unwrap();
    let first = store.current().set.hash.clone();
    let settle = || {
        // A new set is seen once, and read when it has looked the same twice.
        let before = store.refresh();
        before | store.refresh()
    };
    assert!(!settle());

    write(folder.path(), "rules/new.yml", "broken by its name");
    assert!(!settle());
    assert_eq!(store.current().set.hash, first);
    let message = "this file is not read: its name must end in `.yaml`";
    assert_eq!(*heard.lock().unwrap(), message);
    assert!(!settle());
    assert_eq!(*heard.lock().unwrap(), message, "told once");

    fs::remove_file(folder.path().join("rules/new.yml")).unwrap();
    assert!(settle());
    assert_eq!(store.current().set.hash, first);

    // As deployments do: another file of the same length and time, renamed over it.
    let replaced = STATES.replace("14", "12");
    sleep(Duration::from_millis(20));
    write(folder.path(), "states.new", &replaced);
    fs::rename(folder.path().join("states.new"), folder.path().join("states.csv")).unwrap();
    assert!(!store.refresh(), "looked the same once only");
    assert!(store.refresh());
    assert_ne!(store.current().set.hash, first);
    let thirteen = store.current().states.band(
        "2013-06-01".parse().ok(),
        Some("OH"),
        "2026-11-21".parse().unwrap(),
    );
    assert_eq!(thirteen, AgeBand::ConsentingMinor, "the new ages are in force with the new set");
}

#[test]
fn the_process_does_not_start_with_a_broken_set() {
    let folder = folder(&[]);
    fs::remove_file(folder.path().join("states.csv")).unwrap();
    let mistakes = PolicyStore::open(folder.path(), |_: &[Diagnostic]| {}).unwrap_err();
    assert!(mistakes.iter().any(|mistake| mistake.message.contains("no such file")));
}

#[test]
fn a_reading_that_panics_does_not_end_the_watch() {
    let folder = folder(&WHOLE);
    let store =
        PolicyStore::open(folder.path(), |_: &[Diagnostic]| panic!("as a reading might")).unwrap();
    let first = store.current().set.hash.clone();
    write(folder.path(), "rules/new.yml", "told of, by its name");
    assert!(!store.refresh());
    catch_unwind(AssertUnwindSafe(|| store.refresh())).unwrap_err();
    assert!(!store.refresh(), "not read again as it is");
    assert_eq!(store.refused(), 1);

    fs::remove_file(folder.path().join("rules/new.yml")).unwrap();
    write(folder.path(), "states.csv", &STATES.replace("14", "13"));
    assert!(!store.refresh());
    assert!(store.refresh());
    assert_ne!(store.current().set.hash, first);
}
