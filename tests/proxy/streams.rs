//! Answers judged record by record.

use super::client::{Answer, ask};
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, yaml};
use super::upstream::{Step, Upstream, headed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const EXPORT: &str = "/api/v1/export/claims.ndjson";
const HEAD: &str =
    "HTTP/1.1 200 OK\nContent-Type: application/x-ndjson\nTransfer-Encoding: chunked";

fn line(number: usize) -> String {
    let member = if number.is_multiple_of(2) { "M-102" } else { "M-100" };
    format!(
        "{{\"claimId\":\"CLM-{number}\",\"memberId\":\"{member}\",\"serviceDate\":\"2026-01-01\",\
         \"diagnoses\":[{{\"code\":\"F33.1\"}}],\"amounts\":{{\"paid\":1.10}}}}\n"
    )
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

fn stream(lines: usize, end: &[u8]) -> Vec<Step> {
    let mut body = Vec::new();
    for number in 0..lines {
        body.extend(chunk(&line(number)));
    }
    body.extend_from_slice(end);
    headed(HEAD, &body)
}

fn events(deployment: &Deployment) -> Vec<String> {
    deployment.files.audit().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_stream_leaves_in_chunks_and_every_flush_is_recorded() {
    let upstream = Upstream::scripted(stream(5000, b"0\r\n\r\n")).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let answer = deployment.get(DAUGHTER, EXPORT).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-type"), "application/x-ndjson");
    assert_eq!(answer.field("transfer-encoding"), "chunked");
    assert!(answer.whole);
    let expected: String = (0..5000).step_by(2).map(line).collect();
    assert_eq!(answer.body, expected);
    let audit = deployment.files.audit();
    let events = events(&deployment);
    assert_eq!(events.first().unwrap(), "open");
    assert_eq!(events.last().unwrap(), "close");
    assert!(events[1..events.len() - 1].iter().all(|event| event == "flush"), "{events:?}");
    let flushes = &audit[1..audit.len() - 1];
    let bytes: u64 = flushes.iter().map(|flush| flush["bytes"].as_u64().unwrap()).sum();
    assert_eq!(bytes, u64::try_from(expected.len()).unwrap());
    assert_eq!(audit.last().unwrap()["bytes"].as_u64().unwrap(), bytes);
    assert!(flushes.iter().all(|flush| flush["bytes"].as_u64().unwrap() <= 256 * 1024));
    let released: u64 = flushes.iter().map(|flush| flush["released"].as_u64().unwrap_or(0)).sum();
    assert_eq!(released, 2500);
}

#[track_caller]
fn check_cut(answer: &Answer, deployment: &Deployment) {
    assert_eq!(answer.status, 200);
    assert!(!answer.whole, "a stream that is cut must not look whole");
    assert!(!answer.body.contains("\"M-100\""));
    let audit = deployment.files.audit();
    let close = audit.last().unwrap();
    assert_eq!(close["event"], "close");
    assert!(close["fault"].is_string());
}

#[tokio::test]
async fn a_fault_cuts_the_connection() {
    for end in [
        &b""[..],
        b"4\r\n{\"a\"",
        b"8\r\n{\"a\":1}x\r\n0\r\n\r\n",
        b"1\r\n\n\r\n0\r\n\r\n",
        b"0\r\nX-Diagnosis: F33.1\r\n\r\n",
    ] {
        let upstream = Upstream::scripted(stream(2000, end)).await;
        let deployment = Deployment::before(&upstream.url()).await;
        let answer = deployment.get(DAUGHTER, EXPORT).await;
        check_cut(&answer, &deployment);
    }
}

/// A streamed array: so many claims, in chunks that split them anywhere, and what comes then.
fn array(claims: usize, end: &str) -> Vec<Step> {
    let lines: Vec<String> = (0..claims).map(|n| line(n).trim().to_owned()).collect();
    let text = format!("{{ \"total\": {claims}, \"claims\": [\n{}{end}", lines.join(" ,\n"));
    let mut body = Vec::new();
    for piece in text.as_bytes().chunks(1021) {
        body.extend(chunk(std::str::from_utf8(piece).unwrap()));
    }
    body.extend_from_slice(b"0\r\n\r\n");
    headed(&HEAD.replace("x-ndjson", "json"), &body)
}

#[tokio::test]
async fn an_array_is_judged_as_it_comes() {
    let upstream = Upstream::scripted(array(5000, "], \"page\": {} }\n")).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let answer = deployment.get(DAUGHTER, "/api/v1/stream/C-1").await;
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(answer.field("content-type"), "application/json");
    assert_eq!(answer.field("transfer-encoding"), "chunked");
    let own: Vec<String> = (0..5000).step_by(2).map(|n| line(n).trim().to_owned()).collect();
    assert_eq!(answer.body, format!("{{\"claims\":[{}]}}", own.join(",")));
    assert!(events(&deployment).iter().filter(|event| *event == "flush").count() > 1);
    let stranger = deployment.get(MOTHER, "/api/v1/stream/C-2").await;
    assert_eq!(stranger.status, 404);
}

#[tokio::test]
async fn a_broken_array_is_cut_and_what_left_was_judged() {
    let own: Vec<String> = (0..5000).step_by(2).map(|n| line(n).trim().to_owned()).collect();
    let all = format!("{{\"claims\":[{}", own.join(","));
    for end in [
        "",
        ",",
        ",{\"claimId\":",
        "]",
        "}",
        "]}x",
        "],\"claims\":[]}",
        ",{\"a\":1,\"a\":1}]}",
        "]}\0",
    ] {
        let upstream = Upstream::scripted(array(5000, end)).await;
        let deployment = Deployment::before(&upstream.url()).await;
        let answer = deployment.get(DAUGHTER, "/api/v1/stream/C-1").await;
        check_cut(&answer, &deployment);
        assert!(!answer.body.is_empty() && all.starts_with(&answer.body), "{end}");
    }
    let long = format!(",{{\"claimId\":\"{}\"}}]}}", "x".repeat(80 * 1024));
    let upstream = Upstream::scripted(array(5000, &long)).await;
    let text = yaml(&upstream.url(), "limits: { record: 64KiB }");
    let deployment = Files::new().start(&text).await;
    let answer = deployment.get(DAUGHTER, "/api/v1/stream/C-1").await;
    check_cut(&answer, &deployment);
    let fault = deployment.files.audit().last().unwrap()["fault"].to_string();
    assert!(fault.contains("`record`"), "{fault}");
}

#[tokio::test]
async fn an_upstream_that_stops_in_the_middle() {
    let mut script = stream(2000, b"");
    script.pop();
    script.push(Step::Hang);
    let upstream = Upstream::scripted(script).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let answer = deployment.get(DAUGHTER, EXPORT).await;
    check_cut(&answer, &deployment);
}

#[tokio::test]
async fn a_reader_who_hangs_up_is_recorded() {
    let mut script = stream(20_000, b"");
    script.pop();
    script.push(Step::Wait(Duration::from_millis(500)));
    let upstream = Upstream::scripted(script).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(DAUGHTER);
    let mut socket = TcpStream::connect(deployment.address).await.unwrap();
    let request = format!("GET {EXPORT} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut some = [0; 4096];
    socket.read_exact(&mut some).await.unwrap();
    drop(socket);
    let closed = async {
        while events(&deployment).last().unwrap() != "close" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    let audit = deployment.files.audit();
    assert_eq!(audit.last().unwrap()["fault"], "the reader hung up");
}

#[tokio::test]
async fn head_of_a_stream() {
    let upstream = Upstream::scripted(stream(10, b"0\r\n\r\n")).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(DAUGHTER);
    let head = ask(deployment.address, &format!("HEAD {EXPORT}"), &[&token]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.field("content-type"), "application/x-ndjson");
    assert_eq!(events(&deployment), ["open"]);
}

#[tokio::test]
async fn a_stream_of_which_nothing_is_released() {
    let upstream = Upstream::scripted(stream(10, b"0\r\n\r\n")).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let answer = deployment.get("M-105", EXPORT).await;
    assert_eq!((answer.status, answer.body.as_str(), answer.whole), (200, "", true));
    assert_eq!(events(&deployment), ["open", "flush", "close"]);
    assert_eq!(deployment.files.audit()[1]["withheld"], 10);
}

#[tokio::test]
async fn a_limit_of_records_cuts_a_stream() {
    let upstream = Upstream::scripted(stream(10_000, b"0\r\n\r\n")).await;
    let more = "limits: { reader: [{ records: 1500 per 1h }] }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    let answer = deployment.get(MOTHER, EXPORT).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.whole);
    assert!(answer.body.lines().count() <= 1500);
    let fault = deployment.files.audit().last().unwrap()["fault"].to_string();
    assert!(fault.contains("1500 records"), "{fault}");
}

/// Each element of a streamed array is judged by look-ups, flush by flush.
#[tokio::test]
async fn elements_of_an_array_are_looked_up() {
    let message = |number: usize| {
        let claim = if number.is_multiple_of(3) { "THERAPY" } else { "COLD" };
        format!(
            "{{\"messageId\":\"m-{number}\",\"memberId\":\"M-102\",\"claimId\":\"{claim}\",\"codes\":\
             [{{\"code\":\"J06.9\",\"system\":\"ICD-10-CM\"}}]}}"
        )
    };
    let all: Vec<String> = (0..4000).map(message).collect();
    let text = format!("{{\"messages\":[{}]}}", all.join(", "));
    let upstream = Upstream::answering(move |request| {
        let empty =
            |list: &str| super::upstream::good("application/json", &format!("{{\"{list}\":[]}}"));
        let claim = |id: &str, code: &str| {
            let claim = line(0).replace("F33.1", code).replace("CLM-0", id);
            super::upstream::good("application/json", claim.trim())
        };
        match request.split(' ').nth(1).unwrap() {
            "/api/v1/claims/THERAPY" => claim("THERAPY", "F33.1"),
            "/api/v1/claims/COLD" => claim("COLD", "J06.9"),
            // Nobody has company.
            other if !other.starts_with("/api/v1/stream/") => {
                let list = other.split('?').next().unwrap().rsplit('/').next().unwrap();
                empty(list)
            }
            _ => super::upstream::good("application/json", &text),
        }
    })
    .await;
    let looking = yaml(&upstream.url(), "")
        .replace("  timeout", "  look-ups: { token-file: token }\n  timeout");
    let files = Files::new();
    files.write("token", "rights-of-ours");
    let deployment = files.start(&looking).await;
    let answer = deployment.get(MOTHER, "/api/v1/stream/C-1").await;
    assert_eq!((answer.status, answer.whole), (200, true));
    let expected: Vec<String> = (0..4000).filter(|n| n % 3 != 0).map(message).collect();
    let expected = format!("{{\"messages\":[{}]}}", expected.join(","));
    assert!(answer.body == expected, "{} bytes, not {}", answer.body.len(), expected.len());
    assert!(upstream.requests().len() < 200, "{}", upstream.requests().len());
}
