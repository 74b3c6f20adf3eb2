//! The engine with the policies of this repository, one reader and one request.

use super::bodies;
use jiff::civil::date;
use sequester::engine::diagnostics::SourceFile;
use sequester::engine::facts::People;
use sequester::engine::lookups::{Found, Kept, LookUp};
use sequester::engine::request::{Asked, Plan, admit};
use sequester::engine::set::PolicySet;
use sequester::engine::{Redactor, Settings};
use sequester::members::{Register, RegisterFiles};
use sequester::policy_files;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Bytes of one read from the upstream.
const CHUNK_BYTES: usize = 64 << 10;

/// What was looked up, by where; nothing where nothing is.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<BTreeMap<String, Option<Arc<Found>>>>);

impl Kept for Known {
    fn kept(&self, _: &PolicySet, target: &str) -> Option<Option<Arc<Found>>> {
        self.0.lock().ok()?.get(target).cloned()
    }

    fn keep(&self, _: &PolicySet, name: &str, found: &Arc<Found>) {
        if let Ok(mut known) = self.0.lock() {
            known.insert(name.to_owned(), Some(Arc::clone(found)));
        }
    }
}

/// Who judges the answers to one request of one reader.
pub(crate) struct Judge {
    set: Arc<PolicySet>,
    people: Arc<dyn People>,
    settings: Settings,
    plan: Option<Plan>,
}

impl Judge {
    /// For the mother (`M-100`), or the daughter of 25 whose claims these are (`M-102`). What is
    /// remembered of bodies begins anew.
    pub(crate) fn of(reader: &str) -> Option<Judge> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        let policies = policy_files::read(&folder).0?;
        let members = "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
            M-100,C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100\n\
            M-102,C-1,child,2001-02-03,OH,2015-01-01,,\
            Patient/p-0 Patient/p-1 Patient/p-2 Patient/p-3 Patient/p-4\n";
        let members = SourceFile::new("members.csv", members);
        let files = RegisterFiles { members, grants: None, restrictions: None };
        let register = Arc::new(Register::read(&files, &mut Vec::new())?);
        let people = register.view(reader, date(2026, 11, 21), &policies.states);
        let settings = Settings { hold: 64 << 20, record: 4 << 20, depth: 64, public_url: None };
        let mut judge = Judge { set: policies.set, people, settings, plan: None };
        judge.plan = Some(judge.admitted()?);
        Some(judge)
    }

    /// The request, admitted.
    pub(crate) fn admitted(&self) -> Option<Plan> {
        let target = "/fhir/ExplanationOfBenefit?patient=Patient/p-0";
        let asked = Asked { method: "GET", target, form: None };
        admit(&self.set, self.people.as_ref(), asked).ok()
    }

    /// Judges a body, from its first byte to what leaves; how much that is.
    pub(crate) fn judged(&self, body: &[u8]) -> Option<usize> {
        Judge::pushed(self.redactor()?, body)?.finish().ok().map(|released| released.len())
    }

    /// The same where things are looked up, as `run` does it. What was looked up before is known.
    pub(crate) fn judged_with(&self, known: &Arc<Known>, body: &[u8]) -> Option<usize> {
        let looking_up = self.redactor()?.looking_up(Arc::<Known>::clone(known));
        let mut redactor = Judge::pushed(looking_up, body)?;
        redactor.end();
        loop {
            let wanted = redactor.wanted();
            if wanted.is_empty() {
                return redactor.finish().ok().map(|released| released.len());
            }
            let found = |look_up: &LookUp| (look_up.target().to_owned(), self.found(look_up));
            let found: Vec<_> = wanted.iter().map(found).collect();
            known.0.lock().ok()?.extend(found.iter().cloned());
            redactor.looked_up(found.into_iter().map(|(_, found)| found).collect());
        }
    }

    fn redactor(&self) -> Option<Redactor> {
        let (set, people) = (Arc::clone(&self.set), Arc::clone(&self.people));
        Some(Redactor::new(set, people, self.settings.clone(), self.plan.clone()?, false))
    }

    fn pushed(mut redactor: Redactor, body: &[u8]) -> Option<Redactor> {
        redactor.head(200, &["application/fhir+json"]).ok()?;
        redactor.expect(body.len());
        for chunk in body.chunks(CHUNK_BYTES) {
            redactor.push(chunk).ok()?;
        }
        Some(redactor)
    }

    fn found(&self, look_up: &LookUp) -> Option<Arc<Found>> {
        let body = bodies::looked_up(look_up.target());
        let (depth, body) = (self.settings.depth, body.as_bytes());
        let found = if let Some(mut reading) = look_up.company_reading() {
            reading.take(&self.set, depth, &[], body)?;
            reading.end(&self.set)
        } else {
            look_up.read(&self.set, depth, body)
        };
        found.map(Arc::new)
    }
}

/// A search set of made-up bills of so many patients, 30 % of them with an F code.
pub(crate) fn search_set(patients: usize, numbers: Range<usize>) -> String {
    let mut out = bodies::envelope(numbers.len());
    for (at, number) in numbers.enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        bodies::entry(&mut out, number % patients, number);
    }
    out.push_str("]}");
    out
}
