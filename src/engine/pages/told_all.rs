//! Whether a search of ours was told all there is. SILENCE-HIDES: what an answer leaves out could
//! be what hides a record, so an answer that says that it lacks something tells nothing.

use super::super::document::read::Document;
use super::super::document::tape::{Kind as Json, NodeId};

/// Severities of what an upstream says beside what it found (FHIR `issue-severity`).
const REMARKS: [&str; 2] = ["information", "warning"];
/// Issue types by which even a remark says that something may be missing (FHIR `issue-type`).
const MISSING: [&str; 9] = [
    "incomplete",
    "timeout",
    "throttled",
    "transient",
    "suppressed",
    "security",
    "forbidden",
    "too-costly",
    "exception",
];

/// What the pages of a FHIR search said so far.
#[derive(Debug, Default)]
pub(in crate::engine) struct ToldAll {
    matches: u64,
    total: u64,
}

impl ToldAll {
    /// Takes a page. `None` for what is no search set of resources, and for one that says that
    /// something is missing.
    pub(in crate::engine) fn page(&mut self, page: Document<'_>) -> Option<()> {
        let member = |of: NodeId, name: &str| page.member_named(of, name);
        let text = |of: NodeId, name: &str| member(of, name).and_then(|at| page.text(at));
        let root = NodeId(0);
        if text(root, "resourceType")? != "Bundle"
            || !["searchset", "collection"].contains(&&*text(root, "type")?)
        {
            return None;
        }
        if let Some(total) = member(root, "total") {
            self.total = self.total.max(page.scalar(total)?.parse().ok()?);
        }
        let Some(list) = member(root, "entry") else { return Some(()) };
        if page.get(list)?.kind != Json::Array {
            return None;
        }
        for (entry, _) in page.children(list) {
            let resource = member(entry, "resource")?;
            // What comes along is no match, and a total is of matches.
            let mode = member(entry, "search").and_then(|search| text(search, "mode"));
            if text(resource, "resourceType")? == "OperationOutcome" {
                all_remarks(page, resource)?;
            } else if mode.is_none_or(|mode| mode != "include") {
                self.matches = self.matches.saturating_add(1);
            }
        }
        Some(())
    }

    /// Whether as much was found as was said to be there.
    pub(in crate::engine) fn is_all(&self) -> bool {
        self.matches >= self.total
    }
}

/// `None` unless every issue of an `OperationOutcome` is a remark that nothing is missing by.
fn all_remarks(page: Document<'_>, outcome: NodeId) -> Option<()> {
    let text = |of: NodeId, name: &str| page.member_named(of, name).and_then(|at| page.text(at));
    let issues = page.member_named(outcome, "issue")?;
    page.children(issues).next().filter(|(_, first)| first.is_element)?;
    for (issue, _) in page.children(issues) {
        let (severity, code) = (text(issue, "severity")?, text(issue, "code")?);
        if !REMARKS.contains(&&*severity) || MISSING.contains(&&*code) {
            return None;
        }
    }
    Some(())
}
