//! Streamed arrays, by both redactors: generated ones, and ones that are odd or broken.

use super::oracle::people::Family;
use super::oracle::{Oracle, Response};
use super::random::{Json, Random};
use super::vocabulary::Vocabulary;
use super::{CHUNK_BYTES, Given, engine_by, families, files, house, setting};
use sequester::engine::diagnostics::SourceFile;
use sequester::engine::set::{PolicyFiles, PolicySet};
use std::sync::{Arc, OnceLock};

const MEMBERS: &str = "member_id,contract_id,relationship,birth_date,state,from,until,ids
M-100,C-1,self,1973-04-02,OH,2015-01-01,,Patient/p-100
M-102,C-1,child,2001-02-03,OH,2015-01-01,,Patient/p-102
M-103,C-1,child,2018-02-03,OH,2018-02-03,,Patient/p-103
";

/// The house shape with streamed routes; the same leaving out what is empty; one of bare lists.
fn with_streams() -> &'static (Arc<PolicySet>, PolicyFiles) {
    static BOTH: OnceLock<(Arc<PolicySet>, PolicyFiles)> = OnceLock::new();
    BOTH.get_or_init(|| {
        let shipped = files();
        let house = shipped.shapes.iter().find(|f| f.text.contains("family-account")).unwrap();
        let routes = "routes:\n  - { GET: '/stream/{contract}', body: json, judge: stream }\n  \
                      - { GET: '/list', body: json, judge: stream, record: claim }\n";
        let house = house.text.replacen("routes:\n", routes, 1);
        let omits = house.replacen("base: /api/v1", "base: /omits\nwhen-empty: omit", 1).replacen(
            "shape: family-account",
            "shape: omits",
            1,
        );
        let (head, rest) = house.split_once("records:\n").unwrap();
        let (_, kinds) = rest.split_once("kinds:\n").unwrap();
        let bare = format!("{head}records: [{{ cut: '$[*]', kind: claim }}]\nkinds:\n{kinds}")
            .replacen("base: /api/v1", "base: /bare", 1)
            .replacen("shape: family-account", "shape: bare", 1);
        let shapes = [("house", house), ("omits", omits), ("bare", bare)]
            .map(|(name, text)| SourceFile::new(format!("policies/shapes/{name}.yaml"), text));
        let files = PolicyFiles {
            shapes: shapes.to_vec(),
            codes: shipped.codes.clone(),
            rules: shipped.rules.clone(),
            ..PolicyFiles::default()
        };
        let (set, mistakes) = PolicySet::compile(&files);
        let told: String = mistakes.iter().map(ToString::to_string).collect();
        (Arc::new(set.unwrap_or_else(|| panic!("{told}"))), files)
    })
}

thread_local! {
    static ORACLE: Oracle = {
        let (_, files) = with_streams();
        Oracle::new(&files.shapes, &files.codes, &files.rules)
    };
}

fn response<'r>(target: &'r str, body: &'r [u8]) -> Response<'r> {
    Response { method: "GET", target, status: 200, content_type: "application/json", body }
}

/// Both give the same, in chunks of every size; what they give.
#[track_caller]
fn alike(family: &Family, target: &str, body: &[u8]) -> Given {
    let (policy, _) = with_streams();
    let expected = ORACLE.with(|oracle| oracle.judge(family, response(target, body)));
    let mut given = Given::default();
    for chunk in CHUNK_BYTES {
        given =
            ORACLE.with(|oracle| engine_by(policy, oracle, family, response(target, body), chunk));
        let told = || {
            format!(
                "in chunks of {chunk}: {target} {}\n engine {:?} {}\n oracle {:?} {}",
                String::from_utf8_lossy(body),
                given.refused,
                String::from_utf8_lossy(&given.body),
                expected.refused,
                String::from_utf8_lossy(&expected.body)
            )
        };
        assert_eq!(given.refused, expected.refused, "{}", told());
        if given.refused.is_none() {
            assert!(given.body == expected.body, "{}", told());
            assert_eq!(given.own_note_withheld, expected.own_note_withheld, "{}", told());
        }
    }
    given
}

fn mother() -> Family {
    Family::new(MEMBERS, "M-100", "2026-11-21")
}

