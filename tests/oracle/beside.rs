//! Records that are looked up (DESIGN 3, 4.3): they count as if they stood in the body, and
//! never leave. Written as slowly as it is said: for each record, follow its links.

use super::classify::{Found, is_only_to_public, is_public, kind_joins, looked_own};
use super::codes::{Hits, Lists};
use super::fhir::{Target, target};
use super::json::{Doc, Id, Value};
use super::path::Path;
use super::records::{Body, Subject};
use super::rules::Rules;
use sequester::engine::category::Categories;
use std::collections::{BTreeMap, BTreeSet};

/// What the upstream answers, by target.
pub type World = BTreeMap<String, Vec<u8>>;

/// Links from a record to what is looked up for it, and how many look-ups it has.
const STEPS: usize = 3;
const LOOK_UPS: usize = 64;

/// A link of a record.
#[derive(Clone, Debug)]
pub struct Link {
    pub node: Id,
    pub episode: bool,
    pub evidence: bool,
    /// Whether the shape lets it be looked up.
    resolve: bool,
    providers: bool,
    /// `None` is no link that can be read.
    text: Option<String>,
    empty: bool,
    /// Where it is looked up.
    target: Option<String>,
}

/// A record that was looked up.
#[derive(Clone, Debug)]
pub struct Looked {
    pub target: String,
    pub name: String,
    pub kind: String,
    pub subjects: BTreeSet<Subject>,
    pub own: Hits,
    pub knows_codes: bool,
    pub links: Vec<Link>,
}

/// All that was looked up for a body.
#[derive(Debug, Default)]
pub struct Beside {
    pub looked: Vec<Looked>,
    /// By record and place: what its link leads to.
    pub direct: BTreeMap<(usize, Id), usize>,
    /// Records from which a chain of links ends out of sight.
    pub broken: BTreeSet<usize>,
}

/// What look-ups are done with.
#[derive(Clone, Copy)]
pub struct Means<'m> {
    pub world: Option<&'m World>,
    pub lists: &'m Lists,
    pub rules: &'m Rules,
    pub depth: usize,
    pub public_url: Option<&'m str>,
}

enum Sight {
    Nothing,
    InBody(Vec<usize>),
    Provider,
    Out,
}

/// Looks up what a body lacks.
pub fn look_up(body: &Body<'_>, means: Means<'_>) -> Beside {
    let mut beside = Beside::default();
    if means.world.is_none() {
        return beside;
    }
    for record in 0..body.records.len() {
        if may_change(body, record, means.rules) {
            follow(body, record, means, &mut beside);
        }
    }
    beside
}

/// Of other people, all known, who could let it be seen.
fn may_change(body: &Body<'_>, record: usize, rules: &Rules) -> bool {
    let subjects = body.subjects(record);
    !subjects.is_empty()
        && !body.all_reader(subjects)
        && body.kind(record).is_some_and(|kind| !kind.resolve.is_empty())
        && subjects.iter().all(|subject| match subject {
            Subject::Unknown => false,
            Subject::Known(person) => {
                let standing = body.people.standing(*person);
                !standing.grants.is_empty() || rules.record_leaves(&standing, Categories::NONE)
            }
        })
}

fn follow(body: &Body<'_>, record: usize, means: Means<'_>, beside: &mut Beside) {
    let subjects = body.subjects(record);
    let mut asked: BTreeSet<String> = BTreeSet::new();
    let mut ask = |link: &Link, beside: &mut Beside| -> Option<usize> {
        let target = link.target.clone()?;
        asked.insert(target.clone());
        if asked.len() > LOOK_UPS {
            return None;
        }
        let at = match beside.looked.iter().position(|one| one.target == target) {
            Some(at) => at,
            None => {
                beside.looked.push(read(body, &target, means)?);
                beside.looked.len() - 1
            }
        };
        let one = &beside.looked[at];
        let nobodys = body.kind_is(&one.kind, |kind| kind.public || kind.attached);
        ((one.subjects.is_empty() && nobodys) || one.subjects == *subjects).then_some(at)
    };
    let mut reached: Vec<(usize, usize)> = Vec::new();
    for link in links(body, record, means.public_url) {
        if matches!(sight(body, &link), Sight::Provider | Sight::Out)
            && let Some(at) = ask(&link, beside)
        {
            beside.direct.insert((record, link.node), at);
            if link.episode && joins(body, &beside.looked[at]) {
                reached.push((at, 1));
            }
        }
    }
    let mut next = 0;
    while let Some((at, steps)) = reached.get(next).copied() {
        next += 1;
        if reached[..next - 1].iter().any(|(before, _)| *before == at) {
            continue;
        }
        for link in beside.looked[at].links.clone() {
            let sight = sight(body, &link);
            if !matches!(sight, Sight::Provider | Sight::Out) {
                continue;
            }
            let found = if steps < STEPS { ask(&link, beside) } else { None };
            if let Some(other) = found {
                if link.episode && joins(body, &beside.looked[other]) {
                    reached.push((other, steps + 1));
                }
            } else if matches!(sight, Sight::Out)
                && (body.shape.fhir || link.evidence || link.resolve)
            {
                beside.broken.insert(record);
            }
        }
    }
}

