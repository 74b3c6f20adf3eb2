//! JSON as text: members and elements by their bytes. Written for the tests, of nothing the
//! engine has, so that "byte-identical" is not judged by the engine's own parser.

/// The members of an object: key as written (without quotes) and the bytes of the value.
pub(super) fn members(object: &str) -> Vec<(&str, &str)> {
    parts(object, b'{')
        .into_iter()
        .filter_map(|part| {
            let key = part.get(..string_end(part)?)?;
            let value = part.get(key.len()..)?.trim_start().strip_prefix(':')?;
            Some((key.trim_matches('"'), value.trim()))
        })
        .collect()
}

/// The value of one member.
pub(super) fn member<'j>(object: &'j str, key: &str) -> Option<&'j str> {
    members(object).into_iter().find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// The elements of an array.
pub(super) fn elements(array: &str) -> Vec<&str> {
    parts(array, b'[')
}

/// The same JSON on one line.
pub(super) fn on_one_line(json: &str) -> String {
    let mut line = Vec::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for byte in json.bytes() {
        if inside || !byte.is_ascii_whitespace() {
            line.push(byte);
        }
        (inside, escaped) = step(byte, inside, escaped);
    }
    String::from_utf8(line).unwrap()
}

/// What stands between the commas of an object or array.
fn parts(json: &str, open: u8) -> Vec<&str> {
    let json = json.trim();
    let bytes = json.as_bytes();
    if bytes.first() != Some(&open) {
        return Vec::new();
    }
    let (mut parts, mut depth, mut from) = (Vec::new(), 0_usize, 1);
    let (mut inside, mut escaped) = (false, false);
    for (at, byte) in bytes.iter().copied().enumerate() {
        if !inside {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            if (depth == 1 && byte == b',') || depth == 0 {
                let part = json.get(from..at).unwrap().trim();
                if !part.is_empty() {
                    parts.push(part);
                }
                from = at + 1;
            }
            if depth == 0 {
                break;
            }
        }
        (inside, escaped) = step(byte, inside, escaped);
    }
    parts
}

/// Whether the next byte stands inside a string, and whether it is escaped there.
fn step(byte: u8, inside: bool, escaped: bool) -> (bool, bool) {
    match (inside, escaped, byte) {
        (true, false, b'\\') => (true, true),
        (true, false, b'"') => (false, false),
        (true, true, _) | (false, _, b'"') => (true, false),
        _ => (inside, false),
    }
}

/// Where the string at the beginning of a text ends.
fn string_end(text: &str) -> Option<usize> {
    let (mut inside, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        (inside, escaped) = step(byte, inside, escaped);
        if !inside {
            return (at > 0).then_some(at + 1);
        }
    }
    None
}
