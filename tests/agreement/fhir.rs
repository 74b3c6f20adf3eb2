//! Random FHIR bodies, made from the element lists of the shape: every kind, every type, with
//! codes from the lists, links of every form, and what does not belong there.

use super::oracle::fhir::targets;
use super::oracle::shape::{Elements, Kind, Shape, Type};
use super::random::{Json, Random};
use super::vocabulary::Vocabulary;

/// What can be pointed at: kind, id, `fullUrl`.
#[derive(Clone, Debug)]
pub struct Entry {
    pub kind: String,
    pub id: String,
    pub url: String,
}

pub struct Maker<'m> {
    pub shape: &'m Shape,
    pub words: &'m Vocabulary,
    pub random: &'m mut Random,
    pub people: usize,
    /// Mostly well-formed and harmless, so that much is released.
    pub tidy: bool,
    pub entries: Vec<Entry>,
    /// The kind and the id of what is being made.
    now: (String, String),
    /// The person it is about, most of the time.
    subject: usize,
    /// Whether all of it is about the same person.
    pub one_person: bool,
}

/// Kinds that are drawn more often than others.
const USUAL: [&str; 15] = [
    "Patient",
    "Encounter",
    "Condition",
    "ExplanationOfBenefit",
    "Claim",
    "Observation",
    "MedicationRequest",
    "Medication",
    "DocumentReference",
    "Binary",
    "Provenance",
    "List",
    "Practitioner",
    "Organization",
    "Coverage",
];

const IDS: [&str; 3] = ["id", "_id", "resourceType"];

