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
    /// Where; of company with its number.
    pub target: String,
    pub name: String,
    pub kind: String,
    pub subjects: BTreeSet<Subject>,
    pub own: Hits,
    pub knows_codes: bool,
    pub links: Vec<Link>,
    /// Its tuples: every value of each part.
    tuples: Vec<Vec<Vec<Part>>>,
    /// Whether a search for company found it: then it stands like a record of the body.
    company: bool,
}

/// A value of a tuple.
#[derive(Clone, Debug)]
enum Part {
    Reference(String),
    Value(String),
}

/// All that was looked up for a body.
#[derive(Debug, Default)]
pub struct Beside {
    public_url: Option<String>,
    pub looked: Vec<Looked>,
    /// By record and place: what its link leads to.
    pub direct: BTreeMap<(usize, Id), usize>,
    /// Records from which a chain of links ends out of sight, or whose company is not known.
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
    let mut beside =
        Beside { public_url: means.public_url.map(str::to_owned), ..Beside::default() };
    let mut known = BTreeMap::new();
    for record in 0..body.records.len() {
        if means.world.is_some() && may_change(body, record, means.rules) {
            let (company, all) = company(body, record, means, &mut known);
            if !all {
                beside.broken.insert(record);
            }
            Following { body, means, record, company, beside: &mut beside }.all();
        }
    }
    beside
}

/// Of other people, all known, who could let it be seen.
fn may_change(body: &Body<'_>, record: usize, rules: &Rules) -> bool {
    let subjects = body.subjects(record);
    let company = !body.shape.company.is_empty();
    !subjects.is_empty()
        && !body.all_reader(subjects)
        && body.kind(record).is_some_and(|kind| !kind.resolve.is_empty() || kind.joins && company)
        && subjects.iter().all(|subject| match subject {
            Subject::Unknown => false,
            Subject::Known(person) => {
                let standing = body.people.standing(*person);
                !standing.grants.is_empty() || rules.record_leaves(&standing, Categories::NONE)
            }
        })
}

/// All that the searches for company find that is the same people's; and whether all of them
/// could be asked.
fn company(
    body: &Body<'_>,
    record: usize,
    means: Means<'_>,
    known: &mut BTreeMap<String, Option<Vec<Looked>>>,
) -> (Vec<Looked>, bool) {
    let (mut found, mut all) = (Vec::new(), true);
    if !kind_joins(body, &body.records[record].kind) {
        return (found, all);
    }
    for subject in body.subjects(record) {
        let Subject::Known(person) = subject else { continue };
        for search in &body.shape.company {
            let names = if search.contains("{contract}") {
                body.people.contracts(*person)
            } else if body.shape.fhir {
                let names = body.people.names(*person).into_iter();
                let patients = names.filter_map(|name| {
                    let (kind, id) = ours(&name, &body.shape.base, means.public_url)?;
                    (kind == "Patient").then(|| format!("Patient/{id}"))
                });
                patients.collect()
            } else {
                called(body, record, *subject)
            };
            all &= !names.is_empty();
            for name in names {
                let target = address_of_search(&body.shape.base, search, &name);
                let answer = known
                    .entry(target.clone())
                    .or_insert_with(|| read_company(body, &target, means));
                match answer {
                    Some(records) => found.extend(records.iter().cloned()),
                    None => all = false,
                }
            }
        }
    }
    found.retain(|one| one.subjects == *body.subjects(record));
    found.sort_by(|one, other| one.target.cmp(&other.target));
    found.dedup_by(|one, other| one.target == other.target);
    (found, all)
}

/// What a house record, or the one around it, calls a subject.
fn called(body: &Body<'_>, record: usize, subject: Subject) -> Vec<String> {
    let named = body.named_subjects(record).unwrap_or_default();
    let mut texts: Vec<String> = named.into_iter().filter_map(|(text, _)| text).collect();
    if let (true, Some(parent)) = (texts.is_empty(), body.records[record].parent) {
        return called(body, parent, subject);
    }
    texts.retain(|text| body.who_is(Some(text), None) == subject);
    texts.sort_unstable();
    texts.dedup();
    texts
}

