//! What a case expected against what came of it: exact sets of records and of cut places.

use super::answer::Judged;
use super::cases::Expected;
use crate::engine::diagnostics::{At, Diagnostic, SourceFile};
use crate::engine::explain::{Account, CutAccount, RecordAccount};

/// A place that must be cut: the record's id and the path, `[*]` for every index.
pub(super) struct ExpectedCut {
    id: String,
    path: String,
}

/// Reads `ID PATH`; what cannot be read is pushed.
pub(super) fn expected_cuts(
    file: &SourceFile,
    expected: &Expected,
    mistakes: &mut Vec<Diagnostic>,
) -> Vec<ExpectedCut> {
    let mut cuts = Vec::new();
    for written in &expected.cut {
        match written.value.rsplit_once(" $") {
            Some((id, path)) => {
                cuts.push(ExpectedCut { id: id.to_owned(), path: format!("${path}") });
            }
            None => mistakes.push(
                Diagnostic::error(file, written.span, format!("`{}` is no place", written.value))
                    .help("write an id, a space and a path, like `CLM-4 $.memo`"),
            ),
        }
    }
    cuts
}

/// Every difference, each a line; empty if all was as expected.
pub(super) fn differences(
    expected: &Expected,
    cuts: &[ExpectedCut],
    judged: &Judged,
) -> Vec<String> {
    let mut told = Vec::new();
    let status = expected.status.unwrap_or(200);
    if judged.status() != status {
        let why = judged.refusal.as_ref().map(|refusal| format!(" ({})", refusal.for_operator()));
        let why = why.unwrap_or_default();
        told.push(format!("status: expected {status}, got {}{why}", judged.status()));
    }
    let empty = Account::default();
    let records = &judged.report.account.as_ref().unwrap_or(&empty).records;
    let (released, withheld): (Vec<_>, Vec<_>) = records.iter().partition(|record| record.released);
    compare_records("released", &expected.released, &released, &mut told);
    // Where nothing leaves at all, it need not be said of what.
    if status == 200 || !expected.withheld.is_empty() {
        compare_records("withheld", &expected.withheld, &withheld, &mut told);
    }
    compare_cuts(cuts, &released, &mut told);
    told
}

fn compare_records(
    what: &str,
    expected: &[At<String>],
    found: &[&RecordAccount],
    told: &mut Vec<String>,
) {
    let missing: Vec<&str> = expected
        .iter()
        .map(|written| written.value.as_str())
        .filter(|id| !found.iter().any(|record| is_named(record, id)))
        .collect();
    if !missing.is_empty() {
        told.push(format!("{what}: expected and not there: {}", missing.join(", ")));
    }
    let mut extra: Vec<&str> = found
        .iter()
        .filter(|record| !expected.iter().any(|written| is_named(record, &written.value)))
        .map(|record| name_of(record))
        .collect();
    extra.dedup();
    if !extra.is_empty() {
        told.push(format!("{what}: there and not expected: {}", extra.join(", ")));
    }
}

fn compare_cuts(expected: &[ExpectedCut], released: &[&RecordAccount], told: &mut Vec<String>) {
    // A case names the place it thinks of; where all around it had to go too, that is the same cut.
    let is_cut = |cut: &ExpectedCut, record: &RecordAccount, found: &CutAccount| {
        let places = std::iter::once(&found.place).chain(&found.asked);
        is_named(record, &cut.id) && places.into_iter().any(|place| covers(&cut.path, place))
    };
    for cut in expected {
        let found = released
            .iter()
            .any(|record| record.cuts.iter().any(|found| is_cut(cut, record, found)));
        if !found {
            told.push(format!("cut: expected and not there: {} {}", cut.id, cut.path));
        }
    }
    for record in released {
        for found in &record.cuts {
            if !expected.iter().any(|cut| is_cut(cut, record, found)) {
                told.push(format!(
                    "cut: there and not expected: {} {} ({})",
                    name_of(record),
                    found.place,
                    found.because
                ));
            }
        }
    }
}

/// By its id, by `Kind/id` where ids of several kinds meet, or by its place if it has no id.
fn is_named(record: &RecordAccount, name: &str) -> bool {
    match &record.id {
        Some(id) => {
            id == name
                || name
                    .strip_prefix(&record.kind)
                    .is_some_and(|rest| rest.strip_prefix('/').is_some_and(|rest| rest == id))
        }
        None => record.place == name,
    }
}

fn name_of(record: &RecordAccount) -> &str {
    record.id.as_deref().unwrap_or(&record.place)
}

/// Whether a path with `[*]` for every index covers a place with its indices.
fn covers(path: &str, place: &str) -> bool {
    let mut rest = place;
    for (at, part) in path.split("[*]").enumerate() {
        if at > 0 {
            let Some((index, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']'))
            else {
                return false;
            };
            if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
                return false;
            }
            rest = after;
        }
        let Some(after) = rest.strip_prefix(part) else { return false };
        rest = after;
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests;
