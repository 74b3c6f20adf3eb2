//! `owner:` as written → as meant: what an attached record belongs to, and how that is found.

use super::compile::Compiler;
use super::meant::{Kind, Mark, Route, Segment};
use super::routes;
use super::written::{self, Body};
use crate::engine::diagnostics::{At, did_you_mean};
use crate::engine::selectors::build::Place;

/// The search for what a record belongs to.
#[derive(Clone, Debug)]
pub struct Owner {
    /// Its path below the base.
    pub path: String,
    /// The parameter that takes the record's name.
    pub parameter: String,
    /// The route of the shape that it is.
    pub route: usize,
}

/// Marks the places of owners that name what belongs to them; `roots` are those of the kinds.
pub(super) fn compile(
    compiler: &mut Compiler<'_>,
    kinds: &mut [Kind],
    roots: &[Place],
    routes: &[Route],
) {
    let names: Vec<String> = kinds.iter().map(|kind| kind.name.clone()).collect();
    let attached: Vec<bool> = kinds.iter().map(|kind| kind.attached).collect();
    // Kinds as written and as meant are both sorted by name.
    for (kind, written) in kinds.iter_mut().zip(compiler.written.kinds.values()) {
        let Some(owner) = &written.value.owner else { continue };
        if !kind.attached {
            let message = "only a kind that is `belongs: attached` has an `owner`";
            compiler.mistake(owner.get.span, message, None);
        }
        kind.owner = self::owner(compiler, owner, &names, roots, routes);
        let owners = names.binary_search(&owner.kind.value).ok();
        if owners.and_then(|owners| attached.get(owners)) == Some(&true) {
            let message = "what belongs to another cannot own";
            let help = "name the kind that has a subject of its own".to_owned();
            compiler.mistake(owner.kind.span, message, Some(help));
        }
    }
}

fn owner(
    compiler: &mut Compiler<'_>,
    written: &written::Owner,
    names: &[String],
    roots: &[Place],
    routes: &[Route],
) -> Option<Owner> {
    let Ok(kind) = names.binary_search(&written.kind.value) else {
        let help = did_you_mean(&written.kind.value, names.iter().map(String::as_str));
        let message = format!("no kind is named `{}`", written.kind.value);
        compiler.mistake(written.kind.span, message, help);
        return None;
    };
    compiler.marked(*roots.get(kind)?, &written.at, Mark::Owns);
    let get = &written.get;
    let search = get.value.split_once('?').and_then(|(path, query)| {
        Some((path, query.strip_suffix("={name}").filter(|name| !name.contains(['&', '=']))?))
    });
    let Some((path, parameter)) = search else {
        let help = "write it like `/DocumentReference?location={name}`".to_owned();
        compiler.mistake(get.span, "not a search by the record's name", Some(help));
        return None;
    };
    let template = At { value: path.to_owned(), span: get.span };
    let segments = routes::segments(compiler, &template)?;
    let answers = |route: &Route| {
        let fits = |(route, own): (&Segment, &Segment)| match route {
            Segment::Capture(name) => {
                name == "type" && *own == Segment::Literal(written.kind.value.clone())
            }
            Segment::Literal(_) => route == own,
        };
        route.method == "GET"
            && route.body == Body::Search
            && route.segments.len() == segments.len()
            && route.segments.iter().zip(&segments).all(fits)
    };
    let Some(route) = routes.iter().position(answers) else {
        let message = format!("no search of the shape answers `{path}`");
        compiler.mistake(get.span, message, None);
        return None;
    };
    Some(Owner { path: path.to_owned(), parameter: parameter.to_owned(), route })
}