fn address_of_search(base: &str, search: &str, name: &str) -> String {
    let id = name.strip_prefix("Patient/").unwrap_or(name);
    let fill = |text: &str, with: &str| text.replace("{subject}", with).replace("{contract}", with);
    match search.split_once('?') {
        None => format!("{base}{}", fill(search, id)),
        Some((path, query)) => format!("{base}{}?{}", fill(path, id), fill(query, name)),
    }
}

fn read_company(body: &Body<'_>, target: &str, means: Means<'_>) -> Option<Vec<Looked>> {
    let doc = Doc::parse(means.world?.get(target)?, means.depth).ok()?;
    let mut other = Body::new(body.shape, body.people, &doc);
    other.find(&body.shape.records, 0, None);
    other.remember();
    let mut found = Vec::new();
    for record in 0..other.records.len() {
        let kind = other.records[record].kind.clone();
        if other.kind(record).is_none() || !kind_joins(body, &kind) {
            continue;
        }
        let mut around = record;
        let mut named = other.named_subjects(record)?;
        while let (true, Some(parent)) = (named.is_empty(), other.records[around].parent) {
            around = parent;
            named = other.named_subjects(parent)?;
        }
        if named.is_empty() {
            continue;
        }
        let mut looked = reduced(&other, record, means);
        looked.name = other.names(record).into_iter().next().unwrap_or_default();
        looked.target = format!("{target}#{record}");
        looked.company = true;
        for (reference, identifier) in named {
            looked.subjects.insert(body.who_is(reference.as_deref(), identifier.as_deref()));
        }
        found.push(looked);
    }
    Some(found)
}

/// What stands in a record that was looked up; whose it is and what it is called is still open.
fn reduced(other: &Body<'_>, record: usize, means: Means<'_>) -> Looked {
    let Found { own, knows_codes, .. } = looked_own(other, means.lists, record);
    let episode = other.kind(record).map(|kind| kind.episode.as_slice()).unwrap_or_default();
    let tuples = episode.iter().filter(|link| link.len() > 1).map(|link| {
        let part = |path: &Path| -> Vec<Part> {
            let nodes = other.select(record, path).into_iter();
            let values = nodes.filter_map(|node| {
                if other.doc.is_object(node) {
                    let named = other.reference(node).map(|text| Part::Reference(text.to_owned()));
                    return named.or_else(|| other.identifier(node).map(Part::Value));
                }
                super::classify::value(other, node).map(Part::Value)
            });
            values.collect()
        };
        link.iter().map(part).collect()
    });
    Looked {
        target: String::new(),
        name: String::new(),
        kind: other.records[record].kind.clone(),
        subjects: BTreeSet::new(),
        own,
        knows_codes,
        links: links(other, record, means.public_url),
        tuples: tuples.collect(),
        company: false,
    }
}

/// Follows what a record of the body needs.
struct Following<'f, 'b> {
    body: &'f Body<'b>,
    means: Means<'f>,
    record: usize,
    /// The same people's, all of it.
    company: Vec<Looked>,
    beside: &'f mut Beside,
}

impl Following<'_, '_> {
    fn all(&mut self) {
        let mut event = self.links_of_record();
        let mut keys: BTreeSet<Vec<String>> =
            super::classify::texts_that_tie(self.body, self.record).into_iter().collect();
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        loop {
            for one in self.company.clone() {
                if texts_that_tie(self.body, &one).iter().any(|key| keys.contains(key)) {
                    event.push(self.put(one));
                }
            }
            event.retain(|one| !taken.contains(one));
            let Some(at) = event.pop() else { return };
            taken.insert(at);
            keys.extend(texts_that_tie(self.body, &self.beside.looked[at]));
            if self.beside.looked[at].company {
                event.extend(self.chain(vec![(at, 0)], true, &mut BTreeSet::new()));
            }
        }
    }

