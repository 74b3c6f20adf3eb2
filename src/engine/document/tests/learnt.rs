//! What the parser learnt of documents before saves work and changes nothing.

use super::{printed, with_places_to_cut};
use crate::engine::document::scan::{Memory, parse};
use crate::engine::document::tape::{Node, Tape, Vocabulary};
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
    // First to each scalar by itself; then to the amount, and from there to the last.
    assert_eq!((repeats[1], repeats[39]), (6, 2), "{repeats:?}");
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
        for depth in [64; 8].into_iter().chain([3, 2, 64]) {
            for document in &documents {
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
