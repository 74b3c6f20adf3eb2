//! Route templates.

use super::compile::Compiler;
use super::meant::{Route, Segment};
use super::written::{self, Body, Dialect, Judge};
use crate::engine::diagnostics::{At, did_you_mean};
use crate::engine::selectors::{Path, Selector};

/// All routes of a shape, GET and POST apart.
pub(super) fn compile(compiler: &mut Compiler<'_>, kinds: &[String], top: &[usize]) -> Vec<Route> {
    base(compiler);
    let mut routes = Vec::new();
    for route in &compiler.written.routes {
        let whole = whole(compiler, route, kinds, top);
        if route.value.judge == Some(Judge::Stream) {
            stream(compiler, route);
        } else if route.value.body == Body::Ndjson {
            let help = Some("write `judge: stream`".to_owned());
            compiler.mistake(route.span, "NDJSON is judged as a stream", help);
        }
        let methods = [("GET", &route.value.get), ("POST", &route.value.post)];
        if methods.iter().all(|(_, template)| template.is_none()) {
            compiler.mistake(route.span, "a route needs `GET` or `POST`", None);
        }
        let paging = super::paging::compile(compiler, route);
        let get = route.value.get.as_ref().and_then(|get| segments(compiler, get));
        for (method, template) in methods {
            let Some(template) = template else { continue };
            let own = if method == "GET" { get.clone() } else { segments(compiler, template) };
            let Some(segments) = own else { continue };
            let base = compiler.written.base.value.trim_end_matches('/');
            routes.push(Route {
                method,
                // A stream has begun before it is known whether anything of it stays.
                by_id: route.value.judge != Some(Judge::Stream)
                    && segments.contains(&Segment::Capture("id".to_owned())),
                get: get.clone().unwrap_or_else(|| segments.clone()),
                segments,
                template: format!("{method} {base}{}", template.value),
                body: route.value.body,
                stream: route.value.judge == Some(Judge::Stream),
                whole,
                paging: paging.clone(),
            });
        }
    }
    // The exact beats the general: `/Patient/{id}/$everything` before `/{type}/{id}/…`.
    routes.sort_by_key(|route| {
        route.segments.iter().map(|s| matches!(s, Segment::Capture(_))).collect::<Vec<_>>()
    });
    routes
}

fn base(compiler: &mut Compiler<'_>) {
    let base = &compiler.written.base;
    if !base.value.starts_with('/') {
        let help = "write it as it begins the path of a request, e.g. `/api/v1`".to_owned();
        compiler.mistake(base.span, "a base begins with `/`", Some(help));
    }
}

/// The spec of a body that is one record.
fn whole(
    compiler: &mut Compiler<'_>,
    route: &At<written::Route>,
    kinds: &[String],
    top: &[usize],
) -> Option<usize> {
    if let Some(record) = &route.value.record {
        let found = kinds.binary_search(&record.value).ok();
        if found.is_none() {
            let help = did_you_mean(&record.value, kinds.iter().map(String::as_str));
            let message = format!("no kind is named `{}`", record.value);
            compiler.mistake(record.span, message, help);
        }
        return compiler.whole_spec(None, Some(found?));
    }
    match route.value.body {
        Body::Resource | Body::Ndjson => {
            let spec = compiler.whole_spec(top.first().copied(), None);
            if spec.is_none() {
                let message = "a body that is one record needs a `record:` kind or a `records:`";
                compiler.mistake(route.span, message, None);
            }
            spec
        }
        Body::Search | Body::Bundle | Body::Json => None,
    }
}

