//! A line in Common or Combined Log Format, as Apache, nginx and most gateways write them:
//! `host ident user [time] "request" status bytes …`.

use super::log::{Line, Unread};
use jiff::fmt::strtime;

const TIME: &str = "%d/%b/%Y:%H:%M:%S %z";

/// Reads one line; what follows the status is not looked at.
pub(super) fn read(line: &str) -> Result<Line, Unread> {
    let (who, rest) = line.split_once(" [").ok_or(Unread::Malformed)?;
    let (time, rest) = rest.split_once("] \"").ok_or(Unread::Malformed)?;
    // Host and ident are one word each; a user may be several.
    let user = who.splitn(3, ' ').nth(2).ok_or(Unread::Malformed)?;
    let (request, rest) = quoted(rest).ok_or(Unread::Malformed)?;
    let status = rest.split_ascii_whitespace().next().and_then(|status| status.parse().ok());
    let status = status.ok_or(Unread::Malformed)?;
    if user == "-" || user.is_empty() {
        return Err(Unread::Nobody);
    }
    let time = strtime::parse(TIME, time).and_then(|time| time.to_timestamp());
    let mut words = request.split(' ');
    let (Some(method), Some(target), version, None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Unread::Malformed);
    };
    if version.is_some_and(|version| !version.starts_with("HTTP/")) {
        return Err(Unread::Malformed);
    }
    Ok(Line {
        reader: user.to_owned(),
        time: time.map_err(|_| Unread::Malformed)?,
        method: method.to_owned(),
        target: target.to_owned(),
        status,
    })
}

/// What stands before the closing quote, its escapes undone, and what stands behind.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((inside, text.split_at_checked(at.saturating_add(1))?.1)),
            // `\xHH` is a byte that no request line may hold; it stays, and the path is refused.
            '\\' => match letters.next()?.1 {
                escaped @ ('"' | '\\') => inside.push(escaped),
                other => inside.extend(['\\', other]),
            },
            _ => inside.push(letter),
        }
    }
    None
}
