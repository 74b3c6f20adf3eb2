//! A request as it was sent → what may be asked of the upstream (DESIGN section 6), or a refusal.
//! The request is never forwarded: what goes on is rebuilt from parsed parts.

use super::facts::{People, Relation};
use super::pages::Next;
use super::released::Refusal;
use super::set::PolicySet;
use super::shapes::meant::{Route, Segment, Shape};
use super::shapes::written::{Body, Errors};

mod open;
mod query;
pub(super) mod target;

#[cfg(test)]
mod tests;

/// A request as the reader sent it, with no header but what is here.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// As on the request line.
    pub method: &'a str,
    /// Origin-form: path and query, as received.
    pub target: &'a str,
    /// The body of a POST with `application/x-www-form-urlencoded`.
    pub form: Option<&'a [u8]>,
}

/// What to ask the upstream, and how its answer will be judged.
#[derive(Clone, Debug)]
pub struct Plan {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query, rebuilt from parsed parts.
    pub target: String,
    /// The form body to send, rebuilt from parsed parts.
    pub form: Option<String>,
    /// The `Accept` to send.
    pub accept: &'static str,
    /// Which page, of a route that pages.
    pub page: Option<PagePlan>,
    /// Whether the request is one that only its subject may make: it holds a parameter that is
    /// open in a request pinned to the reader alone.
    pub(in crate::engine) self_only: bool,
    /// For the audit: method and template, e.g. `GET /fhir/{type}/{id}`; no value of a path.
    pub template: String,
    /// Whether the answer is judged as a stream (chunked) or whole (Content-Length).
    pub stream: bool,
    /// Whether the reader asked by HEAD: as GET, and the body is dropped.
    pub head: bool,
    /// The Content-Type of the answer.
    pub content_type: &'static str,
    /// The form of our error bodies.
    pub errors: Errors,
    /// Shape and route by number.
    pub(in crate::engine) route: (usize, usize),
    /// The kind in the path, if a `{type}` names one.
    pub(in crate::engine) asked_kind: Option<usize>,
}

/// Which page a reader asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePlan {
    /// The parameter that says how many, to the upstream and to us.
    pub size_parameter: Option<String>,
    /// How many records the reader asked for.
    pub size: Option<u32>,
    /// The parameter in which our cursors come.
    pub cursor_parameter: String,
    /// The cursor as the reader sent it, unread.
    pub cursor: Option<String>,
    /// The path of the search by GET; that by POST is the same search.
    pub path: String,
    /// The rest of the query in one order, encoded, whichever way it came. With the path: what
    /// the search is.
    pub query: String,
}

impl PagePlan {
    /// Path and query of the page that begins at a cursor.
    pub(in crate::engine) fn target(&self, cursor: &str) -> String {
        let mut target = self.path.clone();
        let mut query = self.query.clone();
        if let (Some(name), Some(size)) = (&self.size_parameter, self.size) {
            target::add_parameter(&mut query, name, &size.to_string());
        }
        target::add_parameter(&mut query, &self.cursor_parameter, cursor);
        target.push('?');
        target.push_str(&query);
        target
    }
}

impl Plan {
    /// Asks the upstream for that many records a page.
    #[must_use]
    pub fn sized(self, records: u32) -> Plan {
        let size = self.page.as_ref().and_then(|page| page.size_parameter.clone());
        let Some(size) = size else { return self };
        self.with(&size, &records.to_string())
    }

    /// Asks the upstream for its next page instead.
    #[must_use]
    pub fn following(&self, next: &Next) -> Plan {
        let plan = self.clone();
        match next {
            Next::Target(target) => {
                Plan { method: "GET", target: target.clone(), form: None, ..plan }
            }
            Next::Parameter { name, value } => plan.with(name, value),
        }
    }

    /// Whether one record is asked for, by its id.
    pub fn is_by_id(&self) -> bool {
        self.template.ends_with("/{id}")
    }

    /// Adds a parameter to what the upstream is asked.
    pub(in crate::engine) fn with(mut self, name: &str, value: &str) -> Plan {
        if let Some(form) = &mut self.form {
            target::add_parameter(form, name, value);
        } else {
            let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
            let mut query = query.to_owned();
            target::add_parameter(&mut query, name, value);
            self.target = format!("{path}?{query}");
        }
        self
    }
}

/// Admits a request or refuses it; nothing of the upstream is needed for that.
/// On refusal the error form of the shape that owns the path, if any does.
pub fn admit(
    policy: &PolicySet,
    people: &dyn People,
    asked: Asked<'_>,
) -> Result<Plan, (Refusal, Errors)> {
    let (path, raw_query) = asked.target.split_once('?').unwrap_or((asked.target, ""));
    let segments = target::segments(path).map_err(|refusal| (refusal, Errors::Problem))?;
    let owner = policy
        .shapes
        .iter()
        .enumerate()
        .filter_map(|(number, shape)| Some((number, shape, below(&segments, &shape.base)?)))
        .max_by_key(|(_, shape, _)| shape.base.len());
    let Some((number, shape, rest)) = owner else {
        return Err((Refusal::NotFound, Errors::Problem));
    };
    let asking = Asking { shape, people, asked, raw_query };
    let plan = asking.plan(number, rest);
    plan.map_err(|refusal| (refusal, shape.errors))
}

/// The form of our error bodies for a path, whoever asks: that of the shape that owns it.
pub fn error_form(policy: &PolicySet, path: &str) -> Errors {
    let Ok(segments) = target::segments(path) else { return Errors::Problem };
    let owners = policy.shapes.iter().filter(|shape| below(&segments, &shape.base).is_some());
    owners.max_by_key(|shape| shape.base.len()).map_or(Errors::Problem, |shape| shape.errors)
}

