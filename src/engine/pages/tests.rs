//! How upstreams tell their next page, and where a position is found again.

use super::next::{Came, Following, target_of};
use super::splice::Spliced;
use super::told_all::ToldAll;
use super::{Next, Position, fingerprint};
use crate::engine::document::read::Document;
use crate::engine::document::scan::{Memory, parse};
use crate::engine::document::tape::{NodeId, Tape, Vocabulary};
use crate::engine::released::Refusal;
use crate::engine::shapes::meant::{Follow, Paging};

const BASE: &str = "/fhir";

fn origins() -> Vec<String> {
    vec!["https://api.internal:9443".to_owned(), "https://members.example".to_owned()]
}

fn paging(follow: Follow) -> Paging {
    let next = if follow == Follow::Link { Vec::new() } else { vec!["page".into(), "next".into()] };
    Paging { size: None, cursor: "from".to_owned(), follow, next }
}

fn ask(following: &mut Following, follow: Follow, body: &str) -> Result<Option<Next>, Refusal> {
    let mut tape = Tape::default();
    let json =
        parse(body.as_bytes(), 64, &Vocabulary::default(), &mut Memory::default(), &mut tape)
            .unwrap();
    let page = Document { json, tape: &tape };
    let came = Came { page, records: 3, paging: &paging(follow), base: BASE, origins: &origins() };
    following.next(&came)
}

