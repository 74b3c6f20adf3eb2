//! The payer's API over a world: honest, knows no family, gives everything to everybody, and
//! tells of what it holds wherever servers do: totals, links, validators.

use super::pair::World;
use super::records::{Api, Item, directory};
use serde_json::{Value, json};
use std::io::Write;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub parameters: Vec<(String, String)>,
    pub host: String,
}

/// What it says.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub fields: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// The body before it was coded.
    pub plain: Vec<u8>,
    pub chunked: bool,
    /// How many records there are of what was asked for.
    pub total: usize,
    /// Its own links.
    pub links: Value,
}

/// Percent-decoding of what our proxy wrote, which is well-formed.
fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

impl Asked {
    pub fn read(target: &str, form: &str, host: &str) -> Asked {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').chain(form.split('&')).filter_map(|pair| pair.split_once('='));
        let parameters = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
        Asked { path: decode(path), parameters, host: host.to_owned() }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.parameter(name)?.parse().ok()
    }
}

impl World {
    pub fn answer(&self, asked: &Asked) -> Reply {
        let path: Vec<&str> = asked.path.split('/').skip(1).collect();
        let reply = match path.as_slice() {
            ["fhir", "export", file] => self.export(file),
            ["fhir", "Patient", id, "$everything"] => Some(self.everything(id)),
            ["fhir", kind] | ["fhir", kind, "_search"] => Some(self.search(asked, kind)),
            ["fhir", kind, id] => self.read(kind, id),
            ["api", "v1", rest @ ..] => self.house(asked, rest),
            _ => None,
        };
        let mut reply = reply.unwrap_or_else(|| self.absent(&path));
        // A stream has a line for each record.
        let of_lines = path.get(1) == Some(&"export");
        if let (true, false, Ok(body)) =
            (self.habits.pretty, of_lines, serde_json::from_slice::<Value>(&reply.body))
        {
            reply.body = format!("{body:#}\n").into_bytes();
        }
        reply.fields.push(("ETag", format!("W/\"{}\"", self.habits.version)));
        reply.fields.push(("X-Total-Count", reply.total.to_string()));
        reply.fields.push(("Set-Cookie", format!("seen={}", self.habits.version)));
        let last = format!("Mon, {:02} Feb 2026 10:00:00 GMT", 1 + self.items.len() % 28);
        reply.fields.push(("Last-Modified", last));
        reply.fields.push((
            "Link",
            format!("<http://{}/{}>; rel=\"next\"", asked.host, self.habits.version),
        ));
        reply
            .fields
            .push(("Content-Location", format!("http://{}/{}", asked.host, self.habits.version)));
        reply.chunked = self.habits.chunked;
        if self.habits.gzip && reply.status == 200 {
            let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            zipped.write_all(&reply.body).unwrap();
            reply.body = zipped.finish().unwrap();
            reply.fields.push(("Content-Encoding", "gzip".to_owned()));
        }
        reply
    }

    /// Not there: in words that tell of the world.
    fn absent(&self, path: &[&str]) -> Reply {
        let status = if self.habits.gone && path.len() > 3 { 410 } else { 404 };
        let text = format!("{} of {} is not there", self.habits.version, self.items.len());
        let body = json!({"resourceType": "OperationOutcome", "issue": [{"diagnostics": text}]});
        Reply { status, ..said("application/fhir+json", body.to_string(), 0) }
    }

