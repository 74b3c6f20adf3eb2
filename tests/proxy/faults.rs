//! Upstreams that answer badly: the reader gets a fixed error, never a byte of what came.

use super::deployment::{DAUGHTER, Deployment, Files, shipped, yaml};
use super::upstream::{Step, Upstream, good, headed, raw};
use std::time::{Duration, Instant};

/// The daughter's own: all of it would be hers to read.
const CLAIMS: &str = "/api/v1/family/C-1/claims";
const SECRET: &str = "F33.1";

fn body() -> String {
    shipped("cases/bodies/claims.json")
}

fn json_head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\nContent-Type: application/json{more}")
}

/// The one 502 (or 504), whatever was wrong, within a time.
#[track_caller]
fn check(status: u16, script: &[Step]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let upstream = Upstream::scripted(script.to_vec()).await;
        let deployment = Deployment::before(&upstream.url()).await;
        let began = Instant::now();
        let answer = deployment.get(DAUGHTER, CLAIMS).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!(answer.status, status);
        assert!(answer.whole);
        let words = match status {
            502 => r#"{"detail":"bad gateway","status":502,"title":"Bad Gateway"}"#,
            504 => r#"{"detail":"upstream timeout","status":504,"title":"Gateway Timeout"}"#,
            503 => r#"{"detail":"unavailable","status":503,"title":"Service Unavailable"}"#,
            _ => r#"{"detail":"not found","status":404,"title":"Not Found"}"#,
        };
        assert_eq!(answer.body, words);
        assert_eq!(answer.field("content-type"), "application/problem+json");
        let audit = deployment.files.audit();
        assert_eq!(audit.len(), 1);
        assert_eq!((&audit[0]["event"], &audit[0]["status"]), (&"refuse".into(), &status.into()));
        assert!(!audit[0].to_string().contains(SECRET));
        // The next request is served all the same.
        assert_eq!(deployment.get(DAUGHTER, "/nowhere").await.status, 404);
    });
}

#[test]
fn nobody_listens() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let port = {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap().port()
        };
        let deployment = Deployment::before(&format!("http://127.0.0.1:{port}")).await;
        assert_eq!(deployment.get(DAUGHTER, CLAIMS).await.status, 502);
    });
}

#[test]
fn the_connection_is_reset_or_closed_without_an_answer() {
    check(502, &[Step::Reset]);
    check(502, &[Step::Close]);
    check(502, &raw("HTTP/1.1 200 OK\nContent-Ty"));
    check(502, &raw("garbage\n\n"));
}

#[test]
fn a_head_that_does_not_come() {
    check(504, &[Step::Hang]);
    check(504, &[Step::Send(b"HTTP/1.1 200 OK\r\nContent-Type: appl".to_vec()), Step::Hang]);
}

#[test]
fn a_body_that_does_not_come_to_its_end() {
    let head = headed(&json_head("\nContent-Length: 9000"), &body().as_bytes()[..2000]);
    check(504, &[head[0].clone(), Step::Hang]);
    check(502, &[head[0].clone(), Step::Close]);
    check(502, &[head[0].clone(), Step::Reset]);
}

#[test]
fn a_body_that_dribbles_is_cut_off_by_the_total() {
    let mut script = headed(&json_head("\nContent-Length: 9000"), b"{");
    script.pop();
    for _ in 0..20 {
        script.extend([Step::Wait(Duration::from_millis(300)), Step::Send(b" ".to_vec())]);
    }
    check(504, &script);
}

#[test]
fn a_wrong_length() {
    let text = body();
    let short = format!("\nContent-Length: {}", text.len() - 10);
    check(502, &headed(&json_head(&short), text.as_bytes()));
    let long = format!("\nContent-Length: {}", text.len() + 10);
    check(502, &headed(&json_head(&long), text.as_bytes()));
}

#[test]
fn bodies_that_cannot_be_judged() {
    for text in [
        "",
        "{",
        "{\"claims\":[{\"claimId\":\"CLM-2\",\"memberId\":\"M-102\",\"code\":\"F33.1\"",
        "{}{}",
        "{\"a\":1,\"a\":2}",
        "<html>F33.1</html>",
        "\u{0}",
    ] {
        check(502, &good("application/json", text));
    }
}

#[tokio::test]
async fn a_body_over_hold_is_refused() {
    let padding = " ".repeat(70 * 1024);
    let upstream = Upstream::scripted(good("application/json", &(body() + &padding))).await;
    let text = yaml(&upstream.url(), "limits: { hold: 64KiB }");
    let deployment = Files::new().start(&text).await;
    assert_eq!(deployment.get(DAUGHTER, CLAIMS).await.status, 502);
    let fault = deployment.files.audit()[0]["fault"].to_string();
    assert!(fault.contains("`hold`"), "{fault}");
}

#[tokio::test]
async fn a_body_cut_at_any_byte_is_never_half_an_answer() {
    let text = body();
    let upstream = Upstream::answering(move |request| {
        let cut = request.split("from=").nth(1).unwrap();
        let cut: usize = cut.split(' ').next().unwrap().parse().unwrap();
        headed(&json_head(&format!("\nContent-Length: {}", text.len())), &text.as_bytes()[..cut])
    })
    .await;
    let deployment = Deployment::before(&upstream.url()).await;
    for cut in (0..body().len()).step_by(97) {
        let answer = deployment.get(DAUGHTER, &format!("{CLAIMS}?from={cut}")).await;
        assert_eq!(answer.status, 502, "cut at {cut}");
        assert!(!answer.body.contains("CLM"));
    }
}