/// What can be judged as a stream: lines, or an array of a house format.
fn stream(compiler: &mut Compiler<'_>, route: &At<written::Route>) {
    if route.value.paging.is_some() {
        let message = "a stream has no pages";
        compiler.mistake(route.span, message, Some("leave `paging` out".to_owned()));
    }
    let whole = || Some("leave `judge` out: the body is then held and judged whole".to_owned());
    let fhir = compiler.written.dialect == Some(Dialect::Fhir);
    match route.value.body {
        Body::Ndjson => return,
        Body::Json if !fhir => {}
        Body::Json | Body::Search | Body::Resource | Body::Bundle => {
            let message = "only `body: ndjson`, or `body: json` without a `dialect`, can be \
                           judged as a stream";
            compiler.mistake(route.span, message, whole());
            return;
        }
    }
    if route.value.record.is_some() {
        return;
    }
    let written = compiler.written;
    let cuts = written.records.iter().map(|records| &records.cut);
    if !cuts.clone().any(|cut| compiler.path(cut).is_some_and(|path| is_of_an_array(&path))) {
        let message = "a streamed array is named by a `records:` of `$[*]` or `$.name[*]`, or \
                       is one of the route's `record:` kind";
        compiler.mistake(route.span, message, whole());
    }
    for selector in cuts.chain(&written.envelope) {
        if compiler.path(selector).is_some_and(|path| !begins_plainly(&path)) {
            let message = format!(
                "`{}` does not begin with names or `[*]`, as every place of a shape with a \
                 streamed array does",
                selector.value
            );
            let help = "a record of a stream is judged before the rest of the body is known";
            compiler.mistake(selector.span, message, Some(help.to_owned()));
        }
    }
}

/// `$[*]` or `$.name[*]`.
fn is_of_an_array(path: &Path) -> bool {
    let steps: Vec<&[Selector]> = path.steps.iter().map(|step| step.selectors.as_slice()).collect();
    let plain = path.steps.iter().all(|step| !step.descend);
    plain && matches!(steps.as_slice(), [[Selector::Any]] | [[Selector::Name(_)], [Selector::Any]])
}

/// Whether the steps that lead to the elements of a streamed array ask for nothing that only the
/// whole body tells.
fn begins_plainly(path: &Path) -> bool {
    path.steps.iter().take(2).all(|step| {
        let plain = |selector: &Selector| matches!(selector, Selector::Name(_) | Selector::Any);
        !step.descend && step.selectors.iter().all(plain)
    })
}

/// The segments of a template below the base.
pub(super) fn segments(compiler: &mut Compiler<'_>, template: &At<String>) -> Option<Vec<Segment>> {
    let Some(rest) = template.value.strip_prefix('/') else {
        compiler.mistake(template.span, "a template begins with `/`", None);
        return None;
    };
    if rest.is_empty() {
        return Some(Vec::new());
    }
    let segment = |text: &str| {
        let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        match inner {
            Some(name) if name.bytes().all(|b| b.is_ascii_alphanumeric()) && !name.is_empty() => {
                Some(Segment::Capture(name.to_owned()))
            }
            Some(_) => None,
            None if text.is_empty() || text.contains(['{', '}', '?', '%', ';', '\\']) => None,
            None => Some(Segment::Literal(text.to_owned())),
        }
    };
    let segments: Option<Vec<Segment>> = rest.split('/').map(segment).collect();
    if segments.is_none() {
        let message = format!("`{}` is not a template such as `/claims/{{id}}`", template.value);
        compiler.mistake(template.span, message, None);
    }
    for segment in segments.iter().flatten() {
        if let Segment::Capture(name) = segment
            && let Some(help) = meant_to_be_checked(name)
        {
            let message = format!("`{{{name}}}` is not checked against the reader");
            compiler.mistake(template.span, message, Some(help));
        }
    }
    segments
}

/// What is told of a name that is nearly one of those by which a request is checked.
fn meant_to_be_checked(name: &str) -> Option<String> {
    const CHECKED: [&str; 3] = ["member", "contract", "type"];
    if CHECKED.contains(&name) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let people = CHECKED.iter().take(2).find(|word| lower.contains(**word));
    people.map(|word| format!("did you mean `{word}`?")).or_else(|| did_you_mean(name, CHECKED))
}
