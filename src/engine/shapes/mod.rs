//! Shapes: where things stand in the bodies of one API. As [`written`], as [`meant`].

mod companies;
pub mod compile;
mod elements;
mod forms;
mod gets;
mod keys;
mod kinds;
pub mod meant;
mod owners;
mod paging;
mod routes;
pub mod samples;
#[cfg(test)]
mod tests;
pub mod written;

use crate::engine::diagnostics::{At, Diagnostic, Severity, SourceFile};
use crate::engine::selectors::{Selector, text};
use written::{Kind, Records, Shape};

/// Every selector of a shape, in file order of its parts.
pub(crate) fn selectors_of(shape: &Shape) -> Vec<At<String>> {
    let mut all: Vec<At<String>> = shape.envelope.clone();
    for route in &shape.routes {
        all.extend(route.value.paging.iter().filter_map(|paging| paging.value.next.clone()));
    }
    for records in &shape.records {
        of_records(records, &mut all);
    }
    for kind in shape.kinds.values() {
        let kind = &kind.value;
        all.extend(kind.id.clone());
        for list in [&kind.subject, &kind.date].into_iter().flatten() {
            all.extend(kinds::one_or_many(list));
        }
        all.extend(kind.targets.iter().cloned());
        of_codes_and_events(kind, &mut all);
        all.extend(kind.evidence.iter().cloned());
        all.extend(kind.resolve.iter().map(|resolve| resolve.link.clone()));
        all.extend(kind.owner.iter().map(|owner| owner.at.clone()));
        all.extend(kind.clinical.iter().cloned());
        all.extend(kind.fields.iter().map(|field| field.at.clone()));
        all.extend(kind.members.iter().cloned());
    }
    all
}

fn of_records(records: &Records, all: &mut Vec<At<String>>) {
    all.push(records.cut.clone());
    all.extend(records.record.clone());
    if records.kind.value.starts_with('$') {
        all.push(records.kind.clone());
    }
    for inner in &records.records {
        of_records(inner, all);
    }
}

fn of_codes_and_events(kind: &Kind, all: &mut Vec<At<String>>) {
    for code in &kind.codes {
        all.push(code.at.clone());
        all.extend(code.system_at.clone());
    }
    all.extend(kind.episode.iter().flat_map(kinds::one_or_many));
}

/// Those by which it is known that there is a record, whose it is and what it says: one that takes
/// the first of a list alone leaves what stands behind it unjudged.
fn judged_by(shape: &Shape) -> Vec<At<String>> {
    let mut all = Vec::new();
    for records in &shape.records {
        of_records(records, &mut all);
    }
    for kind in shape.kinds.values() {
        all.extend(kind.value.subject.iter().flat_map(kinds::one_or_many));
        of_codes_and_events(&kind.value, &mut all);
    }
    all
}

fn warn_of_indices(file: &SourceFile, shape: &Shape, mistakes: &mut Vec<Diagnostic>) {
    let is_index = |selector: &Selector| matches!(selector, Selector::Index(_));
    for selector in judged_by(shape) {
        let Ok(path) = text::parse(&selector.value) else { continue };
        if path.steps.iter().flat_map(|step| &step.selectors).any(is_index) {
            let message = format!("`{}` takes one of a list alone", selector.value);
            let warning = Diagnostic::error(file, selector.span, message);
            let warning = warning.help("what stands beside it is not judged by: `[*]` takes all");
            mistakes.push(Diagnostic { severity: Severity::Warning, ..warning });
        }
    }
}
