//! Nothing of the upstream's head passes, on any road; and what is hidden, absent, foreign or
//! malformed is one 404.

use super::client::{Answer, ask};
use super::deployment::{Deployment, Files, MOTHER, yaml};
use super::upstream::{Step, Upstream, good, headed};
use std::collections::BTreeMap;

const MARK: &str = "Zx81headQy";

/// A claim of a house, a Condition of FHIR: of a child, harmless.
const CLAIM: &str = r#"{"claimId":"CLM-1","memberId":"M-104","serviceDate":"2026-01-01","diagnoses":[{"code":"J06.9"}]}"#;
const META: &str = r#""meta":{"versionId":"Zx81headQy","lastUpdated":"2026-11-20T10:00:00Z"}"#;

fn condition() -> String {
    let coding =
        r#""code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"J06.9"}]}"#;
    let subject = r#""subject":{"reference":"Patient/p-104"}"#;
    let inner = format!(r#"{{"resourceType":"Condition","id":"in",{META},{subject},{coding}}}"#);
    format!(
        r#"{{"resourceType":"Condition","id":"c",{META},"contained":[{inner}],{subject},{coding}}}"#
    )
}

/// A path of each road, and what the upstream answers there: type and body.
fn roads() -> Vec<(&'static str, &'static str, String)> {
    let fhir = "application/fhir+json";
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","id":"{MARK}",{META},"type":"{kind}","timestamp":"2026-11-20T10:00:00Z","total":1,"entry":[{{"resource":{}}}]}}"#,
            condition()
        )
    };
    vec![
        ("/api/v1/family/C-1/claims", "application/json", format!("{{\"claims\":[{CLAIM}]}}")),
        ("/api/v1/claims/CLM-1", "application/json", CLAIM.to_owned()),
        ("/fhir/Condition?patient=p-104", fhir, bundle("searchset")),
        ("/fhir/Condition/c", fhir, condition()),
        ("/fhir/Patient/p-104/$everything", fhir, bundle("searchset")),
        ("/fhir/export/a", "application/fhir+ndjson", condition() + "\n"),
    ]
}

/// A deployment whose upstream answers every road, with this status line and these fields.
async fn with_head(status: &str, more: &str) -> (Upstream, Deployment) {
    let (status, more) = (status.to_owned(), more.to_owned());
    let upstream = Upstream::answering(move |request| {
        let target = request.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
        let road = roads().into_iter().find(|(path, ..)| path.split('?').next() == Some(&target));
        let (_, kind, body) = road.unwrap_or(("", "application/json", "{}".to_owned()));
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status}\nContent-Type: {kind}\nContent-Length: {length}{more}");
        headed(&head, body.as_bytes())
    })
    .await;
    let proxy = Files::with_all_policies().start(&yaml(&upstream.url(), "")).await;
    (upstream, proxy)
}

const MANY: &str = "\nETag: W/\"Zx81headQy\"\nLast-Modified: Sat, 21 Nov 2026 00:00:00 GMT\n\
                    Accept-Ranges: bytes\nContent-Location: /Zx81headQy\nX-Total-Count: Zx81headQy\n\
                    Set-Cookie: a=Zx81headQy\nLink: </Zx81headQy>; rel=next\nServer: Zx81headQy\n\
                    X-Request-Id: Zx81headQy\nCache-Control: max-age=9\nExpires: Zx81headQy\n\
                    Warning: 199 - Zx81headQy\nRetry-After: 77\nVary: Zx81headQy";

/// Names that an answer may have, and of some the value.
fn check_fields(answer: &Answer, road: &str) {
    let may = [
        "allow",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "date",
        "transfer-encoding",
        "vary",
        "x-content-type-options",
        "x-request-id",
    ];
    for name in answer.fields.keys() {
        assert!(may.contains(&name.as_str()), "{road}: {name}");
    }
    assert_eq!(answer.field("cache-control"), "no-store", "{road}");
    assert_eq!(answer.field("vary"), "Authorization, Cookie", "{road}");
    assert_eq!(answer.field("x-content-type-options"), "nosniff", "{road}");
    assert!(!format!("{answer:?}").contains(MARK), "{road}: {answer:?}");
}

#[tokio::test]
async fn nothing_of_the_upstreams_head_or_versions_passes_on_any_road() {
    let (_upstream, with) = with_head(&format!("200 {MARK}"), MANY).await;
    let (_upstream, without) = with_head("200 OK", "").await;
    for (path, ..) in roads() {
        let answer = with.get(MOTHER, path).await;
        assert_eq!((answer.status, answer.whole), (200, true), "{path}: {}", answer.body);
        assert!(answer.body.contains("J06.9"), "{path}: {}", answer.body);
        check_fields(&answer, path);
        for never in ["versionId", "lastUpdated", "timestamp", "2026-11-20", "total"] {
            assert!(!answer.body.contains(never), "{path}: {never}: {}", answer.body);
        }
        // Cursors and the like aside, the same as without all that.
        assert_eq!(answer.comparable(), without.get(MOTHER, path).await.comparable(), "{path}");
    }
}

#[tokio::test]
async fn head_is_get_on_every_road() {
    let (upstream, proxy) = with_head("200 OK", MANY).await;
    let token = proxy.files.token(MOTHER);
    let more = ["/api/v1/claims/none", "/nowhere", "/fhir/Condition?code=x"];
    for path in roads().into_iter().map(|(path, ..)| path).chain(more) {
        let get = proxy.get(MOTHER, path).await;
        let head = ask(proxy.address, &format!("HEAD {path}"), &[&token]).await;
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        let (get, head) = (get.comparable().fields, head.comparable().fields);
        let framing = |fields: &BTreeMap<String, String>| {
            let mut fields = fields.clone();
            // An answer to HEAD may leave out that its body would come in chunks.
            fields.remove("transfer-encoding");
            fields
        };
        assert_eq!(framing(&head), framing(&get), "{path}");
    }
    assert!(upstream.requests().iter().all(|request| request.starts_with("GET ")));
}

