//! Roster, grants and restrictions together: who is who, looked up by person. Pure: texts in,
//! people out.

use super::age::{States, comes_of_age};
use super::grants::{GrantRow, Grants, Named};
use super::people::View;
use super::restrictions::{RestrictionRow, Restrictions};
use super::roster::Roster;
use super::table::{Rows, Teller};
use crate::engine::diagnostics::{Diagnostic, SourceFile};
use crate::engine::facts::{Grant, People, PersonId, Restriction};
use jiff::civil::Date;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The files of a register, as read.
#[derive(Clone, Debug)]
pub struct RegisterFiles {
    /// `members.csv`.
    pub members: SourceFile,
    /// `grants.csv`, if there is one.
    pub grants: Option<SourceFile>,
    /// `restrictions.csv`, if there is one.
    pub restrictions: Option<SourceFile>,
}

/// Everybody, and what is on file about them.
#[derive(Default)]
pub struct Register {
    pub(super) roster: Arc<Roster>,
    pub(super) grants: Arc<Grants>,
    pub(super) restrictions: Arc<Restrictions>,
    /// Positions in `grants` by subject and reader.
    granted: HashMap<(PersonId, PersonId), Vec<usize>>,
    /// By subject.
    restricted: HashMap<PersonId, Vec<(Against, usize)>>,
}

/// Whom a restriction is against, and its position in `restrictions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Against {
    /// Everyone else on any contract of the subject, in force or not, and who holds a grant of
    /// theirs: a contract id that changed or was mistyped must not open what a grant says.
    Contract,
    /// One person.
    Person(PersonId),
    /// Everyone else: the file names somebody who is not on the roster.
    Everyone,
}

impl Register {
    /// Reads the files. Every mistake of every file is pushed to `mistakes`; any error and there
    /// is no register.
    pub fn read(files: &RegisterFiles, mistakes: &mut Vec<Diagnostic>) -> Option<Register> {
        let roster = Roster::read(&files.members, mistakes);
        let grants = match &files.grants {
            Some(file) => Grants::read(file, mistakes),
            None => Some(Grants::default()),
        };
        let restrictions = match &files.restrictions {
            Some(file) => Restrictions::read(file, mistakes),
            None => Some(Restrictions::default()),
        };
        let (roster, grants) = (Arc::new(roster?), Arc::new(grants?));
        Some(Register::join(roster, grants, Arc::new(restrictions?), mistakes))
    }

    /// Looks up who the grants and restrictions name. A name that nobody has is a warning: people
    /// leave, and what was on file about them stays there.
    pub(super) fn join(
        roster: Arc<Roster>,
        grants: Arc<Grants>,
        restrictions: Arc<Restrictions>,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Register {
        let granted = join_grants(&roster, &grants, mistakes);
        let restricted = join_restrictions(&roster, &restrictions, mistakes);
        Register { roster, grants, restrictions, granted, restricted }
    }

    /// One reader on one day, by the ages of these states. The reader may be unknown.
    pub fn view(
        self: &Arc<Register>,
        reader_name: &str,
        today: Date,
        states: &Arc<States>,
    ) -> Arc<dyn People> {
        Arc::new(View::new(Arc::clone(self), reader_name, today, Arc::clone(states)))
    }

    /// The grants from a subject to a reader that have effect on that day.
    pub(super) fn grants(&self, subject: PersonId, reader: PersonId, today: Date) -> Vec<Grant> {
        let positions = self.granted.get(&(subject, reader)).into_iter().flatten();
        let rows = positions.filter_map(|position| self.grants.rows.get(*position));
        rows.filter_map(|row: &GrantRow| row.in_force(today)).collect()
    }

    /// The restrictions of a subject against a reader that hold on that day.
    pub(super) fn restrictions(
        &self,
        subject: PersonId,
        reader: Option<PersonId>,
        today: Date,
    ) -> Vec<Restriction> {
        let all = self.restricted.get(&subject).into_iter().flatten();
        all.filter(|(against, _)| match against {
            Against::Contract => reader.is_some_and(|reader| self.is_kept_from(subject, reader)),
            Against::Person(person) => reader == Some(*person),
            Against::Everyone => true,
        })
        .filter_map(|(_, position)| self.restrictions.rows.get(*position))
        .filter_map(|row: &RestrictionRow| row.in_force(today))
        .collect()
    }

    /// Whether a restriction against `contract` is against this reader.
    fn is_kept_from(&self, subject: PersonId, reader: PersonId) -> bool {
        let rows = self.roster.person(subject).into_iter().flat_map(|person| &person.rows);
        let mut contracts = rows.map(|row| row.contract);
        contracts.any(|contract| self.roster.people_on(contract).contains(&reader))
            || self.granted.contains_key(&(subject, reader))
    }
}

/// Shows nobody: Debug output ends in logs.
impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").finish_non_exhaustive()
    }
}

fn join_grants(
    roster: &Roster,
    grants: &Grants,
    mistakes: &mut Vec<Diagnostic>,
) -> HashMap<(PersonId, PersonId), Vec<usize>> {
    let mut granted: HashMap<_, Vec<usize>> = HashMap::new();
    let Some(file) = &grants.file else { return granted };
    let mut teller = Teller::new(file, Rows::OfPeople, mistakes);
    for (position, grant) in grants.rows.iter().enumerate() {
        let effect = "the grant has no effect until the members file has them";
        let subject = find(roster, &grant.subject, effect, &mut teller);
        let reader = find(roster, &grant.reader, effect, &mut teller);
        if let (Some(subject), Some(reader)) = (subject, reader) {
            let born = roster.person(subject).and_then(|person| person.born);
            if born.and_then(comes_of_age).is_some_and(|birthday| grant.spans(birthday)) {
                let message = "a grant from before its subject was of age that goes on after";
                let help = "a parent gave it, or a child: let it end the day before they are 18, \
                            and ask them for one of their own";
                teller.warning(grant.subject.span, message, help);
            }
            granted.entry((subject, reader)).or_default().push(position);
        }
    }
    granted
}

fn join_restrictions(
    roster: &Roster,
    restrictions: &Restrictions,
    mistakes: &mut Vec<Diagnostic>,
) -> HashMap<PersonId, Vec<(Against, usize)>> {
    let mut restricted: HashMap<_, Vec<(Against, usize)>> = HashMap::new();
    let Some(file) = &restrictions.file else { return restricted };
    let mut teller = Teller::new(file, Rows::OfPeople, mistakes);
    for (position, restriction) in restrictions.rows.iter().enumerate() {
        let effect = "the restriction has no effect until the members file has them";
        let subject = find(roster, &restriction.subject, effect, &mut teller);
        // SILENCE-HIDES: against somebody unknown is against everybody.
        let effect = "until the members file has them the restriction is against everyone else";
        let against = match &restriction.from_reader {
            None => Against::Contract,
            Some(reader) => {
                find(roster, reader, effect, &mut teller).map_or(Against::Everyone, Against::Person)
            }
        };
        if let Some(subject) = subject {
            restricted.entry(subject).or_default().push((against, position));
        }
    }
    restricted
}

fn find(roster: &Roster, named: &Named, effect: &str, teller: &mut Teller<'_>) -> Option<PersonId> {
    let person = roster.find(&named.name);
    if person.is_none() {
        teller.warning(named.span, "a name that no member has", effect);
    }
    person
}
