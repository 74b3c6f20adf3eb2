//! What the payer holds: every record with its subjects and how private it is, written by code
//! from tables of visits and prescriptions.

mod billing;
mod drugs;
mod fhir;
pub(super) mod marks;
mod ordinary;
mod people;
mod post;
mod providers;
mod therapy;
mod visits;

#[cfg(test)]
mod tests;

use super::family::{Privacy, Who};
use jiff::ToSpan;
use jiff::civil::Date;
use providers::Provider;
use serde_json::Value;
use std::collections::BTreeSet;

/// In which of the two APIs a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Api {
    Fhir,
    House,
}

/// A record about somebody.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) api: Api,
    /// The FHIR resource type, or the kind of house record.
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) subjects: Vec<Who>,
    pub(super) privacy: Privacy,
    /// Parts with a privacy of their own, by JSON pointer.
    pub(super) parts: Vec<(String, Privacy)>,
    pub(super) body: Value,
    /// The letter or payment it is a part of.
    pub(super) within: Option<String>,
}

impl Record {
    /// Whether the reader may see it: each person it is about must let them.
    pub(super) fn may_be_seen_by(&self, reader: Who) -> bool {
        self.lets(self.privacy, reader)
    }

    fn lets(&self, privacy: Privacy, reader: Who) -> bool {
        let mut subjects = self.subjects.iter();
        !self.subjects.is_empty() && subjects.all(|subject| privacy.lets(reader, *subject))
    }

    /// Whether the reader must get it: it is about them and nobody else.
    pub(super) fn is_owed_to(&self, reader: Who) -> bool {
        self.subjects == [reader] && self.privacy != Privacy::Nobody
    }

    /// The body without the parts that are kept from this reader.
    pub(super) fn as_seen_by(&self, reader: Who) -> Value {
        let mut body = self.body.clone();
        for (pointer, privacy) in &self.parts {
            if !self.lets(*privacy, reader) {
                remove(&mut body, pointer);
            }
        }
        body
    }
}

/// Takes away what a JSON pointer names; a last step into an array takes the element.
fn remove(body: &mut Value, pointer: &str) {
    let Some((above, last)) = pointer.rsplit_once('/') else { return };
    match body.pointer_mut(above) {
        Some(Value::Object(members)) => drop(members.remove(last)),
        Some(Value::Array(elements)) => {
            if let Ok(at) = last.parse::<usize>()
                && at < elements.len()
            {
                elements.remove(at);
            }
        }
        _ => {}
    }
}

/// A letter or payment: nobody's as a whole, its parts are records.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) contract: &'static str,
    pub(super) body: Value,
}

impl Container {
    /// The body without the totals, where those are kept from this reader: the total of several
    /// people is everybody's and so nobody's, that of one is theirs.
    pub(super) fn as_seen_by(&self, reader: Who, world: &World) -> Value {
        let within = |record: &&Record| record.within.as_ref() == Some(&self.id);
        let parts = world.records.iter().filter(within);
        let subjects: BTreeSet<Who> = parts.flat_map(|record| record.subjects.clone()).collect();
        let one = subjects.len() == 1;
        let mut body = self.body.clone();
        if !(one && subjects.iter().all(|who| Privacy::Sensitive.lets(reader, *who))) {
            remove(&mut body, "/total");
            remove(&mut body, "/checkNumber");
        }
        body
    }
}

/// All that the payer holds.
#[derive(Debug)]
pub(super) struct World {
    pub(super) today: Date,
    pub(super) records: Vec<Record>,
    pub(super) containers: Vec<Container>,
    /// Doctors, clinics, pharmacies: FHIR resources about nobody.
    pub(super) directory: Vec<Value>,
}

impl World {
    /// The world of the story, as it is on a day.
    pub(super) fn on(today: Date) -> World {
        let mut writer = Writer { today, numbers: 0, records: Vec::new(), containers: Vec::new() };
        people::write(&mut writer);
        ordinary::write(&mut writer);
        therapy::write(&mut writer);
        drugs::write(&mut writer);
        post::write(&mut writer);
        writer.records.iter_mut().for_each(marks::put);
        let directory = Provider::all().map(Provider::resource).collect();
        World { today, records: writer.records, containers: writer.containers, directory }
    }
}

/// Writes records one after the other.
#[derive(Debug)]
struct Writer {
    today: Date,
    numbers: u32,
    records: Vec<Record>,
    containers: Vec<Container>,
}

impl Writer {
    /// A fresh number of four digits. They are not in order: where numbers follow each other, a
    /// gap tells that something is missing, and that would be the payer's doing, not the proxy's.
    fn number(&mut self) -> u32 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers.wrapping_mul(7919).checked_rem(9000).unwrap_or(0).saturating_add(1000)
    }

    /// The day so many days ago; ahead, if negative.
    fn day(&self, days_ago: i32) -> String {
        self.today.saturating_sub(days_ago.days()).to_string()
    }

    /// Puts a FHIR resource on file, by its own type and id.
    fn fhir(&mut self, who: Who, privacy: Privacy, kind: &'static str, id: &str, mut body: Value) {
        if let Value::Object(members) = &mut body {
            members.insert("resourceType".to_owned(), kind.into());
            members.insert("id".to_owned(), id.into());
        }
        self.put(Api::Fhir, kind, id, &[who], privacy, body);
    }

    /// Puts a house record on file.
    fn house(&mut self, kind: &'static str, id: &str, who: Who, privacy: Privacy, body: Value) {
        self.put(Api::House, kind, id, &[who], privacy, body);
    }

    fn put(
        &mut self,
        api: Api,
        kind: &'static str,
        id: &str,
        subjects: &[Who],
        privacy: Privacy,
        body: Value,
    ) {
        let (id, subjects) = (id.to_owned(), subjects.to_vec());
        let parts = Vec::new();
        let within = None;
        self.records.push(Record { api, kind, id, subjects, privacy, parts, body, within });
    }

    /// Says of a part of the record written last how private it is.
    fn part(&mut self, pointer: &str, privacy: Privacy) {
        if let Some(record) = self.records.last_mut() {
            record.parts.push((pointer.to_owned(), privacy));
        }
    }
}
