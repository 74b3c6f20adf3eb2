//! Requests that are not taken, and readers who are not known.

use super::client::{Answer, ask, exchange, parse, request};
use super::deployment::{Deployment, Files, MOTHER, shipped, yaml};
use super::upstream::{Upstream, good};

const CLAIMS: &str = "/api/v1/family/C-1/claims";

async fn upstream() -> Upstream {
    Upstream::scripted(good("application/json", &shipped("cases/bodies/claims.json"))).await
}

/// The one 400, and nothing asked of the upstream.
#[track_caller]
fn check_malformed(answer: &Answer, sent: &str) {
    assert_eq!(answer.status, 400, "{sent:?}");
    assert_eq!(
        answer.body, r#"{"detail":"malformed request","status":400,"title":"Bad Request"}"#,
        "{sent:?}"
    );
    assert_eq!(answer.field("cache-control"), "no-store");
    assert_eq!(answer.field("x-request-id").len(), 32);
}

#[tokio::test]
async fn heads_that_can_be_read_in_two_ways() {
    let upstream = upstream().await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(MOTHER);
    let line = format!("GET {CLAIMS} HTTP/1.1\r\n");
    let post = "POST /api/v1/x HTTP/1.1\r\nHost: a\r\n";
    let long = "a".repeat(17_000);
    let sent = [
        format!("{line}{token}\r\n\r\n"),
        format!("{line}Host: a\r\nHost: a\r\n{token}\r\n\r\n"),
        format!("{line}Host: a@b\r\n{token}\r\n\r\n"),
        format!("{line}Host: a\r\n{token}\r\nContent-Length: 5\r\n\r\nhello"),
        format!("{line}Host: a\r\n{token}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{line}Host: a\r\n{token}\n\r\n"),
        format!("{line}Host: a\r\n{token}\r\nUseless:\n\nGET {CLAIMS} HTTP/1.1\r\n\r\n"),
        format!("{line}Host: a\r\n{token}\r\nUpgrade: h2c\r\n\r\n"),
        format!("{line}Host: a\r\n{token}\r\nX: {long}\r\n\r\n"),
        format!("{line}Host: a\r\n{token}\r\n{}\r\n", "X: 1\r\n".repeat(64)),
        format!("GET http://evil{CLAIMS} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n"),
        format!("GET {CLAIMS}#b HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n"),
        format!("{post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Content-Length: 03\r\n\r\na=b"),
        format!("{post}Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b"),
        format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "MALFORMED / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "\r\n\r\n".to_owned(),
    ];
    for sent in &sent {
        let answer = parse(&exchange(deployment.address, sent.as_bytes()).await);
        check_malformed(&answer, sent);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn paths_of_two_readings_are_refused_and_not_normalised() {
    let upstream = upstream().await;
    let deployment = Deployment::before(&upstream.url()).await;
    for path in [
        "/api/v1/family/C-1/../C-2/claims",
        "/api/v1/family/C-1/%2e%2e/C-2/claims",
        "/api/v1/family/C-1%2fclaims",
        "/api/v1/family/C-1;x=1/claims",
        "/api/v1//family/C-1/claims",
        "/api/v1/family/C-1/claims%00",
        "/api/v1/family/C-1/claims%zz",
        "/api/v1/family/C-1\\claims",
        "/api/v1/family/C-1/%2563laims",
    ] {
        let answer = deployment.get(MOTHER, path).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn methods() {
    let upstream = upstream().await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(MOTHER);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "PROPFIND"] {
        let answer = ask(deployment.address, &format!("{method} {CLAIMS}"), &[&token]).await;
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.field("allow"), "GET, HEAD", "{method}");
    }
    for method in ["CONNECT", "DELETE"] {
        let answer = ask(deployment.address, &format!("{method} /nowhere"), &[&token]).await;
        assert!([404, 405].contains(&answer.status), "{method}: {}", answer.status);
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn forms_that_are_not_taken() {
    let upstream = Upstream::scripted(good("application/fhir+json", "{}")).await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    let token = deployment.files.token(MOTHER);
    let search = "POST /fhir/Claim/_search";
    let form = "Content-Type: application/x-www-form-urlencoded";
    let long = "a".repeat(70_000);
    for (fields, body) in [
        (vec!["Content-Type: application/json", "Content-Length: 2"], "{}"),
        (vec!["Content-Length: 13"], "patient=p-100"),
        (vec![form, form, "Content-Length: 13"], "patient=p-100"),
        (vec![form, "Content-Length: 70000"], long.as_str()),
        (vec![form, "Transfer-Encoding: chunked"], "3;x=y\r\na=b\r\n0\r\n\r\n"),
        (vec![form, "Transfer-Encoding: chunked"], "d\r\npatient=p-100\r\n0\r\nX: y\r\n\r\n"),
    ] {
        let fields: Vec<&str> = fields.into_iter().chain([token.as_str()]).collect();
        let sent = request(search, &fields, body);
        let answer = parse(&exchange(deployment.address, &sent).await);
        assert_eq!(answer.status, 400, "{fields:?}");
    }
    assert_eq!(upstream.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_is_let_in_without_a_token_that_holds() {
    let upstream = upstream().await;
    let deployment = Deployment::before(&upstream.url()).await;
    let line = format!("GET {CLAIMS}");
    let nobody = ask(deployment.address, &line, &[]).await;
    assert_eq!((nobody.status, nobody.field("www-authenticate")), (401, "Bearer"));
    let other = Files::new().token(MOTHER);
    for field in [other.as_str(), "Authorization: Bearer x", "Authorization: Bearer a.b.c"] {
        let answer = ask(deployment.address, &line, &[field]).await;
        assert_eq!(answer.status, 401, "{field}");
        assert_eq!(answer.field("www-authenticate"), "Bearer error=\"invalid_token\"");
        assert_eq!(answer.body, nobody.body);
    }
    let basic = ask(deployment.address, &line, &["Authorization: Basic eDp5"]).await;
    assert_eq!((basic.status, basic.field("www-authenticate")), (401, "Bearer"));
    let token = deployment.files.token(MOTHER);
    let two = ask(deployment.address, &line, &[&token, &token]).await;
    assert_eq!(two.status, 400);
    assert_eq!(upstream.requests(), Vec::<String>::new());
    // Anybody could fill the disk with these; they are counted, not recorded.
    assert_eq!(deployment.files.audit().len(), 0);
}

#[tokio::test]
async fn a_reader_over_their_limit() {
    let upstream = upstream().await;
    let more = "limits: { reader: [{ requests: 2 per 1m }] }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    // The same person by another of their names.
    assert_eq!(deployment.get(MOTHER, "/nowhere").await.status, 404);
    let over = deployment.get(MOTHER, CLAIMS).await;
    assert_eq!(over.status, 429);
    let retry_after: u64 = over.field("retry-after").parse().unwrap();
    assert!((1..=30).contains(&retry_after));
    assert_eq!(over.field("ratelimit"), format!("\"requests-1m\";r=0;t={retry_after}"));
    assert_eq!(over.field("ratelimit-policy"), "\"requests-1m\";q=2;w=60");
    assert_eq!(deployment.get("M-102", CLAIMS).await.status, 200);
}

#[tokio::test]
async fn records_are_charged_before_they_leave() {
    let upstream = upstream().await;
    let more = "limits: { reader: [{ records: 6 per 1h }] }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    assert_eq!(deployment.get("M-102", CLAIMS).await.status, 200);
    let over = deployment.get("M-102", CLAIMS).await;
    assert_eq!(over.status, 429);
    assert_eq!(over.field("ratelimit-policy"), "\"records-1h\";q=6;w=3600;qu=\"records\"");
    assert!(!over.body.contains("CLM"));
}

#[tokio::test]
async fn too_much_held_at_once() {
    let body = shipped("cases/bodies/claims.json") + &" ".repeat(900_000);
    let upstream = Upstream::scripted(good("application/json", &body)).await;
    let more = "limits: { hold: 1MiB, held: 1MiB }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    let both = tokio::join!(deployment.get(MOTHER, CLAIMS), deployment.get(MOTHER, CLAIMS));
    let mut statuses = [both.0.status, both.1.status];
    statuses.sort_unstable();
    assert!([[200, 200], [200, 503]].contains(&statuses), "{statuses:?}");
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200, "all was given back");
}
