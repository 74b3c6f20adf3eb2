//! `grants.csv`: authorizations and representations on file.

use super::dates::{self, Period};
use super::table::{Cell, Rows, Teller, read_rows, required};
use crate::engine::category::{Categories, Category};
use crate::engine::diagnostics::{Diagnostic, SourceFile, Span, did_you_mean};
use crate::engine::facts::{Grant, GrantKind, Scope};
use jiff::civil::Date;
use std::collections::HashMap;

/// The word for every category.
const ALL: &str = "all";
const KINDS: [(&str, GrantKind); 2] =
    [("authorization", GrantKind::Authorization), ("representation", GrantKind::Representation)];

/// All grants of the file, as they are written: who they name is looked up in the roster.
#[derive(Debug, Default)]
pub(super) struct Grants {
    /// The file, to tell of names that nobody has.
    pub(super) file: Option<SourceFile>,
    /// In the order of the file.
    pub(super) rows: Vec<GrantRow>,
    /// How many rows the file has.
    pub(super) row_count: usize,
}

/// One grant.
#[derive(Debug)]
pub(super) struct GrantRow {
    pub(super) subject: Named,
    pub(super) reader: Named,
    id: String,
    kind: GrantKind,
    scope: Scope,
    period: Period,
    revoked: Revoked,
    is_verified: bool,
}

/// A name of a person, and where it stands.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) span: Span,
}

/// Whether a grant was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revoked {
    No,
    /// Void from that day on.
    From(Date),
    /// Void altogether: somebody wrote something that is no date.
    Altogether,
}

impl GrantRow {
    /// Whether it began before a day and goes on beyond it.
    pub(super) fn spans(&self, day: Date) -> bool {
        self.period.from.is_some_and(|from| from < day) && self.period.contains(day)
    }

    /// The grant as the engine takes it, if it has effect on that day.
    pub(super) fn in_force(&self, today: Date) -> Option<Grant> {
        let is_void = match self.revoked {
            Revoked::No => false,
            Revoked::From(day) => day <= today,
            Revoked::Altogether => true,
        };
        let holds = self.is_verified && !is_void && self.period.contains(today);
        holds.then(|| Grant {
            id: self.id.clone(),
            kind: self.kind,
            scope: self.scope,
            from: self.period.from,
        })
    }
}