fn joins(body: &Body<'_>, looked: &Looked) -> bool {
    !looked.subjects.is_empty()
        && !looked.subjects.contains(&Subject::Unknown)
        && kind_joins(body, &looked.kind)
}

/// Where a link leads within the body.
fn sight(body: &Body<'_>, link: &Link) -> Sight {
    let unseen = if link.providers { Sight::Provider } else { Sight::Out };
    if link.empty {
        return Sight::Nothing;
    }
    let Some(text) = &link.text else { return unseen };
    let found = body.resolve(text);
    if !found.is_empty() {
        return Sight::InBody(found);
    }
    if !body.shape.fhir {
        return unseen;
    }
    match target(text) {
        Target::Inside => Sight::Nothing,
        Target::Named(Some(kind), _) if is_public(body, &kind) => Sight::Provider,
        Target::Named(Some(kind), _)
            if ["Patient", "RelatedPerson", "Coverage"].contains(&kind.as_str()) =>
        {
            Sight::Nothing
        }
        Target::Searched(kind) if is_public(body, &kind) => Sight::Provider,
        _ => unseen,
    }
}

/// Every link of a record.
fn links(body: &Body<'_>, record: usize, public_url: Option<&str>) -> Vec<Link> {
    let Some(kind) = body.kind(record) else { return Vec::new() };
    let mut links: BTreeMap<Id, Link> = BTreeMap::new();
    let mut add = |path: &Path| -> Vec<Id> {
        let nodes = body.select(record, path);
        for node in &nodes {
            links.entry(*node).or_insert_with(|| link(body, record, *node));
        }
        nodes
    };
    let mut episode = BTreeSet::new();
    for path in kind.episode.iter().filter(|path| path.len() == 1) {
        episode.extend(add(&path[0]));
    }
    let mut evidence = BTreeSet::new();
    for path in &kind.evidence {
        evidence.extend(add(path));
    }
    let mut gets: BTreeMap<Id, Vec<&str>> = BTreeMap::new();
    for (path, get) in &kind.resolve {
        for node in add(path) {
            gets.entry(node).or_default().push(get);
        }
    }
    for (node, link) in &mut links {
        link.episode = episode.contains(node);
        link.evidence = evidence.contains(node);
        let gets = gets.get(node).cloned().unwrap_or_default();
        link.resolve = !gets.is_empty();
        let text = link.text.as_deref();
        link.target =
            text.and_then(|text| gets.iter().find_map(|get| address(body, get, text, public_url)));
    }
    links.into_values().collect()
}

fn link(body: &Body<'_>, record: usize, node: Id) -> Link {
    let (text, empty, odd) = match &body.doc.nodes[node].value {
        Value::Null => (None, true, false),
        Value::Array(_) | Value::Bool(_) => (None, false, true),
        Value::Object(_) => {
            let text = body.reference(node).map(str::to_owned);
            let empty = text.is_none() && body.identifier(node).is_none();
            (text, empty, false)
        }
        Value::Text(_) | Value::Number(_) => {
            let text = body.scalar(node);
            let empty = text.is_none();
            (text, empty, false)
        }
    };
    let providers = !odd && is_only_to_public(body, record, node);
    let (episode, evidence, resolve) = (false, false, false);
    Link { node, episode, evidence, resolve, providers, text, empty, target: None }
}

/// Where the shape says that a link is looked up.
fn address(body: &Body<'_>, get: &str, text: &str, public_url: Option<&str>) -> Option<String> {
    let base = &body.shape.base;
    if !body.shape.fhir {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:".contains(c);
        let good = text.len() <= 64 && text.chars().all(plain) && !is_dots(text);
        let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric());
        return (good && begins).then(|| format!("{base}{}", get.replace("{id}", text)));
    }
    let (kind, id) = ours(text, base, public_url)?;
    let fits = get.starts_with("/{type}/") || get.starts_with(&format!("/{kind}/"));
    (fits && body.shape.kinds.contains_key(kind))
        .then(|| format!("{base}{}", get.replace("{type}", kind).replace("{id}", id)))
}

fn is_dots(id: &str) -> bool {
    id.chars().all(|c| c == '.')
}

