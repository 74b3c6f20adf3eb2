//! What an answer tells: secrets in any coding, counts, marks of something taken away.

use super::super::judge::{Secrets, records_in};
use super::super::world::marks::MARK;
use super::super::world::{Api, World};
use super::ask::Answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use memchr::memmem;
use serde_json::Value;

/// Fields that differ between any two answers, or say how much may still be asked.
const MOMENTARY: [&str; 8] = [
    "date",
    "x-request-id",
    "x-correlation-id",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "retry-after",
];

/// Members by which bodies count.
const COUNTS: [&str; 8] =
    ["total", "count", "totalCount", "unread", "memberCount", "claimCount", "totalPages", "pages"];

/// Words that stand in for something taken away.
const STAND_INS: [&str; 7] = [
    "redacted",
    "masked",
    "withheld",
    "suppressed",
    "[hidden",
    "access denied",
    "insufficient permission",
];

/// What is known of the family, for looking at answers.
pub(super) struct Found {
    pub(super) world: World,
    pub(super) secrets: Secrets,
}

impl Found {
    /// A secret in an answer to the mother: as it stands, or the mark of one in another coding.
    pub(super) fn secret_in(&self, answer: &Answer) -> Option<String> {
        let fields = answer.fields.iter().filter(|(name, _)| {
            !MOMENTARY.contains(&name.as_str()) && !name.starts_with("content-length")
        });
        let texts = fields.map(|(_, value)| value.as_bytes()).chain([answer.body.as_slice()]);
        for text in texts {
            if coded(MARK).iter().any(|mark| memmem::find(text, mark).is_some()) {
                return Some("a mark of the daughter's hidden records".to_owned());
            }
            if let Some(secret) = self.secrets.found_in(text).into_iter().next() {
                return Some(format!("`{secret}`, which stands only in what is hidden"));
            }
        }
        None
    }

    /// How many records an answer has that are hidden from the mother, and how many that are not.
    pub(super) fn counted(&self, answer: &Answer) -> (usize, usize) {
        let (mut hidden, mut open) = (0usize, 0usize);
        for (api, kind, id, _) in records_in(&answer.body) {
            let is_it = |own: &&super::super::world::Record| {
                own.api == api && own.kind == kind && own.id == id
            };
            let Some(record) = self.world.records.iter().find(is_it) else { continue };
            let count = if record.may_be_seen_by(super::super::family::Who::Ruth) {
                &mut open
            } else {
                &mut hidden
            };
            *count = count.saturating_add(1);
        }
        (hidden, open)
    }
}

/// A text as it stands, and in base64 from each of the three alignments.
fn coded(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec()];
    for before in 0..3_usize {
        let padded = [vec![0; before], text.as_bytes().to_vec()].concat();
        let letters = STANDARD_NO_PAD.encode(&padded).into_bytes();
        // The letters at both ends depend on what stands beside the text.
        let first = [0, 2, 3].get(before).copied().unwrap_or(0);
        let whole = padded.len().saturating_mul(8).checked_div(6).unwrap_or(0);
        all.extend(letters.get(first..whole).map(<[u8]>::to_vec));
    }
    all
}

/// How two answers differ, if they do.
pub(super) fn told_apart(one: &Answer, other: &Answer) -> Option<String> {
    if one.status != other.status {
        return Some(format!("{} for the one, {} for the other", one.status, other.status));
    }
    let said = |answer: &Answer| -> Vec<(String, String)> {
        let lasting = answer.fields.iter().filter(|(name, _)| !MOMENTARY.contains(&name.as_str()));
        lasting.cloned().collect()
    };
    let (ones, others) = (said(one), said(other));
    if let Some((name, _)) = ones.iter().find(|field| !others.contains(field)) {
        return Some(format!("the field `{name}` is not the same"));
    }
    if ones.len() != others.len() {
        return Some("one has more header fields".to_owned());
    }
    let at = one.body.iter().zip(&other.body).take_while(|(a, b)| a == b).count();
    (one.body != other.body).then(|| format!("the bodies differ from byte {at} on"))
}

/// A count in an answer that is not the number of records in it.
pub(super) fn counts(answer: &Answer, shown: usize) -> Option<String> {
    let header = ["x-total-count", "x-total", "content-range"].iter().find_map(|name| {
        answer.field(name).map(|value| format!("`{name}: {value}`, beside {shown} records"))
    });
    let body = answer.json();
    let places =
        [&body, body.get("page").unwrap_or(&Value::Null), body.get("meta").unwrap_or(&Value::Null)];
    let in_body = || {
        places.iter().find_map(|place| {
            COUNTS.iter().find_map(|name| {
                let count = place.get(name)?.as_u64()?;
                let is_shown = usize::try_from(count).is_ok_and(|count| count == shown);
                (!is_shown).then(|| format!("`{name}` is {count}, beside {shown} records"))
            })
        })
    };
    header.or_else(in_body)
}

/// A word that stands in for something taken away.
pub(super) fn stand_in(answer: &Answer) -> Option<String> {
    let text = String::from_utf8_lossy(&answer.body).to_lowercase();
    STAND_INS.iter().find(|word| text.contains(**word)).map(|word| format!("it says `{word}`"))
}

/// The entries of a page that were asked for, not those that came along.
pub(super) fn matches(answer: &Answer) -> usize {
    let body = answer.json();
    let entries = body.get("entry").and_then(Value::as_array);
    let is_match = |entry: &&Value| {
        entry.pointer("/search/mode").and_then(Value::as_str).is_none_or(|mode| mode == "match")
    };
    let fhir = entries.into_iter().flatten().filter(is_match).count();
    let claims = body.get("claims").and_then(Value::as_array).map_or(0, Vec::len);
    fhir.saturating_add(claims)
}

/// Where the next page is: the target of a link, or a cursor for the same list.
pub(super) fn next_page(target: &str, answer: &Answer) -> Option<String> {
    let body = answer.json();
    let links = body.get("link").and_then(Value::as_array);
    let next =
        links.into_iter().flatten().find(|link| link.get("relation") == Some(&"next".into()));
    if let Some(url) = next.and_then(|link| link.get("url")).and_then(Value::as_str) {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let path = rest.find('/').and_then(|at| rest.get(at..));
        return path.map(str::to_owned);
    }
    let cursor = body.pointer("/page/next").and_then(Value::as_str)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let kept: String = kept.flat_map(|pair| ["&", pair]).collect();
    Some(format!("{path}?cursor={cursor}{kept}"))
}

/// Whether records of the API stand in it at all.
pub(super) fn has_records(answer: &Answer) -> bool {
    let directory = ["Practitioner", "Organization"];
    let records = records_in(&answer.body);
    records.iter().any(|(api, kind, ..)| *api == Api::House || !directory.contains(&kind.as_str()))
}
