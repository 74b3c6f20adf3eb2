//! P: request line, path, query, header fields.

use super::{
    CLAIMS, DAUGHTER, MOTHER, Stand, ask, claims, good, harmless, hidden, parse, request, yaml,
};
use crate::proxy::client::exchange_on;
use crate::proxy::deployment::Files;
use tokio::net::UnixStream;

async fn stand() -> Stand {
    Stand::house(good("application/json", &claims(&[harmless(), hidden()]))).await
}

impl Stand {
    /// The status of these bytes, with a token put in for `{token}`.
    async fn status(&self, sent: &str) -> u16 {
        let token = self.proxy.files.token(MOTHER);
        parse(&self.send(sent.replace("{token}", &token)).await).status
    }
}

#[tokio::test]
async fn bypass_P1_paths_with_two_readings() {
    let stand = stand().await;
    for path in [
        "/api/v1/family/C-2/../C-1/claims",
        "/api/v1/family/C-1/%2e%2e/C-1/claims",
        "/api/v1/family/C-1/.%2e/C-1/claims",
        "/api/v1/family/C-1/%252e%252e/claims",
        "/api/v1/./family/C-1/claims",
        "/api/v1/family/C-1/claims/.",
        "/api/v1//family/C-1/claims",
        "//api/v1/family/C-1/claims",
        "/api/v1/family/C-1/claims/",
        "/api/v1/family/C-1;x=1/claims",
        "/api/v1/family/C-1/claims;jsessionid=1",
        "/api/v1/family/C-1/claims.",
        "/api/v1/family/C-1/claims.json",
        "/api/v1/family\\C-1\\claims",
        "/api/v1/family/C-1%5cclaims",
        "/api/v1/family/C-1%2Fclaims",
        "/api/v1/family/C-1%2fclaims",
        "/api/v1/family/C-1/claims%00",
        "/api/v1/family/C-1/claims%0a",
        "/api/v1/family/C-1/claims%zz",
        "/api/v1/family/C-1/claims%",
        "/api/v1/family/C-1/claims%3f",
        "/api/v1/family/C-1/Claims",
        "/API/v1/family/C-1/claims",
        "/api/v1/family/C-1/claims%20",
        "/api/v1/family/C%ef%bc%8d1/claims",
        "/api/v1/family/C-1/c\u{6c}aims*",
        "/api/v1/family/C-1/claims|x",
        "/..;/api/v1/family/C-1/claims",
    ] {
        let answer = stand.get(MOTHER, path).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
    }
    for line in ["GET *", "GET !", "GET foo:80", "GET api/v1/family/C-1/claims", "GET /\u{e4}"] {
        let sent = format!("{line} HTTP/1.1\r\nHost: a\r\n{{token}}\r\nConnection: close\r\n\r\n");
        assert_eq!(stand.status(&sent).await, 400, "{line}");
    }
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_P2_fragments_in_targets() {
    let stand = stand().await;
    for target in [format!("{CLAIMS}#b"), format!("{CLAIMS}?from=x#b"), format!("{CLAIMS}#")] {
        let sent =
            format!("GET {target} HTTP/1.1\r\nHost: a\r\n{{token}}\r\nConnection: close\r\n\r\n");
        assert_eq!(stand.status(&sent).await, 400, "{target}");
    }
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_P3_hosts_that_are_two_or_odd() {
    let stand = stand().await;
    let line = format!("GET {CLAIMS} HTTP/1.1\r\n");
    let end = "{token}\r\nConnection: close\r\n\r\n";
    for sent in [
        format!("GET http://evil{CLAIMS} HTTP/1.1\r\nHost: good\r\n{end}"),
        format!("GET http://good{CLAIMS} HTTP/1.1\r\nHost: good\r\n{end}"),
        format!("GET javascript:{CLAIMS} HTTP/1.1\r\nHost: good\r\n{end}"),
        format!("{line}Host: a\r\nHost: a\r\n{end}"),
        format!("{line}Host: a\r\nHOST: b\r\n{end}"),
        format!("{line}{end}"),
        format!("{line}Host:\r\n{end}"),
        format!("{line}Host: a@b/c?d\r\n{end}"),
        format!("{line}Host: u:p@a\r\n{end}"),
        format!("{line}Host: a b\r\n{end}"),
        format!("{line}Host: a,b\r\n{end}"),
        format!("{line}Host: a:99999\r\n{end}"),
        format!("{line}Host: [::1\r\n{end}"),
    ] {
        assert_eq!(stand.status(&sent).await, 400, "{sent}");
    }
    assert!(stand.asked().is_empty());
    // The upstream is named by us, whatever the reader calls us.
    assert_eq!(stand.status(&format!("{line}Host: other.example\r\n{end}")).await, 200);
    let asked = &stand.asked()[0];
    assert!(asked.contains(&format!("\r\nhost: 127.0.0.1:{}\r\n", stand.upstream.port)), "{asked}");
    assert!(!asked.contains("other.example"));
}

#[tokio::test]
async fn bypass_P4_methods_in_headers_and_parameters() {
    let stand = stand().await;
    let plain = stand.get(MOTHER, CLAIMS).await;
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let fields = [format!("{name}: DELETE")];
        let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &[&fields[0]]).await;
        assert_eq!(answer.comparable(), plain.comparable(), "{name}");
    }
    assert_eq!(stand.get(MOTHER, &format!("{CLAIMS}?_method=DELETE")).await.status, 400);
    for asked in stand.asked() {
        assert!(asked.starts_with("GET ") && !asked.contains("DELETE"), "{asked}");
    }
}