    fn of(&self, api: Api) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.api == api)
    }

    fn read(&self, kind: &str, id: &str) -> Option<Reply> {
        let body = self.find(&format!("{kind}/{id}"))?;
        Some(said("application/fhir+json", body.to_string(), 1))
    }

    fn find(&self, name: &str) -> Option<Value> {
        let (kind, id) = name.split_once('/')?;
        let found = self.of(Api::Fhir).find(|item| item.kind == kind && item.id == id);
        found.map(|item| item.body.clone()).or_else(|| {
            let is_it = |one: &Value| one["resourceType"] == kind && one["id"] == id;
            directory().into_iter().find(is_it)
        })
    }

    fn export(&self, file: &str) -> Option<Reply> {
        let kind = file.strip_suffix(".ndjson")?;
        let of_kind: Vec<&Item> = self.of(Api::Fhir).filter(|item| item.kind == kind).collect();
        let lines: String = of_kind.iter().map(|item| format!("{}\n", item.body)).collect();
        // A file is there for every kind; one about nobody is empty.
        Some(said("application/fhir+ndjson", lines, of_kind.len()))
    }

    fn everything(&self, id: &str) -> Reply {
        let about = |item: &&Item| {
            let patient = format!("\"Patient/{id}\"");
            (item.kind == "Patient" && item.id == id)
                || item.body.to_string().contains(&patient)
                || (item.kind == "Provenance" && self.targets(item, id))
        };
        let found: Vec<Value> =
            self.of(Api::Fhir).filter(about).map(|item| item.body.clone()).collect();
        let mut pointed_at: Vec<String> =
            found.iter().flat_map(|body| references(body, "")).collect();
        pointed_at.sort();
        pointed_at.dedup();
        // A drug or a scan is somebody's only by what points at it.
        let attached =
            self.of(Api::Fhir).filter(|item| matches!(item.kind, "Medication" | "Binary"));
        let attached = attached.map(|item| item.body.clone()).filter(|one| {
            pointed_at.contains(&name(one))
                || found.iter().any(|body| body.to_string().contains(&name(one)))
        });
        let doctors = directory().into_iter().filter(|one| pointed_at.contains(&name(one)));
        let total = found.len();
        let entries =
            found.iter().cloned().chain(attached).chain(doctors).map(|body| entry(&body, None));
        let body = json!({
            "resourceType": "Bundle", "type": "searchset", "total": total,
            "meta": {"lastUpdated": format!("2026-02-{:02}", 1 + total % 28)},
            "entry": entries.collect::<Vec<_>>(),
        });
        said("application/fhir+json", self.emptied(body, "entry").to_string(), total)
    }

    fn targets(&self, item: &Item, patient: &str) -> bool {
        let patient = format!("Patient/{patient}");
        let targets = references(&item.body, "target");
        targets.iter().filter_map(|to| self.find(to)).any(|body| {
            references(&body, "patient").contains(&patient)
                || references(&body, "subject").contains(&patient)
        })
    }

    /// Servers differ in how they write a bundle of nothing.
    fn emptied(&self, mut body: Value, key: &str) -> Value {
        if !self.habits.says_empty && body[key].as_array().is_some_and(Vec::is_empty) {
            body.as_object_mut().unwrap().remove(key);
        }
        body
    }

    fn search(&self, asked: &Asked, kind: &str) -> Reply {
        let mut all: Vec<Value> = self
            .of(Api::Fhir)
            .map(|item| &item.body)
            .filter(|body| body["resourceType"] == kind && self.fits(body, asked))
            .cloned()
            .chain(directory().into_iter().filter(|one| one["resourceType"] == kind))
            .collect();
        if asked.parameter("_sort") == Some("_lastUpdated") {
            all.sort_by_key(|body| body["meta"]["lastUpdated"].to_string());
        }
        let total = all.len();
        let from = asked.number("_offset").unwrap_or(0);
        let count = asked.number("_count").unwrap_or(20).min(self.habits.page_records_max).max(1);
        let page: Vec<Value> = all.into_iter().skip(from).take(count).collect();
        let mut entries: Vec<Value> = page.iter().map(|body| entry(body, Some("match"))).collect();
        entries.extend(self.included(asked, &page).iter().map(|b| entry(b, Some("include"))));
        let url = |offset: usize| {
            let kept = asked.parameters.iter().filter(|(name, _)| name != "_offset");
            let kept: String =
                kept.map(|(name, value)| format!("&{name}={}", encode(value))).collect();
            format!("http://{}/fhir/{kind}?_offset={offset}{kept}", asked.host)
        };
        let mut links = vec![json!({"relation": "self", "url": url(from)})];
        if from + count < total {
            links.push(json!({"relation": "next", "url": url(from + count)}));
        }
        let body = json!({
            "resourceType": "Bundle", "type": "searchset", "total": total, "link": links,
            "id": self.habits.version, "entry": entries,
        });
        let body = self.emptied(body, "entry");
        Reply { links: links.into(), ..said("application/fhir+json", body.to_string(), total) }
    }

    /// Whether a resource is what a search asks for. What is not known here is ignored, as many
    /// servers do.
    fn fits(&self, body: &Value, asked: &Asked) -> bool {
        asked.parameters.iter().all(|(parameter, value)| match parameter.as_str() {
            "patient" | "subject" | "beneficiary" => {
                let patient = format!("Patient/{}", value.trim_start_matches("Patient/"));
                ["patient", "subject", "beneficiary"]
                    .into_iter()
                    .any(|member| references(body, member).contains(&patient))
            }
            "_id" => value.split(',').any(|id| body["id"] == id),
            "location" => {
                let urls = body["content"].as_array().into_iter().flatten();
                let url = |one: &Value| one["attachment"]["url"].as_str().map(str::to_owned);
                urls.filter_map(url).any(|url| url.ends_with(value.as_str()))
            }
            "status" => body["status"] == *value,
            "date" => {
                ["/created", "/recordedDate", "/period/start", "/date"].into_iter().any(|at| {
                    let date = body.pointer(at).and_then(Value::as_str);
                    date.is_some_and(|date| date.starts_with(value.as_str()))
                })
            }
            "code" => body.to_string().contains(&format!("\"code\":\"{value}\"")),
            "_lastUpdated" => {
                let day = value.trim_start_matches("gt");
                body["meta"]["lastUpdated"].as_str().is_some_and(|updated| updated > day)
            }
            "_has:Condition:patient:code" => self.of(Api::Fhir).any(|item| {
                item.kind == "Condition"
                    && item.body.to_string().contains(&format!("\"code\":\"{value}\""))
                    && references(&item.body, "subject").contains(&name(body))
            }),
            _ => true,
        })
    }

    /// What `_include` and `_revinclude` add to a page.
    fn included(&self, asked: &Asked, page: &[Value]) -> Vec<Value> {
        let names: Vec<String> = page.iter().map(name).collect();
        let mut found: Vec<Value> = Vec::new();
        for (parameter, value) in &asked.parameters {
            let Some((_, member)) = value.split_once(':') else { continue };
            if parameter == "_include" {
                // Of an element with a choice of types the parameter is the stem.
                let member = if member == "medication" { "medicationReference" } else { member };
                let to = page.iter().flat_map(|body| references(body, member));
                found.extend(to.filter_map(|to| self.find(&to)));
            }
            if parameter == "_revinclude" {
                let points = |item: &&Item| {
                    references(&item.body, member).iter().any(|to| names.contains(to))
                };
                found.extend(self.of(Api::Fhir).filter(points).map(|item| item.body.clone()));
            }
        }
        let mut seen: Vec<String> = names;
        found.retain(|body| {
            let name = name(body);
            let fresh = !seen.contains(&name);
            seen.push(name);
            fresh
        });
        found
    }

    fn house(&self, asked: &Asked, path: &[&str]) -> Option<Reply> {
        match path {
            ["claims", id] => {
                let claim = self.of(Api::House).find(|it| it.kind == "claim" && it.id == *id)?;
                Some(said("application/json", claim.body.to_string(), 1))
            }
            ["family", _] => Some(self.family()),
            ["family" | "members", _, list] => {
                let kind = match *list {
                    "claims" => "claim",
                    "accumulators" => "accumulator",
                    "messages" => "message",
                    "letters" => "letter",
                    "payments" => "payment",
                    "prescriptions" => "prescription",
                    "authorizations" => "authorization",
                    "care-team" => "care-team-member",
                    _ => return None,
                };
                let member = (path[0] == "members").then_some(path[1]);
                Some(self.list(asked, kind, list, member))
            }
            _ => None,
        }
    }

    fn list(&self, asked: &Asked, kind: &str, list: &str, member: Option<&str>) -> Reply {
        let is_theirs = |item: &&Item| member.is_none_or(|member| item.body["memberId"] == member);
        let status = asked.parameter("status");
        let all: Vec<Value> = self
            .of(Api::House)
            .filter(|item| item.kind == kind)
            .filter(is_theirs)
            .filter(|item| status.is_none_or(|status| item.body["status"] == status))
            .map(|item| item.body.clone())
            .collect();
        let total = all.len();
        let from = asked.number("cursor").unwrap_or(0);
        let size = asked.number("pageSize").unwrap_or(20).min(self.habits.page_records_max).max(1);
        let next = (from + size < total).then(|| (from + size).to_string());
        let paged = matches!(kind, "claim" | "message" | "letter" | "payment");
        let key = if list == "care-team" { "careTeam" } else { list };
        let shown: Vec<Value> =
            if paged { all.into_iter().skip(from).take(size).collect() } else { all };
        let mut body = json!({"asOf": "2026-11-21", key: shown, "unread": total});
        if paged {
            body["page"] = json!({"size": size, "total": total, "next": next});
        }
        let reply = said("application/json", body.to_string(), total);
        Reply { links: json!({"next": next}), ..reply }
    }

    fn family(&self) -> Reply {
        let members: Vec<Value> = self
            .of(Api::House)
            .filter(|item| item.kind == "member")
            .map(|member| {
                let claims =
                    self.of(Api::House).filter(|it| it.kind == "claim" && it.who == member.who);
                let claims: Vec<Value> = claims.map(|claim| claim.body.clone()).collect();
                let mut body = member.body.clone();
                body["claims"] = claims.into();
                body
            })
            .collect();
        let total = members.len();
        let body = json!({"asOf": "2026-11-21", "planName": "Silver 2000", "memberCount": total, "members": members});
        said("application/json", body.to_string(), total)
    }
}

