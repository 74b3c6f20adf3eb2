//! `paging:` of a route: as written → as meant.

use super::compile::Compiler;
use super::written::{self, Body, Judge};
use crate::engine::diagnostics::At;
use crate::engine::selectors::{Path, Selector, Step};

/// The parameter of our cursors in a FHIR search, where a shape names none.
const FHIR_CURSOR: &str = "_cursor";

/// How a route pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// The parameter that says how many.
    pub size: Option<String>,
    /// The parameter in which readers send our cursors.
    pub cursor: String,
    /// How the upstream is asked for its next page.
    pub follow: Follow,
    /// Names from the root to where the body tells its next page; of a FHIR search empty.
    pub next: Vec<String>,
}

/// How the upstream is asked for its next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// By the URL of a FHIR Bundle's `link` with the relation `next`.
    Link,
    /// By the text at `next`, in the cursor's parameter.
    Cursor,
    /// By how many records were there before: `next` holds that number, or `true`.
    Offset,
    /// By the number of the page: `next` holds it, or `true`.
    Page {
        /// That of the first page.
        first: u32,
    },
}

/// How a route pages; `None` if it does not, or with a mistake told.
pub(super) fn compile(compiler: &mut Compiler<'_>, route: &At<written::Route>) -> Option<Paging> {
    let paging = route.value.paging.as_ref()?;
    if route.value.judge == Some(Judge::Stream) {
        // Told where streams are.
        return None;
    }
    let is_search = route.value.body == Body::Search;
    if route.value.record.is_some() || !(is_search || route.value.body == Body::Json) {
        let message = "only `body: search`, and `body: json` with a list of records, have pages";
        compiler.mistake(paging.span, message, None);
        return None;
    }
    let Some(next) = &paging.value.next else {
        let help = "name the place where a body tells its next page, like `next: $.page.next`";
        compiler.mistake(paging.span, "paging needs `next`", Some(help.to_owned()));
        return None;
    };
    if route.value.post.is_some() && route.value.get.is_none() {
        let message = "a POST that pages needs its `GET` beside it: further pages are read by GET";
        compiler.mistake(paging.span, message, None);
    }
    if is_search {
        return search(compiler, paging);
    }
    let written::Paging { cursor, offset, page, first, .. } = &paging.value;
    if let (Some(first), None) = (first, page) {
        compiler.mistake(first.span, "`first` is of use with `page` only", None);
    }
    let (parameter, follow) = match (cursor, offset, page) {
        (Some(cursor), None, None) => (cursor, Follow::Cursor),
        (None, Some(offset), None) => (offset, Follow::Offset),
        (None, None, Some(page)) => {
            (page, Follow::Page { first: first.as_ref().map_or(1, |first| first.value) })
        }
        _ => {
            let message = "paging is by one of `cursor`, `offset` and `page`";
            compiler.mistake(paging.span, message, None);
            return None;
        }
    };
    let names = compiler.names(next);
    // What cannot be read was told.
    if names.is_empty() {
        return None;
    }
    let cursor = parameter.value.clone();
    Some(Paging { size: named(paging.value.size.as_ref()), cursor, follow, next: names })
}

/// A FHIR search tells its next page by a link, and by nothing else.
fn search(compiler: &mut Compiler<'_>, paging: &At<written::Paging>) -> Option<Paging> {
    let written::Paging { size, cursor, offset, page, first, .. } = &paging.value;
    if offset.is_some() || page.is_some() || first.is_some() {
        let message = "`body: search` pages by the link at `next`, not by `offset` or `page`";
        compiler.mistake(paging.span, message, None);
        return None;
    }
    let cursor = named(cursor.as_ref()).unwrap_or_else(|| FHIR_CURSOR.to_owned());
    Some(Paging { size: named(size.as_ref()), cursor, follow: Follow::Link, next: Vec::new() })
}

fn named(parameter: Option<&At<String>>) -> Option<String> {
    parameter.map(|parameter| parameter.value.clone())
}

impl Compiler<'_> {
    /// Names from the root of a body to each array of records at the top, where names are all
    /// there is on the way (`$.a.b[*]`).
    pub(super) fn lists(&self) -> Vec<Vec<String>> {
        let mut lists: Vec<Vec<String>> = Vec::new();
        for records in &self.written.records {
            if let Some(names) = self.path(&records.cut).and_then(|path| list(&path))
                && !lists.contains(&names)
            {
                lists.push(names);
            }
        }
        lists
    }
}

fn list(path: &Path) -> Option<Vec<String>> {
    let (last, way) = path.steps.split_last()?;
    let Step { descend: false, selectors } = last else { return None };
    let [Selector::Any] = selectors.as_slice() else { return None };
    let way = Path { steps: way.to_vec() };
    way.names().map(|names| names.into_iter().map(str::to_owned).collect())
}
