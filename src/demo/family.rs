//! The people of the demo: a family of five on one contract, and a neighbour on another. All of
//! them are invented. Ages are fixed and birth dates follow from today, so that the story holds
//! on every day.

use jiff::ToSpan;
use jiff::civil::Date;

/// The family's contract.
pub(super) const CONTRACT: &str = "C-1";

/// One of the people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// The mother and policy holder.
    Ruth,
    /// The father.
    Per,
    /// The grown-up daughter, in weekly therapy.
    Ingrid,
    /// The son, old enough to see a counsellor by himself.
    Nils,
    /// The child.
    Maja,
    /// A neighbour, on a contract of his own.
    Tomas,
}

/// What the health plan has on file about a person.
#[derive(Debug)]
pub(super) struct Person {
    /// The member id; the last three digits name the person in FHIR too.
    pub(super) member: &'static str,
    pub(super) contract: &'static str,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) gender: &'static str,
    pub(super) age_years: i32,
    /// The relation to the policy holder, as the members file has it.
    pub(super) relationship: &'static str,
    pub(super) state: &'static str,
    pub(super) street: &'static str,
    pub(super) city: &'static str,
    pub(super) phone: &'static str,
    /// In the words of the story.
    pub(super) role: &'static str,
}

impl Who {
    /// Everybody, in the order of the table.
    pub(super) const ALL: [Who; 6] =
        [Who::Ruth, Who::Per, Who::Ingrid, Who::Nils, Who::Maja, Who::Tomas];

    pub(super) fn person(self) -> &'static Person {
        match self {
            Who::Ruth => &RUTH,
            Who::Per => &PER,
            Who::Ingrid => &INGRID,
            Who::Nils => &NILS,
            Who::Maja => &MAJA,
            Who::Tomas => &TOMAS,
        }
    }

    /// The id of the FHIR Patient, e.g. `p-102`.
    pub(super) fn patient(self) -> String {
        self.person().member.replace("M-", "p-")
    }

    /// The id of the FHIR Coverage, e.g. `cov-102`.
    pub(super) fn coverage(self) -> String {
        self.person().member.replace("M-", "cov-")
    }

    /// First and last name.
    pub(super) fn full_name(self) -> String {
        let person = self.person();
        format!("{} {}", person.first_name, person.last_name)
    }

    /// The age is reached some months before today and kept for some months after.
    pub(super) fn birth_date(self, today: Date) -> Date {
        today.saturating_sub(self.person().age_years.years()).saturating_sub(130.days())
    }

    /// Whether this is one of the two parents.
    fn is_parent(self) -> bool {
        matches!(self, Who::Ruth | Who::Per)
    }
}

/// How private a record, or a part of one, is. This is the bookkeeping of the demo, made when the
/// record is written and without asking the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Ordinary care and administration: the person, and the parents who manage the contract.
    Ordinary,
    /// Where somebody lives: as ordinary, but an adult's is theirs alone.
    Contact,
    /// Sensitive care, a running total, words written by hand: the person alone, once they are
    /// old enough to consent; a small child's parents too.
    Sensitive,
    /// A psychotherapy note, a total of the whole family: nobody.
    Nobody,
}

impl Privacy {
    /// Whether the reader may see something of that privacy about the subject.
    pub(super) fn lets(self, reader: Who, subject: Who) -> bool {
        if self == Privacy::Nobody {
            return false;
        }
        if reader == subject {
            return true;
        }
        let parent = reader.is_parent() && subject != Who::Tomas;
        match self {
            Privacy::Ordinary => parent,
            Privacy::Contact => parent && matches!(subject, Who::Nils | Who::Maja),
            Privacy::Sensitive => parent && subject == Who::Maja,
            Privacy::Nobody => false,
        }
    }
}

/// The members file of the demo.
pub(super) fn members_csv(today: Date) -> String {
    let line = |who: Who| {
        let Person { member, contract, relationship, state, .. } = who.person();
        let (birth, patient) = (who.birth_date(today), who.patient());
        format!(
            "{member},{contract},{relationship},{birth},{state},2015-01-01,,Patient/{patient}\n"
        )
    };
    let mut text =
        "member_id,contract_id,relationship,birth_date,state,from,until,ids\n".to_owned();
    text.extend(Who::ALL.map(line));
    text
}

const RUTH: Person = Person {
    member: "M-100",
    contract: CONTRACT,
    first_name: "Ruth",
    last_name: "Lindqvist",
    gender: "female",
    age_years: 52,
    relationship: "self",
    state: "OH",
    street: "12 Elm Street",
    city: "Dayton",
    phone: "555-0171",
    role: "the mother, 52, who holds the policy",
};

const PER: Person = Person {
    member: "M-101",
    contract: CONTRACT,
    first_name: "Per",
    last_name: "Lindqvist",
    gender: "male",
    age_years: 54,
    relationship: "spouse",
    state: "OH",
    street: "12 Elm Street",
    city: "Dayton",
    phone: "555-0172",
    role: "the father, 54",
};

const INGRID: Person = Person {
    member: "M-102",
    contract: CONTRACT,
    first_name: "Ingrid",
    last_name: "Lindqvist",
    gender: "female",
    age_years: 25,
    relationship: "child",
    state: "OH",
    street: "40 Harbor Road",
    city: "Columbus",
    phone: "555-0142",
    role: "the daughter, 25, in weekly therapy",
};

const NILS: Person = Person {
    member: "M-103",
    contract: CONTRACT,
    first_name: "Nils",
    last_name: "Lindqvist",
    gender: "male",
    age_years: 16,
    relationship: "child",
    state: "CA",
    street: "7 Mission Street",
    city: "Oakland",
    phone: "555-0163",
    role: "the son, 16, at school in California",
};

const MAJA: Person = Person {
    member: "M-104",
    contract: CONTRACT,
    first_name: "Maja",
    last_name: "Lindqvist",
    gender: "female",
    age_years: 8,
    relationship: "child",
    state: "OH",
    street: "12 Elm Street",
    city: "Dayton",
    phone: "555-0171",
    role: "the child, 8",
};

const TOMAS: Person = Person {
    member: "M-200",
    contract: "C-2",
    first_name: "Tomas",
    last_name: "Reyk",
    gender: "male",
    age_years: 44,
    relationship: "self",
    state: "OH",
    street: "14 Elm Street",
    city: "Dayton",
    phone: "555-0188",
    role: "a neighbour, on a contract of his own",
};