    fn put(&mut self, one: Looked) -> usize {
        let known = self.beside.looked.iter().position(|other| other.target == one.target);
        known.unwrap_or_else(|| {
            self.beside.looked.push(one);
            self.beside.looked.len() - 1
        })
    }

    /// Where a link leads: among company, or looked up.
    fn ask(&mut self, link: &Link, may_ask: bool, asked: &mut BTreeSet<String>) -> Option<usize> {
        let name = name_for_company(self.body, link, self.means.public_url);
        let named = self.company.iter().find(|one| Some(&one.name) == name.as_ref());
        if let Some(one) = named.cloned() {
            return Some(self.put(one));
        }
        let target = link.target.clone().filter(|_| may_ask)?;
        asked.insert(target.clone());
        if asked.len() > LOOK_UPS {
            return None;
        }
        let known = self.beside.looked.iter().position(|one| one.target == target);
        let at = match known {
            Some(at) => at,
            None => {
                let one = read(self.body, &target, self.means)?;
                self.put(one)
            }
        };
        let one = &self.beside.looked[at];
        let nobodys = self.body.kind_is(&one.kind, |kind| kind.public || kind.attached);
        let same = one.subjects == *self.body.subjects(self.record);
        ((one.subjects.is_empty() && nobodys) || same).then_some(at)
    }

    fn links_of_record(&mut self) -> Vec<usize> {
        let (body, record) = (self.body, self.record);
        let mut asked = BTreeSet::new();
        let mut reached = Vec::new();
        for link in links(body, record, self.means.public_url) {
            if matches!(sight(body, &link), Sight::Provider | Sight::Out)
                && let Some(at) = self.ask(&link, true, &mut asked)
            {
                self.beside.direct.insert((record, link.node), at);
                if link.episode && joins(body, &self.beside.looked[at]) {
                    reached.push((at, 1));
                }
            }
        }
        self.chain(reached, false, &mut asked)
    }

    /// Follows links from record to record; gives what is of the event.
    fn chain(
        &mut self,
        mut reached: Vec<(usize, usize)>,
        company: bool,
        asked: &mut BTreeSet<String>,
    ) -> Vec<usize> {
        let body = self.body;
        let mut next = 0;
        while let Some((at, steps)) = reached.get(next).copied() {
            next += 1;
            let before = reached[..next - 1].iter().any(|(before, _)| *before == at);
            if before || (steps > 0 && self.beside.looked[at].company) {
                continue;
            }
            for link in self.beside.looked[at].links.clone() {
                let sight = sight(body, &link);
                if !matches!(sight, Sight::Provider | Sight::Out) {
                    continue;
                }
                if let Some(other) = self.ask(&link, steps < STEPS, asked) {
                    if link.episode && joins(body, &self.beside.looked[other]) {
                        reached.push((other, steps + 1));
                    }
                } else if matches!(sight, Sight::Out)
                    && (body.shape.fhir || link.evidence || link.resolve)
                {
                    // What company lacks says no more than what a record of the body lacks.
                    if !company {
                        self.beside.broken.insert(self.record);
                    }
                }
            }
        }
        reached.into_iter().map(|(at, _)| at).collect()
    }
}

/// By what a link calls its target among company.
fn name_for_company(body: &Body<'_>, link: &Link, public_url: Option<&str>) -> Option<String> {
    let text = link.text.as_deref()?;
    if body.shape.fhir {
        return ours(text, &body.shape.base, public_url).map(|(kind, id)| format!("{kind}/{id}"));
    }
    link.resolve.then(|| text.to_owned())
}