impl<'m> Maker<'m> {
    pub fn new(
        shape: &'m Shape,
        words: &'m Vocabulary,
        random: &'m mut Random,
        people: usize,
    ) -> Maker<'m> {
        let now = (String::new(), String::new());
        let tidy = !random.once_in(4);
        Maker {
            shape,
            words,
            random,
            people,
            tidy,
            entries: Vec::new(),
            now,
            subject: 1,
            one_person: false,
        }
    }

    /// A Bundle of some records that point at each other.
    pub fn bundle(&mut self) -> Json {
        let count = 1 + self.random.below(9);
        let kinds: Vec<String> = self.shape.kinds.keys().cloned().collect();
        for number in 0..count {
            let kind = match self.random.below(12) {
                0 => "Novelty".to_owned(),
                1..4 => self.random.pick(&kinds).clone(),
                _ => (*self.random.pick(&USUAL)).to_owned(),
            };
            let id = if kind == "Patient" || kind == "RelatedPerson" {
                let letter = if kind == "Patient" { "p" } else { "rp" };
                format!("{letter}-{}", self.random.below(self.people + 1))
            } else {
                format!("x{number}")
            };
            let url = match self.random.below(4) {
                0 => format!("http://api.example/fhir/{kind}/{id}"),
                1 => format!("https://members.example/fhir/{kind}/{id}"),
                2 => format!("{kind}/{id}"),
                _ => format!("urn:uuid:0000-{number}"),
            };
            self.entries.push(Entry { kind, id, url });
        }
        let entries: Vec<Json> =
            self.entries.clone().iter().map(|entry| self.entry(entry)).collect();
        let mut members = vec![
            ("resourceType".to_owned(), Json::text("Bundle")),
            ("type".to_owned(), Json::text("searchset")),
            ("entry".to_owned(), Json::Array(entries)),
        ];
        for (name, value) in [
            ("total", Json::Raw("12".to_owned())),
            ("link", Json::Array(vec![Json::object(vec![("relation", Json::text("next"))])])),
            ("meta", Json::object(vec![("lastUpdated", Json::text("2026-01-01T00:00:00Z"))])),
        ] {
            if self.random.once_in(3) {
                let at = self.random.below(members.len() + 1);
                members.insert(at, (name.to_owned(), value));
            }
        }
        Json::Object(members)
    }

    fn entry(&mut self, entry: &Entry) -> Json {
        let resource = self.resource(&entry.kind, &entry.id, 0);
        let mut members = vec![("resource".to_owned(), resource)];
        if !self.random.once_in(6) {
            members.insert(0, ("fullUrl".to_owned(), Json::text(entry.url.clone())));
        }
        if self.random.once_in(4) {
            members.push(("search".to_owned(), Json::object(vec![("mode", Json::text("match"))])));
        }
        if self.random.once_in(6) {
            let link = Json::object(vec![("url", Json::text("Patient/p-1"))]);
            let name = *self.random.pick(&["request", "response", "link"]);
            members.insert(self.random.below(members.len() + 1), (name.to_owned(), link));
        }
        Json::Object(members)
    }

    /// One resource of that kind.
    pub fn resource(&mut self, kind: &str, id: &str, depth: usize) -> Json {
        let before = std::mem::replace(&mut self.now, (kind.to_owned(), id.to_owned()));
        if depth == 0 && !self.one_person {
            self.subject = self.random.below(self.people);
        }
        let mut members = vec![("resourceType".to_owned(), Json::text(kind))];
        if !self.random.once_in(12) {
            members.push(("id".to_owned(), Json::text(id)));
        }
        match self.shape.kinds.get(kind).cloned() {
            Some(known) => {
                let wanted = wanted(&known);
                self.elements(&known.elements, &known.elements, &wanted, depth, &mut members);
            }
            None => {
                members.push(("patient".to_owned(), self.reference("Reference Patient")));
                members.push(("code".to_owned(), self.concept()));
            }
        }
        self.base(depth, &mut members);
        if self.random.once_in(3) {
            let middle = &mut members[1..];
            self.random.shuffle(middle);
        }
        self.now = before;
        Json::Object(members)
    }

    /// What every resource may have, and what none should.
    fn base(&mut self, depth: usize, members: &mut Vec<(String, Json)>) {
        if self.random.once_in(5) {
            members.push(("meta".to_owned(), self.meta()));
        }
        if self.random.once_in(6) {
            let div = format!("<div><p class=\"depression\">{} &amp; x</p></div>", self.sentence());
            let text =
                Json::object(vec![("status", Json::text("generated")), ("div", Json::text(div))]);
            members.push(("text".to_owned(), text));
        }
        if self.random.once_in(6) {
            members.push(("extension".to_owned(), Json::Array(vec![self.extension(depth)])));
        }
        if self.random.once_in(7) {
            let name = *self.random.pick(&["unknown", "fhir_comments", "_status", "note2"]);
            let value = self.odd_value();
            members.push((name.to_owned(), value));
        }
        if depth == 0 && self.random.once_in(6) {
            let kind = *self.random.pick(&[
                "Condition",
                "Practitioner",
                "Medication",
                "Patient",
                "Novelty",
            ]);
            let contained = self.resource(kind, "c1", 2);
            members.push(("contained".to_owned(), Json::Array(vec![contained])));
        }
    }

    fn meta(&mut self) -> Json {
        let mut meta = Vec::new();
        for (name, value) in [
            ("versionId", Json::text("7")),
            ("lastUpdated", Json::text("2026-02-01T00:00:00Z")),
            ("profile", Json::Array(vec![Json::text("http://x.example/profile")])),
        ] {
            if self.random.once_in(2) {
                meta.push((name, value));
            }
        }
        if self.random.once_in(2) {
            let label = *self.random.pick(&["PSYTHPN", "PSY", "R", "N", "HIV"]);
            let system = if label.len() == 1 { "v3-Confidentiality" } else { "v3-ActCode" };
            let system = format!("http://terminology.hl7.org/CodeSystem/{system}");
            let label =
                Json::object(vec![("system", Json::text(system)), ("code", Json::text(label))]);
            meta.push(("security", Json::Array(vec![label])));
        }
        if self.random.once_in(4) {
            meta.push(("tag", Json::Array(vec![self.coding()])));
        }
        Json::object(meta)
    }

    fn elements(
        &mut self,
        elements: &Elements,
        root: &Elements,
        wanted: &[String],
        depth: usize,
        members: &mut Vec<(String, Json)>,
    ) {
        for (name, element) in elements {
            let likely = element.demanded || wanted.contains(name);
            let take = if IDS.contains(&name.as_str()) {
                false
            } else if likely {
                (self.tidy && element.demanded) || !self.random.once_in(8)
            } else if depth > 3 {
                self.random.once_in(40)
            } else {
                self.random.once_in(12)
            };
            if !take {
                continue;
            }
            let one = |maker: &mut Self| maker.value(&element.of, root, wanted, depth + 1);
            let value = match self.random.below(20) {
                0 if !self.tidy || self.random.once_in(8) => self.odd_value(),
                1..6 if !element.demanded => Json::Array(vec![one(self)]),
                6..9 => Json::Array(vec![one(self), one(self)]),
                _ => one(self),
            };
            if self.random.once_in(40) {
                let extension = self.extension(depth);
                let value = Json::object(vec![("extension", Json::Array(vec![extension]))]);
                members.push((format!("_{name}"), value));
            }
            members.push((name.clone(), value));
        }
        if self.random.once_in(if self.tidy { 200 } else { 30 }) {
            members.push(("surprise".to_owned(), self.odd_value()));
        }
    }

    fn value(&mut self, of: &Type, root: &Elements, wanted: &[String], depth: usize) -> Json {
        let name = match of {
            Type::Nested(elements) => {
                let mut members = Vec::new();
                self.elements(elements, root, wanted, depth, &mut members);
                return Json::Object(members);
            }
            Type::Named(name) => name.as_str(),
        };
        if name.starts_with("Reference") {
            return self.reference(name);
        }
        match name {
            "CodeableConcept" => self.concept(),
            "Coding" => self.coding(),
            "Extension" => self.extension(depth),
            "Resource" => self.resource("Condition", "inner", depth + 2),
            "Attachment" => self.attachment(),
            "string" | "markdown" => Json::text(self.sentence()),
            "xhtml" => Json::text("<div>x</div>"),
            "boolean" => Json::Raw("true".to_owned()),
            "decimal" => Json::Raw("1.10".to_owned()),
            "integer" | "positiveInt" | "unsignedInt" => Json::Raw("3".to_owned()),
            "date" | "dateTime" | "instant" => Json::text(self.words.day(self.random)),
            "code" | "uri" | "url" | "canonical" | "id" | "oid" | "uuid" | "time"
            | "base64Binary" => Json::text("final"),
            name if name.starts_with('#') => Json::Object(Vec::new()),
            name => {
                let Some(elements) = self.shape.types.get(name).cloned() else {
                    return Json::text("x");
                };
                let mut members = Vec::new();
                self.elements(&elements, &elements, &[], depth, &mut members);
                Json::Object(members)
            }
        }
    }

    fn attachment(&mut self) -> Json {
        use base64::Engine;
        let text = self.sentence();
        let mut data = base64::engine::general_purpose::STANDARD.encode(text);
        if self.random.once_in(8) {
            data.push('!');
        }
        let kind = *self.random.pick(&[
            "text/plain",
            "text/html; charset=utf-8",
            "application/pdf",
            "application/xml",
        ]);
        let binaries: Vec<&Entry> =
            self.entries.iter().filter(|entry| entry.kind == "Binary").collect();
        let Some(binary) = binaries.first().filter(|_| !self.random.once_in(4)) else {
            return Json::object(vec![
                ("contentType", Json::text(kind)),
                ("data", Json::text(data)),
            ]);
        };
        let name = format!("Binary/{}", binary.id);
        let url = match self.random.below(5) {
            0 => format!("https://members.example/fhir/{name}"),
            1 => format!("https://elsewhere.example/fhir/{name}"),
            _ => name,
        };
        Json::object(vec![("contentType", Json::text(kind)), ("url", Json::text(url))])
    }

    fn concept(&mut self) -> Json {
        let mut members = Vec::new();
        let count = self.random.below(3);
        if count > 0 {
            let codings = (0..count).map(|_| self.coding()).collect();
            members.push(("coding", Json::Array(codings)));
        }
        if self.random.once_in(3) {
            members.push(("text", Json::text(self.sentence())));
        }
        Json::object(members)
    }

    fn coding(&mut self) -> Json {
        let harmless = self.tidy && !self.random.once_in(6);
        let (system, code) = if harmless {
            let system = "http://hl7.org/fhir/sid/icd-10-cm".to_owned();
            (Some(system), "J20.9".to_owned())
        } else {
            self.words.code(self.random)
        };
        let mut members = Vec::new();
        if let Some(system) = system {
            members.push(("system", Json::text(system)));
        }
        members.push(("code", Json::text(code)));
        if self.random.once_in(2) {
            members.push(("display", Json::text(self.sentence())));
        }
        if self.random.once_in(3) {
            self.random.shuffle(&mut members);
        }
        Json::object(members)
    }

    fn extension(&mut self, depth: usize) -> Json {
        let listed: Vec<String> = self.shape.extensions.iter().take(6).cloned().collect();
        let url = if self.random.once_in(2) && !listed.is_empty() {
            self.random.pick(&listed).clone()
        } else {
            "http://x.example/unlisted".to_owned()
        };
        let mut members = vec![("url", Json::text(url))];
        if depth < 3 && self.random.once_in(3) {
            let inner = vec![self.extension(depth + 1), self.extension(depth + 1)];
            members.push(("extension", Json::Array(inner)));
        } else {
            members.push(match self.random.below(4) {
                0 => ("valueString", Json::text(self.sentence())),
                1 => ("valueCoding", self.coding()),
                2 => ("valueReference", self.reference("Reference")),
                _ => ("valueDecimal", Json::Raw("1.10".to_owned())),
            });
        }
        Json::object(members)
    }

    /// A reference of a type: mostly to something in the body or to the person it is about.
    fn reference(&mut self, of: &str) -> Json {
        let allowed: Vec<String> = targets(of).into_iter().map(str::to_owned).collect();
        let fits = |kind: &str| allowed.is_empty() || allowed.iter().any(|one| one == kind);
        let near: Vec<Entry> =
            self.entries.iter().filter(|entry| fits(&entry.kind)).cloned().collect();
        let patient = fits("Patient") && (allowed.len() < 6 || self.random.once_in(2));
        let (kind, id, url) = if patient && !self.random.once_in(10) {
            let number = if self.random.once_in(12) {
                self.random.below(self.people + 1)
            } else {
                self.subject
            };
            let id = format!("p-{number}");
            let entry = self.entries.iter().find(|entry| entry.kind == "Patient" && entry.id == id);
            let url = entry.map_or_else(|| format!("Patient/{id}"), |entry| entry.url.clone());
            ("Patient".to_owned(), id, url)
        } else if !near.is_empty() && !self.random.once_in(6) {
            let entry = self.random.pick(&near).clone();
            (entry.kind, entry.id, entry.url)
        } else {
            let kind = if allowed.is_empty() {
                "Encounter".to_owned()
            } else {
                self.random.pick(&allowed).clone()
            };
            (kind.clone(), "away".to_owned(), format!("http://api.example/fhir/{kind}/away"))
        };
        let odd = if self.tidy && (kind == "Patient" || self.random.once_in(2)) { 5 } else { 0 };
        let text = match odd + self.random.below(12 - odd) {
            0 => format!("http://api.example/fhir/{kind}/{id}"),
            1 => format!("{kind}/{id}/_history/3"),
            2 => "#c1".to_owned(),
            3 => format!("{kind}?identifier=http://x.example|{id}"),
            4 => "urn:uuid:nowhere".to_owned(),
            5..7 => url,
            _ => format!("{kind}/{id}"),
        };
        let mut members = vec![("reference", Json::text(text))];
        match odd / 2 + self.random.below(16 - odd / 2) {
            0 => members.clear(),
            1 => {
                members.clear();
                let value = format!("MBR-{}", self.random.below(self.people + 1));
                members.push(("identifier", Json::object(vec![("value", Json::text(value))])));
            }
            2 => members.push(("type", Json::text(kind))),
            _ => {}
        }
        if self.random.once_in(3) {
            members.push(("display", Json::text(self.sentence())));
        }
        Json::object(members)
    }

    fn sentence(&mut self) -> String {
        if self.tidy && !self.random.once_in(10) {
            return "Office visit".to_owned();
        }
        self.words.sentence(self.random)
    }

    fn odd_value(&mut self) -> Json {
        match self.random.below(7) {
            0 => Json::Raw("null".to_owned()),
            1 => Json::Raw("[]".to_owned()),
            2 => Json::Raw("{}".to_owned()),
            3 => Json::Raw("-1.50e3".to_owned()),
            4 => Json::Array(vec![Json::Array(vec![Json::text("x")])]),
            5 => self.coding(),
            _ => Json::text(self.sentence()),
        }
    }
}

/// The elements on the way of a kind's paths: what makes a record interesting.
fn wanted(kind: &Kind) -> Vec<String> {
    use super::oracle::path::Selector;
    let links =
        kind.subject.iter().chain(&kind.targets).chain(&kind.evidence).chain(&kind.clinical);
    let ties = kind.episode.iter().flatten();
    let fields = kind.fields.iter().map(|field| &field.at);
    let mut names = Vec::new();
    for path in links.chain(ties).chain(fields) {
        for segment in &path.segments {
            for selector in &segment.selectors {
                if let Selector::Name(name) = selector {
                    names.push(name.clone());
                }
            }
        }
    }
    names
}
