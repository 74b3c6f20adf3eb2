//! The parser at its edges: blocks and windows, many keys, limits, messages.

mod learnt;
mod pieces;

use super::cut::{Cuts, emit};
use super::pieces::Pieces;
use super::read::Document;
use super::scan::{Memory, ParseError, parse};
use super::tape::{Kind, NodeId, Tape, Vocabulary, range};
use super::text::{key_is, key_of, str_is, str_of, unescape};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;
use std::time::{Duration, Instant};

fn parsed(bytes: &[u8]) -> Result<Tape, ParseError> {
    let mut tape = Tape::default();
    parse(bytes, 64, &Vocabulary::default(), &mut Memory::default(), &mut tape).map(|_| tape)
}

fn refused(bytes: &[u8], at: usize, why: &str) {
    let error = parsed(bytes).unwrap_err();
    assert_eq!((error.at, error.why), (at, why), "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn refusals_say_where_and_why() {
    refused(b"", 0, "empty");
    refused(b" \n", 2, "truncated");
    refused(b"\xEF\xBB\xBF", 3, "truncated");
    refused(b"\xEF\xBB\xBF\xEF\xBB\xBF1", 3, "a value is missing");
    refused(b"\xFF\xFE1\0", 0, "invalid UTF-8");
    refused(b"1\0", 1, "something after the end");
    refused(b"[1,2] ]", 6, "something after the end");
    refused(b"1,2", 1, "something after the end");
    refused(b"[1,]", 3, "a value is missing");
    refused(b"[1 2]", 3, "a comma or a closing bracket is missing");
    refused(b"[1}", 2, "a comma or a closing bracket is missing");
    refused(b"[1,2", 4, "truncated");
    refused(b"{\"a\"", 4, "truncated");
    refused(b"{\"a", 3, "truncated");
    refused(b"{\"a\" 1}", 5, "a colon is missing");
    refused(b"{1:1}", 1, "a key is missing");
    refused(b"{\"a\":1,}", 7, "a key is missing");
    refused(b"[nul]", 1, "an unknown word");
    refused(b"[+1]", 1, "a value is missing");
    refused(b"[-]", 2, "a digit is missing");
    refused(b"[1.]", 3, "a digit is missing");
    refused(b"[01]", 1, "a leading zero");
    refused(b"[\"\x1f\"]", 2, "a control character");
    refused(b"[\"\\x\"]", 2, "an unknown escape");
    refused(b"[\"\\u12g4\"]", 2, "not four hex digits after `\\u`");
    refused(b"[\"\\u12\"]", 2, "not four hex digits after `\\u`");
    refused(b"[\"\\ud800\"]", 2, "lone surrogate");
    refused(b"[\"\\udc00\\ud800\"]", 2, "lone surrogate");
    refused(b"[\"\\ud800\\ud800\\udc00\"]", 2, "lone surrogate");
    refused(b"[\"\\ud800x\\udc00\"]", 2, "lone surrogate");
    refused(b"[\"\xC0\x80\"]", 2, "invalid UTF-8");
    refused(b"[\"\xED\xA0\x80\"]", 2, "invalid UTF-8");
    refused(b"{\"a\\u0000\":1}", 3, "NUL in a key");
    refused(b"{\"\\ud800\":1}", 2, "lone surrogate");
    refused(b"{\"a\":1,\"b\":2,\"a\":3}", 13, "duplicate key");
    refused(b"{\"a\":1,\"\\u0061\":2}", 7, "duplicate key");
    refused(b"{\"\":1,\"\":2}", 6, "duplicate key");
    refused(b"{\"a\":{},\"b\":{\"a\":1,\"c\":[{\"x\":1}],\"a\":1}}", 33, "duplicate key");
    refused(b"\\\"", 0, "a value is missing");
    refused(b"[\"a\"\\\"b\"]", 4, "a comma or a closing bracket is missing");
}

#[test]
fn equal_keys_of_different_objects_are_fine() {
    for text in [
        r#"{"a":{"a":1},"b":{"a":1}}"#,
        r#"[{"a":1},{"a":1}]"#,
        r#"{"a":"a","b":"a"}"#,
        r#"{"a":"\u0000"}"#,
        r#"{"sixteen letters+1":0,"sixteen letters+2":0,"sixteen letters+":0}"#,
        r#"{"":0,"\\":1,"\"":2,"\\\\":3}"#,
    ] {
        assert!(parsed(text.as_bytes()).is_ok(), "{text}");
    }
}

#[test]
fn depth_is_counted_in_brackets() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let mut tape = Tape::default();
    let vocabulary = Vocabulary::default();
    assert!(
        parse(nested(64).as_bytes(), 64, &vocabulary, &mut Memory::default(), &mut tape).is_ok()
    );
    let error = parse(nested(65).as_bytes(), 64, &vocabulary, &mut Memory::default(), &mut tape)
        .unwrap_err();
    assert_eq!(error, ParseError { at: 64, why: "nested too deeply" });
    assert!(parse(b"1", 0, &vocabulary, &mut Memory::default(), &mut tape).is_ok());
    assert!(parse(b"[]", 0, &vocabulary, &mut Memory::default(), &mut tape).is_err());
    // Nothing recurses: a thread's stack would not hold this.
    assert!(
        parse(
            nested(1_000_000).as_bytes(),
            usize::MAX,
            &vocabulary,
            &mut Memory::default(),
            &mut tape
        )
        .is_ok()
    );
}