/// What ties a record that was looked up to company, by texts alone.
fn texts_that_tie(body: &Body<'_>, one: &Looked) -> Vec<Vec<String>> {
    let named = |text: &str| match target(text) {
        Target::Named(_, name) if body.shape.fhir => name,
        _ => text.to_owned(),
    };
    let mut keys = Vec::new();
    if !one.name.is_empty() {
        keys.push(vec![one.name.clone()]);
    }
    for link in one.links.iter().filter(|link| link.episode) {
        keys.extend(link.text.as_deref().map(|text| vec![named(text)]));
    }
    // Who is meant, by whichever name, is asked of what they tie.
    let subject = |tuple: usize, part: usize| {
        let kind = body.shape.kinds.get(&one.kind);
        let path = kind.and_then(|kind| {
            kind.episode.iter().filter(|link| link.len() > 1).nth(tuple)?.get(part)
        });
        kind.zip(path).is_some_and(|(kind, path)| kind.subject.contains(path))
    };
    let mut texts = one.clone();
    for (tuple, parts) in texts.tuples.iter_mut().enumerate() {
        for (part, values) in parts.iter_mut().enumerate() {
            if subject(tuple, part) {
                values.fill(Part::Value(String::new()));
            }
        }
    }
    keys.extend(texts.tuples(named, str::to_owned));
    keys
}

impl Looked {
    /// Every choice of one value of each part of its tuples.
    fn tuples(
        &self,
        named: impl Fn(&str) -> String,
        value: impl Fn(&str) -> String,
    ) -> Vec<Vec<String>> {
        let mut keys = Vec::new();
        for tuple in &self.tuples {
            let parts = tuple.iter().map(|values| -> Vec<String> {
                let texts = values.iter().map(|part| match part {
                    Part::Reference(text) => named(text),
                    Part::Value(text) => value(text),
                });
                texts.collect()
            });
            keys.extend(super::classify::choices(vec!["tuple".to_owned()], parts));
        }
        keys
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
    let mut looked = reduced(&other, 0, means);
    looked.target = target.to_owned();
    looked.name = name;
    for (reference, identifier) in other.named_subjects(0)? {
        looked.subjects.insert(body.who_is(reference.as_deref(), identifier.as_deref()));
    }
    let nobodys = body.kind_is(&looked.kind, |kind| kind.public || kind.attached);
    if looked.subjects.is_empty() && !nobodys {
        looked.subjects.insert(Subject::Unknown);
    }
    Some(looked)
}

impl Beside {
    /// What ties a record beside the body to others: its own names, and its links.
    pub fn keys(&self, body: &Body<'_>, at: usize) -> Vec<Vec<String>> {
        let one = &self.looked[at];
        if !joins(body, one) {
            return Vec::new();
        }
        let mut keys = vec![self.key(at)];
        if !one.name.is_empty() {
            keys.push(vec![one.name.clone()]);
        }
        let named = |text: &str| match body.resolve(text).first() {
            _ if let Subject::Known(person) = body.who_is(Some(text), None) => {
                super::classify::person_key(person)
            }
            Some(first) => super::classify::own_key(*first),
            None => match target(text) {
                Target::Named(_, name) if body.shape.fhir => name,
                _ => text.to_owned(),
            },
        };
        // As those of the body have them.
        let value = |text: &str| super::classify::or_person(body, text.to_owned());
        keys.extend(one.tuples(named, value).into_iter().map(|key| key[1..].to_vec()));
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
                Sight::Out => match self.leads(body, link) {
                    // Who names the same visit is of one event, whoever's visit that is.
                    Some(next) => keys.push(self.key(next)),
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

    fn leads(&self, body: &Body<'_>, link: &Link) -> Option<usize> {
        let name = name_for_company(body, link, self.public_url.as_deref());
        let company =
            self.looked.iter().position(|one| one.company && Some(&one.name) == name.as_ref());
        company.or_else(|| {
            let target = link.target.as_ref()?;
            self.looked.iter().position(|one| one.target == *target)
        })
    }

    /// What a record beside the body takes by evidence links; `own` is that of the body's.
    pub fn evidence(&self, body: &Body<'_>, at: usize, own: &[Hits]) -> Vec<Hits> {
        let mut hits = Vec::new();
        for link in self.looked[at].links.iter().filter(|link| link.evidence) {
            match sight(body, link) {
                Sight::InBody(targets) => hits.extend(targets.into_iter().map(|one| own[one])),
                Sight::Provider | Sight::Out => {
                    hits.extend(self.leads(body, link).map(|next| self.looked[next].own));
                }
                Sight::Nothing => {}
            }
        }
        hits
    }
}
