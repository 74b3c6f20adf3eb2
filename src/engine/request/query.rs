//! The query of a request: which parameters this reader may send, and what goes on upstream.

use super::PagePlan;
use super::open::{Judge, Openness};
use super::target::{add_parameter, decode};
use crate::engine::facts::People;
use crate::engine::released::Refusal;
use crate::engine::shapes::meant::{Paging, Route, Shape};

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

    /// What may be asked: parameters that are open, or self-only in a request pinned to the
    /// reader. The answer depends on the request and the reader alone.
    pub(super) fn admit(
        &self,
        shape: &Shape,
        route: &Route,
        people: &dyn People,
        for_public: bool,
    ) -> Result<Admitted, Refusal> {
        let mut admitted = Admitted::default();
        let judge = Judge {
            shape,
            paging: route.paging.as_ref(),
            for_public,
            pinned: self.is_pinned(shape, people),
        };
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in &self.parameters {
            let openness = judge.openness(name, value).ok_or_else(|| parameter(name))?;
            // Twice the same, and the upstream may take either. FHIR's own say that both hold.
            let once = judge.is_once(name);
            let pins = |name: &str| shape.pinned_by.iter().any(|own| own == name);
            let again = |own: &&str| *own == name || (pins(own) && pins(name));
            if value.is_empty() || (once && seen.iter().any(again)) {
                return Err(parameter(name));
            }
            seen.push(name);
            match openness {
                Openness::Format => {}
                Openness::Size => {
                    admitted.size = Some(size(value).ok_or_else(|| parameter(name))?);
                }
                Openness::Cursor => admitted.cursor = Some(value.clone()),
                Openness::Any | Openness::SelfOnly => {
                    admitted.self_only |= openness == Openness::SelfOnly;
                    admitted.parameters.push((name.clone(), value.clone()));
                }
            }
        }
        Ok(admitted)
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

/// How many, in digits; more than can be is as many as can be.
fn size(value: &str) -> Option<u32> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u32::MAX))
}

/// Parameters that may be asked.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// What goes on upstream, decoded, in order.
    parameters: Vec<(String, String)>,
    size: Option<u32>,
    cursor: Option<String>,
    /// Whether one of them is open only because the request is pinned to the reader.
    pub(super) self_only: bool,
}

impl Admitted {
    /// As it goes upstream.
    pub(super) fn encoded(&self) -> String {
        encoded(self.parameters.iter())
    }

    /// Which page of the search at this path. TWO-WORLDS: how many are asked for upstream, and
    /// from where, is not the reader's to choose: page by page the hidden would be counted, and
    /// what belongs to one visit torn apart.
    pub(super) fn page(&self, paging: &Paging, path: String) -> PagePlan {
        let mut ordered: Vec<&(String, String)> = self.parameters.iter().collect();
        ordered.sort_unstable();
        PagePlan {
            size_parameter: paging.size.clone(),
            size: self.size,
            cursor_parameter: paging.cursor.clone(),
            cursor: self.cursor.clone(),
            path,
            query: encoded(ordered.into_iter()),
        }
    }
}

fn encoded<'p>(parameters: impl Iterator<Item = &'p (String, String)>) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        add_parameter(&mut query, name, value);
    }
    query
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
