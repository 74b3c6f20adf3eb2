//! X: what goes beside the body.

use super::{
    Answer, CLAIMS, DAUGHTER, MOTHER, SECRET, Stand, Step, Upstream, all_refused, ask, claims,
    good, harmless, head, headed, hidden, with_fields, yaml,
};
use crate::proxy::deployment::Files;

fn body() -> String {
    claims(&[harmless(), hidden()])
}

/// Names of fields that an answer has.
fn names(answer: &Answer) -> Vec<&str> {
    answer.fields.keys().map(String::as_str).collect()
}

const FIELDS: [&str; 8] = [
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "date",
    "vary",
    "x-content-type-options",
    "x-request-id",
];

#[tokio::test]
async fn bypass_X1_redirects_are_not_followed_and_not_passed_on() {
    let other = Upstream::scripted(good("application/json", &body())).await;
    let mut scripts = Vec::new();
    for status in ["301 Moved", "302 Found", "303 See Other", "307 T", "308 P", "300 Many"] {
        let location = format!("{}/{SECRET}?sig=1", other.url());
        let head = format!(
            "HTTP/1.1 {status}\nLocation: {location}\nContent-Type: application/json\n\
             Content-Length: 2"
        );
        scripts.push(headed(&head, b"{}"));
    }
    all_refused(scripts).await;
    assert!(other.requests().is_empty());
    let more =
        format!("\nContent-Location: /{SECRET}\nRefresh: 0; url=/{SECRET}\nLocation: /{SECRET}");
    let stand = Stand::house(with_fields(&more, body().as_bytes())).await;
    let answer = stand.get(MOTHER, CLAIMS).await;
    assert_eq!((answer.status, names(&answer)), (200, FIELDS.to_vec()));
}

#[tokio::test]
async fn bypass_X2_no_field_of_the_upstream_passes() {
    let mut more = String::new();
    for name in [
        "Set-Cookie: last_dx",
        "X-Patient-Flags",
        "Link",
        "Warning",
        "Server-Timing",
        "X-Total-Count",
        "X-Request-Url",
        "X-Request-Id",
        "WWW-Authenticate",
        "Access-Control-Expose-Headers",
        "Access-Control-Allow-Origin",
        "Server",
        "X-Powered-By",
        "Via",
        "Age",
        "Cache-Control",
        "Vary",
        "Retry-After",
        "RateLimit",
        "Content-Language",
        "Content-Disposition",
        "Content-Security-Policy-Report-Only",
        "Alt-Svc",
        "NEL",
        "Sequester-Withheld",
        "Date",
    ] {
        let (name, value) = name.split_once(": ").unwrap_or((name, "x"));
        more += &format!("\n{name}: {value}={SECRET}");
    }
    for status in ["200 OK", "404 Not Found", "401 No", "500 No"] {
        let head = head(&more).replace("200 OK", status);
        let stand = Stand::house(headed(
            &format!("{head}\nContent-Length: {}", body().len()),
            body().as_bytes(),
        ))
        .await;
        let answer = stand.get(MOTHER, CLAIMS).await;
        assert_eq!(names(&answer), FIELDS, "{status}");
        let said = format!("{:?}{}", answer.fields, answer.body);
        assert!(!said.contains(SECRET), "{status}: {said}");
    }
}

fn chunked(more: &str, after: &str) -> Vec<Step> {
    let text = body();
    let chunks = format!("{:x}\r\n{text}\r\n0\r\n{after}", text.len());
    headed(&head(&format!("\nTransfer-Encoding: chunked{more}")), chunks.as_bytes())
}

#[tokio::test]
async fn bypass_X3_trailers() {
    all_refused(vec![
        chunked("", "X-Diagnosis: F32\r\n\r\n"),
        chunked("\nTrailer: X-Diagnosis", "X-Diagnosis: F32\r\n\r\n"),
        chunked("\nTrailer: X-Diagnosis", "\r\n"),
    ])
    .await;
    let stand = Stand::house(chunked("", "\r\n")).await;
    let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &["TE: trailers"]).await;
    assert_eq!((answer.status, names(&answer)), (200, FIELDS.to_vec()));
    assert!(stand.asked().iter().all(|asked| !asked.to_lowercase().contains("\r\nte:")));
}

#[tokio::test]
async fn bypass_X4_interim_answers() {
    let early = format!("HTTP/1.1 103 Early Hints\r\nLink: </{SECRET}>; rel=preload\r\n\r\n");
    let mut script = vec![Step::Send(early.clone().into_bytes())];
    script.extend(good("application/json", &body()));
    let stand = Stand::house(script).await;
    let token = stand.proxy.files.token(MOTHER);
    let read = stand.send(super::request(&format!("GET {CLAIMS}"), &[&token], "")).await;
    let read = String::from_utf8(read).unwrap();
    assert!(read.starts_with("HTTP/1.1 200 OK\r\n") && !read.contains("103"), "{read}");
    assert!(!read.contains(SECRET));
    let storm = |count: usize, head: &str| {
        let mut script = vec![Step::Send(head.repeat(count).into_bytes())];
        script.extend(good("application/json", &body()));
        script
    };
    all_refused(vec![storm(20_000, "HTTP/1.1 102 Processing\r\n\r\n"), storm(9, &early)]).await;
}