impl Grants {
    /// Reads the file. Every mistake is told; any error and there are no grants.
    pub(super) fn read(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Grants> {
        let columns = [
            required("grant_id"),
            required("kind"),
            required("subject"),
            required("reader"),
            required("categories"),
            required("from"),
            required("until"),
            required("revoked"),
            required("verified_by"),
        ];
        let mut teller = Teller::new(file, Rows::OfPeople, mistakes);
        let mut ids = HashMap::new();
        let mut rows = Vec::new();
        let row_count = read_rows(columns, &mut teller, |cells, teller| {
            if let Some(id) = cells.first() {
                is_told_once("grant_id", id, &mut ids, teller);
            }
            rows.extend(grant(&cells, teller));
        })?;
        teller.is_content().then(|| Grants { file: Some(file.clone()), rows, row_count })
    }
}

fn grant(cells: &[Cell<'_>; 9], teller: &mut Teller<'_>) -> Option<GrantRow> {
    let [id, kind, subject, reader, categories, from, until, revoked, verified_by] = cells;
    let period = Period::read(("from", from), ("until", until), teller);
    let scope = scope(categories, teller);
    let subject = named("subject", subject, teller);
    let reader = named("reader", reader, teller);
    let kind = self::kind(kind, teller)?;
    match kind {
        GrantKind::Authorization => authorization(categories, scope, (from, until), teller),
        GrantKind::Representation => representation(categories, scope, teller),
    }
    let revoked = match (revoked.is_empty(), dates::iso(&revoked.text)) {
        (true, _) => Revoked::No,
        (false, Some(day)) => Revoked::From(day),
        (false, None) => Revoked::Altogether,
    };
    Some(GrantRow {
        subject: subject?,
        reader: reader?,
        id: id.text.to_string(),
        kind,
        scope: scope?,
        period: period?,
        revoked,
        is_verified: !verified_by.is_empty(),
    })
}

fn kind(cell: &Cell<'_>, teller: &mut Teller<'_>) -> Option<GrantKind> {
    let kind = KINDS.into_iter().find(|(name, _)| *name == cell.text).map(|(_, kind)| kind);
    if kind.is_none() {
        let help = did_you_mean(&cell.text, KINDS.map(|(name, _)| name))
            .unwrap_or_else(|| "write `authorization` or `representation`".to_owned());
        teller.error(cell.span, "unknown `kind`", &help);
    }
    kind
}

/// 45 CFR 164.508: it ends, and one for psychotherapy notes is for nothing else.
fn authorization(
    categories: &Cell<'_>,
    scope: Option<Scope>,
    period: (&Cell<'_>, &Cell<'_>),
    teller: &mut Teller<'_>,
) {
    for (name, cell) in [("from", period.0), ("until", period.1)] {
        if cell.is_empty() {
            let message = format!("an authorization without `{name}`");
            teller.error(cell.span, message, "an authorization begins on a day and ends on one");
        }
    }
    let notes_alone = Scope::Named(Categories::of(Category::PsychotherapyNotes));
    if scope.is_some_and(|scope| names_notes(scope) && scope != notes_alone) {
        let message = "an authorization for psychotherapy notes and something else";
        let help = "write two: one for the notes alone, as 45 CFR 164.508(b)(3)(ii) asks";
        teller.error(categories.span, message, help);
    }
}

fn representation(categories: &Cell<'_>, scope: Option<Scope>, teller: &mut Teller<'_>) {
    if scope.is_some_and(names_notes) {
        let message = "a representation does not give psychotherapy notes";
        let help = "they leave only on an authorization for exactly them";
        teller.warning(categories.span, message, help);
    }
}

fn names_notes(scope: Scope) -> bool {
    match scope {
        Scope::All => false,
        Scope::Named(named) => named.contains(Category::PsychotherapyNotes),
    }
}

/// `all`, or categories by name.
pub(super) fn scope(cell: &Cell<'_>, teller: &mut Teller<'_>) -> Option<Scope> {
    if cell.text == ALL {
        return Some(Scope::All);
    }
    let mut named = Categories::NONE;
    let mut is_known = true;
    for word in cell.words() {
        if let Some(category) = Category::named(word) {
            named.insert(category);
            continue;
        }
        is_known = false;
        let known = Category::ALL.map(Category::name);
        let (message, help) = if word == ALL {
            ("`all` beside categories", "write `all` alone, or the categories alone".to_owned())
        } else {
            let near = did_you_mean(word, known.into_iter().chain([ALL]));
            let all = || format!("write `all`, or some of `{}`", known.join("`, `"));
            ("unknown category", near.unwrap_or_else(all))
        };
        teller.error(cell.span, message, &help);
    }
    if is_known && named.is_empty() {
        let help = "name what it is about, or write `all`";
        teller.error(cell.span, "a row without `categories`", help);
    }
    (is_known && !named.is_empty()).then_some(Scope::Named(named))
}

/// The name of a person.
pub(super) fn named(column: &str, cell: &Cell<'_>, teller: &mut Teller<'_>) -> Option<Named> {
    if cell.is_empty() {
        let message = format!("a row without `{column}`");
        teller.error(cell.span, message, "name a member");
        return None;
    }
    Some(Named { name: cell.text.to_string(), span: cell.span })
}

/// Every row has an id of its own: the audit names it.
pub(super) fn is_told_once(
    column: &str,
    cell: &Cell<'_>,
    ids: &mut HashMap<String, Span>,
    teller: &mut Teller<'_>,
) {
    if cell.is_empty() {
        let message = format!("a row without `{column}`");
        teller.error(cell.span, message, "give every row an id of its own");
    } else if let Some(first) = ids.insert(cell.text.to_string(), cell.span) {
        let message = format!("a `{column}` that line {} has too", teller.line(first));
        teller.error(cell.span, message, "give every row an id of its own");
    }
}
