//! What the parser learnt of documents before saves work and changes nothing.

use super::{printed, with_places_to_cut};
use crate::engine::document::scan::{Memory, ParseError, parse};
use crate::engine::document::tape::{Node, NodeId, Repeat, Tape, Vocabulary, range};
use proptest::prelude::*;

#[test]
fn what_was_met_before_is_followed() {
    let vocabulary = Vocabulary::new(["code", "coding"]);
    let record = |code: &str| format!(r#"{{"coding":[{{"code":"{code}"}}],"n":[1,2]}}"#);
    let mut memory = Memory::default();
    let mut learn = |text: &str| {
        parse(text.as_bytes(), 64, &vocabulary, &mut memory, &mut Tape::default()).unwrap();
        memory.seams.count()
    };
    let met = learn(&record("a"));
    // To "a", from there to 1, and to 2; the end is no way to a scalar.
    assert_eq!(met, 3);
    assert_eq!(learn(&record("another, and longer")), met, "nothing in it is new");
    assert_eq!(learn(&record("a").replace(':', ": ")), met + 2, "other white space is");
}

#[test]
fn what_was_learnt_with_other_keys_is_forgotten() {
    let (one, other) = (Vocabulary::new(["code", "id"]), Vocabulary::new(["id", "code"]));
    let mut memory = Memory::default();
    for vocabulary in [&one, &one, &other, &other, &one] {
        let mut tape = Tape::default();
        parse(br#"{"code":1,"id":2}"#, 64, vocabulary, &mut memory, &mut tape).unwrap();
        let keys: Vec<u16> = tape.nodes().iter().skip(1).map(|node| node.key).collect();
        assert_eq!(keys, ["code", "id"].map(|name| vocabulary.number(name)));
    }
}

#[test]
fn what_is_the_same_time_and_again_becomes_one_seam() {
    let vocabulary = Vocabulary::new(["code", "system", "amount"]);
    let record = |amount: u32| {
        format!(
            r#"{{"code":{{"system":"s","code":"c","n":1}},"amount":{amount},"more":[true,"x"]}}"#
        )
    };
    let (mut repeats, mut memory) = (Vec::new(), Memory::default());
    for amount in 100..140 {
        let (json, mut tape) = (record(amount), Tape::default());
        parse(json.as_bytes(), 64, &vocabulary, &mut memory, &mut tape).unwrap();
        repeats.push(tape.repeats().len());
    }
    // First to each scalar by itself; then to the last, with a blank for the amount.
    assert_eq!((repeats[1], repeats[39]), (6, 1), "{repeats:?}");
}

/// What is made of a document by a memory that has a blank of three characters in it, and by none.
fn with_a_blank(text: &str) -> [(Result<(), ParseError>, usize); 2] {
    let vocabulary = Vocabulary::new(["id", "kind", "n"]);
    let mut memory = Memory::default();
    for number in 100..140 {
        let json = format!(r#"[{{"id":"{number}","kind":"k","n":{number},"is":true}},0]"#);
        parse(json.as_bytes(), 64, &vocabulary, &mut memory, &mut Tape::default()).unwrap();
    }
    [&mut memory, &mut Memory::default()].map(|memory| {
        let mut tape = Tape::default();
        let outcome = parse(text.as_bytes(), 64, &vocabulary, memory, &mut tape);
        (outcome.map(|_| ()), tape.repeats().len())
    })
}

#[test]
fn only_one_whole_scalar_of_that_length_fills_a_blank() {
    let text = |id: &str, n: &str| format!(r#"[{{"id":"{id}","kind":"k","n":{n},"is":true}},0]"#);
    for (id, n) in [("abc", "999"), ("é1", "1.5"), ("{,}", "-10"), ("   ", "1e3")] {
        let [with, without] = with_a_blank(&text(id, n));
        assert_eq!((with, without), ((Ok(()), 1), (Ok(()), 0)), "{id} {n}");
    }
    for (id, n) in [("abcd", "100"), ("ab", "100"), (r"a\n", "100"), ("abc", "1000"), ("abc", "10")]
    {
        let [with, without] = with_a_blank(&text(id, n));
        assert!(with.0 == Ok(()) && without.0 == Ok(()) && with.1 > 1, "{id} {n}");
    }
    for (id, n) in [
        ("a\"b", "100"),
        ("a\u{1}b", "100"),
        (r"a\x", "1"),
        ("abc", "01 "),
        ("abc", "1,2"),
        ("abc", "1e+"),
    ] {
        let [with, without] = with_a_blank(&text(id, n));
        assert!(without.0.is_err(), "{id} {n}");
        assert_eq!(with.0, without.0);
    }
}

#[test]
fn what_is_behind_an_object_has_no_part_in_its_keys() {
    // So many keys that two of one object share a bit, and each object has to be looked at.
    let keys: Vec<String> = (0..70).map(|key| format!("k{key}")).collect();
    let vocabulary = Vocabulary::new(keys.iter().map(String::as_str));
    let object =
        |key: usize| format!(r#"{{"in":{{"k{key}":"v","k{}":1}},"k{key}":[true]}}"#, key + 64);
    let all: Vec<String> = keys.iter().map(|key| format!(r#""{key}":0"#)).collect();
    let objects: Vec<String> = (0..6).map(object).collect();
    let json = format!(r#"[{{"in":{{{}}}}},{}]"#, all.join(","), objects.join(","));
    let json = json.into_bytes();
    let mut memory = Memory::default();
    for _ in 0..20 {
        parse(&json, 64, &vocabulary, &mut memory, &mut Tape::default()).unwrap();
    }
    let twice = String::from_utf8(json).unwrap().replace("\"v\",\"k68\"", "\"v\",\"k4\"");
    let twice = parse(twice.as_bytes(), 64, &vocabulary, &mut memory, &mut Tape::default());
    assert_eq!(twice.unwrap_err().why, "duplicate key");
}

#[test]
fn nothing_grows_from_one_record_into_the_next() {
    let vocabulary = Vocabulary::new(["entry", "resource", "id", "kind", "of", "mode"]);
    let entry = r#"{"resource":{"id":"i","kind":["k"],"of":"o"},"mode":["match"]}"#;
    let json = format!(r#"{{"entry":[{}]}}"#, [entry; 20].join(","));
    let (mut tape, mut memory) = (Tape::default(), Memory::default());
    let resource = vocabulary.number("resource");
    // How many repeats are of a record and what is around it, and how many of a record alone.
    let mut grown = |told: bool| {
        for _ in 0..8 {
            parse(json.as_bytes(), 64, &vocabulary, &mut memory, &mut tape).unwrap();
            let roots = (0..).zip(tape.nodes()).filter(|(_, node)| node.key == resource);
            let roots = roots.map(|(id, _)| NodeId(id)).take(if told { 20 } else { 0 });
            memory.begin_records(&tape, roots);
        }
        let nodes = |repeat: &Repeat| tape.nodes().get(range(repeat.first, repeat.behind));
        let keys = |repeat| nodes(repeat).unwrap().iter().map(|node| node.key).collect::<Vec<_>>();
        let has = |keys: &[u16], names: &[&str]| {
            names.iter().any(|name| keys.contains(&vocabulary.number(name)))
        };
        let of_record = |keys: &Vec<u16>| has(keys, &["id", "kind", "of"]) && keys.len() > 1;
        let all: Vec<_> = tape.repeats().iter().map(keys).filter(of_record).collect();
        let crosses = all.iter().filter(|keys| has(keys, &["resource", "mode"])).count();
        (crosses, all.len() - crosses)
    };
    assert!(grown(false).0 > 0);
    assert_eq!(grown(true), (0, 20));
}

/// A document in which strings of one letter that are no keys are others, of the same length, and
/// digits, too; every other time the same as it was.
fn with_other_values(document: &[u8], round: usize) -> Vec<u8> {
    let mut other = document.to_vec();
    if round.is_multiple_of(2) || document.contains(&b'\\') {
        return other;
    }
    let shift = u8::try_from(round).unwrap();
    for (at, byte) in document.iter().enumerate() {
        let around = (at.checked_sub(1).map(|before| document[before]), document.get(at + 1));
        let is_key = document.get(at + 2) == Some(&b':');
        if byte.is_ascii_lowercase() && around == (Some(b'"'), Some(&b'"')) && !is_key {
            other[at] = b'a' + (byte - b'a' + shift) % 26;
        } else if matches!(byte, b'1'..=b'9') {
            other[at] = b'1' + (byte - b'1' + shift) % 9;
        }
    }
    other
}

proptest! {
    /// What was learnt of documents before changes nothing: neither what is made of the next one
    /// nor where and why it is refused. Documents are built of few keys and values, so that seams
    /// come again, and many are broken.
    #[test]
    fn what_was_learnt_changes_nothing(
        documents in proptest::collection::vec("([{}\\[\\],:]|\"[abc]\":|\"[abc]\"|\"\\\\u006[12]\":|\\[\\{|\\}\\]| |1|-2.5|true|null){1,24}", 1..6),
        values in proptest::collection::vec(with_places_to_cut(), 1..4),
        broken in any::<(prop::sample::Index, u8)>(),
    ) {
        const NAMES: [&str; 5] = ["a", "b", "cut", "d", "e"];
        let (learnt, mut memory) = (Vocabulary::new(NAMES), Memory::default());
        let mut documents: Vec<Vec<u8>> = documents.into_iter().map(String::into_bytes).collect();
        for value in values {
            for indent in [None, Some(&b"  "[..]), None] {
                let mut json = printed(&value, indent).into_bytes();
                documents.push(json.clone());
                let at = broken.0.index(json.len());
                json[at] = broken.1;
                documents.push(json);
            }
        }
        // Often enough for seams to grow over what is the same in all of them.
        for (round, depth) in [64; 8].into_iter().chain([3, 2, 64, 64]).enumerate() {
            for document in documents.iter().map(|document| with_other_values(document, round)) {
                let document = document.as_slice();
                let (mut tape, mut fresh) = (Tape::default(), Tape::default());
                let outcome = parse(document, depth, &learnt, &mut memory, &mut tape);
                let expected = parse(document, depth, &learnt, &mut Memory::default(), &mut fresh);
                prop_assert_eq!(outcome, expected);
                let nodes = |tape: &Tape| -> Vec<String> {
                    let plain = tape.nodes().iter().map(|node| Node { path: 0, ..*node });
                    plain.map(|node| format!("{node:?}")).collect()
                };
                prop_assert_eq!(nodes(&tape), nodes(&fresh));
            }
        }
    }
}