#[tokio::test]
async fn bypass_X5_switching_protocols() {
    let switch = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n{SECRET}"
    );
    all_refused(vec![vec![Step::Send(switch.into_bytes()), Step::Close]]).await;
    let stand = Stand::house(good("application/json", &body())).await;
    for fields in [
        vec!["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x"],
        vec!["Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"],
        vec!["HTTP2-Settings: AAMAAABk"],
        vec!["Upgrade: TLS/1.0"],
    ] {
        let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &fields).await;
        assert_eq!(answer.status, 400, "{fields:?}");
    }
    for method in ["CONNECT", "TRACE"] {
        let answer = stand.ask(MOTHER, &format!("{method} {CLAIMS}"), &[]).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    let answer =
        super::parse(&stand.send("CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n").await);
    assert_eq!(answer.status, 400);
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_X6_reason_phrases_and_odd_statuses() {
    let script = |status: &str| {
        headed(
            &format!(
                "HTTP/1.1 {status}\nContent-Type: application/json\nContent-Length: {}",
                body().len()
            ),
            body().as_bytes(),
        )
    };
    let stand = Stand::house(script(&format!("200 {SECRET} depression"))).await;
    let token = stand.proxy.files.token(MOTHER);
    let read = stand.send(super::request(&format!("GET {CLAIMS}"), &[&token], "")).await;
    assert!(read.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(!String::from_utf8(read).unwrap().contains(SECRET));
    let statuses =
        ["999 x", "201 Created", "202 Accepted", "203 x", "226 IM Used", "418 x", "299 x"];
    all_refused(statuses.map(script).to_vec()).await;
}

#[tokio::test]
async fn bypass_X7_nothing_may_be_kept() {
    let stand = Stand::house(good("application/json", &body())).await;
    for (member, path) in
        [(MOTHER, CLAIMS), (DAUGHTER, CLAIMS), (MOTHER, "/api/v1/claims/x"), (MOTHER, "/no")]
    {
        let answer = stand.get(member, path).await;
        assert_eq!(answer.field("cache-control"), "no-store");
        assert_eq!(answer.field("vary"), "Authorization, Cookie");
    }
    // No answer is anybody else's, though path and query are the same.
    let asked = stand.asked().len();
    let (mother, daughter) = (stand.get(MOTHER, CLAIMS).await, stand.get(DAUGHTER, CLAIMS).await);
    assert_ne!(mother.body, daughter.body);
    assert_eq!(stand.asked().len(), asked + 2);
}

/// The same work for hidden and absent: how often the upstream is asked. What time tells is
/// measured elsewhere, on many pairs.
#[tokio::test]
async fn bypass_X8_hidden_and_absent_ask_the_upstream_alike() {
    let upstream = Upstream::answering(|request| {
        if request.contains("/claims/hidden ") {
            return good("application/json", &hidden());
        }
        let mut script = headed("HTTP/1.1 404 Not Found\nContent-Length: 0", b"");
        script.pop();
        script.push(Step::Again);
        script
    })
    .await;
    let proxy = Files::new().start(&yaml(&upstream.url(), "")).await;
    let stand = Stand { upstream, proxy };
    let mut answers = Vec::new();
    for id in ["hidden", "absent", "hidden", "absent"] {
        let before = stand.asked().len();
        answers.push(stand.get(MOTHER, &format!("/api/v1/claims/{id}")).await.comparable());
        assert_eq!(stand.asked().len(), before + 1);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
}

#[tokio::test]
async fn bypass_X9_hidden_records_are_not_charged() {
    let more = "limits: { reader: [{ requests: 6 per 1h }, { records: 5 per 1h }] }";
    let mut worlds = Vec::new();
    for hidden_claims in [0, 50] {
        let mut all = vec![harmless()];
        all.extend((0..hidden_claims).map(|_| hidden()));
        let stand = Stand::house_with(good("application/json", &claims(&all)), more).await;
        let mut answers = Vec::new();
        for _ in 0..8 {
            let mut answer = stand.get(MOTHER, CLAIMS).await.comparable();
            // Seconds go by.
            for name in ["retry-after", "ratelimit"] {
                answer.fields.remove(name);
            }
            answers.push(answer);
        }
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 5);
        worlds.push(answers);
    }
    assert_eq!(worlds[0], worlds[1]);
}

#[tokio::test]
async fn bypass_X10_errors_keep_the_connection_as_answers_do() {
    let upstream = Upstream::answering(|request| {
        if request.contains("/claims/bad ") {
            return good("application/json", "{\"a\":1,\"a\":2}");
        }
        good("application/json", &body())
    })
    .await;
    let proxy = Files::new().start(&yaml(&upstream.url(), "")).await;
    let token = proxy.files.token(MOTHER);
    let mut sent = String::new();
    for path in [CLAIMS, "/api/v1/claims/bad", "/api/v1/claims/no", "/nowhere", CLAIMS] {
        sent += &format!("GET {path} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n");
    }
    sent += &format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{token}\r\n\r\n");
    let read = super::exchange(proxy.address, sent.as_bytes()).await;
    let read = String::from_utf8(read).unwrap();
    let statuses: Vec<&str> = read.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "502", "404", "404", "200", "200"]);
    assert_eq!(read.matches("\r\nconnection: close").count(), 1);
    assert_eq!(read.to_lowercase().matches("\r\ndate: ").count(), 6);
}

#[tokio::test]
async fn bypass_X11_answers_are_not_compressed() {
    let long = claims(&vec![harmless(); 50]);
    let stand = Stand::house(good("application/json", &long)).await;
    let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &["Accept-Encoding: gzip, br"]).await;
    assert_eq!((answer.body.as_str(), answer.field("content-encoding")), (long.as_str(), ""));
    let error = ask(stand.proxy.address, "GET /x", &["Accept-Encoding: gzip"]).await;
    assert_eq!(error.field("content-encoding"), "");
}
