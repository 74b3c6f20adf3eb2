//! A shape file as plain data (DESIGN 4.3).

use super::path::Path;
use super::yaml::Plain;
use sequester::engine::category::Category;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub struct Shape {
    pub base: String,
    pub fhir: bool,
    pub omit: bool,
    pub routes: Vec<Route>,
    pub envelope: Vec<Path>,
    /// Searches for what may share an event.
    pub company: Vec<String>,
    pub open: Vec<String>,
    pub public: Vec<String>,
    pub self_only: Vec<String>,
    pub pinned_by: Vec<String>,
    pub records: Vec<Place>,
    pub kinds: BTreeMap<String, Kind>,
    pub types: BTreeMap<String, Elements>,
    pub extensions: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub get: Option<String>,
    pub post: Option<String>,
    pub body: String,
    pub stream: bool,
    pub record: Option<String>,
}

/// Where records stand.
#[derive(Clone, Debug)]
pub struct Place {
    pub cut: Path,
    pub record: Option<Path>,
    pub kind: String,
    pub nested: Vec<Place>,
}

#[derive(Clone, Debug, Default)]
pub struct Kind {
    pub id: Option<Path>,
    pub subject: Vec<Path>,
    /// Where the records stand that it speaks of (Provenance, List).
    pub targets: Vec<Path>,
    pub date: Vec<Path>,
    pub codes: Vec<CodePlace>,
    /// One path: a link. Several: a tuple.
    pub episode: Vec<Vec<Path>>,
    pub evidence: Vec<Path>,
    /// What it belongs to: a kind, and the place there that names it.
    pub owner: Option<(String, Path)>,
    /// Links, and how each is looked up.
    pub resolve: Vec<(Path, String)>,
    pub clinical: Vec<Path>,
    pub fields: Vec<Field>,
    pub members: Vec<Path>,
    pub needs_codes: bool,
    pub public: bool,
    pub attached: bool,
    pub joins: bool,
    pub elements: Elements,
}

#[derive(Clone, Debug)]
pub struct CodePlace {
    pub at: Path,
    pub system: Option<String>,
    pub system_at: Option<Path>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub at: Path,
    pub category: Category,
    pub about_contract: bool,
}

/// Element name → type.
pub type Elements = BTreeMap<String, Element>;

#[derive(Clone, Debug)]
pub struct Element {
    /// Whether FHIR demands it (`!`).
    pub demanded: bool,
    pub of: Type,
}

#[derive(Clone, Debug)]
pub enum Type {
    Named(String),
    Nested(Elements),
}

fn path(value: &Plain) -> Option<Path> {
    value.text().map(Path::read)
}

fn paths(value: &Plain) -> Vec<Path> {
    value.texts().iter().map(|text| Path::read(text)).collect()
}

/// A link, or a tuple; one of a single part is that part twice.
fn tie(value: &Plain) -> Vec<Path> {
    let mut parts = paths(value);
    if let ([one], None) = (parts.as_slice(), value.text()) {
        parts.push(one.clone());
    }
    parts
}

impl Shape {
    pub fn read(text: &str) -> Shape {
        let yaml = Plain::read(text);
        let query = yaml.at("query");
        Shape {
            base: yaml.at("base").text().unwrap().to_owned(),
            fhir: yaml.at("dialect").text() == Some("fhir"),
            omit: yaml.at("when-empty").text() == Some("omit"),
            routes: yaml.at("routes").list().iter().map(route).collect(),
            envelope: paths(yaml.at("envelope")),
            company: yaml.at("company").texts(),
            open: query.at("open").texts(),
            public: query.at("public").texts(),
            self_only: query.at("self-only").texts(),
            pinned_by: query.at("pinned-by").texts(),
            records: yaml.at("records").list().iter().map(place).collect(),
            kinds: yaml
                .at("kinds")
                .map()
                .iter()
                .map(|(n, kind)| (n.clone(), self::kind(kind)))
                .collect(),
            types: yaml.at("types").map().iter().map(|(n, of)| (n.clone(), elements(of))).collect(),
            extensions: yaml.at("extensions").texts().into_iter().collect(),
        }
    }
}

fn route(yaml: &Plain) -> Route {
    Route {
        get: yaml.at("GET").text().map(str::to_owned),
        post: yaml.at("POST").text().map(str::to_owned),
        body: yaml.at("body").text().unwrap().to_owned(),
        stream: yaml.at("judge").text() == Some("stream"),
        record: yaml.at("record").text().map(str::to_owned),
    }
}

fn place(yaml: &Plain) -> Place {
    Place {
        cut: path(yaml.at("cut")).unwrap(),
        record: path(yaml.at("record")),
        kind: yaml.at("kind").text().unwrap().to_owned(),
        nested: yaml.at("records").list().iter().map(place).collect(),
    }
}

fn kind(yaml: &Plain) -> Kind {
    let codes = yaml.at("codes").list().iter().map(|code| CodePlace {
        at: path(code.at("at")).unwrap(),
        system: code.at("system").text().map(str::to_owned),
        system_at: path(code.at("system-at")),
    });
    let fields = yaml.at("fields").list().iter().map(|field| Field {
        at: path(field.at("at")).unwrap(),
        category: Category::named(field.at("category").text().unwrap()).unwrap(),
        about_contract: field.at("about").text() == Some("contract"),
    });
    Kind {
        id: path(yaml.at("id")),
        subject: paths(yaml.at("subject")),
        targets: paths(yaml.at("targets")),
        date: paths(yaml.at("date")),
        codes: codes.collect(),
        episode: yaml.at("episode").list().iter().map(tie).collect(),
        evidence: paths(yaml.at("evidence")),
        owner: path(yaml.at("owner").at("at"))
            .map(|at| (yaml.at("owner").at("kind").text().unwrap().to_owned(), at)),
        resolve: yaml
            .at("resolve")
            .list()
            .iter()
            .filter_map(|link| Some((path(link.at("link"))?, link.at("get").text()?.to_owned())))
            .collect(),
        clinical: paths(yaml.at("clinical")),
        fields: fields.collect(),
        members: paths(yaml.at("members")),
        needs_codes: yaml.at("needs").text() == Some("codes"),
        public: yaml.at("belongs").text() == Some("public"),
        attached: yaml.at("belongs").text() == Some("attached"),
        joins: yaml.at("joins").text() != Some("nothing"),
        elements: elements(yaml.at("elements")),
    }
}

fn elements(yaml: &Plain) -> Elements {
    let mut elements = Elements::new();
    for (name, of) in yaml.map() {
        let of = match of {
            Plain::Text(name) => Type::Named(name.clone()),
            other => Type::Nested(self::elements(other)),
        };
        let demanded = name.ends_with('!');
        elements.insert(name.trim_end_matches('!').to_owned(), Element { demanded, of });
    }
    elements
}
