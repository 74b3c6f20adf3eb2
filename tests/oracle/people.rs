//! A family for tests: the roster of DESIGN 4.2 and 4.6, looked through row by row.

use super::codes::{cell, rows};
use jiff::ToSpan;
use jiff::civil::Date;
use sequester::engine::category::{Categories, Category};
use sequester::engine::facts::{
    AgeBand, Grant, GrantKind, People, PersonId, Relation, Restriction, Scope, Standing, Tie,
};

/// One row of the members file.
#[derive(Clone, Debug)]
pub struct Row {
    pub member: String,
    pub contract: String,
    pub relationship: String,
    pub birth: String,
    pub state: String,
    pub from: Option<Date>,
    pub until: Option<Date>,
    pub ids: Vec<String>,
}

/// A grant or restriction on file, as a test writes it: subject, reader, and what it gives.
#[derive(Clone, Debug)]
pub struct GrantRow {
    pub subject: String,
    pub reader: String,
    pub grant: Grant,
}

#[derive(Clone, Debug)]
pub struct RestrictionRow {
    pub subject: String,
    /// `None` is the contract: everyone else on it, and who holds a grant.
    pub reader: Option<String>,
    pub restriction: Restriction,
}

/// The people of one request.
#[derive(Clone, Debug)]
pub struct Family {
    pub rows: Vec<Row>,
    pub grants: Vec<GrantRow>,
    pub restrictions: Vec<RestrictionRow>,
    pub states: Vec<(String, i16, i16)>,
    pub reader: String,
    pub today: Date,
}

