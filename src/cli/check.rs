//! `check`: every mistake in every file of a deployment, or of a policy folder, in one run.

use super::arguments::Check;
use super::deployment::{book_paths, is_broken};
use super::{Exit, Streams, samples};
use crate::config::{Config, Judging};
use crate::engine::diagnostics::{Diagnostic, Severity};
use crate::engine::set::PolicySet;
use crate::members::{BookPaths, Register};
use crate::policy_files::{about, compile, read_folder};
use crate::proxy::unusable;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn check(asked: &Check, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let Some(target) = Target::of(asked) else {
        streams.say("error: neither `sequester.yaml` nor a folder `policies` is here");
        streams.say("  = help: name one by `--config` or `--policies`");
        return Ok(Exit::Usage);
    };
    let named = [Some(target.path()), asked.samples.as_deref()];
    if let Some(missing) = named.into_iter().flatten().find(|path| !path.exists()) {
        streams.say(format_args!("error: no such file: {}", missing.display()));
        return Ok(Exit::Usage);
    }
    let checked = match &target {
        Target::Deployment(config) => deployment(config),
        Target::Policies(folder) => policies(folder),
    };
    for mistake in &checked.mistakes {
        writeln!(streams.stdout, "{mistake}")?;
    }
    let broken = is_broken(&checked.mistakes);
    writeln!(streams.stdout, "{}", summary(&checked))?;
    if let Some(folder) = &asked.samples {
        match &checked.set {
            Some(set) => samples::survey(set, folder, streams)?,
            None => streams.say("the samples are not looked at: the policies have mistakes"),
        }
    }
    Ok(if broken { Exit::No } else { Exit::Done })
}

/// What is checked.
enum Target {
    Deployment(PathBuf),
    Policies(PathBuf),
}

impl Target {
    /// As asked, or what stands in the current folder.
    fn of(asked: &Check) -> Option<Target> {
        match (&asked.config, &asked.policies) {
            (Some(config), _) => Some(Target::Deployment(config.clone())),
            (None, Some(folder)) => Some(Target::Policies(folder.clone())),
            (None, None) => {
                let (config, folder) = (Path::new("sequester.yaml"), Path::new("policies"));
                if config.exists() {
                    Some(Target::Deployment(config.to_owned()))
                } else {
                    folder.is_dir().then(|| Target::Policies(folder.to_owned()))
                }
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Target::Deployment(path) | Target::Policies(path) => path,
        }
    }
}

/// What was found.
struct Checked {
    mistakes: Vec<Diagnostic>,
    /// The policy set, if it is whole.
    set: Option<Arc<PolicySet>>,
}

/// A deployment with everything it names.
fn deployment(path: &Path) -> Checked {
    let mut mistakes = Vec::new();
    match Config::load(path) {
        Ok(config) => {
            mistakes.extend(config.missing_files());
            // What is missing would be told again.
            if mistakes.is_empty() {
                let unusable = unusable(&config).into_iter();
                mistakes.extend(unusable.map(|why| about(path, why)));
            }
            mistakes.extend(config.warnings(path));
        }
        Err(found) => mistakes.extend(found),
    }
    // Even where the rest of it is wrong, it may name members and policies that can be checked.
    let Ok(judging) = Judging::load(path) else { return Checked { mistakes, set: None } };
    let mut checked = Checked { mistakes, set: None };
    if judging.policies.exists() {
        let Checked { mistakes, set } = policies(&judging.policies);
        checked.mistakes.extend(mistakes);
        checked.set = set;
    }
    // A file that is missing has been told above.
    if judging.members.exists() {
        let paths = book_paths(&judging);
        let there = |path: &PathBuf| path.exists();
        let paths = BookPaths {
            grants: paths.grants.filter(there),
            restrictions: paths.restrictions.filter(there),
            ..paths
        };
        Register::load(&paths, &mut checked.mistakes);
    }
    checked
}

/// A policy folder, and whether every selector of its shapes matches in a sample.
fn policies(folder: &Path) -> Checked {
    let (files, mut mistakes) = read_folder(folder);
    let policies = compile(&files, &mut mistakes);
    for found in PolicySet::check_samples(&files) {
        // A sample that cannot be read has been told.
        let told =
            |other: &Diagnostic| other.file.path == found.file.path && other.span == found.span;
        if !mistakes.iter().any(told) {
            mistakes.push(found);
        }
    }
    Checked { mistakes, set: policies.map(|policies| policies.set) }
}

fn summary(checked: &Checked) -> String {
    let count = |severity: Severity| {
        checked.mistakes.iter().filter(|mistake| mistake.severity == severity).count()
    };
    let mistakes = match count(Severity::Error) {
        0 => "no mistakes".to_owned(),
        1 => "1 mistake".to_owned(),
        many => format!("{many} mistakes"),
    };
    let warnings = match count(Severity::Warning) {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        many => format!(", {many} warnings"),
    };
    let hash = checked.set.as_ref().map(|set| format!("; policy set {}", set.hash));
    format!("{mistakes}{warnings}{}", hash.unwrap_or_default())
}