/// Fields that change nothing here and do not go on.
async fn have_no_effect(fields: &[&str]) {
    let stand = stand().await;
    let plain = stand.get(MOTHER, CLAIMS).await;
    assert_eq!(plain.status, 200);
    for field in fields {
        let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &[field]).await;
        assert_eq!(answer.comparable(), plain.comparable(), "{field}");
        let value = field.split_once(": ").unwrap().1;
        assert!(!stand.asked().last().unwrap().contains(value), "{field}");
    }
}

#[tokio::test]
async fn bypass_P5_targets_in_headers() {
    have_no_effect(&[
        "X-Original-URL: /admin-evil",
        "X-Rewrite-URL: /admin-evil",
        "X-Forwarded-Uri: /admin-evil",
        "X-Forwarded-Prefix: /admin-evil",
        "X-Forwarded-Path: /admin-evil",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: evil",
        "X-Host: evil.example",
        "Forwarded: host=evil.example",
    ])
    .await;
}

#[tokio::test]
async fn bypass_P6_client_addresses_in_headers() {
    have_no_effect(&[
        "X-Forwarded-For: 10.9.8.7",
        "X-Real-IP: 10.9.8.7",
        "Forwarded: for=10.9.8.7",
        "True-Client-IP: 10.9.8.7",
        "X-Client-IP: 10.9.8.7",
        "CF-Connecting-IP: 10.9.8.7",
    ])
    .await;
    let stand = stand().await;
    let proxied = format!(
        "PROXY TCP4 10.9.8.7 10.0.0.1 1 2\r\nGET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{{token}}\r\n\r\n"
    );
    assert_eq!(stand.status(&proxied).await, 400);
}

/// Answers of a portal's socket to these fields.
pub(super) async fn portal(all: &[&[&str]]) -> Vec<super::Answer> {
    let upstream =
        super::Upstream::scripted(good("application/json", &claims(&[harmless(), hidden()]))).await;
    let files = Files::new();
    let path = files.path("portal.sock");
    let jwt = "jwt: { issuer: https://login.example, audience: member-api, keys: jwks.json, \
               member-claim: member_id, client-claim: azp }";
    let text = yaml(&upstream.url(), "")
        .replace("127.0.0.1:0", &format!("unix:{}", path.display()))
        .replace(jwt, "header: { name: X-Member-Id }");
    let _proxy = files.start(&text).await;
    let mut answers = Vec::new();
    for fields in all {
        let mut socket = UnixStream::connect(&path).await.unwrap();
        let sent = request(&format!("GET {CLAIMS}"), fields, "");
        answers.push(parse(&exchange_on(&mut socket, &sent).await));
    }
    answers
}

#[tokio::test]
async fn bypass_P7_identity_headers_spelt_otherwise() {
    let answers = portal(&[
        &["X-Member-Id: M-102"],
        &["x-member-id: M-102"],
        &["X-Member-Id: M-102", "Connection: x-member-id"],
    ])
    .await;
    for answer in &answers {
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("F33.1"), "the daughter's own");
    }
    let answers = portal(&[
        &["X-Member-Id: M-100", "X_Member_Id: M-102"],
        &["X-Member-Id: M-100", "X.Member.Id: M-102"],
        &["X_Member-Id: M-102"],
        &["X-Member_Id: M-102"],
        &["X-Member-Id: M-100", "X-Member-Id: M-102"],
        &["X-Member-Id: M-100", "x-member-id: M-100"],
    ])
    .await;
    assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
    // Where tokens say who reads, such a header says nothing.
    have_no_effect(&["X-Member-Id: M-102", "X_Member_Id: M-102"]).await;
}

