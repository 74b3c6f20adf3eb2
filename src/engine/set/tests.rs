//! The hash names a set, wherever and in whatever order it was read.

use super::{PolicyFiles, PolicySet};
use crate::engine::diagnostics::{Diagnostic, SourceFile};

fn files(folder: &str, rules: &[(&str, &str)]) -> PolicyFiles {
    let rules = rules
        .iter()
        .map(|(name, text)| SourceFile::new(format!("{folder}/rules/{name}"), (*text).to_owned()));
    PolicyFiles { rules: rules.collect(), ..PolicyFiles::default() }
}

#[test]
fn the_hash_is_of_names_and_texts() {
    let here = files("policies", &[("a.yaml", "x"), ("b.yaml", "y")]);
    let there = files("/etc/sequester", &[("b.yaml", "y"), ("a.yaml", "x")]);
    assert_eq!(here.hash(), there.hash());
    assert_eq!(here.hash().len(), 64);
    for other in [
        files("policies", &[("a.yaml", "y"), ("b.yaml", "x")]),
        files("policies", &[("a.yaml", "xy"), ("b.yaml", "")]),
        files("policies", &[("a.yaml", "x")]),
        PolicyFiles { codes: here.rules.clone(), ..PolicyFiles::default() },
    ] {
        assert_ne!(here.hash(), other.hash());
    }
}

/// The policies of this repository.
fn shipped() -> PolicyFiles {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");
    crate::policy_files::read_folder(std::path::Path::new(folder)).0
}

fn told(mistakes: &[Diagnostic]) -> String {
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn the_shipped_policies_have_no_mistake() {
    let (set, mistakes) = PolicySet::compile(&shipped());
    assert!(set.is_some() && mistakes.is_empty(), "{}", told(&mistakes));
}

#[test]
fn every_selector_of_the_shipped_shapes_matches_a_sample() {
    let mistakes = PolicySet::check_samples(&shipped());
    assert!(mistakes.is_empty(), "{}", told(&mistakes));
}