#[test]
fn strings_end_rightly_wherever_they_lie() {
    let bodies = ["", "x", "\\\\", "\\\"", "\\\\\\\"", "\\n\\\\", "é", "😀", "\\ud83d\\ude00"];
    for lead in (0..140).chain(2000..2120) {
        for body in bodies {
            let text =
                format!("[\"{}{body}\",\"{body}\",{{\"k{body}\":\"{body}\"}}]", "x".repeat(lead));
            let tape = parsed(text.as_bytes()).unwrap();
            let said: Value = serde_json::from_str(&text).unwrap();
            let node = tape.get(NodeId(1)).unwrap();
            assert_eq!(str_of(&text, node), said[0].as_str().unwrap(), "{text}");
            let node = tape.get(NodeId(4)).unwrap();
            assert_eq!(key_of(&text, node), format!("k{}", said[1].as_str().unwrap()));
            assert_eq!(
                (node.escaped, node.key_escaped),
                (body.contains('\\'), body.contains('\\'))
            );
        }
    }
}

#[test]
fn runs_of_backslashes_are_counted_across_blocks_and_windows() {
    for lead in (40..70).chain(2030..2060).chain([4090, 4095, 4096]) {
        for run in 0..70 {
            let text = format!("[\"{}{}\"]", "x".repeat(lead), "\\".repeat(run));
            assert_eq!(parsed(text.as_bytes()).is_ok(), run % 2 == 0, "{lead} {run}");
        }
    }
}

#[test]
fn control_characters_are_found_wherever_they_lie() {
    for lead in (0..140).chain(2000..2120) {
        let text = format!("[\"a\",\n\t\"{}\n\"]", "x".repeat(lead));
        refused(text.as_bytes(), 8 + lead, "a control character");
        let fine = format!("[\"a\",\n\t\"{}\"\n]", "x".repeat(lead));
        assert!(parsed(fine.as_bytes()).is_ok());
    }
}

