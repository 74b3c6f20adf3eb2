//! Marks: every record that the mother must not see of her daughter carries words that stand
//! nowhere else, so that whoever tests a deployment with this family finds any piece of them.

use super::super::family::Who;
use super::{Api, Record};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How every mark begins.
pub(in crate::demo) const MARK: &str = "kitmark";

/// Members whose texts people read.
const TEXTS: [&str; 5] = ["display", "text", "title", "description", "disposition"];

/// Puts marks into a record.
pub(super) fn put(record: &mut Record) {
    if record.subjects != [Who::Ingrid] || record.may_be_seen_by(Who::Ruth) {
        return;
    }
    // The same on every day and every machine: whoever asks need not be where the family is.
    let digest = Sha256::digest(format!("{}/{}", record.kind, record.id));
    let letters = digest.iter().take(16).map(|byte| format!("{byte:02x}"));
    let mark = std::iter::once(MARK.to_owned()).chain(letters).collect::<String>();
    write(&mut record.body, &mark);
    if let Value::Object(members) = &mut record.body {
        match (record.api, record.kind) {
            (Api::House, _) => members.insert("reference".to_owned(), mark.into()),
            (Api::Fhir, "Provenance") => members.insert("policy".to_owned(), json!([mark])),
            (Api::Fhir, _) => members
                .insert("identifier".to_owned(), json!([{"system": "urn:kit", "value": mark}])),
        };
    }
}

/// Adds it to every text and every attachment below.
fn write(value: &mut Value, mark: &str) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if let Value::String(text) = value {
                    *text = marked(name, text, mark);
                } else {
                    write(value, mark);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|element| write(element, mark)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn marked(name: &str, text: &str, mark: &str) -> String {
    if TEXTS.contains(&name) {
        return format!("{text} {mark}");
    }
    match STANDARD.decode(text.as_bytes()) {
        Ok(inner) if name == "data" => {
            STANDARD.encode([inner.as_slice(), b" ", mark.as_bytes()].concat())
        }
        _ => text.to_owned(),
    }
}