#[tokio::test]
async fn errors_of_the_upstream_are_ours_on_every_road() {
    for (status, whole, by_id, search) in [
        (206, 502, 502, 502),
        (301, 502, 502, 502),
        (304, 502, 502, 502),
        (400, 400, 400, 400),
        (401, 502, 404, 200),
        (403, 502, 404, 200),
        (404, 404, 404, 200),
        (409, 502, 502, 502),
        (410, 404, 404, 200),
        (422, 400, 400, 400),
        (429, 503, 503, 503),
        (500, 502, 502, 502),
        (501, 502, 502, 502),
        (503, 503, 503, 503),
        (504, 504, 504, 504),
        (599, 502, 502, 502),
    ] {
        let (_upstream, proxy) = with_head(&format!("{status} {MARK}"), MANY).await;
        let expected = [whole, by_id, search, by_id, by_id, whole];
        for ((path, ..), expected) in roads().into_iter().zip(expected) {
            let answer = proxy.get(MOTHER, path).await;
            assert_eq!(answer.status, expected, "{status} {path}");
            assert!(answer.whole && !answer.body.contains("J06.9"), "{status} {path}");
            let mut answer = answer;
            // A shortage says when to come again, in our words.
            if let Some(after) = answer.fields.remove("retry-after") {
                assert_ne!(after, "77", "{status} {path}");
            }
            check_fields(&answer, path);
        }
    }
}

#[tokio::test]
async fn trailers_and_interim_answers_never_pass_on_any_road() {
    for early in ["", "HTTP/1.1 103 Early Hints\r\nLink: </Zx81headQy>\r\n\r\n"] {
        let upstream = Upstream::answering(move |request| {
            let target = request.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
            let road =
                roads().into_iter().find(|(path, ..)| path.split('?').next() == Some(&target));
            let (_, kind, body) = road.unwrap();
            let mut script = vec![Step::Send(early.as_bytes().to_vec())];
            if early.is_empty() {
                let chunks =
                    format!("{:x}\r\n{body}\r\n0\r\nX-Diagnosis: {MARK}\r\n\r\n", body.len());
                let head =
                    format!("HTTP/1.1 200 OK\nContent-Type: {kind}\nTransfer-Encoding: chunked");
                script.extend(headed(&head, chunks.as_bytes()));
            } else {
                script.extend(good(kind, &body));
            }
            script
        })
        .await;
        let proxy = Files::with_all_policies().start(&yaml(&upstream.url(), "")).await;
        for (path, kind, _) in roads() {
            let answer = proxy.get(MOTHER, path).await;
            check_fields(&answer, path);
            if !early.is_empty() {
                assert_eq!((answer.status, answer.whole), (200, true), "{path}");
            } else if kind.ends_with("ndjson") {
                assert_eq!((answer.status, answer.whole), (200, false), "{path}");
            } else {
                assert_eq!(answer.status, 502, "{path}");
            }
        }
    }
}

#[tokio::test]
async fn hidden_absent_foreign_and_malformed_are_one_404_at_one_charge() {
    let therapy = CLAIM.replace("M-104", "M-102").replace("J06.9", "F33.1");
    let foreign = CLAIM.replace("M-104", "M-200");
    let upstream = Upstream::answering(move |request| match request.split(' ').nth(1).unwrap() {
        "/api/v1/claims/hidden" => good("application/json", &therapy),
        "/api/v1/claims/foreign" => good("application/json", &foreign),
        "/api/v1/claims/there" => good("application/json", CLAIM),
        "/api/v1/claims/forbidden" => headed("HTTP/1.1 403 No\nContent-Length: 0", b""),
        "/api/v1/claims/gone" => headed("HTTP/1.1 410 No\nContent-Length: 0", b""),
        _ => headed("HTTP/1.1 404 No\nContent-Type: text/html\nContent-Length: 2", b"no"),
    })
    .await;
    let long = "x".repeat(65);
    let ids = ["hidden", "foreign", "forbidden", "gone", "absent", "a%20b", "a%2Cb", &long];
    let mut answers: Vec<(&str, Vec<Answer>)> = Vec::new();
    for id in ids {
        // Three requests and one record; what is not released is no record.
        let more = "limits: { reader: [{ requests: 4 per 1h }, { records: 1 per 1h }] }";
        let proxy = Files::new().start(&yaml(&upstream.url(), more)).await;
        let token = proxy.files.token(MOTHER);
        let mut course = Vec::new();
        for line in [
            &format!("GET /api/v1/claims/{id}"),
            &format!("HEAD /api/v1/claims/{id}"),
            "GET /api/v1/claims/there",
            "GET /api/v1/claims/there",
            "GET /api/v1/claims/there",
        ] {
            let mut answer = ask(proxy.address, line, &[&token]).await.comparable();
            for name in ["retry-after", "ratelimit"] {
                answer.fields.remove(name);
            }
            course.push(answer);
        }
        let statuses: Vec<u16> = course.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [404, 404, 200, 429, 429], "{id}");
        assert_eq!(
            course[3].field("ratelimit-policy"),
            "\"records-1h\";q=1;w=3600;qu=\"records\"",
            "{id}"
        );
        assert_eq!(course[4].field("ratelimit-policy"), "\"requests-1h\";q=4;w=3600", "{id}");
        answers.push((id, course));
    }
    for (id, course) in &answers {
        assert_eq!(course, &answers[0].1, "{id}");
    }
}
