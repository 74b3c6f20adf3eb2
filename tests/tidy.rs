//! The architecture, held by a test: every file opens with a module doc and stays short, and
//! dependencies point down only.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources() -> Vec<(String, String)> {
    fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    let name = |path: &Path| path.strip_prefix(root).unwrap().display().to_string();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn is_test(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/")
}

#[test]
fn every_file_opens_with_a_module_doc() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not open with a module doc");
    }
}

#[test]
fn no_file_is_over_400_lines() {
    let sources = sources();
    let files = sources.iter().filter(|(name, _)| !is_test(name));
    let mut lengths: Vec<usize> = Vec::new();
    for (name, text) in files {
        let lines = text.lines().count();
        lengths.push(lines);
        assert!(lines <= 400, "{name} has {lines} lines: split it by what it holds");
    }
    lengths.sort_unstable();
    let median = lengths[lengths.len() / 2];
    assert!(median <= 170, "the median file has {median} lines");
}

/// Modules of the crate, each with what it uses of those above it.
const USES: [(&str, &[&str]); 16] = [
    ("engine", &[]),
    ("crowd", &[]),
    ("durable", &[]),
    ("reread", &["engine"]),
    ("members", &["engine", "reread"]),
    ("policy_files", &["engine", "members", "reread"]),
    ("config", &["engine", "policy_files"]),
    ("dial", &["config"]),
    ("identity", &["engine", "config", "dial", "reread"]),
    ("limits", &["engine", "config", "durable"]),
    ("audit", &["engine", "config", "crowd", "durable"]),
    ("admin", &["engine", "audit", "dial"]),
    ("findings", &["engine", "config", "durable"]),
    (
        "proxy",
        &[
            "engine",
            "members",
            "config",
            "policy_files",
            "dial",
            "identity",
            "limits",
            "audit",
            "admin",
            "findings",
            "crowd",
            "reread",
        ],
    ),
    ("exposure", &["engine", "members", "config", "policy_files", "proxy"]),
    ("demo", &["engine", "config", "dial", "proxy"]),
];

/// Dependencies point down only, and the list above says no more than there is.
#[test]
fn modules_use_what_is_listed() {
    let place = |module: &str| USES.iter().position(|(known, _)| *known == module);
    for (at, (module, used)) in USES.iter().enumerate() {
        assert!(used.iter().all(|one| place(one).is_some_and(|one| one < at)), "{module}");
    }
    let mut found = BTreeSet::new();
    for (name, text) in sources() {
        let Some(rest) = name.strip_prefix("src/").filter(|_| !is_test(&name)) else { continue };
        let module = rest.split(['/', '.']).next().unwrap_or_default().to_owned();
        assert!(!text.contains("crate::{"), "{name}: name each module that is used");
        if place(&module).is_none() {
            assert!(["cli", "lib", "main"].contains(&&*module), "{name}: a module without a place");
            continue;
        }
        for used in text.split("crate::").skip(1) {
            let used = used.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap();
            if used != module && (place(used).is_some() || used == "cli") {
                found.insert((module.clone(), used.to_owned()));
            }
        }
    }
    let listed = USES.iter().flat_map(|(module, used)| {
        used.iter().map(|one| ((*module).to_owned(), (*one).to_owned()))
    });
    assert_eq!(found, listed.collect::<BTreeSet<_>>());
}

/// NO-EXIT-WITHOUT-VERDICT and RECORD-BEFORE-RELEASE: the bytes of a `Released` are opened in
/// one place only.
#[test]
fn only_the_audit_opens_what_is_released() {
    for (name, text) in sources() {
        if name.starts_with("src/audit/") || name == "src/engine/released.rs" || is_test(&name) {
            continue;
        }
        assert!(!text.contains("Released::open"), "{name} opens a `Released`");
        assert!(!text.contains("released.open("), "{name} opens a `Released`");
    }
}

/// RECORD-BEFORE-RELEASE: releasing without a record is for commands that have no reader.
#[test]
fn only_commands_release_offline() {
    for (name, text) in sources() {
        let may = name.starts_with("src/cli/") || name.starts_with("src/audit/") || is_test(&name);
        assert!(may || !text.contains("offline::"), "{name} releases without a record");
    }
}

/// NO-EXIT-WITHOUT-VERDICT: bytes the audit opened become nothing but the body of an answer.
#[test]
fn only_the_response_body_takes_what_is_opened() {
    for (name, text) in sources() {
        if name == "src/proxy/response.rs" || is_test(&name) {
            continue;
        }
        assert!(!text.contains("opened.into_bytes("), "{name} takes opened bytes");
        assert!(!text.contains("Opened::into_bytes"), "{name} takes opened bytes");
    }
}

/// The engine is pure: habits that a lint cannot see.
#[test]
fn the_engine_does_no_io() {
    for (name, text) in sources() {
        if !name.starts_with("src/engine/") || is_test(&name) {
            continue;
        }
        // Whether a panic is under way is no IO: what it left half done is not used again.
        let text = text.replace("std::thread::panicking()", "");
        for banned in
            ["std::fs", "std::net", "std::thread", "tokio", "async fn", "SystemTime", "Instant::"]
        {
            assert!(!text.contains(banned), "{name} uses `{banned}`");
        }
    }
}
