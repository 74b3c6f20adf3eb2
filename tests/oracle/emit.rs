//! Writes a document without the values that were cut: the kept bytes, commas mended.

use super::json::{Doc, Id, Value};
use std::collections::BTreeSet;

/// Adds what goes with what was cut from a shape that omits: an array (in FHIR an object, too)
/// below `top` of which all is cut goes too.
pub fn close(doc: &Doc, top: Id, fhir: bool, cut: &mut BTreeSet<Id>) {
    loop {
        let mut more = Vec::new();
        for id in doc.subtree(top) {
            let children = doc.children(id);
            if id != top
                && (fhir || doc.is_array(id))
                && !cut.contains(&id)
                && !children.is_empty()
                && children.iter().all(|child| cut.contains(child))
            {
                more.push(id);
            }
        }
        if more.is_empty() {
            return;
        }
        cut.extend(more);
    }
}

/// The bytes of a value without what is cut below it.
pub fn value(doc: &Doc, id: Id, cut: &BTreeSet<Id>) -> Vec<u8> {
    match &doc.nodes[id].value {
        Value::Array(elements) => container(doc, id, elements, cut),
        Value::Object(members) => container(doc, id, members, cut),
        _ => doc.raw(id).to_vec(),
    }
}

/// A member from its key's quote to its value's end, without what is cut below it.
pub fn member(doc: &Doc, id: Id, cut: &BTreeSet<Id>) -> Vec<u8> {
    let node = &doc.nodes[id];
    let key = node.key.as_ref().map_or(node.start, |(quote, _)| *quote);
    let mut bytes = doc.bytes[key..node.start].to_vec();
    bytes.extend(value(doc, id, cut));
    bytes
}

fn container(doc: &Doc, id: Id, members: &[Id], cut: &BTreeSet<Id>) -> Vec<u8> {
    let kept: Vec<Id> = members.iter().copied().filter(|one| !cut.contains(one)).collect();
    if kept.is_empty() && !members.is_empty() {
        return if doc.is_array(id) { b"[]".to_vec() } else { b"{}".to_vec() };
    }
    let quote = |child: Id| doc.nodes[child].key.as_ref().map_or(doc.nodes[child].start, |k| k.0);
    let mut bytes = Vec::new();
    let mut at = doc.nodes[id].start;
    let mut any_kept = false;
    for (i, one) in members.iter().enumerate() {
        if cut.contains(one) {
            if any_kept {
                // From the end of the kept child before it to the end of its own value.
                at = doc.nodes[*one].end;
            } else if let Some(next) = members[i + 1..].iter().find(|next| !cut.contains(next)) {
                // From its own key, or start, to that of the next kept child.
                if i == 0 {
                    bytes.extend(&doc.bytes[at..quote(*one)]);
                }
                at = quote(*next);
            }
            continue;
        }
        bytes.extend(&doc.bytes[at..doc.nodes[*one].start]);
        bytes.extend(value(doc, *one, cut));
        at = doc.nodes[*one].end;
        any_kept = true;
    }
    bytes.extend(&doc.bytes[at..doc.nodes[id].end]);
    bytes
}
