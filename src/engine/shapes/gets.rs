//! `resolve:` as written → as meant: which route answers a look-up.

use super::compile::Compiler;
use super::meant::{Kind, Route, Segment};
use super::routes;
use crate::engine::diagnostics::{At, did_you_mean};

/// How what a `resolve:` link names is asked for.
#[derive(Clone, Debug)]
pub struct Get {
    /// The template below the base.
    pub segments: Vec<Segment>,
    /// The kind it gives, where the template names one.
    pub kind: Option<usize>,
    /// The route of the shape that answers it.
    pub route: usize,
}

/// Gives every kind the routes that its `resolve:` links are looked up by.
pub(super) fn compile(compiler: &mut Compiler<'_>, kinds: &mut [Kind], routes: &[Route]) {
    let names: Vec<String> = kinds.iter().map(|kind| kind.name.clone()).collect();
    // Kinds as written and as meant are both sorted by name.
    for (kind, written) in kinds.iter_mut().zip(compiler.written.kinds.values()) {
        let resolve = written.value.resolve.iter();
        kind.gets = resolve.filter_map(|link| get(compiler, &link.get, &names, routes)).collect();
    }
}

fn get(
    compiler: &mut Compiler<'_>,
    template: &At<String>,
    names: &[String],
    routes: &[Route],
) -> Option<Get> {
    let segments = routes::segments(compiler, template)?;
    let answers = |route: &Route| {
        route.method == "GET"
            && route.by_id
            && !route.stream
            && route.whole.is_some()
            && route.segments.len() == segments.len()
            && route.segments.iter().zip(&segments).all(|pair| fits(pair, names))
    };
    let Some(route) = routes.iter().position(answers) else {
        let gets = routes.iter().filter_map(|route| route.template.strip_prefix("GET "));
        let base = compiler.written.base.value.trim_end_matches('/');
        let below = gets.filter_map(|get| get.strip_prefix(base));
        let help = did_you_mean(&template.value, below);
        let message = format!("no route answers `{}` with one record", template.value);
        compiler.mistake(template.span, message, help);
        return None;
    };
    let literal = segments.iter().rev().find_map(|segment| match segment {
        Segment::Literal(text) => names.binary_search(text).ok(),
        Segment::Capture(_) => None,
    });
    Some(Get { segments, kind: literal, route })
}

/// Whether a route's segment takes what stands in a template: a name in braces its own, `{type}`
/// every kind that the shape names.
fn fits((route, template): (&Segment, &Segment), names: &[String]) -> bool {
    match (route, template) {
        (Segment::Capture(name), Segment::Literal(text)) if name == "type" => {
            names.binary_search(text).is_ok()
        }
        (Segment::Capture(name), _) => template == route && (name == "id" || name == "type"),
        (Segment::Literal(_), _) => template == route,
    }
}
