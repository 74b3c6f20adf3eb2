//! Markup → the words a person would read.

/// Tags that do not part words: `de<b>press</b>ion` is one word.
const INLINE: [&str; 14] = [
    "a", "abbr", "b", "big", "em", "font", "i", "mark", "small", "span", "strong", "sub", "sup",
    "u",
];

/// Drops tags and comments, resolves character references. What cannot be read stays as it is,
/// for the words in it.
pub(crate) fn words_of(markup: &str) -> String {
    let mut out = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        rest = if rest.starts_with('<') { tag(rest, &mut out) } else { entity(rest, &mut out) };
    }
    out.push_str(rest);
    out
}

fn tag<'m>(rest: &'m str, out: &mut String) -> &'m str {
    let end = if rest.starts_with("<!--") {
        rest.find("-->").map(|at| at.saturating_add(3))
    } else {
        rest.find('>').map(|at| at.saturating_add(1))
    };
    let Some(end) = end else {
        out.push(' ');
        return rest.get(1..).unwrap_or_default();
    };
    let inner = rest.get(1..end).unwrap_or_default();
    let name = inner.trim_start_matches('/');
    let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    if !inner.starts_with("!--") && !INLINE.contains(&name.to_ascii_lowercase().as_str()) {
        out.push(' ');
    }
    rest.get(end..).unwrap_or_default()
}

fn entity<'m>(rest: &'m str, out: &mut String) -> &'m str {
    let Some(end) = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(at, _)| at) else {
        out.push(' ');
        return rest.get(1..).unwrap_or_default();
    };
    let name = rest.get(1..end).unwrap_or_default();
    let number = name.strip_prefix("#x").or_else(|| name.strip_prefix("#X"));
    let code = match number {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => name.strip_prefix('#').and_then(|decimal| decimal.parse().ok()),
    };
    match code.and_then(char::from_u32) {
        Some(character) => out.push(character),
        None => out.push(if name == "shy" { '\u{ad}' } else { ' ' }),
    }
    rest.get(end.saturating_add(1)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn tags_and_references_do_not_hide_words() {
        assert_eq!(words_of("<p>de<b>press</b>ion</p>").trim(), "depression");
        assert_eq!(words_of("F&#51;2 &#x64;epression"), "F32 depression");
        assert_eq!(words_of("a<td>b</td>c"), "a b c");
        assert_eq!(words_of("de<!-- x -->pression"), "depression");
        assert_eq!(words_of("3 < 4 & depression"), "3   4   depression");
    }
}
