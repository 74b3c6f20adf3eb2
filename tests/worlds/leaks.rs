//! Measures broken on purpose: each must be noticed.
//!
//! The production code has no switch to break it. What files can break is broken in files: a
//! shape, a code list, a rule. The rest is broken by a man in the middle: what the upstream said
//! is put back into the proxy's answer, as a proxy would have left it there that lacks the one
//! measure.

use super::client::Answer;
use super::payer::{Reply, name};
use super::requests::Step;
use crate::proxy::deployment::Files;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What leaks through the man in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leak {
    Total,
    UpstreamLinks,
    UpstreamETag,
    UpstreamLastModified,
    UpstreamCount,
    UpstreamCookie,
    UpstreamContentLocation,
    /// What is hidden is forbidden, what is absent not found.
    Forbidden,
    /// The upstream's own word for what is not there.
    UpstreamStatus,
    /// The reader's page size goes upstream, and what is left of the page is the page.
    ShortPages,
    /// When a record that is shown was changed last.
    RecordLastUpdated,
    /// When anything of a list was changed last.
    BundleLastUpdated,
    /// The length of the upstream's body in answer to HEAD.
    HeadLength,
    /// A mark where something was taken away.
    Placeholder,
    /// The answer says how many were withheld.
    WithheldCount,
}

pub const LEAKS: [Leak; 15] = [
    Leak::Total,
    Leak::UpstreamLinks,
    Leak::UpstreamETag,
    Leak::UpstreamLastModified,
    Leak::UpstreamCount,
    Leak::UpstreamCookie,
    Leak::UpstreamContentLocation,
    Leak::Forbidden,
    Leak::UpstreamStatus,
    Leak::ShortPages,
    Leak::RecordLastUpdated,
    Leak::BundleLastUpdated,
    Leak::HeadLength,
    Leak::Placeholder,
    Leak::WithheldCount,
];

impl Leak {
    /// Puts it into an answer, by what the upstream said.
    pub fn into_answer(self, step: &Step, answer: &mut Answer, said: &[Reply]) {
        let Some(last) = said.first() else { return };
        let field = |name: &str| {
            let named = last.fields.iter().find(|(own, _)| *own == name);
            (name.to_lowercase(), named.map(|(_, value)| value.clone()).unwrap_or_default())
        };
        let shown = serde_json::from_slice::<Value>(&answer.body).ok();
        let is_list = answer.status == 200
            && shown
                .as_ref()
                .is_some_and(|body| body["resourceType"] == "Bundle" || body.get("asOf").is_some());
        let withheld = || {
            let held: Value = serde_json::from_slice(&last.plain).unwrap_or_default();
            let count = |body: &Value| -> usize {
                let lists = body.as_object().into_iter().flatten();
                lists.filter_map(|(_, list)| list.as_array().map(Vec::len)).sum()
            };
            count(&held).saturating_sub(shown.as_ref().map_or(0, count))
        };
        match self {
            Leak::Total if is_list => answer.put("total", &last.total.to_string()),
            Leak::UpstreamLinks if is_list => answer.put("links", &last.links.to_string()),
            Leak::BundleLastUpdated if is_list => {
                let text = String::from_utf8_lossy(&last.plain).into_owned();
                let last = text.split("\"lastUpdated\":").skip(1).max().unwrap_or("\"\"");
                answer.put("meta", &format!("{:?}", &last[..12.min(last.len())]));
            }
            Leak::Placeholder if is_list && withheld() > 0 => {
                answer.put("withheld", &format!("{:?}", vec!["[withheld]"; withheld()]));
            }
            Leak::WithheldCount if is_list => {
                answer.fields.push(("x-withheld".to_owned(), withheld().to_string()));
            }
            Leak::UpstreamETag => answer.fields.push(field("ETag")),
            Leak::UpstreamLastModified => answer.fields.push(field("Last-Modified")),
            Leak::UpstreamCount => answer.fields.push(field("X-Total-Count")),
            Leak::UpstreamCookie => answer.fields.push(field("Set-Cookie")),
            Leak::UpstreamContentLocation => answer.fields.push(field("Content-Location")),
            Leak::Forbidden if answer.status == 404 && last.status == 200 => answer.status = 403,
            Leak::UpstreamStatus => answer.status = last.status,
            Leak::HeadLength if matches!(step, Step::Ask { method: "HEAD", .. }) => {
                answer.length(last.plain.len());
            }
            Leak::RecordLastUpdated if is_list => with_meta(answer, last),
            Leak::ShortPages if is_list => short_page(step, answer, last),
            _ => {}
        }
    }
}