#[test]
fn a_string_of_many_windows_and_escapes_is_one_string() {
    let text = format!("[\"{}\",1]", "\\n\\\"é".repeat(100_000));
    let tape = parsed(text.as_bytes()).unwrap();
    assert_eq!(tape.len(), 3);
    assert_eq!(str_of(&text, tape.get(NodeId(1)).unwrap()).len(), 400_000);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this test looks at the clock")]
fn many_keys_are_searched_in_time() {
    let object = |count: usize, last: &str, key: &dyn Fn(usize) -> String| {
        let members: Vec<_> = (0..count).map(|n| format!("{}:0", key(n))).collect();
        format!("{{{},{last}:0}}", members.join(","))
    };
    // Plain; with one hash for all, since they differ behind the 16th byte; escaped.
    let plain = |n: usize| format!("\"{n}\"");
    let colliding = |n: usize| format!("\"the same sixteen bytes {n:07}\"");
    let escaped = |n: usize| format!("\"\\u0074he same sixteen bytes {n:07}\"");
    let start = Instant::now();
    let all: [(usize, &dyn Fn(usize) -> String); 3] =
        [(100_000, &plain), (100_000, &colliding), (9_000, &escaped)];
    for (count, key) in all {
        assert!(parsed(object(count, "\"last\"", key).as_bytes()).is_ok());
        let twice = object(count, &key(count - 2), key);
        let at = twice.len() - ":0}".len() - key(count - 2).len();
        refused(twice.as_bytes(), at, "duplicate key");
    }
    let unlike = object(9_000, &colliding(7), &escaped);
    assert_eq!(parsed(unlike.as_bytes()).unwrap_err().why, "duplicate key");
    // Seconds, unoptimized and on a busy machine; a quadratic search would take many minutes.
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn every_pair_of_a_middling_object_is_compared() {
    for count in [2, 3, 31, 32, 33, 34, 60] {
        for (first, second) in
            [(0, 1), (0, count - 1), (count - 2, count - 1), (count / 2, count - 1)]
        {
            let key = |n: usize| format!("{}{n}", "long ".repeat(n % 5));
            let named = |n: usize| format!("\"{}\":{{}}", key(if n == second { first } else { n }));
            let members: Vec<_> = (0..count).map(named).collect();
            let text = format!("{{{}}}", members.join(","));
            let wrong = first != second;
            assert_eq!(parsed(text.as_bytes()).is_err(), wrong, "{text}");
        }
    }
}

#[test]
fn a_tape_is_used_again_without_traces() {
    let mut tape = Tape::default();
    let vocabulary = Vocabulary::new(["a"]);
    for _ in 0..3 {
        for broken in ["[\"\\n\\n", "{\"a\":[\"x\"", "[\"\n\"]", "[[[[", "{\"a\":1,\"a\":1}"] {
            assert!(
                parse(broken.as_bytes(), 64, &vocabulary, &mut Memory::default(), &mut tape)
                    .is_err()
            );
            assert!(tape.is_empty());
            parse(br#"{"a":["\u00e9","x"]}"#, 64, &vocabulary, &mut Memory::default(), &mut tape)
                .unwrap();
            assert_eq!(tape.len(), 4);
        }
    }
}

#[test]
fn vocabulary_numbers_count_from_one_in_the_order_given() {
    let long = "a name of more than sixteen bytes, ";
    let names: Vec<String> =
        (0..3000).map(|n| format!("{}{n}", if n % 2 == 0 { "" } else { long })).collect();
    let vocabulary = Vocabulary::new(names.iter().map(String::as_str).chain(["8", "", "\u{e9}"]));
    assert_eq!(vocabulary.len(), 3002);
    for (number, name) in names.iter().enumerate() {
        let number = u16::try_from(number + 1).unwrap();
        assert_eq!(vocabulary.number(name), number);
        assert_eq!(vocabulary.name(number), Some(name.as_str()));
    }
    assert_eq!(vocabulary.number(""), 3001);
    for unknown in ["7 ", "07", "\u{e9}\0", &format!("{long}2"), &format!("{long}1\0")] {
        assert_eq!(vocabulary.number(unknown), 0, "{unknown}");
    }
    assert_eq!(vocabulary.name(0), None);
    assert_eq!(Vocabulary::default().number(""), 0);

    let text = format!(r#"{{"\u00e9":1,"é!":2,"{long}1":3,"{long}x":4,"":5}}"#);
    let mut tape = Tape::default();
    parse(text.as_bytes(), 64, &vocabulary, &mut Memory::default(), &mut tape).unwrap();
    let numbers: Vec<_> = tape.children(NodeId(0)).map(|(_, node)| node.key).collect();
    assert_eq!(numbers, [3002, 0, 2, 0, 3001]);
}

#[test]
fn spans_lie_in_the_bytes_as_they_came() {
    let bytes = b"\xEF\xBB\xBF {\"k\" : [ 1.50 , \"x\" ] }\r\n";
    let tape = parsed(bytes).unwrap();
    let spans: Vec<_> = tape
        .nodes()
        .iter()
        .map(|node| (node.kind, &bytes[range(node.start, node.end)], node.next))
        .collect();
    let expected: [(Kind, &[u8], u32); 4] = [
        (Kind::Object, b"{\"k\" : [ 1.50 , \"x\" ] }", 4),
        (Kind::Array, b"[ 1.50 , \"x\" ]", 4),
        (Kind::Number, b"1.50", 3),
        (Kind::String, b"\"x\"", 4),
    ];
    assert_eq!(spans, expected);
}

#[test]
fn text_is_compared_as_unescaped() {
    let json = r#"{"\u0061b":"caf\u00e9 \ud83d\ude00\n\/","c":1}"#;
    let tape = parsed(json.as_bytes()).unwrap();
    let node = tape.get(NodeId(1)).unwrap();
    assert!(key_is(json, node, "ab") && !key_is(json, node, "a") && !key_is(json, node, "abc"));
    assert!(str_is(json, node, "café 😀\n/"));
    assert!(!str_is(json, node, "café 😀\n") && !str_is(json, node, "cafe"));
    assert_eq!(str_of(json, node), "café 😀\n/");
    let number = tape.get(NodeId(2)).unwrap();
    assert!(!str_is(json, number, "1"));
    assert_eq!(str_of(json, number), "1");
    let root = tape.get(NodeId(0)).unwrap();
    assert_eq!(key_of(json, root), "");
    assert!(!key_is(json, root, ""));
}

/// Any JSON in which some places say that they go.
fn with_places_to_cut() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::from("cut")), Just(Value::from(1)), Just(Value::from("all goes"))];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let members = prop::collection::btree_map("[a-d]", inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Whether a value says that it goes, or holds what says it for all of it.
fn goes(value: &Value) -> bool {
    let says = |inner: &Value| inner == "all goes";
    match value {
        Value::Array(elements) => elements.iter().any(says),
        Value::Object(members) => members.values().any(says),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value == "cut",
    }
}

/// The same to which those places were never given.
fn without(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().filter(|one| !goes(one)).map(without).collect(),
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !goes(value));
            kept.map(|(key, value)| (key.clone(), without(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn printed(value: &Value, indent: Option<&[u8]>) -> String {
    let mut out = Vec::new();
    match indent {
        None => serde_json::to_writer(&mut out, value).unwrap(),
        Some(indent) => {
            let pretty = serde_json::ser::PrettyFormatter::with_indent(indent);
            let mut serializer = serde_json::Serializer::with_formatter(&mut out, pretty);
            value.serialize(&mut serializer).unwrap();
        }
    }
    String::from_utf8(out).unwrap()
}

proptest! {
    /// TWO-WORLDS: white space tells nothing of what is cut, whoever printed it.
    #[test]
    fn what_is_cut_leaves_no_gap(value in with_places_to_cut()) {
        for indent in [None, Some(&b"  "[..]), Some(b"\t")] {
            let json = printed(&value, indent);
            let tape = parsed(json.as_bytes()).unwrap();
            let mut cuts = Cuts::new(tape.len());
            for (at, node) in (0..).map(NodeId).zip(tape.nodes()).skip(1) {
                let says = |(_, inner): (NodeId, &_)| str_is(&json, inner, "all goes");
                if str_is(&json, node, "cut") || tape.children(at).any(says) {
                    cuts.insert(at);
                }
            }
            cuts.seal();
            let mut out = Pieces::default();
            emit(Document { json: &json, tape: &tape }, &cuts, NodeId(0), &mut out);
            let leaves = out.of(json.as_bytes());
            prop_assert_eq!(&*out.keep(json.into_bytes()), &*leaves);
            prop_assert_eq!(String::from_utf8(leaves).unwrap(), printed(&without(&value), indent));
        }
    }

    #[test]
    fn unescaping_never_panics(bytes in "[\"\\\\ud8c0-3x]{0,24}") {
        unescape(&bytes, true);
        unescape(&format!("\"{bytes}\""), true);
    }
}
