//! Rules as written → rules as meant.

use super::target::Target;
use super::written;
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, did_you_mean};
use crate::engine::facts::GrantKind;
use std::collections::BTreeMap;

/// The only action a rule may ask for.
const WITHHOLD: &str = "withhold";
const EXCEPTIONS: [(&str, GrantKind); 2] =
    [("authorization", GrantKind::Authorization), ("representation", GrantKind::Representation)];

/// A rule as meant: it withholds what its target names, unless a grant lifts it.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// `pack/id`.
    pub(super) id: String,
    /// Whom and what it speaks of.
    pub(super) target: Target,
    /// The grants that lift it.
    pub(super) unless: Vec<GrantKind>,
}

/// A release as meant.
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// Where it is written.
    pub(super) file: SourceFile,
    /// Whom and what it speaks of.
    pub(super) target: Target,
}

/// All rules and releases of a set.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    /// Sorted by id, so that neither files nor lines have an order (UNION).
    pub(super) rules: Vec<Rule>,
    /// What is left open on purpose.
    pub(super) releases: Vec<Release>,
}

/// Checks all files of a set. `None` if anything is wrong; all that is wrong is told.
pub(super) fn read(
    files: &[(SourceFile, written::RulesFile)],
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Rules> {
    let before = mistakes.len();
    let mut meant = Rules::default();
    let mut ids = BTreeMap::new();
    for (file, written) in files {
        let pack = &written.pack;
        is_name("pack", pack, file, mistakes);
        for rule in &written.rules {
            let id = format!("{}/{}", pack.value, rule.value.id.value);
            is_told_once(&id, file, &rule.value.id, &mut ids, mistakes);
            meant.rules.extend(one_rule(id, file, &rule.value, mistakes));
        }
        for release in &written.releases {
            meant.releases.extend(one_release(file, &release.value, mistakes));
        }
    }
    meant.rules.sort_by(|one, other| one.id.cmp(&other.id));
    (mistakes.len() == before).then_some(meant)
}

fn one_rule(
    id: String,
    file: &SourceFile,
    rule: &written::Rule,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    is_name("id", &rule.id, file, mistakes);
    is_said("why", &rule.why, "say in plain words why this is withheld", file, mistakes);
    if rule.cite.is_empty() {
        let message = format!("rule `{}` cites nothing", rule.id.value);
        let help = "name the law or document it rests on under `cite`";
        mistakes.push(Diagnostic::error(file, rule.id.span, message).help(help));
    }
    for cite in &rule.cite {
        is_said("cite", cite, "name the law or document the rule rests on", file, mistakes);
    }
    if rule.then.value != WITHHOLD {
        let message = format!("a rule cannot `{}`", rule.then.value);
        let help = if rule.then.value == "release" {
            "rules only withhold; what stays open stands in the list `releases:` of the file"
        } else {
            "write `then: withhold`"
        };
        mistakes.push(Diagnostic::error(file, rule.then.span, message).help(help));
    }
    let unless = exceptions(file, &rule.unless, mistakes);
    let target = Target::read(file, &rule.category, rule.subject.as_ref(), &rule.reader, mistakes)?;
    Some(Rule { id, target, unless })
}

fn one_release(
    file: &SourceFile,
    release: &written::Release,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<Release> {
    is_said("why", &release.why, "say in plain words why this is left open", file, mistakes);
    for cite in &release.cite {
        is_said(
            "cite",
            cite,
            "name what the release rests on, or leave `cite` out",
            file,
            mistakes,
        );
    }
    let (category, subject) = (&release.category, release.subject.as_ref());
    let target = Target::read(file, category, subject, &release.reader, mistakes)?;
    Some(Release { file: file.clone(), target })
}

fn exceptions(
    file: &SourceFile,
    unless: &[At<String>],
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<GrantKind> {
    let names = EXCEPTIONS.map(|(name, _)| name);
    let mut kinds = Vec::new();
    for word in unless {
        if let Some((_, kind)) = EXCEPTIONS.into_iter().find(|(name, _)| *name == word.value) {
            kinds.push(kind);
            continue;
        }
        let message = format!("unknown exception `{}`", word.value);
        let help = did_you_mean(&word.value, names)
            .unwrap_or_else(|| format!("one of `{}`", names.join("`, `")));
        mistakes.push(Diagnostic::error(file, word.span, message).help(help));
    }
    kinds
}

/// Packs and ids go into the audit and into `pack/id`: nothing that could be taken for a part
/// of either.
fn is_name(what: &str, name: &At<String>, file: &SourceFile, mistakes: &mut Vec<Diagnostic>) {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if name.value.is_empty() || !name.value.chars().all(fits) {
        let message = format!("`{}` cannot be a name for `{what}`", name.value);
        let help = "use letters, digits, `-`, `_` and `.`";
        mistakes.push(Diagnostic::error(file, name.span, message).help(help));
    }
}

fn is_said(
    what: &str,
    text: &At<String>,
    help: &str,
    file: &SourceFile,
    mistakes: &mut Vec<Diagnostic>,
) {
    if text.value.trim().is_empty() {
        let message = format!("`{what}` is empty");
        mistakes.push(Diagnostic::error(file, text.span, message).help(help));
    }
}

/// An id stands for one rule in the audit, over all files.
fn is_told_once(
    id: &str,
    file: &SourceFile,
    place: &At<String>,
    ids: &mut BTreeMap<String, String>,
    mistakes: &mut Vec<Diagnostic>,
) {
    let mut mistake = Diagnostic::error(file, place.span, format!("two rules have the id `{id}`"));
    let here = match mistake.position() {
        Some((line, _)) => format!("{}:{line}", file.path),
        None => file.path.to_string(),
    };
    if let Some(first) = ids.get(id) {
        mistake = mistake.help(format!("the first is at {first}; give one of them another id"));
        mistakes.push(mistake);
    } else {
        ids.insert(id.to_owned(), here);
    }
}
