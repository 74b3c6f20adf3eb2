//! What readers get when all goes well, and when nothing is there for them.

use super::client::{self, ask, parse};
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, shipped, yaml};
use super::upstream::{Step, Upstream, good, headed};
use std::io::Write;

const CLAIMS: &str = "/api/v1/family/C-1/claims";

async fn claims() -> Upstream {
    Upstream::scripted(good("application/json", &shipped("cases/bodies/claims.json"))).await
}

#[tokio::test]
async fn the_mother_reads_the_familys_claims_without_the_therapy() {
    let upstream = claims().await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    let answer = deployment.get(MOTHER, CLAIMS).await;
    assert_eq!(answer.status, 200);
    for released in ["CLM-1\"", "CLM-4", "CLM-6", "CLM-8"] {
        assert!(answer.body.contains(released), "{released}");
    }
    for hidden in ["CLM-2", "CLM-3", "CLM-5", "90837", "F33.1", "Okafor", "fell on the stairs"] {
        assert!(!answer.body.contains(hidden), "{hidden}");
    }
    assert!(answer.whole);
    let names: Vec<&str> = answer.fields.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "cache-control",
            "connection",
            "content-length",
            "content-type",
            "date",
            "vary",
            "x-content-type-options",
            "x-request-id"
        ]
    );
    assert_eq!(answer.field("content-type"), "application/json");
    assert_eq!(answer.field("cache-control"), "no-store");
    assert_eq!(answer.field("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn the_daughter_is_told_of_her_own_note_and_of_nothing_else() {
    let upstream = claims().await;
    let more = "notice: https://members.example/help/therapy-notes";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    let answer = deployment.get(DAUGHTER, CLAIMS).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("CLM-2") && answer.body.contains("90837"));
    assert!(!answer.body.contains("Spoke of her mother"));
    assert_eq!(answer.field("sequester-withheld"), "psychotherapy-notes");
    assert_eq!(answer.field("link"), "<https://members.example/help/therapy-notes>; rel=\"help\"");
    let mother = deployment.get(MOTHER, CLAIMS).await;
    assert_eq!(mother.field("sequester-withheld"), "");
    assert_eq!(mother.field("link"), "");
}