/// Type and id of a reference that is relative or at our own address, without version.
pub fn ours<'t>(text: &'t str, base: &str, public_url: Option<&str>) -> Option<(&'t str, &'t str)> {
    let below = public_url.and_then(|url| text.strip_prefix(&format!("{url}{base}/")));
    let parts: Vec<&str> = below.unwrap_or(text).split('/').collect();
    let is_id = |id: &str| {
        !id.is_empty()
            && id.len() <= 64
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
            && !is_dots(id)
    };
    match parts.as_slice() {
        [kind, id] if is_id(id) => Some((kind, id)),
        [kind, id, "_history", version] if is_id(id) && is_id(version) => Some((kind, id)),
        _ => None,
    }
}

/// Asks the upstream and reads what it says.
fn read(body: &Body<'_>, target: &str, means: Means<'_>) -> Option<Looked> {
    let bytes = means.world?.get(target)?;
    let doc = Doc::parse(bytes, means.depth).ok()?;
    let path = target.strip_prefix(&body.shape.base)?;
    let mut parts = path.rsplit('/');
    let id = parts.next()?;
    let last = parts.next()?;
    let route = body.shape.routes.iter().find(|route| {
        route.get.as_ref().is_some_and(|get| {
            get.ends_with("/{id}") && (get.contains("{type}") || get.contains(&format!("/{last}/")))
        })
    })?;
    let mut other = Body::new(body.shape, body.people, &doc);
    let kind = route.record.as_deref().unwrap_or("$.resourceType");
    other.add(0, doc.is_object(0).then_some(0), kind, None, &[]);
    other.remember();
    let name = if body.shape.fhir { format!("{last}/{id}") } else { id.to_owned() };
    if !other.names(0).contains(&name) || other.kind(0).is_none() {
        return None;
    }
    let Found { own, knows_codes, .. } = looked_own(&other, means.lists);
    let mut subjects = BTreeSet::new();
    for (reference, identifier) in other.named_subjects(0)? {
        subjects.insert(body.who_is(reference.as_deref(), identifier.as_deref()));
    }
    let kind = other.records[0].kind.clone();
    let links = links(&other, 0, means.public_url);
    let nobodys = body.kind_is(&kind, |kind| kind.public || kind.attached);
    if subjects.is_empty() && !nobodys {
        subjects.insert(Subject::Unknown);
    }
    Some(Looked { target: target.to_owned(), name, kind, subjects, own, knows_codes, links })
}

impl Beside {
    /// What ties a record beside the body to others: its own names, and its links.
    pub fn keys(&self, body: &Body<'_>, at: usize) -> Vec<Vec<String>> {
        let one = &self.looked[at];
        if !joins(body, one) {
            return Vec::new();
        }
        let mut keys = vec![self.key(at), vec![one.name.clone()]];
        for link in one.links.iter().filter(|link| link.episode) {
            let Some(text) = &link.text else { continue };
            match sight(body, link) {
                _ if !body.shape.fhir => keys.push(vec![text.clone()]),
                Sight::InBody(targets) => {
                    for target in targets {
                        if kind_joins(body, &body.records[target].kind) {
                            keys.push(vec![super::classify::own_key(target)]);
                        }
                    }
                }
                Sight::Out => match self.leads(link) {
                    Some(next) if joins(body, &self.looked[next]) => keys.push(self.key(next)),
                    Some(_) => {}
                    None => {
                        if let Target::Named(kind, name) = target(text)
                            && kind.is_none_or(|kind| kind_joins(body, &kind))
                        {
                            keys.push(vec![name]);
                        }
                    }
                },
                Sight::Nothing | Sight::Provider => {}
            }
        }
        keys
    }

    pub fn key(&self, at: usize) -> Vec<String> {
        vec![format!("looked up {}", self.looked[at].target)]
    }

    /// What a record of the body is tied to by a link to one beside it.
    pub fn key_of_link(&self, body: &Body<'_>, at: usize) -> Option<Vec<String>> {
        joins(body, &self.looked[at]).then(|| self.key(at))
    }

    fn leads(&self, link: &Link) -> Option<usize> {
        let target = link.target.as_ref()?;
        self.looked.iter().position(|one| one.target == *target)
    }

    /// What a record beside the body takes by evidence links; `own` is that of the body's.
    pub fn evidence(&self, body: &Body<'_>, at: usize, own: &[Hits]) -> Vec<Hits> {
        let mut hits = Vec::new();
        for link in self.looked[at].links.iter().filter(|link| link.evidence) {
            match sight(body, link) {
                Sight::InBody(targets) => hits.extend(targets.into_iter().map(|one| own[one])),
                Sight::Provider | Sight::Out => {
                    hits.extend(self.leads(link).map(|next| self.looked[next].own));
                }
                Sight::Nothing => {}
            }
        }
        hits
    }
}
