//! Selectors: what is read, what is refused, what is found. The compliance suite of RFC 9535
//! (tests/data/jsonpath-cts) is run through our automaton, beside `jsonpath-rust`'s evaluator.

use super::automaton::{Automaton, Child, State};
use super::build::Builder;
use super::text::parse;
use super::{Path, Selector};
use crate::engine::document::read::Document;
use crate::engine::document::scan;
use crate::engine::document::tape::{Kind, NodeId, Tape, Vocabulary};
use jsonpath_rust::JsonPath;
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn refuses_filters_that_do_not_compare_with_a_literal() {
    for text in ["$.a[?@.b]", "$.a[?@.b==@.c]", "$.a[?length(@.b)>1]", "$.a[?@.b==$.c]", "$.a["] {
        assert!(parse(text).is_err(), "{text}");
    }
}

/// What one path selects in a document, each node once, in document order.
fn select(path: &Path, document: &str) -> Vec<Value> {
    let mut vocabulary: Vec<&str> = path.vocabulary();
    vocabulary.push("no path asks for this");
    let vocabulary = Vocabulary::new(vocabulary);
    let mut tape = Tape::default();
    let json =
        scan::parse(document.as_bytes(), 64, &vocabulary, &mut scan::Memory::default(), &mut tape)
            .unwrap();
    let mut builder = Builder::default();
    let root = builder.place();
    let end = builder.path(root, path, &vocabulary);
    builder.mark(end, 7);
    let (automaton, starts) = builder.build(&[vec![root]]).unwrap();
    let mut found = Vec::new();
    walk(&automaton, Document { json, tape: &tape }, NodeId(0), starts[0], &mut found);
    found
}

fn walk(
    automaton: &Automaton,
    doc: Document<'_>,
    id: NodeId,
    state: State,
    found: &mut Vec<Value>,
) {
    let node = doc.get(id).unwrap();
    if !automaton.marks(state).is_empty() {
        found.push(serde_json::from_str(doc.written(id)).unwrap());
    }
    for (index, (child, inner)) in doc.children(id).enumerate() {
        let index = (node.kind == Kind::Array).then_some(index);
        let step = Child { node: child, key: inner.key, index };
        let next = automaton.step(state, step, doc);
        walk(automaton, doc, child, next, found);
    }
}

fn sorted(values: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = values.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

#[test]
fn passes_the_compliance_suite() {
    let text = include_str!("../../../tests/data/jsonpath-cts/cts.json");
    let suite: Value = serde_json::from_str(text).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in suite["tests"].as_array().unwrap() {
        let (name, selector) = (row["name"].as_str().unwrap(), row["selector"].as_str().unwrap());
        let verdict = judge(row, selector);
        let outcome = match verdict {
            Ok(outcome) => outcome,
            Err(why) => {
                wrong.push(format!("{name}: {selector}: {why}"));
                "wrong"
            }
        };
        *counts.entry(outcome).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A suite of which nothing was found would prove nothing.
    assert!(counts.get("found as jsonpath-rust does").is_some_and(|count| *count > 200));
}

fn judge(row: &Value, selector: &str) -> Result<&'static str, String> {
    let path = parse(selector);
    if row["invalid_selector"] == Value::Bool(true) {
        return if path.is_err() { Ok("refused") } else { Err("should be refused".to_owned()) };
    }
    let path = match path {
        Ok(path) => path,
        // Filters other than comparisons with a literal are refused on purpose.
        Err(why) if selector.contains('?') && why.starts_with("this filter") => {
            return Ok("filter refused");
        }
        Err(why) => return Err(why),
    };
    let document = row["document"].to_string();
    let found = select(&path, &document);
    let mut expected: Vec<&Value> = row.get("result").into_iter().collect();
    expected.extend(row["results"].as_array().into_iter().flatten());
    let fits = |expected: &&Value| sorted(expected.as_array().unwrap()) == sorted(&found);
    if !expected.iter().any(fits) {
        return Err(format!("found {:?}, expected {expected:?}", sorted(&found)));
    }
    let theirs: Vec<Value> =
        row["document"].query(selector).unwrap_or_default().into_iter().cloned().collect();
    let agree = sorted(&theirs) == sorted(&found);
    Ok(if agree { "found as jsonpath-rust does" } else { "found where jsonpath-rust errs" })
}

#[test]
fn names_are_told_apart_from_other_steps() {
    let names = |text: &str| parse(text).unwrap().names().map(|n| n.join("."));
    assert_eq!(names("$.a['b c']").as_deref(), Some("a.b c"));
    assert_eq!(names("$.a[*]"), None);
    assert_eq!(names("$..a"), None);
    let path = parse(r#"$["a\"b"]"#).unwrap();
    assert_eq!(path.steps[0].selectors, [Selector::Name("a\"b".to_owned())]);
}