#[tokio::test]
async fn the_request_to_the_upstream_is_ours() {
    let upstream = claims().await;
    let more = "";
    let text =
        yaml(&upstream.url(), more).replace("  timeout", "  authorization: reader\n  timeout");
    let deployment = Files::new().start(&text).await;
    let token = deployment.files.token(MOTHER);
    let fields = [
        token.as_str(),
        "Accept: text/html",
        "Accept-Encoding: gzip, br",
        "Range: bytes=0-99",
        "If-None-Match: \"1\"",
        "TE: trailers",
        "Cookie: session=1",
        "X-Forwarded-Host: evil.example",
        "X-Original-URL: /api/v1/family/C-2/claims",
        "X-HTTP-Method-Override: DELETE",
        "X-Member-Id: M-102",
        "Referer: https://members.example/?code=F32",
    ];
    let answer = ask(deployment.address, &format!("GET {CLAIMS}"), &fields).await;
    assert_eq!(answer.status, 200);
    let request_id = answer.field("x-request-id");
    let sent = &upstream.requests()[0];
    let (line, rest) = sent.split_once("\r\n").unwrap();
    assert_eq!(line, format!("GET {CLAIMS}?pageSize=200 HTTP/1.1"));
    let mut lines: Vec<&str> = rest.trim_end().split("\r\n").collect();
    lines.sort_unstable();
    let port = upstream.port;
    let expected = [
        "accept-encoding: identity".to_owned(),
        "accept: application/json".to_owned(),
        token.replace("Authorization", "authorization"),
        format!("host: 127.0.0.1:{port}"),
        "x-forwarded-host: members.example".to_owned(),
        "x-forwarded-proto: https".to_owned(),
        format!("x-request-id: {request_id}"),
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_token_file_is_read_again_and_the_readers_token_stays_here() {
    let upstream = claims().await;
    let files = Files::new();
    files.write("token", "first\n");
    let text = yaml(&upstream.url(), "")
        .replace("  timeout", "  authorization: { token-file: token }\n  timeout");
    let deployment = files.start(&text).await;
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    deployment.files.write("token", "second\n");
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    let requests = upstream.requests();
    assert!(requests[0].contains("authorization: Bearer first\r\n"), "{}", requests[0]);
    assert!(requests[1].contains("authorization: Bearer second\r\n"), "{}", requests[1]);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let upstream = claims().await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(MOTHER);
    let get = ask(deployment.address, &format!("GET {CLAIMS}"), &[&token]).await;
    let head = ask(deployment.address, &format!("HEAD {CLAIMS}"), &[&token]).await;
    assert_eq!(head.body, "");
    assert_eq!(head.comparable().fields, get.comparable().fields);
    assert!(upstream.requests()[1].starts_with("GET "));
    let get = ask(deployment.address, "GET /nowhere", &[&token]).await;
    let head = ask(deployment.address, "HEAD /nowhere", &[&token]).await;
    assert_eq!((head.status, head.body.as_str()), (404, ""));
    assert_eq!(head.comparable().fields, get.comparable().fields);
}

#[tokio::test]
async fn what_is_hidden_absent_foreign_or_unknown_is_one_404() {
    let claim = shipped("cases/bodies/claim.json");
    let upstream = Upstream::answering(move |request| {
        if request.contains("CLM-2 ") {
            good("application/json", &claim)
        } else {
            headed("HTTP/1.1 404 Not Found\nContent-Type: text/html\nContent-Length: 5", b"<CLM>")
        }
    })
    .await;
    let deployment = Deployment::before(&upstream.url()).await;
    let hidden = deployment.get(MOTHER, "/api/v1/claims/CLM-2").await;
    assert_eq!(hidden.status, 404);
    assert_eq!(hidden.field("content-type"), "application/problem+json");
    for path in [
        "/api/v1/claims/CLM-999",
        "/api/v1/claims/not.an.id!",
        "/api/v1/family/C-2/claims",
        "/api/v1/unheard-of",
        "/nowhere",
    ] {
        let absent = deployment.get(MOTHER, path).await;
        assert_eq!(absent.comparable(), hidden.comparable(), "{path}");
    }
    assert_eq!(deployment.get(DAUGHTER, "/api/v1/claims/CLM-2").await.status, 200);
}

#[tokio::test]
async fn errors_have_the_form_of_their_api() {
    let upstream = claims().await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    let fhir = deployment.get(MOTHER, "/fhir/Nothing/1").await;
    assert_eq!(fhir.status, 404);
    assert_eq!(fhir.field("content-type"), "application/fhir+json");
    assert!(fhir.body.contains("\"resourceType\":\"OperationOutcome\""), "{}", fhir.body);
    let stranger = ask(deployment.address, "GET /fhir/Patient/p-100", &[]).await;
    assert_eq!(stranger.status, 401);
    assert_eq!(stranger.field("www-authenticate"), "Bearer");
    assert!(stranger.body.contains("\"code\":\"login\""), "{}", stranger.body);
    let parameter = deployment.get(MOTHER, "/fhir/Claim?_has=x").await;
    assert_eq!(parameter.status, 400);
    assert!(parameter.body.contains("`_has`"), "{}", parameter.body);
}

#[tokio::test]
async fn a_search_by_form_is_rebuilt() {
    let upstream =
        Upstream::scripted(good("application/fhir+json", &shipped("cases/bodies/eob-search.json")))
            .await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    let token = deployment.files.token(DAUGHTER);
    let form = "patient=p-102";
    let fields = [
        &token,
        "Content-Type: application/x-www-form-urlencoded",
        &format!("Content-Length: {}", form.len()),
    ];
    let sent = client::request("POST /fhir/ExplanationOfBenefit/_search", &fields, form);
    let answer = parse(&client::exchange(deployment.address, &sent).await);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let request = &upstream.requests()[0];
    assert!(request.starts_with("POST /fhir/ExplanationOfBenefit/_search HTTP/1.1\r\n"));
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    assert!(request.contains("\r\n\r\n") && request.contains("patient=p-102"), "{request}");
    // The same in chunks.
    let fields = [
        &token,
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8",
        "Transfer-Encoding: chunked",
    ];
    let chunks = "8\r\npatient=\r\n5\r\np-102\r\n0\r\n\r\n";
    let sent = client::request("POST /fhir/ExplanationOfBenefit/_search", &fields, chunks);
    let chunked = parse(&client::exchange(deployment.address, &sent).await);
    assert_eq!(chunked.comparable(), answer.comparable());
}

#[tokio::test]
async fn gzip_is_read_and_identity_is_what_leaves() {
    let body = shipped("cases/bodies/claims.json");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body.as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: GZIP\nContent-Length: {}",
        zipped.len()
    );
    let upstream = Upstream::scripted(headed(&head, &zipped)).await;
    let plain = claims().await;
    let gzipped = Deployment::before(&upstream.url()).await.get(MOTHER, CLAIMS).await;
    let plain = Deployment::before(&plain.url()).await.get(MOTHER, CLAIMS).await;
    assert_eq!(gzipped.status, 200);
    assert_eq!(gzipped.comparable(), plain.comparable());
}

#[tokio::test]
async fn one_connection_serves_many_requests_on_both_sides() {
    let upstream = claims().await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(MOTHER);
    let request = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n");
    let last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    let sent = [request.as_str(), &request, &last].concat();
    let read = client::exchange(deployment.address, sent.as_bytes()).await;
    let read = String::from_utf8(read).unwrap();
    assert_eq!(read.matches("HTTP/1.1 200 OK\r\n").count(), 3);
    assert_eq!(upstream.requests().len(), 3);
    assert_eq!(*upstream.connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_connection_that_the_upstream_has_closed_is_replaced() {
    let body = shipped("cases/bodies/claims.json");
    let mut script = good("application/json", &body);
    script.pop();
    script.push(Step::Close);
    let upstream = Upstream::scripted(script).await;
    let deployment = Deployment::before(&upstream.url()).await;
    for _ in 0..5 {
        assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(*upstream.connections.lock().unwrap(), 5);
}

#[tokio::test]
async fn an_upstream_that_forbids_is_seen_by_the_operator_and_by_nobody_else() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let upstream = Upstream::scripted(headed(
            &format!("HTTP/1.1 {status}\nContent-Type: application/fhir+json\nContent-Length: 2"),
            b"{}",
        ))
        .await;
        let more = "admin: { address: '127.0.0.2:0' }";
        let text = yaml(&upstream.url(), more);
        let deployment = Files::with_all_policies().start(&text).await;
        for (path, expected) in
            [("/fhir/Claim?patient=p-102", 200), ("/fhir/Claim/x", 404), (CLAIMS, 502)]
        {
            let answer = deployment.get(MOTHER, path).await;
            assert_eq!(answer.status, expected, "{path}");
            assert!(!answer.body.contains("401") && !answer.body.contains("403"));
        }
        let audit = deployment.files.audit();
        assert_eq!(audit.len(), 3);
        assert!(audit.iter().all(|line| line["findings"]["upstream-forbids"] == 1), "{audit:?}");
        let figures = ask(deployment.admin.unwrap(), "GET /metrics", &[]).await.body;
        let figure = "sequester_findings_total{finding=\"upstream-forbids\"} 3";
        assert!(figures.contains(figure), "{figures}");
    }
}