const OWN: &str = r#"{ "claimId":"1", "memberId":"M-100", "diagnoses":[{"code":"J06.9"}] }"#;
const CHILDS: &str = r#"{"claimId":"2","memberId":"M-103","diagnoses":[{"code":"J06.9"}]}"#;
const HIDDEN: &str = r#"{"claimId":"3","memberId":"M-102","diagnoses":[{"code":"F33.1"}]}"#;

#[track_caller]
fn gives(target: &str, body: &str, expected: &str) {
    let given = alike(&mother(), target, body.as_bytes());
    assert_eq!(given.refused, None, "{body}");
    assert_eq!(String::from_utf8(given.body).unwrap(), expected, "{body}");
}

#[test]
fn what_stays_of_a_streamed_array_is_joined_by_commas_alone() {
    for target in ["/list", "/bare/list", "/bare/stream/C-1"] {
        let target = if target == "/list" { "/api/v1/list" } else { target };
        gives(target, &format!("[{OWN},{CHILDS}]"), &format!("[{OWN},{CHILDS}]"));
        gives(
            target,
            &format!(" [ {OWN} ,\n{HIDDEN}\t,\r{CHILDS} ] \n"),
            &format!("[{OWN},{CHILDS}]"),
        );
        gives(target, &format!("[{HIDDEN},{OWN}]"), &format!("[{OWN}]"));
        gives(target, &format!("\u{feff}[{OWN},{HIDDEN}]"), &format!("[{OWN}]"));
        gives(target, &format!("[{HIDDEN}]"), "[]");
        gives(target, &format!("[1,null,\"{{\",[[]],{OWN},true,-1.5e3]"), &format!("[{OWN}]"));
        gives(target, "[]", "[]");
        gives(target, "\n[ ]\n", "[]");
    }
}

/// One mark is dropped; a second one would leave with the body.
#[test]
fn a_second_byte_order_mark() {
    for target in ["/api/v1/family/C-1", "/api/v1/claims/x"] {
        assert_eq!(alike(&mother(), target, "\u{feff}\u{feff}{}".as_bytes()).refused, Some(502));
    }
}

