//! Families, and what DESIGN says of who may see what, written down by hand: the engine is never
//! asked what is hidden.

use super::random::Random;
use jiff::ToSpan;
use jiff::civil::Date;

/// Somebody, by their place on a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The policy holder.
    Mother,
    Father,
    /// Grown up.
    Daughter,
    /// Of an age to consent to their own care.
    Teen,
    /// Eight years old.
    Kid,
    FormerHusband,
    /// On a contract of their own.
    Neighbour,
    /// In no row of the members file.
    Nobody,
}

pub const EVERYBODY: [Role; 8] = [
    Role::Mother,
    Role::Father,
    Role::Daughter,
    Role::Teen,
    Role::Kid,
    Role::FormerHusband,
    Role::Neighbour,
    Role::Nobody,
];

/// What a record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// A cold, a sprain, a vaccination.
    Ordinary,
    Mental,
    Substance,
    Reproductive,
    Abuse,
    /// A psychotherapy note: nobody's to read.
    Note,
    /// A code of a system that nobody knows.
    Unclear,
}

pub const SENSITIVE: [Content; 6] = [
    Content::Mental,
    Content::Substance,
    Content::Reproductive,
    Content::Abuse,
    Content::Note,
    Content::Unclear,
];

/// One family of the members file. Some have a grant or a restriction on file.
#[derive(Clone, Debug)]
pub struct Family {
    pub number: usize,
    /// The daughter lets the mother see her mental-health records.
    pub grant: bool,
    /// The child's records are kept from everyone else on the contract.
    pub restricted_kid: bool,
}

impl Family {
    pub fn new(number: usize) -> Family {
        Family { number, grant: number % 5 == 3, restricted_kid: number % 7 == 2 }
    }

    pub fn member(&self, who: Role) -> String {
        format!("M-{}-{}", self.number, who.digit())
    }

    pub fn patient(&self, who: Role) -> String {
        format!("p-{}-{}", self.number, who.digit())
    }

    pub fn contract(&self) -> String {
        format!("C-{}", self.number)
    }

    /// FLOOR and `us-federal.yaml`, in the words of the story. All that a reader may not see of
    /// somebody else is hidden; of their own only psychotherapy notes are.
    pub fn lets(&self, reader: Role, subject: Role, content: Content) -> bool {
        if content == Content::Note || subject == Role::Nobody {
            return false;
        }
        if reader == subject {
            return true;
        }
        if !matches!(reader, Role::Mother | Role::Father) || subject == Role::Neighbour {
            return false;
        }
        if subject == Role::Kid {
            return !self.restricted_kid && content != Content::Abuse;
        }
        let granted = self.grant
            && (reader, subject, content) == (Role::Mother, Role::Daughter, Content::Mental);
        content == Content::Ordinary || granted
    }

    /// Rows of the members, grants and restrictions files.
    fn rows(&self, today: Date, members: &mut String, grants: &mut String, kept: &mut String) {
        let contract = self.contract();
        for who in EVERYBODY {
            let Some((relationship, years, state)) = who.on_file() else { continue };
            let born = today.saturating_sub(years.years()).saturating_sub(130.days());
            let contract = if who == Role::Neighbour {
                format!("D-{}", self.number)
            } else {
                contract.clone()
            };
            let row = format!(
                "{},{contract},{relationship},{born},{state},2015-01-01,,Patient/{}\n",
                self.member(who),
                self.patient(who)
            );
            members.push_str(&row);
        }
        if self.grant {
            grants.push_str(&format!(
                "G-{},authorization,{},{},mental-health,2020-01-01,2099-01-01,,on paper\n",
                self.number,
                self.member(Role::Daughter),
                self.member(Role::Mother)
            ));
        }
        if self.restricted_kid {
            let member = self.member(Role::Kid);
            kept.push_str(&format!("R-{},{member},contract,all,2020-01-01,\n", self.number));
        }
    }

    /// Who asks: mostly the mother.
    pub fn reader(random: &mut Random) -> Role {
        *random.pick(&[
            Role::Mother,
            Role::Mother,
            Role::Mother,
            Role::Mother,
            Role::Father,
            Role::Father,
            Role::Daughter,
            Role::Teen,
            Role::Kid,
            Role::FormerHusband,
            Role::Neighbour,
            Role::Nobody,
        ])
    }
}

impl Role {
    pub fn digit(self) -> usize {
        EVERYBODY.iter().position(|who| *who == self).unwrap()
    }

    /// Relationship to the policy holder, age, state.
    fn on_file(self) -> Option<(&'static str, i32, &'static str)> {
        match self {
            Role::Mother => Some(("self", 52, "OH")),
            Role::Father => Some(("spouse", 54, "OH")),
            Role::Daughter => Some(("child", 25, "OH")),
            Role::Teen => Some(("child", 16, "CA")),
            Role::Kid => Some(("child", 8, "OH")),
            Role::FormerHusband => Some(("ex-spouse", 55, "OH")),
            Role::Neighbour => Some(("self", 44, "OH")),
            Role::Nobody => None,
        }
    }
}

/// The files of so many families: members, grants, restrictions.
pub fn files(families: usize) -> [(&'static str, String); 3] {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut members =
        "member_id,contract_id,relationship,birth_date,state,from,until,ids\n".to_owned();
    let mut grants =
        "grant_id,kind,subject,reader,categories,from,until,revoked,verified_by\n".to_owned();
    let mut kept = "restriction_id,subject,from_reader,categories,since,until\n".to_owned();
    for number in 0..families {
        Family::new(number).rows(today, &mut members, &mut grants, &mut kept);
    }
    [("members.csv", members), ("grants.csv", grants), ("restrictions.csv", kept)]
}