/// Every entry with the `meta` that it has upstream.
fn with_meta(answer: &mut Answer, last: &Reply) {
    let held: Value = serde_json::from_slice(&last.plain).unwrap_or_default();
    let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    for entry in body["entry"].as_array_mut().into_iter().flatten() {
        let is_it = |one: &&Value| name(&one["resource"]) == name(&entry["resource"]);
        if let Some(upstream) = held["entry"].as_array().into_iter().flatten().find(is_it) {
            entry["resource"]["meta"] = upstream["resource"]["meta"].clone();
        }
    }
    answer.body = body.to_string().into_bytes();
    answer.length(answer.body.len());
}

/// Only the entries that stand among the first ones of the upstream.
fn short_page(step: &Step, answer: &mut Answer, last: &Reply) {
    let Step::Ask { target, form, .. } = step else { return };
    let asked = format!("{target}&{}", form.as_deref().unwrap_or_default());
    let count = asked.split(['?', '&']).find_map(|pair| pair.strip_prefix("_count="));
    let Some(count) = count.and_then(|count| count.parse::<usize>().ok()) else { return };
    let entries = |body: &[u8]| -> Vec<Value> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        body["entry"].as_array().cloned().unwrap_or_default()
    };
    let first: Vec<String> =
        entries(&last.plain).iter().take(count).map(|one| name(&one["resource"])).collect();
    let kept: Vec<Value> = entries(&answer.body)
        .into_iter()
        .filter(|entry| first.contains(&name(&entry["resource"])))
        .collect();
    answer.body = Value::from(kept).to_string().into_bytes();
    answer.length(answer.body.len());
}

impl Answer {
    /// Adds a member to a body that is an object.
    fn put(&mut self, key: &str, value: &str) {
        let member = format!("\"{key}\":{value},");
        self.body.splice(1..1, member.into_bytes());
        self.length(self.body.len());
    }

    fn length(&mut self, length: usize) {
        for (name, value) in &mut self.fields {
            if name == "content-length" {
                *value = length.to_string();
            }
        }
    }
}

/// Instead of lines that begin so: none.
const NO_LINE: &str = "no line";

/// A measure that is written in a policy file: the file, what stands there, and what somebody
/// wrote instead.
pub struct Broken {
    pub measure: &'static str,
    pub edits: &'static [(&'static str, &'static str, &'static str)],
}