#[test]
fn what_surrounds_a_streamed_array_is_judged_by_the_envelope() {
    let body = format!(
        r#" {{ "total" : 3, "as\u004ff": "2026" , "claims" : [ {OWN} , {HIDDEN} ], "page": {{"total": 9}}, "members": [], "contractId":{{"a":[1, 2]}} }} "#
    );
    let kept = format!(
        r#"{{"as\u004ff":"2026","claims":[{OWN}],"members":[],"contractId":{{"a":[1, 2]}}}}"#
    );
    gives("/api/v1/stream/C-1", &body, &kept);
    let omitted = kept.replace(r#""members":[],"#, "");
    gives("/omits/stream/C-1", &body, &omitted);
    let hidden = format!(r#"{{"claims":[{HIDDEN},{HIDDEN}],"secret":{{"claims":[{OWN}]}}}}"#);
    gives("/api/v1/stream/C-1", &hidden, r#"{"claims":[]}"#);
    gives("/omits/stream/C-1", &hidden, "{}");
    gives("/api/v1/stream/C-1", r#"{"claims":null,"asOf":[]}"#, r#"{"asOf":[]}"#);
    gives(
        "/api/v1/stream/C-1",
        &format!(r#"{{"claims":{{"a":{OWN}}}}}"#),
        &format!(r#"{{"claims":{{"a":{OWN}}}}}"#),
    );
    gives("/api/v1/stream/C-1", "{}", "{}");
    gives("/api/v1/stream/C-1", "[]", "[]");
}

#[test]
fn a_streamed_array_that_is_broken_is_refused() {
    let good = format!(r#"{{"asOf":"2026","claims":[{OWN},{HIDDEN},{CHILDS}],"x":1.5}}"#);
    let bare = format!("[{OWN},{HIDDEN},{CHILDS}]");
    for (target, good) in
        [("/api/v1/stream/C-1", &good), ("/bare/stream/C-1", &bare), ("/api/v1/list", &bare)]
    {
        for cut in 0..good.len() {
            let given = alike(&mother(), target, &good.as_bytes()[..cut]);
            assert_eq!(given.refused, Some(502), "cut at {cut}");
        }
        for after in ["x", "{}", "[]", "\0", "\u{c}", "\u{a0}", ",", "]", "}", "\u{feff}"] {
            let given = alike(&mother(), target, format!("{good}{after}").as_bytes());
            assert_eq!(given.refused, Some(502), "after the end: {after:?}");
        }
        for before in ["\u{feff}\u{feff}", " \u{feff}", ",", ")]}',", "\u{c}", "\u{1e}", "data: "] {
            let given = alike(&mother(), target, format!("{before}{good}").as_bytes());
            assert_eq!(given.refused, Some(502), "before the start: {before:?}");
        }
    }
    for broken in [
        "",
        " ",
        "null",
        "1",
        "\"a\"",
        "\u{feff}",
        "[,]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[1,,2]",
        "[}",
        "{]",
        "[1}",
        "[{]}",
        "[[}]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"\\u0061\":2}",
        "{\"claims\":[],\"claims\":[]}",
        "{\"a\\u0000\":1}",
        "{\"claims\":[}",
        "{\"claims\":[]]}",
        "{\"claims\":[1,]}",
        "{\"claims\":[1}",
        "{'a':1}",
        "[01]",
        "[+1]",
        "[NaN]",
        "[tru]",
        "[truex]",
        "[\"\\ud800\"]",
        "[\"\\x\"]",
        "[\"a\nb\"]",
        "[{\"a\":1,\"a\":2}]",
        "[1]/**/",
        "// a\n[1]",
        "[\"]",
        "[\"\\\"]",
        "{\"claims\":[{\"a\":\"]}\"]}",
    ] {
        for target in ["/api/v1/stream/C-1", "/bare/stream/C-1", "/api/v1/list"] {
            let given = alike(&mother(), target, broken.as_bytes());
            assert_eq!(given.refused, Some(502), "{target} {broken:?}");
        }
    }
    let bytes: [&[u8]; 6] =
        [b"\xef\xbb[]", b"\xef", b"[\"\xff\"]", b"{\"\xff\":1}", b"\xfe\xff\0[\0]", b"[\0]"];
    for broken in bytes {
        assert_eq!(alike(&mother(), "/bare/list", broken).refused, Some(502), "{broken:?}");
    }
    // A list of records is a list.
    assert_eq!(alike(&mother(), "/api/v1/list", b"{}").refused, Some(502));
    for depth in [61, 62, 63, 64, 100_000] {
        let deep = format!("[{}{}]", "[".repeat(depth), "]".repeat(depth));
        alike(&mother(), "/bare/stream/C-1", deep.as_bytes());
        let deep = format!(r#"{{"claims":[{}{}]}}"#, "[".repeat(depth), "]".repeat(depth));
        alike(&mother(), "/api/v1/stream/C-1", deep.as_bytes());
    }
}

#[test]
fn generated_streamed_arrays_are_judged_alike() {
    let shape = ORACLE
        .with(|oracle| oracle.shapes.iter().find(|shape| shape.base == "/api/v1").unwrap().clone());
    let lists: Vec<(String, String)> =
        files().codes.iter().map(|f| (f.path.to_string(), f.text.to_string())).collect();
    let words = Vocabulary::new(&lists);
    let count = setting("AGREEMENT_BODIES", 150);
    let first = setting("AGREEMENT_SEED", 1);
    let mut kept = 0;
    for seed in first..first + count {
        let mut random = Random::new(seed);
        let mut family = families::family(&mut random);
        if random.once_in(2) {
            family.reader = "M-0".to_owned();
        }
        let people = family.rows.len();
        let sort = random.below(5);
        let mut maker = house::Maker { shape: &shape, words: &words, random: &mut random, people };
        let (target, body) = match sort {
            0..3 => ("/api/v1/stream/C-1", maker.body()),
            _ => {
                let place = shape.records.iter().find(|place| place.kind == "claim").unwrap();
                let claims = (0..4).map(|_| maker.record(place)).collect();
                let target = if sort == 3 { "/bare/stream/C-1" } else { "/api/v1/list" };
                (target, Json::Array(claims))
            }
        };
        let odd = random.once_in(2);
        let body = body.write(&mut random, odd, false);
        kept += usize::from(alike(&family, target, body.as_bytes()).body.len() > 40);
    }
    assert!(kept > 20, "of {count} bodies only {kept} kept anything");
}