/// What comes of each `page.next` in turn.
#[track_caller]
fn check(follow: Follow, nexts: &[(&str, Option<&str>)]) {
    let mut following = Following::default();
    for (written, expected) in nexts {
        let body = format!(r#"{{"claims":[],"page":{{"next":{written}}}}}"#);
        let next = ask(&mut following, follow, &body).unwrap();
        let expected = expected
            .map(|value| Next::Parameter { name: "from".to_owned(), value: value.to_owned() });
        assert_eq!(next, expected, "{written}");
    }
}

#[track_caller]
fn check_broken(follow: Follow, written: &str) {
    let body = format!(r#"{{"claims":[],"page":{{"next":{written}}}}}"#);
    let next = ask(&mut Following::default(), follow, &body);
    assert!(matches!(next, Err(Refusal::Pages { .. })), "{written}: {next:?}");
}

#[test]
fn houses_tell_their_next_page_in_three_dialects() {
    check(Follow::Cursor, &[(r#""a b&c""#, Some("a b&c")), ("17", Some("17")), (r#""""#, None)]);
    check(Follow::Offset, &[("200", Some("200")), (r#""400""#, Some("400")), ("null", None)]);
    check(Follow::Offset, &[("true", Some("3")), ("true", Some("6")), ("false", None)]);
    check(Follow::Page { first: 1 }, &[("2", Some("2")), ("3", Some("3")), ("null", None)]);
    check(Follow::Page { first: 1 }, &[("true", Some("2")), ("true", Some("3"))]);
    check(Follow::Page { first: 0 }, &[("true", Some("1")), ("5", Some("5")), ("true", Some("6"))]);
    for follow in [Follow::Cursor, Follow::Offset, Follow::Page { first: 1 }] {
        for body in [r#"{"claims":[]}"#, r#"{"page":null}"#, r#"{"page":{}}"#, r#"{"page":[7]}"#] {
            assert_eq!(ask(&mut Following::default(), follow, body), Ok(None), "{body}");
        }
    }
}

#[test]
fn a_broken_next_is_no_end() {
    for written in ["true", "{}", "[1]", r#""a\u0000b""#, r#""a\nb""#] {
        check_broken(Follow::Cursor, written);
    }
    check_broken(Follow::Cursor, &format!("\"{}\"", "a".repeat(9000)));
    for follow in [Follow::Offset, Follow::Page { first: 1 }] {
        for written in ["-1", "0", "1.5", "2e2", "{}", "[3]", r#""x""#, r#""/claims?offset=3""#] {
            check_broken(follow, written);
        }
    }
    // Forwards only.
    let mut following = Following::default();
    let body = |next: &str| format!(r#"{{"page":{{"next":{next}}}}}"#);
    ask(&mut following, Follow::Offset, &body("200")).unwrap();
    assert!(ask(&mut following, Follow::Offset, &body("200")).is_err());
    assert!(ask(&mut Following::default(), Follow::Page { first: 1 }, &body("1")).is_err());
}

#[test]
fn fhir_tells_its_next_page_by_a_link() {
    let link = |links: &str| {
        let body = format!(r#"{{"resourceType":"Bundle","link":{links}}}"#);
        ask(&mut Following::default(), Follow::Link, &body)
    };
    let found = link(
        r#"[{"relation":"self","url":"https://evil"},
            {"relation":"next","url":"https:\/\/members.example\/fhir?_getpages=a&_offset=2"}]"#,
    );
    assert_eq!(found, Ok(Some(Next::Target("/fhir?_getpages=a&_offset=2".to_owned()))));
    for none in ["[]", r#"[{"relation":"self","url":"/fhir/A"}]"#, "[null,7]"] {
        assert_eq!(link(none), Ok(None), "{none}");
    }
    for broken in [
        "{}",
        "null",
        r#"[{"relation":"next"}]"#,
        r#"[{"relation":"next","url":7}]"#,
        r#"[{"relation":"next","url":""}]"#,
        r#"[{"relation":"next","url":"/fhir?a"},{"relation":"next","url":"/fhir?b"}]"#,
    ] {
        assert!(matches!(link(broken), Err(Refusal::Pages { .. })), "{broken}");
    }
}

#[test]
fn only_the_upstreams_own_urls_below_its_base_are_asked() {
    for (url, target) in [
        ("https://api.internal:9443/fhir/Patient?page=2", "/fhir/Patient?page=2"),
        (
            "HTTPS://Members.Example/fhir/Patient/?_page_token=x%3D",
            "/fhir/Patient/?_page_token=x%3D",
        ),
        ("https://members.example:443/fhir?_getpages=1", "/fhir?_getpages=1"),
        ("/fhir/Claim/_search?ct=1", "/fhir/Claim/_search?ct=1"),
        ("/fhir/pages/17", "/fhir/pages/17"),
    ] {
        assert_eq!(target_of(url, &origins(), BASE).as_deref(), Some(target), "{url}");
    }
    for url in [
        "https://evil.example/fhir/Patient?page=2",
        "https://members.example.evil/fhir?page=2",
        "https://members.example@evil/fhir?page=2",
        "https://user@members.example/fhir?page=2",
        "http://members.example/fhir?page=2",
        "https://members.example:8443/fhir?page=2",
        "https://api.internal/fhir?page=2",
        "https://api.internal:9443:443/fhir?page=2",
        "https://members.example",
        "https://members.example?page=2",
        "//evil.example/fhir?page=2",
        "/admin?page=2",
        "/fhirs?page=2",
        "/fhir/../admin?page=2",
        "/fhir/%2e%2e/admin?page=2",
        "/fhir//Patient?page=2",
        "/fhir/a;b?page=2",
        "/fhir\\..\\admin?page=2",
        "/fhir?page=2#x",
        "/fhir?page=2 HTTP/1.1",
        "/fhir?page=2\r\nX: y",
        "/fhir?page=é",
        "Patient?page=2",
        "?page=2",
        "",
    ] {
        assert_eq!(target_of(url, &origins(), BASE), None, "{url:?}");
    }
    assert_eq!(target_of("/Patient?page=2", &origins(), "").as_deref(), Some("/Patient?page=2"));
    assert_eq!(target_of("//evil.example/Patient?page=2", &origins(), ""), None);
}

fn spliced(pages: &[&str], list: &str) -> Option<String> {
    let mut spliced = Spliced::default();
    for body in pages {
        let mut tape = Tape::default();
        let json =
            parse(body.as_bytes(), 64, &Vocabulary::default(), &mut Memory::default(), &mut tape)
                .unwrap();
        let page = Document { json, tape: &tape };
        let node = page.member_named(NodeId(0), list);
        spliced.add(page, node, list != "entry")?;
    }
    spliced.body().map(|body| String::from_utf8(body).unwrap())
}

#[test]
fn pages_are_put_together_of_their_own_bytes() {
    let first = r#"{ "asOf" : 1.10, "claims" : [ {"a":1}, {"\u0062":2.0} ] , "page":{"next":"x"}}"#;
    let second = r#"{"asOf":2,"claims":[],"page":{"next":"y"}}"#;
    let third = "{\"claims\":[\n{ \"c\":3 }\n]}";
    assert_eq!(
        spliced(&[first, second, third], "claims").unwrap(),
        r#"{ "asOf" : 1.10, "claims" : [{"a":1},{"\u0062":2.0},{ "c":3 }] , "page":{"next":"x"}}"#
    );
    let bundle = |entries: &str| format!(r#"{{"total":7,"entry":{entries},"link":[]}}"#);
    assert_eq!(
        spliced(&[&bundle("[ 1 ]"), "{}", &bundle("[]"), &bundle("[2,3]")], "entry").unwrap(),
        r#"{"resourceType":"Bundle","type":"searchset","entry":[1,2,3]}"#
    );
    assert_eq!(spliced(&[], "entry"), None);
    assert_eq!(spliced(&["{}"], "claims"), None);
}

#[test]
fn a_place_is_found_again_when_records_come_and_go() {
    let names = |names: &str| -> Vec<_> {
        names.chars().map(|c| (c != '-').then(|| fingerprint(&c.to_string()))).collect()
    };
    let check = |after: char, ordinal: u32, now: &str, expected: usize| {
        let name = (after != '-').then(|| fingerprint(&after.to_string()));
        let position = Position { ordinal, name };
        assert_eq!(position.among(&names(now)), expected, "after {after} in {now}");
    };
    check('c', 3, "abcdef", 3);
    // Records came before it, went before it, moved.
    check('c', 3, "xyabcdef", 5);
    check('c', 3, "cdef", 1);
    check('c', 3, "cabdef", 1);
    // It is gone itself.
    check('c', 3, "abdef", 2);
    check('c', 3, "def", 2);
    check('c', 3, "", 0);
    check('c', 9, "ab", 2);
    // Records without a name are counted.
    check('-', 3, "ab-def", 3);
    check('-', 9, "ab", 2);
    // Of two with one name the nearer one.
    check('c', 5, "abcdcf", 5);
    check('c', 3, "abcdcf", 3);
}

/// Whether these pages of a search tell all there is.
fn tell_all(pages: &[String]) -> bool {
    let mut told = ToldAll::default();
    let taken = pages.iter().all(|body| {
        let mut tape = Tape::default();
        let json =
            parse(body.as_bytes(), 64, &Vocabulary::default(), &mut Memory::default(), &mut tape)
                .unwrap();
        told.page(Document { json, tape: &tape }).is_some()
    });
    taken && told.is_all()
}

#[test]
fn searches_that_say_that_something_is_missing() {
    let bundle = |more: &str| format!(r#"{{"resourceType":"Bundle","type":"searchset"{more}}}"#);
    let entries = |entries: &str| bundle(&format!(r#","entry":[{entries}]"#));
    let record = r#"{"resource":{"resourceType":"Condition"}}"#;
    let outcome = |severity: &str, code: &str| {
        format!(
            r#"{{"resource":{{"resourceType":"OperationOutcome","issue":[{{"severity":"{severity}","code":"{code}"}}]}}}}"#
        )
    };
    let remark = outcome("warning", "not-supported");
    let included = record.replace("}}", r#"},"search":{"mode":"include"}}"#);
    let total = |total: u8| bundle(&format!(r#","total":{total},"entry":[{record}]"#));
    for all in [
        vec![bundle("")],
        vec![bundle("").replace("searchset", "collection")],
        vec![entries(&format!("{record},{remark}"))],
        vec![total(1)],
        vec![total(0)],
        vec![total(2), total(2)],
    ] {
        assert!(tell_all(&all), "{all:?}");
    }
    for lacking in [
        vec!["{}".to_owned()],
        vec![r#"{"resourceType":"OperationOutcome","issue":[]}"#.to_owned()],
        vec![bundle("").replace("searchset", "batch-response")],
        vec![bundle(r#","entry":{}"#)],
        vec![entries(r#"{"response":{"status":"500"}}"#)],
        vec![entries(r#"{"resource":null}"#)],
        vec![entries(&outcome("error", "not-supported"))],
        vec![entries(&outcome("information", "incomplete"))],
        vec![entries(&outcome("warning", "timeout"))],
        vec![total(2)],
        vec![total(3), total(3)],
        vec![total(2).replace("}]", &format!("}},{included}]"))],
        vec![entries(r#"{"resource":{"resourceType":"OperationOutcome","issue":[]}}"#)],
        vec![entries(r#"{"resource":{"resourceType":"OperationOutcome","issue":"x"}}"#)],
        vec![bundle(r#","total":"many""#)],
    ] {
        assert!(!tell_all(&lacking), "{lacking:?}");
    }
}
