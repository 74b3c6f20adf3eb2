//! What opens, what does not, and what a cursor tells.

use super::{Belongs, Cursors, Sealer};
use crate::config::meant;
use crate::engine::pages::{Cursors as _, Position};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use std::time::Duration;

const NOW_S: u64 = 1_000 * 3600 + 17;

const BELONGS: Belongs<'_> =
    Belongs { reader: "M-100", path: "/fhir/Claim", query: "patient=p-102", policy: "abc" };

fn settings(keys: Option<PathBuf>) -> meant::Cursors {
    meant::Cursors { keys, expire: Duration::from_hours(1) }
}

fn own() -> Cursors {
    Cursors::new(&settings(None)).unwrap()
}

fn at(ordinal: u32) -> Position {
    Position { ordinal, name: Some([7; 16]) }
}

fn sealer(cursors: &Cursors, belongs: Belongs<'_>, now_s: u64) -> Sealer {
    cursors.of(belongs, now_s)
}

#[test]
fn a_cursor_opens_to_what_was_sealed() {
    let cursors = own();
    let sealer = sealer(&cursors, BELONGS, NOW_S);
    for position in [at(1), at(u32::MAX), Position { ordinal: 7, name: None }] {
        let cursor = sealer.seal(position).unwrap();
        assert_eq!(sealer.open(&cursor), Some(position));
        // Of one length, whatever it holds, and plain in a URL and in JSON.
        assert_eq!(cursor.len(), 60);
        assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}

#[test]
fn the_same_place_is_the_same_text_for_some_time() {
    let cursors = own();
    let seal = |now_s| sealer(&cursors, BELONGS, now_s).seal(at(3)).unwrap();
    assert_eq!(seal(NOW_S), seal(NOW_S + 1000));
    assert_ne!(seal(NOW_S), seal(NOW_S + 3600));
    assert_ne!(seal(NOW_S), sealer(&cursors, BELONGS, NOW_S).seal(at(4)).unwrap());
}

#[test]
fn it_opens_for_its_reader_search_and_policy_alone() {
    let cursors = own();
    let cursor = sealer(&cursors, BELONGS, NOW_S).seal(at(3)).unwrap();
    for other in [
        Belongs { reader: "M-101", ..BELONGS },
        Belongs { path: "/fhir/Condition", ..BELONGS },
        Belongs { query: "patient=p-103", ..BELONGS },
        Belongs { query: "", ..BELONGS },
        Belongs { policy: "abd", ..BELONGS },
        // The same letters, cut elsewhere.
        Belongs { path: "/fhir/Claimp", query: "atient=p-102", ..BELONGS },
    ] {
        assert_eq!(sealer(&cursors, other, NOW_S).open(&cursor), None, "{other:?}");
    }
    assert_eq!(sealer(&own(), BELONGS, NOW_S).open(&cursor), None, "another key");
}

#[test]
fn it_expires() {
    let cursors = own();
    let cursor = sealer(&cursors, BELONGS, NOW_S).seal(at(3)).unwrap();
    let opens = |after_s| sealer(&cursors, BELONGS, NOW_S + after_s).open(&cursor).is_some();
    assert!(opens(0) && opens(3600) && opens(2 * 3600 - 18));
    assert!(!opens(2 * 3600 - 17) && !opens(100 * 3600));
}

#[test]
fn a_single_changed_letter_does_not_open() {
    let cursors = own();
    let sealer = sealer(&cursors, BELONGS, NOW_S);
    let cursor = sealer.seal(at(3)).unwrap();
    for place in 0..cursor.len() {
        for letter in ['A', 'B', '-', '=', '+', ' '] {
            let mut letters: Vec<char> = cursor.chars().collect();
            if letters[place] == letter {
                continue;
            }
            letters[place] = letter;
            assert_eq!(sealer.open(&letters.into_iter().collect::<String>()), None);
        }
    }
    for other in [
        "",
        "x",
        cursor.get(1..).unwrap(),
        &format!("{cursor}A"),
        &format!("{cursor}=="),
        "200",
        "ä",
    ] {
        assert_eq!(sealer.open(other), None, "{other}");
    }
}

fn write(path: &Path, keys: &[u8]) {
    let lines: String = keys.iter().map(|key| STANDARD.encode([*key; 32]) + "\n").collect();
    std::fs::write(path, format!("# keys\n\n{lines}")).unwrap();
}

#[test]
fn keys_rotate_and_proxies_share_them() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("here"), folder.path().join("there"));
    write(&here, &[1]);
    write(&there, &[2, 1]);
    let new = |path: &Path| Cursors::new(&settings(Some(path.to_owned()))).unwrap();
    let (here_cursors, there_cursors) = (new(&here), new(&there));
    let seal = |cursors: &Cursors| sealer(cursors, BELONGS, NOW_S).seal(at(3)).unwrap();
    let opens = |cursors: &Cursors, cursor: &str| {
        sealer(cursors, BELONGS, NOW_S).open(cursor) == Some(at(3))
    };
    let old = seal(&here_cursors);
    assert!(opens(&there_cursors, &old), "a key that is not the first opens");
    assert!(!opens(&here_cursors, &seal(&there_cursors)), "a key to come is not there yet");
    // The file is read again when it was changed; a broken one changes nothing.
    std::thread::sleep(Duration::from_millis(20));
    write(&here, &[2, 1]);
    assert!(opens(&here_cursors, &seal(&there_cursors)));
    assert_eq!(seal(&here_cursors), seal(&there_cursors));
    std::thread::sleep(Duration::from_millis(20));
    std::fs::write(&here, "broken").unwrap();
    assert!(opens(&here_cursors, &old));
    assert_eq!(here_cursors.refused().len(), 1);
    std::fs::remove_file(&here).unwrap();
    assert!(opens(&here_cursors, &old));
}

#[test]
fn keys_that_cannot_be_used_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let short = STANDARD.encode([1; 31]);
    for text in
        ["", "# none\n", "no base64!\n", &short, &format!("{}\nx\n", STANDARD.encode([1; 32]))]
    {
        std::fs::write(&path, text).unwrap();
        let why = Cursors::new(&settings(Some(path.clone()))).unwrap_err();
        assert!(why.contains("openssl rand -base64 32"), "{why}");
        assert!(!why.contains(&short), "{why}");
    }
    let missing = Cursors::new(&settings(Some(folder.path().join("none")))).unwrap_err();
    assert!(missing.contains("none"), "{missing}");
}
