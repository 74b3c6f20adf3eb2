//! Pages of the upstream → one body, and which page of it a reader gets.
//!
//! TWO-WORLDS: where the upstream's pages end depends on records that may be hidden, and so would
//! what is in sight of what. So all pages of a search are read and judged as one body; the page
//! that the reader asked for is cut out of what is released. [`next`] reads how an upstream tells
//! its next page, [`splice`] makes the one body; `engine::body` turns to the page.

pub(in crate::engine) mod next;
pub(in crate::engine) mod splice;
pub(in crate::engine) mod told_all;

#[cfg(test)]
mod tests;

use super::document::read::Document;
use super::released::{Finding, Refusal, Report};
use super::shapes::meant::{Paging, Shape};
use next::{Came, Following};
use sha2::{Digest, Sha256};
use splice::{Spliced, list};
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

/// The page that a reader asked for.
#[derive(Clone, Debug)]
pub struct PageAsked {
    /// Most records on it.
    pub records: usize,
    /// After which; the first page if `None`.
    pub after: Option<Position>,
    /// Most pages of the upstream (`upstream-pages`).
    pub upstream_pages: u32,
    /// Scheme, host and port by which the upstream may call itself: its own, and ours that it is
    /// told. Without a trailing slash.
    pub origins: Vec<String>,
    /// Seals where the page after this one begins.
    pub cursors: Arc<dyn Cursors>,
}

/// What makes a position a text that only we can read.
pub trait Cursors: Debug + Send + Sync {
    /// The same position gives the same text for some time. `None` is a fault.
    fn seal(&self, position: Position) -> Option<String>;
}

/// A place among the released records of a search: after the last one of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// How many records come before it.
    pub ordinal: u32,
    /// The name of the last of them, if it has one, so that the place is found again when records
    /// have come or gone.
    pub name: Option<Fingerprint>,
}

/// Part of the SHA-256 of a name. Not keyed: it leaves in sealed cursors only.
pub type Fingerprint = [u8; 16];

/// The fingerprint of a name.
pub(in crate::engine) fn fingerprint(name: &str) -> Fingerprint {
    Sha256::digest(name.as_bytes()).first_chunk().copied().unwrap_or_default()
}

impl Position {
    /// How many of these records, told by name, come before the position. If the last one is
    /// gone, its number tells, less one for itself.
    pub(in crate::engine) fn among(self, names: &[Option<Fingerprint>]) -> usize {
        let ordinal = usize::try_from(self.ordinal).unwrap_or(usize::MAX);
        let last = ordinal.saturating_sub(1);
        let Some(name) = self.name else { return ordinal.min(names.len()) };
        let bearers = (0..names.len()).filter(|at| names.get(*at) == Some(&Some(name)));
        let nearest = bearers.min_by_key(|at| at.abs_diff(last));
        nearest.map_or(last, |at| at.saturating_add(1)).min(names.len())
    }
}

/// How the next page is asked of the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// GET this path and query.
    Target(String),
    /// As the first page, with one parameter more.
    Parameter {
        /// Its name.
        name: String,
        /// Its value, not yet encoded.
        value: String,
    },
}

/// The pages of one search so far.
#[derive(Debug)]
pub(in crate::engine) struct Pages {
    pub(in crate::engine) asked: PageAsked,
    read: u32,
    following: Following,
    /// Every next so far, to know one that repeats.
    seen: BTreeSet<Fingerprint>,
    spliced: Spliced,
}

impl Pages {
    pub(in crate::engine) fn new(asked: PageAsked) -> Pages {
        Pages {
            asked,
            read: 0,
            following: Following::default(),
            seen: BTreeSet::new(),
            spliced: Spliced::default(),
        }
    }

    /// Whether a page has been read, so that the one on its way is a later one.
    pub(in crate::engine) fn is_later(&self) -> bool {
        self.read > 0
    }

    /// Takes a page that has ended and was parsed. The only page of a search is left where it is:
    /// `None`, and [`Pages::body`] has nothing.
    pub(in crate::engine) fn take(
        &mut self,
        of: (&Shape, &Paging),
        page: Document<'_>,
        report: &mut Report,
    ) -> Result<Option<Next>, Refusal> {
        let (shape, paging) = of;
        let list = list(page, shape, paging.follow)?;
        let came = Came {
            page,
            records: list.map_or(0, |list| page.children(list).count()),
            paging,
            base: &shape.base,
            origins: &self.asked.origins,
        };
        let next = self.following.next(&came)?;
        if next.is_some() || self.is_later() {
            self.spliced.add(page, list, !shape.fhir).ok_or(NO_LIST)?;
        }
        self.read = self.read.saturating_add(1);
        let Some(next) = next else { return Ok(None) };
        let key = match &next {
            Next::Target(target) => target,
            Next::Parameter { value, .. } => value,
        };
        if !self.seen.insert(fingerprint(key)) {
            return Err(Refusal::Pages { why: "a next page that came before" });
        }
        // BOUNDED: `upstream-pages`.
        if self.read >= self.asked.upstream_pages {
            report.findings.insert(Finding::UpstreamPages, 1);
            return Err(Refusal::TooLong { limit: "upstream-pages" });
        }
        Ok(Some(next))
    }

    /// The one body of several pages; `None` if there was only one.
    pub(in crate::engine) fn body(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.spliced).body()
    }
}

const NO_LIST: Refusal = Refusal::Pages { why: "a page with a next one and without a list" };