impl Family {
    /// Members as in the members file, read by one of them on a day.
    pub fn new(members: &str, reader: &str, today: &str) -> Family {
        let rows = rows(members)
            .iter()
            .map(|row| Row {
                member: cell(row, "member_id").to_owned(),
                contract: cell(row, "contract_id").to_owned(),
                relationship: cell(row, "relationship").to_lowercase(),
                birth: cell(row, "birth_date").to_owned(),
                state: cell(row, "state").to_uppercase(),
                from: cell(row, "from").parse().ok(),
                until: cell(row, "until").parse().ok(),
                ids: cell(row, "ids").split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        Family {
            rows,
            grants: Vec::new(),
            restrictions: Vec::new(),
            states: Vec::new(),
            reader: reader.to_owned(),
            today: today.parse().unwrap(),
        }
    }

    /// The same with a grant from `subject` to `reader`; `categories` as in the grants file.
    pub fn granting(
        mut self,
        subject: &str,
        reader: &str,
        kind: GrantKind,
        categories: &str,
    ) -> Family {
        let grant = Grant {
            id: format!("G-{}", self.grants.len()),
            kind,
            scope: scope(categories),
            from: Some(self.today.checked_sub(30.days()).unwrap()),
        };
        self.grants.push(GrantRow {
            subject: subject.to_owned(),
            reader: reader.to_owned(),
            grant,
        });
        self
    }

    /// The same with a restriction by `subject`, begun that many days ago.
    pub fn restricting(
        mut self,
        subject: &str,
        reader: Option<&str>,
        categories: &str,
        days: i64,
    ) -> Family {
        let restriction = Restriction {
            id: format!("R-{}", self.restrictions.len()),
            scope: scope(categories),
            since: Some(self.today.checked_sub(days.days()).unwrap()),
        };
        self.restrictions.push(RestrictionRow {
            subject: subject.to_owned(),
            reader: reader.map(str::to_owned),
            restriction,
        });
        self
    }

    fn members(&self) -> Vec<&str> {
        let mut members = Vec::new();
        for row in &self.rows {
            if !members.contains(&row.member.as_str()) {
                members.push(row.member.as_str());
            }
        }
        members
    }

    fn member(&self, person: PersonId) -> &str {
        self.members()[usize::try_from(person.0).unwrap()]
    }

    fn person(&self, member: &str) -> Option<PersonId> {
        let position = self.members().iter().position(|one| *one == member)?;
        Some(PersonId(u32::try_from(position).unwrap()))
    }

    fn in_force(&self, row: &Row) -> bool {
        row.from.is_none_or(|from| from <= self.today)
            && row.until.is_none_or(|until| self.today <= until)
    }

    fn age(&self, rows: &[&Row]) -> AgeBand {
        let Some(row) = rows.iter().max_by_key(|row| row.birth.len()) else {
            return AgeBand::Adult;
        };
        // A partial date counts as the earliest that it allows.
        let birth = match row.birth.len() {
            4 => format!("{}-01-01", row.birth),
            7 => format!("{}-01", row.birth),
            _ => row.birth.clone(),
        };
        let Ok(birth) = birth.parse::<Date>() else { return AgeBand::Adult };
        let state = self.states.iter().find(|(state, _, _)| *state == row.state);
        let (majority, consent) = state.map_or((18, 12), |(_, m, c)| ((*m).min(18), (*c).max(12)));
        let is = |years: i16| {
            // 29 February counts as 28.
            let day = if birth.month() == 2 { birth.day().min(28) } else { birth.day() };
            Date::new(birth.year() + years, birth.month(), day).unwrap() <= self.today
        };
        if is(majority) {
            AgeBand::Adult
        } else if is(consent) {
            AgeBand::ConsentingMinor
        } else {
            AgeBand::Minor
        }
    }
}

fn tie(reader: &Row, subject: &Row, age: AgeBand) -> Tie {
    let children = ["child", "adopted", "foster", "step", "ward", "grandchild"];
    let spouses = ["spouse", "partner"];
    let reader_leads = reader.relationship == "self";
    let reader_is_spouse = spouses.contains(&reader.relationship.as_str());
    let minor_child = age != AgeBand::Adult && children.contains(&subject.relationship.as_str());
    let relation = if reader.member == subject.member {
        Relation::SelfReader
    } else if (reader_leads || reader_is_spouse) && minor_child {
        Relation::Guardian
    } else if reader_leads {
        Relation::Subscriber
    } else if reader_is_spouse {
        Relation::Spouse
    } else {
        Relation::Dependent
    };
    Tie { relation, relationship: subject.relationship.clone() }
}

fn scope(categories: &str) -> Scope {
    if categories == "all" {
        return Scope::All;
    }
    let names = categories.split_whitespace();
    Scope::Named(names.map(|name| Category::named(name).unwrap()).collect::<Categories>())
}

impl People for Family {
    fn reader(&self) -> Option<PersonId> {
        self.person(&self.reader)
    }

    fn find(&self, name: &str) -> Option<PersonId> {
        let row = self
            .rows
            .iter()
            .find(|row| row.member == name || row.ids.iter().any(|id| id == name))?;
        self.person(&row.member)
    }

    fn standing(&self, subject: PersonId) -> Standing {
        let member = self.member(subject).to_owned();
        let all: Vec<&Row> = self.rows.iter().filter(|row| row.member == member).collect();
        let age = self.age(&all);
        let mut ties = Vec::new();
        let mut contracts = Vec::new();
        if member == self.reader {
            let relationship = all[0].relationship.clone();
            ties.push(Tie { relation: Relation::SelfReader, relationship });
        } else {
            for subject in all.iter().filter(|row| self.in_force(row)) {
                let readers = self.rows.iter().filter(|row| {
                    row.member == self.reader
                        && row.contract == subject.contract
                        && self.in_force(row)
                });
                for reader in readers {
                    ties.push(tie(reader, subject, age));
                    contracts.push(subject.contract.clone());
                }
            }
        }
        if ties.is_empty() {
            let relationship = all[0].relationship.clone();
            ties.push(Tie { relation: Relation::Outsider, relationship });
        }
        let grants =
            self.grants.iter().filter(|row| row.subject == member && row.reader == self.reader);
        let grants: Vec<_> = grants.filter(|_| self.reader().is_some()).collect();
        let is_tied = !contracts.is_empty() || !grants.is_empty();
        let restrictions = self.restrictions.iter().filter(|row| {
            row.subject == member
                && member != self.reader
                && row.reader.as_ref().map_or(is_tied, |reader| *reader == self.reader)
        });
        Standing {
            subject,
            ties,
            age,
            state: Some(all[0].state.clone()).filter(|state| !state.is_empty()),
            grants: grants.iter().map(|row| row.grant.clone()).collect(),
            restrictions: restrictions.map(|row| row.restriction.clone()).collect(),
        }
    }

    fn household(&self, person: PersonId) -> Vec<PersonId> {
        let member = self.member(person);
        let contracts: Vec<&str> = self
            .rows
            .iter()
            .filter(|row| row.member == member && self.in_force(row))
            .map(|row| row.contract.as_str())
            .collect();
        let mut people = vec![person];
        for row in &self.rows {
            if contracts.contains(&row.contract.as_str()) && self.in_force(row) {
                people.extend(self.person(&row.member));
            }
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    fn contracts(&self, person: PersonId) -> Vec<String> {
        let member = self.member(person);
        let rows = self.rows.iter().filter(|row| row.member == member && self.in_force(row));
        let mut contracts: Vec<String> = rows.map(|row| row.contract.clone()).collect();
        contracts.sort_unstable();
        contracts
    }

    fn reader_is_on(&self, contract: &str) -> bool {
        self.rows
            .iter()
            .any(|row| row.member == self.reader && row.contract == contract && self.in_force(row))
    }

    fn reader_contracts(&self) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| row.member == self.reader && self.in_force(row));
        rows.map(|row| row.contract.clone()).collect()
    }

    fn member_id(&self, person: PersonId) -> Option<&str> {
        Some(self.member(person))
    }

    fn names(&self, person: PersonId) -> Vec<String> {
        let member = self.member(person).to_owned();
        let mut names = vec![member.clone()];
        for row in self.rows.iter().filter(|row| row.member == member) {
            names.extend(row.ids.iter().cloned());
        }
        names.sort_unstable();
        names.dedup();
        names.sort_by_key(|name| *name != member);
        names
    }

    fn today(&self) -> Date {
        self.today
    }
}
