//! `test`: the cases of a policy folder. Each says what must leave and what must not, exactly.

use super::answer::{Judge, Question, method_and_target};
use super::arguments::day;
use super::cases::Case;
use super::deployment::is_broken;
use super::differences::{differences, expected_cuts};
use super::{Exit, Streams};
use crate::engine::Settings;
use crate::engine::diagnostics::{At, Diagnostic, Span};
use crate::engine::yaml;
use crate::members::{BookPaths, Register};
use crate::policy_files::{self, Policies, read_file};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs the cases named, or all in the folder `cases` of the policies. A line for each; for one
/// that failed what is missing and what is too much.
pub fn test(policies: &Path, files: &[PathBuf], streams: &mut Streams<'_>) -> io::Result<Exit> {
    if let Some(missing) =
        [policies].into_iter().chain(files.iter().map(PathBuf::as_path)).find(|path| !path.exists())
    {
        streams.say(format_args!("error: no such file: {}", missing.display()));
        return Ok(Exit::Usage);
    }
    let files = if files.is_empty() { cases_of(policies)? } else { files.to_vec() };
    let (set, mistakes) = policy_files::read(policies);
    streams.tell(&mistakes);
    let Some(set) = set else { return Ok(Exit::No) };
    if files.is_empty() {
        streams.say(format_args!("error: no cases in {}", policies.join("cases").display()));
        return Ok(Exit::No);
    }
    let mut failed = 0_usize;
    for path in &files {
        match run_case(path, &set) {
            Ok(Ran { name, differences }) if differences.is_empty() => {
                writeln!(streams.stdout, "ok      {name}")?;
            }
            Ok(Ran { name, differences }) => {
                failed = failed.saturating_add(1);
                writeln!(streams.stdout, "FAILED  {name}\n          {}", path.display())?;
                for difference in differences {
                    writeln!(streams.stdout, "          {difference}")?;
                }
            }
            Err(mistakes) => {
                failed = failed.saturating_add(1);
                writeln!(streams.stdout, "BROKEN  {}", path.display())?;
                streams.tell(&mistakes);
            }
        }
    }
    let passed = files.len().saturating_sub(failed);
    writeln!(streams.stdout, "\n{passed} passed, {failed} failed")?;
    Ok(if failed == 0 { Exit::Done } else { Exit::No })
}

fn cases_of(policies: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = policies.join("cases");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// A case that could be run.
struct Ran {
    name: String,
    /// Empty if all was as expected.
    differences: Vec<String>,
}

fn run_case(path: &Path, policies: &Policies) -> Result<Ran, Vec<Diagnostic>> {
    let file = read_file(path).map_err(|mistake| vec![*mistake])?;
    let mut mistakes = Vec::new();
    let Some(case) = yaml::read::<Case>(&file, &mut mistakes) else { return Err(mistakes) };
    let folder = path.parent().unwrap_or(Path::new(""));
    let named = |name: &At<String>| folder.join(&name.value);
    let fault = |span: Span, message: String| Diagnostic::error(&file, span, message);

    let today = day(&case.day.value).map_err(|help| {
        vec![fault(case.day.span, format!("`{}` is no day", case.day.value)).help(help)]
    })?;
    let request = method_and_target(&case.request.value).ok_or_else(|| {
        let message = format!("`{}` is no request", case.request.value);
        vec![fault(case.request.span, message).help("write it like `GET /fhir/Patient/p-1`")]
    })?;
    let paths = BookPaths {
        members: named(&case.members),
        grants: case.grants.as_ref().map(named),
        restrictions: case.restrictions.as_ref().map(named),
    };
    let register = Register::load(&paths, &mut mistakes);
    let cuts = expected_cuts(&file, &case.expect.value, &mut mistakes);
    let Some(register) = register.filter(|_| !is_broken(&mistakes)) else { return Err(mistakes) };
    let cannot_read = |error: io::Error| {
        let message = format!("the body `{}` cannot be read: {error}", case.body.value);
        vec![fault(case.body.span, message)]
    };
    let mut body = File::open(named(&case.body)).map_err(cannot_read)?;
    let look_ups = case.look_ups.as_ref().map(|look_ups| {
        let read = look_ups.iter().map(|(path, name)| {
            let body = fs::read(named(name)).map_err(|error| {
                let message = format!("the body `{}` cannot be read: {error}", name.value);
                vec![fault(name.span, message)]
            });
            Ok((path.clone(), body?))
        });
        read.collect::<Result<BTreeMap<_, _>, Vec<Diagnostic>>>()
    });
    let judge = Judge {
        set: policies.set.clone(),
        people: Arc::new(register).view(&case.reader.value, today, &policies.states),
        settings: settings(),
        explain: true,
        look_ups: look_ups.transpose()?,
    };
    let question = Question {
        method: request.0,
        target: request.1,
        status: case.status.unwrap_or(200),
        content_type: case.content_type.as_ref().map(|written| written.value.as_str()),
    };
    let judged = judge.judge(&question, &mut body, &mut |_| Ok(())).map_err(cannot_read)?;
    let differences = differences(&case.expect.value, &cuts, &judged);
    Ok(Ran { name: case.case.value, differences })
}

/// The defaults of DESIGN 4.1.
fn settings() -> Settings {
    Settings { hold: 8 << 20, record: 4 << 20, depth: 64, public_url: None }
}
