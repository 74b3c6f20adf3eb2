//! `restrictions.csv`: what subjects asked to be kept from others (45 CFR 164.522).

use super::dates::Period;
use super::grants::{Named, is_told_once, named, scope};
use super::table::{Cell, Rows, Teller, read_rows, required};
use crate::engine::diagnostics::{Diagnostic, SourceFile};
use crate::engine::facts::{Restriction, Scope};
use jiff::civil::Date;
use std::collections::HashMap;

/// The word for everyone else on any contract of the subject, in force or not, and who holds a
/// grant of theirs.
const CONTRACT: &str = "contract";

/// All restrictions of the file, as they are written.
#[derive(Debug, Default)]
pub(super) struct Restrictions {
    /// The file, to tell of names that nobody has.
    pub(super) file: Option<SourceFile>,
    /// In the order of the file.
    pub(super) rows: Vec<RestrictionRow>,
    /// How many rows the file has.
    pub(super) row_count: usize,
}

/// One restriction.
#[derive(Debug)]
pub(super) struct RestrictionRow {
    pub(super) subject: Named,
    /// `None`: [`CONTRACT`].
    pub(super) from_reader: Option<Named>,
    id: String,
    scope: Scope,
    period: Period,
}

impl RestrictionRow {
    /// The restriction as the engine takes it, if it holds on that day.
    pub(super) fn in_force(&self, today: Date) -> Option<Restriction> {
        self.period.contains(today).then(|| Restriction {
            id: self.id.clone(),
            scope: self.scope,
            since: self.period.from,
        })
    }
}

impl Restrictions {
    /// Reads the file. Every mistake is told; any error and there are no restrictions.
    pub(super) fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Restrictions> {
        let columns = [
            required("restriction_id"),
            required("subject"),
            required("from_reader"),
            required("categories"),
            required("since"),
            required("until"),
        ];
        let mut teller = Teller::new(file, Rows::OfPeople, mistakes);
        let mut ids = HashMap::new();
        let mut rows = Vec::new();
        let row_count = read_rows(columns, &mut teller, |cells, teller| {
            if let Some(id) = cells.first() {
                is_told_once("restriction_id", id, &mut ids, teller);
            }
            rows.extend(restriction(&cells, teller));
        })?;
        let file = Some(file.clone());
        teller.is_content().then_some(Restrictions { file, rows, row_count })
    }
}

fn restriction(cells: &[Cell<'_>; 6], teller: &mut Teller<'_>) -> Option<RestrictionRow> {
    let [id, subject, from_reader, categories, since, until] = cells;
    let period = Period::read(("since", since), ("until", until), teller);
    if since.is_empty() {
        let help =
            "it holds, and as nobody knows since when, no authorization is later and lifts it";
        teller.warning(since.span, "a restriction without `since`", help);
    }
    let scope = scope(categories, teller);
    let subject = named("subject", subject, teller);
    let from_reader = named("from_reader", from_reader, teller)?;
    Some(RestrictionRow {
        subject: subject?,
        from_reader: Some(from_reader).filter(|reader| reader.name != CONTRACT),
        id: id.text.to_string(),
        scope: scope?,
        period: period?,
    })
}
