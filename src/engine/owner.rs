//! A record that belongs to another (a FHIR Binary to its `DocumentReference`), read by its id:
//! it says nothing of itself, so those that it belongs to are searched for, and all of them are
//! judged as one body, of which it alone leaves.

use super::document::read::Document;
use super::document::tape::{NodeId, Tape, range};
use super::lookups::is_fhir_id;
use super::pages::next::goes_on;
use super::pages::told_all::ToldAll;
use super::request::{Plan, target, types};
use super::shapes::meant::Route;
use super::shapes::written::Body as Form;
use super::{Redactor, without_mark};
use std::ops::Range;

/// Levels around a record in the body that it is judged in: the Bundle, its entries, an entry.
pub(super) const LEVELS: usize = 3;

const BEFORE: &[u8] = br#"{"resourceType":"Bundle","entry":[{"resource":"#;

/// The route of such a body.
pub(super) fn bundled(route: &Route) -> Route {
    Route { whole: None, body: Form::Bundle, by_id: false, ..route.clone() }
}

impl Redactor {
    /// The search for those that the record belongs to, if it is of a kind that belongs to others
    /// and was read by its id. To be asked once, after [`Redactor::end`].
    pub fn owner_wanted(&self) -> Option<Plan> {
        let (shape, route) = self.route().filter(|_| self.looking.is_some() && self.ended)?;
        let kind = shape.kind(self.plan.asked_kind?);
        let owner = kind.owner.as_ref().filter(|_| route.by_id && route.whole.is_some())?;
        self.people.reader().filter(|_| self.alone.is_none())?;
        let path = self.plan.target.split('?').next()?;
        let id = path.rsplit('/').next().filter(|id| is_fhir_id(id))?;
        let name = format!("{}/{id}", kind.name);
        let mut names = target::encode(&name);
        if let Some(url) = &self.settings.public_url {
            // As one or the other: servers write addresses in full, too.
            names.push(',');
            names.push_str(&target::encode(&format!("{url}{}/{name}", shape.base)));
        }
        let search = shape.routes.get(owner.route)?;
        let (accept, content_type) = types(shape.fhir, search.body);
        Some(Plan {
            method: "GET",
            target: format!("{}{}?{}={names}", shape.base, owner.path, owner.parameter),
            form: None,
            accept,
            page: None,
            self_only: false,
            template: search.template.clone(),
            stream: false,
            head: false,
            content_type,
            errors: shape.errors,
            route: (self.plan.route.0, owner.route),
            asked_kind: None,
        })
    }

    /// What that search found. An answer that cannot be read, or has a second page, hides.
    /// Gives whether it could be used.
    pub fn owner(&mut self, answer: &[u8]) -> bool {
        let Some((body, alone)) = self.with_owners(answer) else { return false };
        self.held = body;
        self.alone = Some(alone);
        self.parsed = false;
        true
    }

    fn with_owners(&self, answer: &[u8]) -> Option<(Vec<u8>, Range<usize>)> {
        let (shape, _) = self.route()?;
        let record = without_mark(&self.held);
        let (mut tape, mut memory) = (Tape::default(), shape.memories.lend());
        let depth = self.settings.depth;
        // By itself first: it must not end where it likes.
        memory.parse(record, depth, shape, &mut tape).ok()?;
        let json = memory.parse(without_mark(answer), depth, shape, &mut tape).ok()?;
        let doc = Document { json, tape: &tape };
        let mut body = BEFORE.to_vec();
        let start = body.len();
        body.extend_from_slice(record);
        let alone = start..body.len();
        let mut told = ToldAll::default();
        told.page(doc)?;
        if goes_on(doc) || !told.is_all() {
            return None;
        }
        let entries = doc.member_named(NodeId(0), "entry");
        for (entry, _) in entries.into_iter().flat_map(|entries| doc.children(entries)) {
            let resource = doc.member_named(entry, "resource").and_then(|at| doc.get(at))?;
            body.extend_from_slice(br#"},{"resource":"#);
            let span = range(resource.start, resource.end);
            body.extend_from_slice(json.as_bytes().get(span)?);
        }
        body.extend_from_slice(b"}]}");
        Some((body, alone))
    }
}
