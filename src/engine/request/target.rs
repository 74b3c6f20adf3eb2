//! A path as it was sent → segments. Paths with two readings are refused, not normalised.

use crate::engine::released::Refusal;

/// Longest path, bytes.
const PATH_BYTES_MAX: usize = 2048;

/// Reads a path strictly.
pub(in crate::engine) fn segments(path: &str) -> Result<Vec<String>, Refusal> {
    let malformed = |why| Err(Refusal::Malformed { why });
    if path.len() > PATH_BYTES_MAX {
        return malformed("the path is too long");
    }
    let Some(rest) = path.strip_prefix('/') else {
        return malformed("the path does not begin with `/`");
    };
    if path.bytes().any(has_two_readings) {
        return malformed("the path holds a character with two readings");
    }
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    rest.split('/').map(segment).collect()
}

/// Controls, blanks, what is not ASCII, and marks that one server or other reads as its own.
fn has_two_readings(byte: u8) -> bool {
    matches!(
        byte,
        0..=b' ' | 0x7f.. | b'\\' | b';' | b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#'
    )
}

fn segment(text: &str) -> Result<String, Refusal> {
    let malformed = |why| Err(Refusal::Malformed { why });
    let Some(decoded) = decode(text, false) else {
        return malformed("the path holds a bad escape");
    };
    if decoded.is_empty() {
        return malformed("the path holds an empty segment");
    }
    if decoded.chars().all(|character| character == '.') {
        return malformed("the path holds a dot segment");
    }
    if decoded != text && decoded.contains(['/', '\\', ';', '%', '?', '#', '.', '\0']) {
        return malformed("the path holds an escape with two readings");
    }
    Ok(decoded)
}

/// Percent-decoding; `None` for a bad escape or what is not UTF-8.
pub(super) fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus_is_space => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Percent-encoding of all but unreserved characters (RFC 3986) and `$`, which FHIR's operations
/// begin with.
pub(in crate::engine) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_encoded(&mut out, text);
    out
}

/// Appends the same.
pub(super) fn push_encoded(out: &mut String, text: &str) {
    if text.bytes().all(is_plain) {
        out.push_str(text);
        return;
    }
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
            out.push('%');
            out.push(digit(byte >> 4).to_ascii_uppercase());
            out.push(digit(byte & 15).to_ascii_uppercase());
        }
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'$')
}

/// Adds a parameter to a query, encoded.
pub(super) fn add_parameter(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    push_encoded(query, name);
    query.push('=');
    push_encoded(query, value);
}

/// Whether a segment has the form of an id: of FHIR's, or a house's a little wider.
pub(in crate::engine) fn is_id(segment: &str) -> bool {
    segment.len() <= 64
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte))
}
