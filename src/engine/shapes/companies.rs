//! `company:` as written → as meant: the searches that find the records which may share an event
//! with one that is read alone.

use super::compile::Compiler;
use super::meant::{Route, Segment};
use super::routes;
use crate::engine::diagnostics::{At, did_you_mean};

/// One search, for a person.
#[derive(Clone, Debug)]
pub struct CompanySearch {
    /// Its path below the base.
    pub segments: Vec<Segment>,
    /// What the query begins with, up to and with the `=` before the name.
    pub parameter: Option<String>,
    /// What stands in braces.
    pub by: By,
    /// The route of the shape that answers it.
    pub route: usize,
}

/// By what a search finds records of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `{subject}`: a name of the person.
    Subject,
    /// `{contract}`: each contract that the person is on.
    Contract,
}

/// All searches of a shape.
pub(super) fn compile(
    compiler: &mut Compiler<'_>,
    kinds: &[String],
    routes: &[Route],
) -> Vec<CompanySearch> {
    let written = compiler.written.company.iter();
    written.filter_map(|search| self::search(compiler, search, kinds, routes)).collect()
}

fn search(
    compiler: &mut Compiler<'_>,
    written: &At<String>,
    kinds: &[String],
    routes: &[Route],
) -> Option<CompanySearch> {
    let (path, query) = match written.value.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (written.value.as_str(), None),
    };
    let template = At { value: path.to_owned(), span: written.span };
    let segments = routes::segments(compiler, &template)?;
    let mut names = Vec::new();
    for segment in &segments {
        if let Segment::Capture(name) = segment {
            names.push(name.as_str());
        }
    }
    let parameter = match query {
        None => None,
        Some(query) => {
            let plain = |name: &str| !name.is_empty() && !name.contains(['&', '=', '{', '%']);
            let found = query.rsplit_once('=').filter(|(name, _)| plain(name));
            let Some((name, value @ ("{subject}" | "{contract}"))) = found else {
                return mistake(compiler, written);
            };
            names.push(value.trim_matches(['{', '}']));
            Some(format!("{name}="))
        }
    };
    let by = match names.as_slice() {
        ["subject"] => By::Subject,
        ["contract"] => By::Contract,
        _ => return mistake(compiler, written),
    };
    let answers = |route: &Route| {
        let fits = |(route, own): (&Segment, &Segment)| match (route, own) {
            (Segment::Capture(name), Segment::Literal(text)) if name == "type" => {
                kinds.binary_search(text).is_ok()
            }
            (Segment::Capture(name), Segment::Capture(_)) => name != "type",
            (Segment::Capture(_), Segment::Literal(_)) => false,
            (Segment::Literal(_), _) => route == own,
        };
        route.method == "GET"
            && !route.stream
            && route.whole.is_none()
            && route.segments.len() == segments.len()
            && route.segments.iter().zip(&segments).all(fits)
    };
    let Some(route) = routes.iter().position(answers) else {
        let gets = routes.iter().filter_map(|route| route.template.strip_prefix("GET "));
        let base = compiler.written.base.value.trim_end_matches('/');
        let help = did_you_mean(path, gets.filter_map(|get| get.strip_prefix(base)));
        let message = format!("no route answers `{path}` with a list of records");
        compiler.mistake(written.span, message, help);
        return None;
    };
    Some(CompanySearch { segments, parameter, by, route })
}

fn mistake(compiler: &mut Compiler<'_>, written: &At<String>) -> Option<CompanySearch> {
    let help = "write it like `/members/{subject}/claims` or `/Claim?patient={subject}`, with one \
                `{subject}` or `{contract}`";
    compiler.mistake(written.span, "not a search by a person or a contract", Some(help.to_owned()));
    None
}
