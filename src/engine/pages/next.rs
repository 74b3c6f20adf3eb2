//! How an upstream tells that there is more, and what is made of it: a request to the same
//! upstream, forwards, and nowhere else. What cannot be read so is a fault of the upstream: a
//! next page that is broken must neither end a search early nor lead us astray.

use super::super::document::read::Document;
use super::super::document::tape::{Kind as Json, NodeId};
use super::super::released::Refusal;
use super::super::request::target::segments;
use super::super::shapes::meant::{Follow, Paging};
use super::Next;

/// Longest next of an upstream, bytes: what fits into a request line.
const NEXT_BYTES_MAX: usize = 8 * 1024;

/// A page that has come.
pub(in crate::engine) struct Came<'a> {
    pub(in crate::engine) page: Document<'a>,
    /// Records on it.
    pub(in crate::engine) records: usize,
    pub(in crate::engine) paging: &'a Paging,
    /// What all paths of the API begin with.
    pub(in crate::engine) base: &'a str,
    /// See [`super::PageAsked::origins`].
    pub(in crate::engine) origins: &'a [String],
}

/// Where we are among the upstream's pages.
#[derive(Debug, Default)]
pub(in crate::engine) struct Following {
    /// The offset, or the number, of the page that came last; `None` before the second page.
    at: Option<u64>,
}

impl Following {
    /// The page after this one, if there is one.
    pub(in crate::engine) fn next(&mut self, came: &Came<'_>) -> Result<Option<Next>, Refusal> {
        match came.paging.follow {
            Follow::Link => came.link(),
            Follow::Cursor => came.cursor(),
            Follow::Offset => {
                let at = self.at.unwrap_or(0);
                let records = u64::try_from(came.records).unwrap_or(u64::MAX);
                self.count(came, at, at.saturating_add(records))
            }
            Follow::Page { first } => {
                let at = self.at.unwrap_or(u64::from(first));
                self.count(came, at, at.saturating_add(1))
            }
        }
    }

    /// The next by number: as the body tells it, or where it only says that there is more, this.
    fn count(&mut self, came: &Came<'_>, at: u64, more: u64) -> Result<Option<Next>, Refusal> {
        let Some((kind, written)) = came.told() else { return Ok(None) };
        let next = match kind {
            Json::True => more,
            Json::Number | Json::String => written.parse().map_err(|_| UNREADABLE)?,
            Json::Null | Json::False | Json::Array | Json::Object => return Err(UNREADABLE),
        };
        if next <= at {
            return Err(Refusal::Pages { why: "a next page that is not ahead" });
        }
        self.at = Some(next);
        Ok(Some(came.parameter(next.to_string())))
    }
}

/// Whether a Bundle that is to be whole says that it goes on elsewhere: what is there would be
/// missing, and what it shares with what is here unknown.
pub(in crate::engine) fn goes_on(body: Document<'_>) -> bool {
    let Some(links) = body.member_named(NodeId(0), "link") else { return false };
    body.children(links).any(|(link, _)| {
        let relation = body.member_named(link, "relation").and_then(|at| body.text(at));
        relation.is_some_and(|relation| relation == "next")
    })
}

/// What it is refused for.
pub(in crate::engine) const GOES_ON: Refusal =
    Refusal::Pages { why: "a further page of a body that is to be whole" };

impl Came<'_> {
    /// What stands at `next`, unless it says that there is none.
    fn told(&self) -> Option<(Json, String)> {
        let at = self.page.at_names(NodeId(0), &self.paging.next)?;
        let kind = self.page.get(at)?.kind;
        let text = self.page.text(at);
        let is_end = matches!(kind, Json::Null | Json::False)
            || text.as_ref().is_some_and(|text| text.is_empty());
        let written = text.unwrap_or_else(|| self.page.written(at).into());
        (!is_end).then(|| (kind, written.into_owned()))
    }

    fn parameter(&self, value: String) -> Next {
        Next::Parameter { name: self.paging.cursor.clone(), value }
    }

    fn cursor(&self) -> Result<Option<Next>, Refusal> {
        let Some((kind, written)) = self.told() else { return Ok(None) };
        let is_text = matches!(kind, Json::String | Json::Number);
        if !is_text || written.len() > NEXT_BYTES_MAX || written.contains(char::is_control) {
            return Err(UNREADABLE);
        }
        Ok(Some(self.parameter(written)))
    }

    /// The `url` of the one `link` with the relation `next`.
    fn link(&self) -> Result<Option<Next>, Refusal> {
        let page = self.page;
        let Some(links) = page.member_named(NodeId(0), "link") else { return Ok(None) };
        if page.get(links).map(|links| links.kind) != Some(Json::Array) {
            return Err(UNREADABLE);
        }
        let text = |link: NodeId, name: &str| page.text(page.member_named(link, name)?);
        let is_next = |link: &NodeId| text(*link, "relation").is_some_and(|is| is == "next");
        let mut links = page.children(links).map(|(link, _)| link).filter(is_next);
        let Some(link) = links.next() else { return Ok(None) };
        if links.next().is_some() {
            return Err(Refusal::Pages { why: "two next pages" });
        }
        let url = text(link, "url").ok_or(UNREADABLE)?;
        let target = target_of(&url, self.origins, self.base);
        target
            .map(|target| Some(Next::Target(target)))
            .ok_or(Refusal::Pages { why: "a next page of another origin or path" })
    }
}

const UNREADABLE: Refusal = Refusal::Pages { why: "a next page that cannot be read" };

/// Path and query of a URL, if it is one of the upstream's own, at or below its base. Only these
/// go on: a link that was tampered with must not make us ask somebody else.
pub(super) fn target_of(url: &str, origins: &[String], base: &str) -> Option<String> {
    let forbidden = |byte: u8| !byte.is_ascii_graphic() || b"\"<>\\^`{|}#".contains(&byte);
    if url.len() > NEXT_BYTES_MAX || url.bytes().any(forbidden) {
        return None;
    }
    let target = if url.starts_with('/') { url } else { below_origin(url, origins)? };
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    // Some servers write `/fhir/Patient/?…`.
    let asked = segments(path.strip_suffix('/').unwrap_or(path)).ok()?;
    // A base of `/` is nothing.
    let own = if base.is_empty() { Vec::new() } else { segments(base).ok()? };
    asked.starts_with(&own).then(|| target.to_owned())
}

/// What follows one of the origins: a path. The scheme's own port may be written out, and letters
/// may be of either case.
fn below_origin<'u>(url: &'u str, origins: &[String]) -> Option<&'u str> {
    origins.iter().find_map(|origin| {
        let (scheme, authority) = origin.split_once("://")?;
        let port = if scheme == "https" { ":443" } else { ":80" };
        let (start, rest) = url.split_at_checked(origin.len())?;
        if !start.eq_ignore_ascii_case(origin) {
            return None;
        }
        let has_port = authority.rsplit(']').next().unwrap_or_default().contains(':');
        let rest = if has_port { rest } else { rest.strip_prefix(port).unwrap_or(rest) };
        rest.starts_with('/').then_some(rest)
    })
}
