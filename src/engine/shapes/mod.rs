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

use crate::engine::diagnostics::At;
use written::{Records, Shape, StringOrList};

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
        for code in &kind.codes {
            all.push(code.at.clone());
            all.extend(code.system_at.clone());
        }
        for link in &kind.episode {
            all.extend(match &link.value {
                StringOrList::One(text) => vec![At { value: text.clone(), span: link.span }],
                StringOrList::Many(parts) => parts.clone(),
            });
        }
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