/// The segments below a shape's base.
fn below<'s>(segments: &'s [String], base: &str) -> Option<&'s [String]> {
    let mut base = base.split('/').filter(|segment| !segment.is_empty());
    base.try_fold(segments, |rest, own| {
        rest.split_first().filter(|(first, _)| *first == own).map(|(_, rest)| rest)
    })
}

struct Asking<'a> {
    shape: &'a Shape,
    people: &'a dyn People,
    asked: Asked<'a>,
    raw_query: &'a str,
}

impl Asking<'_> {
    fn plan(&self, shape_number: usize, segments: &[String]) -> Result<Plan, Refusal> {
        let routes = self.shape.routes.iter().enumerate();
        let fitting: Vec<(usize, &Route)> =
            routes.filter(|(_, route)| self.fits(route, segments)).collect();
        let method = match self.asked.method {
            "GET" | "HEAD" => "GET",
            "POST" => "POST",
            _ => "",
        };
        let Some((_, first)) = fitting.first() else { return Err(Refusal::NotFound) };
        let Some((route_number, route)) = fitting.iter().find(|(_, r)| r.method == method) else {
            let allow = if first.method == "POST" { "POST" } else { "GET, HEAD" };
            return Err(Refusal::Method { allow });
        };
        self.check_people(route, segments)?;
        let query = query::Query::read(self.raw_query, self.asked.form, method)?;
        let asked_kind =
            self.captured(route, segments, "type").and_then(|name| self.shape.kind_number(name));
        let for_public = asked_kind.is_some_and(|kind| self.shape.kind(kind).public);
        let admitted = query.admit(self.shape, route, self.people, for_public)?;
        let mut target = self.path(segments.iter().map(String::as_str));
        let get = route.get.iter().map(|template| match template {
            Segment::Literal(text) => text.as_str(),
            Segment::Capture(name) => self.captured(route, segments, name).unwrap_or_default(),
        });
        let page = route.paging.as_ref().map(|paging| admitted.page(paging, self.path(get)));
        let rebuilt = admitted.encoded();
        let form = (method == "POST").then(|| rebuilt.clone());
        if method == "GET" && !rebuilt.is_empty() {
            target.push('?');
            target.push_str(&rebuilt);
        }
        let (accept, content_type) = types(self.shape.fhir, route.body);
        Ok(Plan {
            method: route.method,
            target,
            form,
            accept,
            page,
            self_only: admitted.self_only,
            template: route.template.clone(),
            stream: route.stream,
            head: self.asked.method == "HEAD",
            content_type,
            errors: self.shape.errors,
            route: (shape_number, *route_number),
            asked_kind,
        })
    }

    /// The path of these segments below the shape's base.
    fn path<'s>(&self, segments: impl Iterator<Item = &'s str>) -> String {
        let mut path = String::with_capacity(self.asked.target.len());
        path.push_str(&self.shape.base);
        for segment in segments {
            path.push('/');
            target::push_encoded(&mut path, segment);
        }
        if path.is_empty() {
            path.push('/');
        }
        path
    }

    /// Whether a template fits by exact grammar. An id that is malformed fits and is a 404 later,
    /// like one that is absent.
    fn fits(&self, route: &Route, segments: &[String]) -> bool {
        route.segments.len() == segments.len()
            && route.segments.iter().zip(segments).all(|(template, segment)| match template {
                Segment::Literal(text) => text == segment,
                Segment::Capture(name) if name == "type" => {
                    self.shape.kind_number(segment).is_some()
                }
                Segment::Capture(_) => !segment.starts_with('_') && !segment.starts_with('$'),
            })
    }

    fn captured<'s>(&self, route: &Route, segments: &'s [String], name: &str) -> Option<&'s str> {
        let _ = self;
        let found = |template: &Segment| matches!(template, Segment::Capture(n) if n == name);
        let at = route.segments.iter().position(found)?;
        segments.get(at).map(String::as_str)
    }

    /// `{contract}` and `{member}`, and the Patient of an operation, are checked before the
    /// upstream is asked; ids must be of an id's form.
    fn check_people(&self, route: &Route, segments: &[String]) -> Result<(), Refusal> {
        let mut before: Option<&Segment> = None;
        for (template, segment) in route.segments.iter().zip(segments) {
            if let Segment::Capture(name) = template {
                let patient = self.shape.fhir
                    && matches!(before, Some(Segment::Literal(text)) if text == "Patient");
                let ok = match name.as_str() {
                    "contract" => self.people.reader_is_on(segment),
                    "member" => self.is_near(segment),
                    _ if patient => self.is_near(&format!("Patient/{segment}")),
                    _ => true,
                };
                if !ok || !target::is_id(segment) {
                    return Err(Refusal::NotFound);
                }
            }
            before = Some(template);
        }
        Ok(())
    }

    /// Whether a person shares a contract with the reader, or granted them something.
    fn is_near(&self, name: &str) -> bool {
        let Some(person) = self.people.find(name) else { return false };
        if self.people.reader().is_none() {
            return false;
        }
        let standing = self.people.standing(person);
        !standing.grants.is_empty()
            || standing.ties.iter().any(|tie| tie.relation != Relation::Outsider)
    }
}

/// What we ask for and what we answer with.
pub(super) fn types(fhir: bool, body: Body) -> (&'static str, &'static str) {
    match (fhir, body) {
        (true, Body::Ndjson) => ("application/fhir+ndjson", "application/fhir+ndjson"),
        (true, _) => ("application/fhir+json", "application/fhir+json"),
        (false, Body::Ndjson) => ("application/x-ndjson", "application/x-ndjson"),
        (false, _) => ("application/json", "application/json"),
    }
}
