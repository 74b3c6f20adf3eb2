//! The list in the binary is the folder.

use super::FILES;
use std::collections::BTreeSet;
use std::path::Path;

fn files(folder: &Path, under: &str, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{under}{}", entry.file_name().into_string().unwrap());
        match entry.file_type().unwrap().is_dir() {
            true if under.is_empty() && ["cases", "schema"].contains(&name.as_str()) => {}
            true => files(&entry.path(), &format!("{name}/"), found),
            false => drop(found.insert(name)),
        }
    }
}

#[test]
fn no_policy_file_is_left_out() {
    let mut there = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    files(&folder, "", &mut there);
    let embedded: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(embedded, there);
}
