//! The parser against the JSON torture suite, generated documents and mutated real ones.

use crate::json_oracle::check;
use proptest::prelude::*;
use std::path::Path;

/// Valid JSON that is refused all the same, because two parsers could read two things.
const REFUSED: [&str; 3] = [
    "y_object_duplicated_key.json",
    "y_object_duplicated_key_and_value.json",
    "y_object_escaped_null_in_key.json",
];

fn data(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_torture_suite_is_judged_as_it_says() {
    let files = data("json-test-suite/test_parsing");
    assert_eq!(files.len(), 318);
    for (name, bytes) in files {
        let taken = check(&bytes).is_ok();
        match name.get(..2) {
            Some("y_") => assert_eq!(taken, !REFUSED.contains(&name.as_str()), "{name}"),
            Some("n_") => assert!(!taken, "{name}"),
            _ => {}
        }
    }
}

#[test]
fn real_documents_parse() {
    for (name, bytes) in data("carin-bb") {
        assert_eq!(check(&bytes), Ok(()), "{name}");
    }
}

/// `MUTATIONS` says how many; a long run is for when the parser has changed.
#[test]
fn mutated_documents_get_the_verdict_of_serde_json() {
    let wanted = std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok());
    let mut files = data("carin-bb");
    let suite = data("json-test-suite/test_parsing");
    files.extend(
        suite.into_iter().filter(|(name, bytes)| name.starts_with("y_") && bytes.len() > 9),
    );
    let mut random = Random(0x5eed);
    let (wanted, mut taken) = (wanted.unwrap_or(20_000_usize), 0);
    for _ in 0..wanted {
        let mut bytes = files[random.below(files.len())].1.clone();
        // Mostly pieces: they are short, so that a mutation often matters.
        if bytes.len() > 600 && random.below(8) > 0 {
            bytes = piece(&bytes, &mut random);
        }
        for _ in 0..=random.below(3) {
            mutate(&mut bytes, &mut random);
        }
        taken += usize::from(check(&bytes).is_ok());
    }
    assert!(taken > wanted / 20 && taken < wanted / 2, "{taken} of {wanted}: too few, or too many");
}

/// One value of a document, found by its brackets; a bad one does no harm.
fn piece(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let from = random.below(bytes.len());
    let start = bytes[from..].iter().position(|byte| matches!(byte, b'{' | b'[')).unwrap_or(0);
    let mut depth = 0;
    for (length, byte) in bytes[from + start..].iter().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return bytes[from + start..=from + start + length].to_vec();
        }
    }
    bytes.to_vec()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const SCRAPS: [&[u8]; 40] = [
        b"\"",
        b"\\",
        b"\\\"",
        b"\\\\",
        b"\\u",
        b"\\u0000",
        b"\\ud800",
        b"\\udc00",
        b"\\u00e9",
        b"{",
        b"\\ud83d\\ude00",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\"a\":1,",
        b"\"\\u0061\":1,",
        b"0",
        b"-",
        b"1e5",
        b".5",
        b"true",
        b"nul",
        b" ",
        b"\n",
        b"\t",
        b"\r",
        b"\0",
        b"\x1f",
        b"\x7f",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xc3\xa9",
        b"\xef\xbb\xbf",
        b"/",
        b"'",
        b"{\"b\":[]}",
    ];
    let from = random.below(bytes.len() + 1);
    let to = (from + random.below(12)).min(bytes.len());
    match random.below(7) {
        0 => drop(bytes.drain(from..to)),
        1 if from < bytes.len() => bytes[from] ^= 1 << random.below(8),
        2 => bytes.truncate(from),
        3 => {
            let again = bytes[from..to].to_vec();
            let at = random.below(bytes.len() + 1);
            bytes.splice(at..at, again);
        }
        4 => {
            // Shifts everything against the blocks of 64.
            let pad = vec![b' '; random.below(70)];
            bytes.splice(0..0, pad);
        }
        _ => drop(bytes.splice(from..from, SCRAPS[random.below(SCRAPS.len())].iter().copied())),
    }
}

/// A small generator, the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % end.max(1)
    }
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,2}",
        "[ -~é€😀]{0,70}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "(\\\\\\\\|\\\\\"|\\\\u00[0-7][0-9]|\\\\ud83d\\\\ude00|\\\\ud8|x){0,9}",
    ]
    .prop_map(|text| if text.starts_with('"') { text } else { format!("\"{text}\"") })
}

fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,4})?",
        "[-+.0-9eE]{1,5}",
        string(),
    ];
    leaf.prop_recursive(5, 64, 12, |inner| {
        let space = "[ \n\t\r]{0,3}|\n {0,40}";
        let member =
            (string(), inner.clone(), space).prop_map(|(k, v, s)| format!("{s}{k}{s}:{v}"));
        let element = (inner, space).prop_map(|(v, s)| format!("{v}{s}"));
        prop_oneof![
            prop::collection::vec(element, 0..9).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 0..40).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

proptest! {
    #[test]
    fn generated_documents_get_the_verdict_of_serde_json(text in document()) {
        check(text.as_bytes()).ok();
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&bytes).ok();
    }
}
