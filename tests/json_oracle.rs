//! What a document ought to be to the parser, told by `serde_json` and a few obvious loops; and
//! what must hold of every tape.

use sequester::engine::document::scan::{Memory, ParseError, parse};
use sequester::engine::document::tape::{Kind, NodeId, Tape, Vocabulary, range};
use sequester::engine::document::text;
use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Deepest nesting in these tests; `serde_json` itself ends at 128.
pub(crate) const DEPTH: usize = 64;

/// Whether the parser ought to take it: `serde_json` does, and our own refusals do not apply.
pub(crate) fn ought_to_parse(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).is_ok()
        && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
        && depth(bytes) <= DEPTH
        && serde_json::from_slice::<Strict>(&with_small_numbers(bytes)).is_ok()
}

static VOCABULARY: LazyLock<Vocabulary> =
    LazyLock::new(|| Vocabulary::new(["resourceType", "id", "a", "code", "system", "", "é", "b"]));

thread_local! {
    /// What the parser remembers of all documents that this thread checked before.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Parses, with nothing in memory and with what was there before, and holds the outcome against
/// the oracle and the tape against the document.
pub(crate) fn check(bytes: &[u8]) -> Result<(), ParseError> {
    let outcome = check_with(bytes, &mut Memory::default());
    assert_eq!(MEMORY.with_borrow_mut(|memory| check_with(bytes, memory)), outcome);
    outcome
}

fn check_with(bytes: &[u8], memory: &mut Memory) -> Result<(), ParseError> {
    let vocabulary = &*VOCABULARY;
    let mut tape = Tape::default();
    let outcome = parse(bytes, DEPTH, vocabulary, memory, &mut tape);
    let shown = String::from_utf8_lossy(bytes);
    assert_eq!(outcome.is_ok(), ought_to_parse(bytes), "{outcome:?} for {shown}");
    match outcome {
        Err(error) => {
            assert!(tape.is_empty(), "half a tape is left of {shown}");
            assert!(error.at <= bytes.len(), "{error:?} for {shown}");
        }
        Ok(json) => check_tape(json, &tape, vocabulary),
    }
    outcome.map(|_| ())
}

fn check_tape(json: &str, tape: &Tape, vocabulary: &Vocabulary) {
    let mut written = String::new();
    let after = check_node(json, tape, vocabulary, 0, &mut written);
    assert_eq!(usize::try_from(after), Ok(tape.len()), "nodes behind the root");
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    if let Ok(value) = serde_json::from_str::<Value>(json) {
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value, "{written}");
    }
}

/// Writes the node anew from its spans; gives back the node behind its subtree.
fn check_node(json: &str, tape: &Tape, vocabulary: &Vocabulary, at: u32, out: &mut String) -> u32 {
    let node = tape.get(NodeId(at)).unwrap();
    let span = json.get(range(node.start, node.end)).unwrap();
    let mut next = at + 1;
    match node.kind {
        Kind::Array | Kind::Object => {
            let is_object = node.kind == Kind::Object;
            let (open, close) = if is_object { ('{', '}') } else { ('[', ']') };
            assert!(span.starts_with(open) && span.ends_with(close), "{span}");
            assert!(!node.escaped);
            out.push(open);
            let children: Vec<_> = tape.children(NodeId(at)).map(|(id, _)| id.0).collect();
            for (count, child) in children.iter().enumerate() {
                assert_eq!(*child, next, "children follow each other");
                if count > 0 {
                    out.push(',');
                }
                let inner = tape.get(NodeId(*child)).unwrap();
                assert!(inner.start > node.start && inner.end < node.end, "children lie inside");
                assert_eq!(inner.parent, at, "children know what is around them");
                assert_eq!(!inner.is_element, is_object, "members have keys");
                if is_object {
                    let key = json.get(text::key_span(json, inner)).unwrap();
                    assert_eq!(inner.key_escaped, key.contains('\\'));
                    let text: String = serde_json::from_str(key).unwrap();
                    assert_eq!(inner.key, vocabulary.number(&text), "{key}");
                    assert_eq!(text::key_of(json, inner), text);
                    assert!(text::key_is(json, inner, &text));
                    out.push_str(key);
                    out.push(':');
                }
                next = check_node(json, tape, vocabulary, *child, out);
            }
            out.push(close);
        }
        Kind::String => {
            let said: String = serde_json::from_str(span).unwrap();
            assert_eq!(node.escaped, span.contains('\\'), "{span}");
            assert_eq!(text::str_of(json, node), said);
            assert!(text::str_is(json, node, &said));
            assert!(!text::str_is(json, node, &format!("{said}x")));
            out.push_str(span);
        }
        Kind::Null | Kind::False | Kind::True | Kind::Number => {
            assert!(serde_json::from_str::<IgnoredAny>(span).is_ok(), "{span}");
            assert_eq!(span, span.trim());
            out.push_str(span);
        }
    }
    assert_eq!(node.next, next, "the link leads behind the subtree");
    next
}

/// Deepest nesting of a document that is known to be one.
fn depth(bytes: &[u8]) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for (byte, inside) in with_place(bytes) {
        match byte {
            b'[' | b'{' if !inside => now += 1,
            b']' | b'}' if !inside => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// The document with all digits outside strings made 0 or 1, so that no number is too large.
fn with_small_numbers(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (byte, inside) in with_place(bytes) {
        let number = !inside && matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let is_word = !inside && out.last().is_some_and(u8::is_ascii_alphabetic);
        match byte {
            _ if !number || (is_word && byte == b'e') => out.push(byte),
            _ if out.last() == Some(&b'0') => {}
            _ => out.push(b'0'),
        }
    }
    out
}

/// Each byte, and whether it stands inside a string.
fn with_place(bytes: &[u8]) -> Vec<(u8, bool)> {
    let (mut inside, mut escaped) = (false, false);
    let place = |byte: &u8| {
        let was = inside;
        match (*byte, inside, escaped) {
            (b'"', false, _) => inside = true,
            (b'"', true, false) => inside = false,
            _ => {}
        }
        escaped = was && *byte == b'\\' && !escaped;
        (*byte, was || inside)
    };
    bytes.iter().map(place).collect()
}

/// A document without duplicate keys, NUL in keys and lone surrogates.
struct Strict;

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(Strict)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Strict;

    fn expecting(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.write_str("a strict document")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_str<E>(self, _: &str) -> Result<Strict, E> {
        Ok(Strict)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Strict, A::Error> {
        while elements.next_element::<Strict>()?.is_some() {}
        Ok(Strict)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some((key, Strict)) = members.next_entry::<String, Strict>()? {
            if key.contains('\0') || !keys.insert(key) {
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(Strict)
    }
}
