//! Makes a body on which the two differ as small as it goes: takes away one value after the
//! other while they still differ.

use super::oracle::emit;
use super::oracle::json::Doc;
use std::collections::BTreeSet;

/// The smallest body found on which `differs` still holds, within that many trials.
pub fn shrink(body: &[u8], trials: usize, differs: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let lines: Vec<&[u8]> = body.split(|byte| *byte == b'\n').collect();
    let alone = lines.iter().find(|line| lines.len() > 1 && differs(line));
    let mut body = alone.map_or(body, |line| *line).to_vec();
    let mut left = trials;
    while let Some(smaller) = smaller(&body, &mut left, &differs) {
        body = smaller;
    }
    body
}

fn smaller(body: &[u8], left: &mut usize, differs: &impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
    let doc = Doc::parse(body, 64).ok()?;
    for id in 1..doc.nodes.len() {
        if doc.key(id) == Some("resourceType") {
            continue;
        }
        *left = left.checked_sub(1)?;
        let smaller = emit::value(&doc, 0, &BTreeSet::from([id]));
        if smaller.len() < body.len() && differs(&smaller) {
            return Some(smaller);
        }
    }
    None
}