pub const BROKEN: [Broken; 12] = [
    Broken {
        measure: "totals are no part of the envelope",
        edits: &[
            (
                "shapes/fhir-r4.yaml",
                "envelope: [$.resourceType,",
                "envelope: [$.total, $.resourceType,",
            ),
            (
                "shapes/family-account.yaml",
                "envelope: [$.asOf,",
                "envelope: [$.unread, $.page, $.asOf,",
            ),
        ],
    },
    Broken {
        measure: "nobody searches by what another person's hidden records say",
        edits: &[(
            "shapes/fhir-r4.yaml",
            "open: [_id,",
            "open: ['_has:Condition:patient:code', _lastUpdated, _id,",
        )],
    },
    Broken {
        measure: "the claims of one visit are one episode",
        edits: &[(
            "shapes/family-account.yaml",
            "episode: [$.claimId, $.visitId, $.authorizationId, [$.memberId, $.provider.npi, $.serviceDate]]",
            "episode: [$.claimId]",
        )],
    },
    Broken {
        measure: "a bill belongs to its encounter",
        edits: &[(
            "shapes/fhir-r4.yaml",
            "'$.item[*].encounter[*]'",
            "'$.item[*].encounterNobodyHas[*]'",
        )],
    },
    Broken {
        measure: "a record of a house is judged with what shares its visit",
        edits: &[("shapes/family-account.yaml", "  - '/members/{subject}/claims'\n", "")],
    },
    Broken {
        measure: "a bill is judged with the diagnosis that points at its encounter",
        edits: &[("shapes/fhir-r4.yaml", "  - '/Condition?patient={subject}'\n", "")],
    },
    Broken {
        measure: "the total of a payment is the family's",
        edits: &[
            (
                "shapes/family-account.yaml",
                "      - { at: $.checkNumber, category: aggregate }\n",
                "",
            ),
            (
                "shapes/family-account.yaml",
                "    date: $.paidOn\n    members: [$.paidOn]",
                "    date: $.paidOn\n    members: [$.paidOn, $.checkNumber]",
            ),
        ],
    },
    Broken {
        measure: "depression and anxiety are mental health",
        edits: &[
            ("codes/icd10cm.csv", "ICD-10-CM,F", NO_LINE),
            ("codes/cpt.csv", "CPT,90", NO_LINE),
            ("codes/nucc.csv", "NUCC,103T", NO_LINE),
        ],
    },
    Broken {
        measure: "an adult's reproductive care is theirs",
        edits: &[
            (
                "rules/us-federal.yaml",
                "category: [reproductive, sexual-health]\n    subject: { age: adult }\n    reader: others",
                "category: [reproductive, sexual-health]\n    subject: { age: adult }\n    reader: spouse",
            ),
            (
                "rules/us-federal.yaml",
                "releases:\n",
                "releases:\n  - { category: [reproductive, sexual-health], subject: { age: adult }, reader: [representative, guardian, subscriber, dependent, outsider], why: broken on purpose }\n",
            ),
        ],
    },
    Broken {
        measure: "running totals are aggregate",
        edits: &[
            (
                "shapes/family-account.yaml",
                "members: [$.name, $.relationship, $.coverageStatus]",
                "members: [$.name, $.relationship, $.coverageStatus, $.claimCount, $.deductibleUsed]",
            ),
            (
                "shapes/family-account.yaml",
                "      - { at: $.deductibleUsed, category: aggregate }\n",
                "",
            ),
            (
                "shapes/family-account.yaml",
                "      - { at: $.claimCount, category: aggregate }\n",
                "",
            ),
        ],
    },
    Broken {
        measure: "prose is free text",
        edits: &[
            ("shapes/family-account.yaml", "      - { at: $.memo, category: free-text }\n", ""),
            (
                "shapes/family-account.yaml",
                "members: [$.amounts, $.provider, $.status,",
                "members: [$.memo, $.amounts, $.provider, $.status,",
            ),
        ],
    },
    Broken {
        measure: "where an adult lives is theirs",
        edits: &[
            ("shapes/family-account.yaml", "      - { at: $.address, category: contact }\n", ""),
            ("shapes/family-account.yaml", "      - { at: $.phone, category: contact }\n", ""),
            (
                "shapes/family-account.yaml",
                "members: [$.name, $.relationship,",
                "members: [$.address, $.phone, $.name, $.relationship,",
            ),
        ],
    },
];

impl Broken {
    /// The files of a deployment whose policies lack this measure.
    pub fn files(&self) -> Files {
        let files = Files::with_all_policies();
        let folder = files.path("policies");
        // A link to the policies of this repository, which are to stay whole.
        fs::remove_file(&folder).unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &folder);
        for (file, from, to) in self.edits {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(text.contains(from), "{file} does not hold `{from}`");
            let text = if *to == NO_LINE {
                let kept = text.lines().filter(|line| !line.starts_with(from));
                kept.map(|line| format!("{line}\n")).collect()
            } else {
                text.replace(from, to)
            };
            fs::write(folder.join(file), text).unwrap();
        }
        files
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}
