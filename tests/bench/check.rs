//! Whether a peer answers right: who passes on gives the body byte for byte, who redacts leaves
//! out the records with an F code, all of them and no others.

use super::bad;
use super::load::{Ask, Link, Target};
use super::peers::Peer;
use super::site::{EXPORT, LONGER, Site};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

/// What an F code looks like in a body.
pub(crate) const F_CODE: &[u8] = br#""code":"F"#;

/// Asks for everything about each patient once; the paths with the lengths of their right answers.
pub(crate) async fn asks(site: &Site, peer: Peer, target: &Target) -> io::Result<Arc<[Ask]>> {
    let mut link = target.connect().await?;
    let mut asks = Vec::new();
    for (path, body) in site.bodies.iter().filter(|(path, _)| is_asked(site, path)) {
        let answer = answer(&mut link, peer, target, path, &body.bytes).await?;
        asks.push(Ask { path: path.clone(), length: answer });
    }
    Ok(asks.into())
}

/// Everything about a patient; where there are exports, the longer body is for slow readers.
fn is_asked(site: &Site, path: &str) -> bool {
    path.ends_with("$everything") && !(site.bodies.contains_key(EXPORT) && path == LONGER)
}

/// Asks once; the length of the answer, if it is right.
pub(crate) async fn answer(
    link: &mut Link,
    peer: Peer,
    target: &Target,
    path: &str,
    body: &[u8],
) -> io::Result<usize> {
    let mut answer = Vec::new();
    let asked = link.ask(target, path, &mut |piece| answer.extend_from_slice(piece)).await;
    asked.map_err(|error| bad(format!("{}: {path}: {error}", peer.name())))?;
    match wrong(peer, body, &answer)? {
        None => Ok(answer.len()),
        Some(why) => Err(bad(format!("{}: {path}: WRONG: {why}", peer.name()))),
    }
}

fn wrong(peer: Peer, body: &[u8], answer: &[u8]) -> io::Result<Option<String>> {
    if !peer.redacts() {
        return Ok((body != answer).then(|| "not the bytes of the upstream".to_owned()));
    }
    if memchr::memmem::find(answer, F_CODE).is_some() {
        return Ok(Some("an F code left".to_owned()));
    }
    let harmless =
        |record: &&Value| memchr::memmem::find(record.to_string().as_bytes(), F_CODE).is_none();
    let before = records(body)?;
    let right: BTreeSet<String> = before.iter().filter(harmless).map(id).collect();
    let left: BTreeSet<String> = records(answer)?.iter().map(id).collect();
    if right == left {
        return Ok(None);
    }
    Ok(Some(format!("{} records left, {} were to", left.len(), right.len())))
}

fn id(record: &Value) -> String {
    record.get("id").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Of a Bundle, or of lines.
fn records(body: &[u8]) -> io::Result<Vec<Value>> {
    if let Ok(bundle) = serde_json::from_slice::<Value>(body)
        && bundle.get("resourceType").and_then(Value::as_str) == Some("Bundle")
    {
        let entries = bundle.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
        return Ok(entries.iter().filter_map(|entry| entry.get("resource").cloned()).collect());
    }
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(bad)).collect()
}
