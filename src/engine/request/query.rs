//! The query of a request: which parameters this reader may send, and what goes on upstream.

use super::target::{decode, encode};
use crate::engine::facts::People;
use crate::engine::released::Refusal;
use crate::engine::shapes::meant::{Route, Shape};

/// Most parameters in one request.
const PARAMETERS_MAX: usize = 64;

/// Longest query or form, bytes.
const QUERY_BYTES_MAX: usize = 64 * 1024;

/// Parameters as sent, decoded, in order.
pub(super) struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    /// Reads the query, and for a search by POST the form too; they are one, and may not overlap.
    pub(super) fn read(query: &str, form: Option<&[u8]>, method: &str) -> Result<Query, Refusal> {
        let malformed = |why| Refusal::Malformed { why };
        let mut parameters = pairs(query)?;
        if let Some(form) = form {
            if method != "POST" {
                return Err(malformed("a body where none belongs"));
            }
            let form =
                std::str::from_utf8(form).map_err(|_| malformed("a form that is no UTF-8"))?;
            let more = pairs(form)?;
            let both = more.iter().find(|(name, _)| parameters.iter().any(|(n, _)| n == name));
            if let Some((name, _)) = both {
                return Err(parameter(name));
            }
            parameters.extend(more);
        }
        if parameters.len() > PARAMETERS_MAX {
            return Err(malformed("too many parameters"));
        }
        Ok(Query { parameters })
    }

    /// What goes on upstream: parameters that are open, or self-only in a request pinned to the
    /// reader. The answer depends on the request and the reader alone.
    pub(super) fn rebuild(
        &self,
        shape: &Shape,
        route: &Route,
        people: &dyn People,
        for_public: bool,
    ) -> Result<String, Refusal> {
        let pinned = self.is_pinned(shape, people);
        let mut out = String::new();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &self.parameters {
            if shape.fhir && name == "_format" {
                if is_json(value) {
                    continue;
                }
                return Err(parameter(name));
            }
            let is_in = |list: &[String]| list.binary_search(name).is_ok();
            // TWO-WORLDS: how many are asked for upstream, and from where, is not the reader's to
            // choose: page by page the hidden would be counted, and what belongs to one visit
            // torn apart.
            if route.cursor.as_ref() == Some(name) {
                return Err(parameter(name));
            }
            let paging = route.size.as_ref() == Some(name);
            let pins = is_in(&shape.pinned_by);
            let directory = for_public && is_in(&shape.public);
            let open = pins || paging || directory || is_in(&shape.open);
            if !(open || (pinned && is_in(&shape.self_only))) {
                return Err(parameter(name));
            }
            // Twice the same person parameter, and the upstream may take either.
            if (pins || paging) && seen.contains(&name.as_str()) {
                return Err(parameter(name));
            }
            if shape.fhir
                && matches!(name.as_str(), "_include" | "_revinclude")
                && !is_include(value)
            {
                return Err(parameter(name));
            }
            seen.push(name);
            if paging {
                if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(parameter(name));
                }
                continue;
            }
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(&encode(name));
            out.push('=');
            out.push_str(&encode(value));
        }
        Ok(out)
    }

    /// Pinned: exactly one value of one parameter that pins, and it is the reader.
    fn is_pinned(&self, shape: &Shape, people: &dyn People) -> bool {
        let pins = |name: &String| shape.pinned_by.binary_search(name).is_ok();
        let mut values = self.parameters.iter().filter(|(name, _)| pins(name));
        let (Some((_, value)), None) = (values.next(), values.next()) else { return false };
        let Some(reader) = people.reader() else { return false };
        let named = |name: &str| people.find(name) == Some(reader);
        named(value) || (shape.fhir && named(&format!("Patient/{value}")))
    }
}

fn pairs(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let malformed = |why| Refusal::Malformed { why };
    if text.len() > QUERY_BYTES_MAX {
        return Err(malformed("the query is too long"));
    }
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let bad = || malformed("the query holds a bad escape");
        let name = decode(name, true).ok_or_else(bad)?;
        let value = decode(value, true).ok_or_else(bad)?;
        if name.is_empty() || name.contains(char::is_control) || value.contains(char::is_control) {
            return Err(malformed("the query holds an empty name or a control character"));
        }
        Ok((name, value))
    };
    text.split('&').map(pair).collect()
}

/// Names the parameter, shortened and without what a log or a terminal could trip over.
fn parameter(name: &str) -> Refusal {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-:$[]".contains(c);
    let name = name.chars().take(64).map(|c| if plain(c) { c } else { '?' }).collect();
    Refusal::Parameter { name }
}

fn is_json(format: &str) -> bool {
    matches!(
        format,
        "json"
            | "application/json"
            | "application/fhir+json"
            | "text/json"
            | "ndjson"
            | "application/ndjson"
            | "application/fhir+ndjson"
    )
}

/// `Type:parameter` or `Type:parameter:Target`; neither `*` nor `:iterate`.
fn is_include(value: &str) -> bool {
    let parts: Vec<&str> = value.split(':').collect();
    let word = |text: &&str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    matches!(parts.len(), 2 | 3) && parts.iter().all(word)
}
