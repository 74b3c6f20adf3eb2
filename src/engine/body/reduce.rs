//! Records that were looked up, reduced to what is known of them, whoever reads.

use super::link::Leads;
use super::links::Points;
use super::{Body, Terms};
use crate::engine::document::read::Document;
use crate::engine::document::tape::{Kind as Json, NodeId};
use crate::engine::lookups::{Link, Looked, Piece, Said, Subject};
use crate::engine::memory::Memory;
use crate::engine::sites::{Site, What};
use std::borrow::Cow;

/// Reduces a record that was looked up. Nothing if the body is not the one record of that name.
pub(crate) fn reduce(
    terms: Terms<'_>,
    doc: Document<'_>,
    memory: &mut Memory,
    name: &str,
) -> Option<Looked> {
    let mut body = Body::new(terms, doc);
    body.frame(memory).ok()?;
    body.read_links();
    body.records.first()?;
    let is_it = body.names.at(&body.names.find(name)).contains(&0);
    if !is_it {
        return None;
    }
    // Nobody's at this point: nothing of it is left unread.
    body.classify();
    body.reduced(0, name.to_owned())
}

/// Reduces the records that join events of a body that a search for company found. Nothing if the
/// body, or whose one of them is, cannot be read.
pub(crate) fn reduce_all(
    terms: Terms<'_>,
    doc: Document<'_>,
    memory: &mut Memory,
) -> Option<Vec<Looked>> {
    let mut body = Body::new(terms, doc);
    body.frame(memory).ok()?;
    body.read_links();
    body.classify();
    let mut all = Vec::new();
    for record in 0..body.records.len() {
        if body.is_named(record) && body.kind(record).joins {
            let looked = body.reduced(record, body.one_name(record))?;
            if !looked.subjects.is_empty() {
                all.push(looked);
            }
        }
    }
    Some(all)
}

impl Body<'_> {
    fn is_named(&self, record: usize) -> bool {
        self.records.get(record).is_some_and(|record| record.kind != usize::MAX)
    }

    /// By what others call it; empty if by nothing.
    fn one_name(&self, record: usize) -> String {
        let Some(this) = self.records.get(record) else { return String::new() };
        if self.terms.shape.fhir {
            return self.typed_name(this.root).unwrap_or_default();
        }
        let id = self.sites(record).iter().find(|site| site.what == What::Id);
        id.and_then(|id| self.doc.scalar(id.node)).map(Cow::into_owned).unwrap_or_default()
    }

    fn reduced(&mut self, record: usize, name: String) -> Option<Looked> {
        if !self.is_named(record) {
            return None;
        }
        self.need_codes(record);
        let subjects = self.subjects_as_named(record)?;
        let links = self.links(record).into_iter().map(|(_, link)| link);
        let links = links.filter(|link| !matches!(self.leads_of(link), Leads::Nowhere)).collect();
        let parts = self.sites(record).iter().filter_map(|site| match site.what {
            What::Tuple(tuple, part) => Some((tuple, part, self.piece(*site)?)),
            _ => None,
        });
        let parts = parts.collect();
        let this = self.records.get(record)?;
        Some(Looked {
            kind: this.kind,
            name,
            subjects,
            own: this.own,
            knows_codes: this.known_codes > 0,
            links,
            parts,
        })
    }

    /// Whom a record names as its subjects, or one that names nobody the record around it.
    fn subjects_as_named(&self, record: usize) -> Option<Vec<Subject>> {
        let this = self.records.get(record)?;
        let mut subjects = Vec::new();
        for site in self.sites(record).iter().filter(|site| site.what == What::Subject) {
            if site.node == this.root {
                return None;
            }
            if !self.is_nobody(*site) {
                let link = self.link_at(*site)?;
                let reference = link.has_text().then(|| link.text().to_owned());
                let identifier = self.identifier(site.node).map(Cow::into_owned);
                subjects.push(Subject { reference, identifier });
            }
        }
        match this.parent {
            Some(parent) if subjects.is_empty() => self.subjects_as_named(parent),
            _ => Some(subjects),
        }
    }

    /// A part of a tuple as it is written.
    fn piece(&self, site: Site) -> Option<Piece> {
        if self.doc.get(site.node)?.kind == Json::Object {
            let link = self.link_at(site)?;
            return if link.has_text() {
                Some(Piece::Named(link.text().to_owned()))
            } else {
                self.identifier(site.node).map(|id| Piece::Value(id.into_owned()))
            };
        }
        Some(Piece::Value(self.day_or_text(site.node)?.into_owned()))
    }

    /// The links of a record, each with where it stands.
    pub(super) fn links(&self, record: usize) -> Vec<(NodeId, Link)> {
        let mut links: Vec<(NodeId, Link)> = Vec::new();
        let mut gets: Vec<(NodeId, u8)> = Vec::new();
        for site in self.sites(record) {
            let (episode, evidence, providers) = match site.what {
                What::Episode(providers) => (true, false, providers),
                What::Evidence(providers) => (false, true, providers),
                What::Resolve(number, providers) => {
                    gets.push((site.node, number));
                    (false, false, providers)
                }
                _ => continue,
            };
            if let Some((_, link)) = links.iter_mut().find(|(node, _)| *node == site.node) {
                link.episode |= episode;
                link.evidence |= evidence;
                link.providers |= providers;
            } else {
                let said = self.said(*site);
                let link = Link { episode, evidence, providers, said, gets: Vec::new() };
                links.push((site.node, link));
            }
        }
        for (node, link) in &mut links {
            link.gets = gets.iter().filter(|(at, _)| at == node).map(|(_, get)| *get).collect();
        }
        links
    }

    fn said(&self, site: Site) -> Said {
        let Some(link) = self.link_at(site) else { return Said::Nothing };
        match link.points {
            _ if link.has_text() => Said::Text(link.text().to_owned()),
            Points::Identified | Points::Broken(true) => Said::Unnamed,
            Points::Broken(false) => Said::Unreadable,
            _ => Said::Nothing,
        }
    }
}