fn said(content_type: &str, body: String, total: usize) -> Reply {
    let fields = vec![("Content-Type", content_type.to_owned())];
    let (body, plain) = (body.clone().into_bytes(), body.into_bytes());
    Reply { status: 200, fields, body, plain, chunked: false, total, links: Value::Null }
}

fn entry(body: &Value, mode: Option<&str>) -> Value {
    // The upstream is told by what address readers know it, and writes that.
    let url = format!("https://members.example/fhir/{}", name(body));
    match mode {
        Some(mode) => json!({"fullUrl": url, "resource": body, "search": {"mode": mode}}),
        None => json!({"fullUrl": url, "resource": body}),
    }
}

pub fn name(body: &Value) -> String {
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text("resourceType"), text("id"))
}

/// The references below every member of that name; all of them, if none is named.
pub fn references(value: &Value, member: &str) -> Vec<String> {
    let mut found = Vec::new();
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if key == "reference" && member.is_empty() {
                    found.extend(value.as_str().map(str::to_owned));
                } else if key == member {
                    found.extend(references(value, ""));
                } else {
                    found.extend(references(value, member));
                }
            }
        }
        Value::Array(elements) => {
            found.extend(elements.iter().flat_map(|element| references(element, member)));
        }
        _ => {}
    }
    found
}
