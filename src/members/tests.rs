//! Members as users write them, judged as a reader would be.

use super::*;
use crate::engine::diagnostics::{Diagnostic, Severity, SourceFile};
use crate::engine::facts::{AgeBand, People, PersonId, Relation, Standing};
use std::sync::Arc;

mod ages;
mod files;
mod grants;
mod relations;
mod roster;
mod walk;

const HEADER: &str = "member_id,contract_id,relationship,birth_date,state,from,until,ids\n";
const GRANTS: &str = "grant_id,kind,subject,reader,categories,from,until,revoked,verified_by\n";
const RESTRICTIONS: &str = "restriction_id,subject,from_reader,categories,since,until\n";

/// The family of the story: a mother, a father, a daughter of 25, a son of 16, a child of 8.
const FAMILY: &str = "
M-100,C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100 MBR-0100
M-101,C-1,spouse,1972-11-30,OH,2015-01-01,,Patient/p-101
M-102,C-1,child,2001-02-03,OH,2015-01-01,,Patient/p-102 RelatedPerson/rp-7
M-103,C-1,child,2010-05-05,CA,2015-01-01,,Patient/p-103
M-104,C-1,child,2018-09-09,OH,2018-09-09,,Patient/p-104
";
const TODAY: &str = "2026-11-21";

fn rows_of(count: usize, row: impl Fn(usize) -> String) -> String {
    (0..count).map(row).collect()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn states() -> Arc<States> {
    let file = SourceFile::new("states.csv", include_str!("../../policies/states.csv"));
    let mut mistakes = Vec::new();
    let states = States::read(&file, &mut mistakes).unwrap();
    assert_eq!(mistakes, []);
    Arc::new(states)
}

fn files(members: &str, grants: &str, restrictions: &str) -> RegisterFiles {
    let file = |name: &str, header: &str, rows: &str| {
        SourceFile::new(name, format!("{header}{}", rows.trim_start()))
    };
    RegisterFiles {
        members: file("members.csv", HEADER, members),
        grants: Some(file("grants.csv", GRANTS, grants)),
        restrictions: Some(file("restrictions.csv", RESTRICTIONS, restrictions)),
    }
}

/// A register without errors.
#[track_caller]
fn register(members: &str, grants: &str, restrictions: &str) -> Arc<Register> {
    let mut mistakes = Vec::new();
    let register = Register::read(&files(members, grants, restrictions), &mut mistakes);
    let told: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    Arc::new(register.unwrap_or_else(|| panic!("{}", told.concat())))
}

fn view(register: &Arc<Register>, reader: &str, today: &str) -> Arc<dyn People> {
    register.view(reader, day(today), &states())
}

fn standing(people: &Arc<dyn People>, subject: &str) -> Standing {
    people.standing(people.find(subject).unwrap())
}

/// The relations of a reader to a subject, one per tie.
fn relations(members: &str, reader: &str, subject: &str, today: &str) -> Vec<&'static str> {
    let people = view(&register(members, "", ""), reader, today);
    standing(&people, subject).ties.iter().map(|tie| tie.relation.name()).collect()
}

/// `severity: message at line:column`, of each mistake.
fn told(files: &RegisterFiles) -> Vec<String> {
    let mut mistakes = Vec::new();
    let register = Register::read(files, &mut mistakes);
    let errors = mistakes.iter().any(|mistake| mistake.severity == Severity::Error);
    assert_eq!(register.is_none(), errors);
    mistakes.iter().map(one).collect()
}

fn one(mistake: &Diagnostic) -> String {
    let severity = match mistake.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let at = mistake.position().map(|(line, column)| format!(" at {line}:{column}"));
    format!("{severity}: {}{}", mistake.message, at.unwrap_or_default())
}
