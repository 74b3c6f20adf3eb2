//! What is shown of a mistake.

use super::*;

#[track_caller]
fn shown(text: &str, span: Span) -> Vec<String> {
    let mistake = Diagnostic::error(&SourceFile::new("a.csv", text), span, "wrong").help("mend it");
    mistake.to_string().lines().map(str::to_owned).collect()
}

#[test]
fn a_short_line_is_shown_whole() {
    assert_eq!(
        shown("a,b\n\tcd,e\r\n", Span { start: 5, end: 7 }),
        ["error: wrong", " --> a.csv:2:2", "  |", "2 |  cd,e", "  |  ^^", "  = help: mend it",]
    );
}

#[test]
fn of_a_long_line_the_surroundings_are_shown() {
    let long = format!("{}é{}", "x".repeat(70_000), "y".repeat(100_000));
    for (start, wide, caret, before, after) in [
        (0, 3, "^^^", false, true),
        (99, 1, "^", false, true),
        (70_000, "é".len(), "^", true, true),
        (70_002, 70_000, &*"^".repeat(99), true, true),
        (long.len(), 0, "^", true, false),
    ] {
        let lines = shown(&long, Span { start, end: start + wide });
        let (line, carets) = (&lines[3], &lines[4]);
        let line = line.strip_prefix("1 | ").unwrap();
        assert!(line.chars().count() <= SHOWN_MAX, "{start}");
        assert_eq!((line.starts_with('…'), line.ends_with('…')), (before, after));
        let carets = carets.strip_prefix("  | ").unwrap();
        assert_eq!(carets.trim_start(), caret, "{start}");
        let at = long.get(..start).unwrap().chars().count();
        let marked = line.chars().nth(carets.chars().count() - caret.len());
        assert_eq!(marked, long.chars().nth(at), "{start}");
    }
}

#[test]
fn a_file_with_carriage_returns_alone_is_told() {
    let told = |text: &str| shown(text, Span { start: 0, end: 1 }).len();
    assert_eq!(told("a,b\rc,d\r"), told("a,b\r\nc,d\r\n") + 1);
}
