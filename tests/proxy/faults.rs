//! Upstreams that answer badly: the reader gets a fixed error, never a byte of what came.

use super::deployment::{DAUGHTER, Deployment, Files, shipped, yaml};
use super::upstream::{Step, Upstream, good, headed, raw};
use std::io::Write;
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

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(encoded: &[u8]) -> Vec<Step> {
    let more = format!("\nContent-Encoding: gzip\nContent-Length: {}", encoded.len());
    headed(&json_head(&more), encoded)
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
fn bypass_c9_a_body_that_ends_with_the_connection() {
    check(502, &headed(&json_head(""), body().as_bytes()));
}

#[test]
fn bypass_s12_e13_two_lengths_and_other_codings() {
    let chunks = "7\r\n{\"a\":1}\r\n0\r\n\r\n";
    for more in [
        "\nContent-Length: 7\nTransfer-Encoding: chunked",
        "\nTransfer-Encoding: gzip, chunked",
        "\nTransfer-Encoding: identity",
    ] {
        check(502, &headed(&json_head(more), chunks.as_bytes()));
    }
    check(502, &headed(&json_head("\nContent-Length: 7\nContent-Length: 7"), b"{\"a\":1}"));
    check(502, &headed(&json_head("\nContent-Length: 7\nContent-Length: 3"), b"{\"a\":1}"));
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
fn bypass_x3_trailers() {
    let text = body();
    let chunked = format!("{:x}\r\n{text}\r\n0\r\nX-Diagnosis: F32\r\n\r\n", text.len());
    check(502, &headed(&json_head("\nTransfer-Encoding: chunked"), chunked.as_bytes()));
    check(
        502,
        &headed(&json_head("\nTransfer-Encoding: chunked\nTrailer: X-Diagnosis"), b"0\r\n\r\n"),
    );
}

#[test]
fn bypass_x5_x1_c2_x6_statuses_that_are_no_answer() {
    check(502, &raw("HTTP/1.1 101 Switching Protocols\nUpgrade: x\nConnection: upgrade\n\nF33.1"));
    for status in ["301 F33.1", "302 Found", "304 Not Modified", "206 Partial", "204 None", "999 F"]
    {
        let head = format!("HTTP/1.1 {status}\nLocation: /F33.1\nContent-Type: application/json");
        let head = format!("{head}\nContent-Length: 2");
        check(502, &headed(&head, b"{}"));
    }
    check(502, &headed(&json_head("\nContent-Range: bytes 0-1/9\nContent-Length: 2"), b"{}"));
    for status in ["500 F33.1", "501 No", "502 Bad"] {
        check(502, &headed(&format!("HTTP/1.1 {status}\nContent-Length: 5"), b"F33.1"));
    }
    check(503, &headed("HTTP/1.1 503 F33.1\nContent-Length: 5", b"F33.1"));
    check(504, &headed("HTTP/1.1 504 F33.1\nContent-Length: 5", b"F33.1"));
    check(404, &headed("HTTP/1.1 404 F33.1\nContent-Type: application/json", b"F33.1"));
}

#[test]
fn bypass_x4_a_storm_of_interim_answers() {
    let mut script = vec![Step::Send(b"HTTP/1.1 102 Processing\r\n\r\n".repeat(50))];
    script.extend(good("application/json", &body()));
    check(502, &script);
}

#[test]
fn bypass_j12_content_types() {
    let text = body();
    let length = text.len();
    for types in [
        "",
        "Content-Type: text/html\n",
        "Content-Type: text/plain\n",
        "Content-Type: application/json, text/html\n",
        "Content-Type: application/json\nContent-Type: application/json\n",
        "Content-Type: application/json; charset=utf-16\n",
    ] {
        let head = format!("HTTP/1.1 200 OK\n{types}Content-Length: {length}");
        check(502, &headed(&head, text.as_bytes()));
    }
}

#[test]
fn bypass_e2_e9_content_codings() {
    let text = body();
    let length = text.len();
    for coding in ["br", "gzip, br", "gzip, gzip", "identity, gzip", "x-gzip", "deflate", ""] {
        let more = format!("\nContent-Encoding: {coding}\nContent-Length: {length}");
        check(502, &headed(&json_head(&more), text.as_bytes()));
    }
    let more =
        format!("\nContent-Encoding: gzip\nContent-Encoding: gzip\nContent-Length: {length}");
    check(502, &headed(&json_head(&more), text.as_bytes()));
}

#[test]
fn bypass_e3_e4_e7_e8_e11_gzip_that_is_not_one_whole_member() {
    let whole = gzip(&body());
    check(502, &gzipped(&[whole.clone(), gzip("{\"secret\":\"F33.1\"}")].concat()));
    check(502, &gzipped(&[whole.clone(), b"tail".to_vec()].concat()));
    check(502, &gzipped(&whole[..whole.len() - 3]));
    check(502, &gzipped(b""));
    check(502, &gzipped(body().as_bytes()));
}

#[test]
fn bypass_e12_a_gzip_bomb() {
    check(502, &gzipped(&gzip(&" ".repeat(64 * 1024 * 1024))));
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
