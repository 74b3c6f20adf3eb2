//! Paths and queries: what is read, what is refused.

use super::target::{encode, segments};

#[test]
fn paths_with_two_readings_are_refused() {
    for path in [
        "/a/../b",
        "/a/%2e%2e/b",
        "/a/%252e",
        "/./a",
        "//a",
        "/a;x=1",
        "/a\\b",
        "/a/%5c",
        "/a/%2F",
        "/a/%00",
        "/a/%zz",
        "/a/%",
        "a",
        "/a#b",
        "/a/ b",
        "/ä",
        "/a/",
        "/%2e",
    ] {
        assert!(segments(path).is_err(), "{path}");
    }
    assert_eq!(segments("/fhir/Patient/p-1/$everything").unwrap().len(), 4);
    assert_eq!(segments("/fhir/Patient/p-1/%24everything").unwrap().last().unwrap(), "$everything");
}

/// Every byte that a path may hold as it is; an escape begins with `%`, a segment ends with `/`.
#[test]
fn a_path_holds_no_byte_with_two_readings() {
    let graphic = (b'!'..=b'~').filter(|byte| !b"\\;\"<>^`{|}#%".contains(byte));
    let plain: Vec<u8> = graphic.collect();
    for byte in 0..=0x7f_u8 {
        let path = format!("/a{}b", char::from(byte));
        assert_eq!(segments(&path).is_ok(), plain.contains(&byte), "{path:?}");
    }
}

/// RFC 3986, 2.3, and `$`, which FHIR's operations begin with.
#[test]
fn what_goes_on_is_plain_or_escaped() {
    for byte in 0..=u8::MAX {
        let text = char::from(byte).to_string();
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~$".contains(&byte);
        let escaped: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let expected = if is_plain { text.clone() } else { escaped.concat() };
        assert_eq!(encode(&text), expected);
        assert_eq!(encode(&format!("a{text}/")), format!("a{expected}%2F"));
    }
}
