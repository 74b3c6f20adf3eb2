//! Reads policy folders and swaps the set in force.
//!
//! A folder holds `shapes/*.yaml` with the sample bodies they name, `codes/*.csv`, `rules/*.yaml`
//! and `states.csv`. What it may hold besides (`cases/`, `schema/`, texts for people) is left
//! alone; what looks like a policy and would not be read is a mistake, for a rule in a file of
//! the wrong name would hide nothing.

mod store;

pub use store::{Policies, PolicyStore, compile, read};

use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile};
use crate::engine::set::PolicyFiles;
use crate::engine::shapes::written::Shape;
use crate::engine::yaml;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// Longest policy file or sample, bytes: the longest code list we know has four million.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Most files in one folder of a set.
const FOLDER_FILES_MAX: usize = 1_000;

/// Reads a policy folder. What is missing or unreadable is told; the rest is read all the same,
/// so that its mistakes can be told too.
pub fn read_folder(folder: &Path) -> (PolicyFiles, Vec<Diagnostic>) {
    let mut mistakes = Vec::new();
    if !folder.is_dir() {
        let why = if folder.exists() { "is no folder" } else { "no such folder" };
        let help = "name the folder that holds `shapes`, `codes`, `rules` and `states.csv`";
        mistakes.push(about(folder, format!("policies cannot be read: {why}")).help(help));
        return (PolicyFiles::default(), mistakes);
    }
    let shapes = read_all(&folder.join("shapes"), "yaml", &mut mistakes);
    let samples = read_samples(&folder.join("shapes"), &shapes, &mut mistakes);
    let codes = read_all(&folder.join("codes"), "csv", &mut mistakes);
    let rules = read_all(&folder.join("rules"), "yaml", &mut mistakes);
    let states = read_file(&folder.join("states.csv"));
    let states = states.map_err(|mistake| mistakes.push(*mistake)).ok();
    (PolicyFiles { shapes, samples, codes, rules, states }, mistakes)
}

/// Reads one file that a user wrote. The mistake names it as the user knows it.
pub fn read_file(path: &Path) -> Result<SourceFile, Box<Diagnostic>> {
    read_text(path).map(|text| SourceFile::new(shown(path), text)).map_err(|why| {
        let help = "check that it is there and may be read";
        Box::new(about(path, format!("the file cannot be read: {why}")).help(help))
    })
}

/// A mistake about a file or folder as a whole.
pub(crate) fn about(path: &Path, message: impl Into<String>) -> Diagnostic {
    Diagnostic::of_file(&shown(path), message)
}

/// A path as users read it.
pub(crate) fn shown(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

/// What the system says, in our words where we have some.
fn why(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        "no such file".to_owned()
    } else if kind == io::ErrorKind::PermissionDenied {
        "permission denied".to_owned()
    } else if kind == io::ErrorKind::NotADirectory {
        "it is no folder".to_owned()
    } else {
        error.to_string().to_lowercase()
    }
}

/// The text of a regular file, or why there is none.
fn read_text(path: &Path) -> Result<String, String> {
    // Asked before it is opened: opening a pipe would wait for its writer.
    let metadata = fs::metadata(path).map_err(|error| why(&error))?;
    if metadata.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if !metadata.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let file = File::open(path).map_err(|error| why(&error))?;
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX.saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|error| why(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read >= limit) {
        return Err("it is longer than 16 MiB".to_owned());
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("not UTF-8 text at byte {}", error.utf8_error().valid_up_to()))
}

/// The files of one folder by their ending, in the order of their names.
fn read_all(folder: &Path, ending: &str, mistakes: &mut Vec<Diagnostic>) -> Vec<SourceFile> {
    let paths = match list(folder) {
        Ok(paths) => paths,
        Err(error) => {
            let absent = error.kind() == io::ErrorKind::NotFound;
            let why = if absent { "no such folder".to_owned() } else { why(&error) };
            let help = "a policy folder holds `shapes`, `codes`, `rules` and `states.csv`";
            mistakes.push(about(folder, format!("the folder cannot be read: {why}")).help(help));
            return Vec::new();
        }
    };
    if paths.len() > FOLDER_FILES_MAX {
        mistakes.push(about(folder, format!("more than {FOLDER_FILES_MAX} files in one folder")));
        return Vec::new();
    }
    let mut files = Vec::new();
    for path in paths {
        let found = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if found == ending {
            match read_file(&path) {
                Ok(file) => files.push(file),
                Err(mistake) => mistakes.push(*mistake),
            }
        } else if looks_like(found, ending) {
            let message = format!("this file is not read: its name must end in `.{ending}`");
            mistakes.push(about(&path, message).help("rename it, or move it out of the folder"));
        } else if found != "md" && !path.is_dir() {
            let message = format!("this file is not read: only `*.{ending}` is");
            let mistake = about(&path, message).help("move it out of the folder");
            mistakes.push(Diagnostic { severity: Severity::Warning, ..mistake });
        }
    }
    files
}

/// Whether somebody may have meant that ending.
fn looks_like(found: &str, ending: &str) -> bool {
    found.eq_ignore_ascii_case(ending) || (ending == "yaml" && found.eq_ignore_ascii_case("yml"))
}

/// What a folder holds by name, hidden files left out.
fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The sample bodies that shapes name. A shape that cannot be read names none: its own mistakes
/// are told when the set is compiled.
fn read_samples(
    folder: &Path,
    shapes: &[SourceFile],
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<SourceFile> {
    let mut samples: Vec<SourceFile> = Vec::new();
    for file in shapes {
        let Some(shape) = yaml::read::<Shape>(file, &mut Vec::new()) else { continue };
        for name in shape.samples {
            if samples.iter().any(|sample| *sample.path == *name.value) {
                continue;
            }
            let path = Path::new(&name.value);
            let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
            let text = if inside {
                read_text(&folder.join(path))
            } else {
                Err("it is not below the folder of the shapes".to_owned())
            };
            match text {
                Ok(text) => samples.push(SourceFile::new(name.value, text)),
                Err(why) => {
                    let message = format!("the sample `{}` cannot be read: {why}", name.value);
                    let mistake = Diagnostic::error(file, name.span, message);
                    mistakes.push(mistake.help("samples are named relative to the shape's file"));
                }
            }
        }
    }
    samples
}

#[cfg(test)]
mod tests;