#[tokio::test]
async fn bypass_P8_values_with_blanks_and_odd_bytes() {
    let answers = portal(&[
        &["X-Member-Id: M 102"],
        &["X-Member-Id: M-102,M-100"],
        &["X-Member-Id: \u{85}M-102\u{a0}"],
        &["X-Member-Id: M-102\u{a0}"],
        &["X-Member-Id: M\u{2d1}102"],
        &["X-Member-Id: \"M-102\""],
        &["X-Member-Id: M-102%00"],
        &["X-Member-Id: "],
        &["X-Member-Id: M-102\tM-100"],
    ])
    .await;
    assert!(answers.iter().all(|answer| answer.status == 401), "{answers:?}");
}

#[tokio::test]
async fn bypass_P9_queries_with_two_readings() {
    let stand = stand().await;
    let many = vec!["from=1"; 65].join("&");
    for query in [
        "from%00=1",
        "from=%00",
        "from=%0a",
        "from=%zz",
        "from=%u0041",
        "from[]=1",
        "from%5B%5D=1",
        "=1",
        "&from=1",
        "from=1;status=2",
        "FROM=1",
        "from%20=1",
        "%66rom%3d=1",
        "memberId=M-102&memberId=M-100",
        "memberId=M-100&member%49d=M-102",
        &many,
        "from=%ff",
    ] {
        let answer = stand.get(MOTHER, &format!("{CLAIMS}?{query}")).await;
        let passed = query == "from=1;status=2" && answer.status == 200;
        assert!(answer.status == 400 || passed, "{query}: {}", answer.status);
    }
    // What goes on is written anew: one reading, ours.
    stand.get(MOTHER, &format!("{CLAIMS}?%66rom=a+b%20c%2Bd&status=%26x%3D1")).await;
    let asked = stand.asked().last().unwrap().clone();
    assert!(asked.contains("from=a%20b%20c%2Bd&status=%26x%3D1"), "{asked}");
    let semicolon = stand.asked().iter().any(|asked| asked.contains(';'));
    assert!(!semicolon);
}

#[tokio::test]
async fn bypass_P10_methods_that_are_unknown() {
    let stand = stand().await;
    for method in [
        "get", "Get", "PROPFIND", "SEARCH", "QUERY", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
        "LINK", "POST", "HEADX",
    ] {
        let answer = stand.ask(MOTHER, &format!("{method} {CLAIMS}"), &[]).await;
        assert_eq!((answer.status, answer.field("allow")), (405, "GET, HEAD"), "{method}");
    }
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_P11_bodies_and_expectations() {
    let stand = stand().await;
    let start = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{{token}}\r\nConnection: close\r\n");
    for sent in [
        format!("{start}Content-Length: 5\r\n\r\nhello"),
        format!("{start}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        start.replace("GET", "HEAD") + "Content-Length: 1\r\n\r\nx",
    ] {
        assert_eq!(stand.status(&sent).await, 400, "{sent}");
    }
    assert!(stand.asked().is_empty());
    let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &["Expect: 100-continue"]).await;
    assert_eq!(answer.status, 200);
    assert!(!stand.asked()[0].to_lowercase().contains("expect"));
}

#[tokio::test]
async fn bypass_P12_health_checks_are_no_way_in() {
    let stand = stand().await;
    for agent in ["GoogleHC/1.0", "kube-probe/1.29", "ELB-HealthChecker/2.0"] {
        let field = format!("User-Agent: {agent}");
        let answer = ask(stand.proxy.address, &format!("GET {CLAIMS}"), &[&field]).await;
        assert_eq!(answer.status, 401, "{agent}");
    }
    for path in ["/healthz", "/readyz", "/metrics", "/ping", "/"] {
        let nobody = ask(stand.proxy.address, &format!("GET {path}"), &[]).await;
        assert_eq!(nobody.status, 401, "{path}");
        assert_eq!(stand.get(DAUGHTER, path).await.status, 404, "{path}");
    }
    assert!(stand.asked().is_empty());
}
