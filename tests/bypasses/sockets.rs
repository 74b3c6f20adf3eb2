//! S: framing of requests and answers on HTTP/1.1, and connections that stand still.

use super::{
    Answer, CLAIMS, DAUGHTER, Deployment, MOTHER, SECRET, Stand, Step, Upstream, claims, good,
    harmless, head, headed, hidden, parse,
};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn stand() -> Stand {
    Stand::house(good("application/json", &claims(&[harmless(), hidden()]))).await
}

/// A FHIR server, so that there is a form to send.
async fn fhir() -> Stand {
    Stand::fhir(super::NOTHING).await
}

const SEARCH: &str = "POST /fhir/Condition/_search HTTP/1.1\r\nHost: a\r\n{token}\r\nContent-Type: \
                      application/x-www-form-urlencoded\r\n";

/// Each of these is answered once, with a 400, the connection ends, and the upstream is not asked.
async fn all_malformed(stand: &Stand, all: &[String]) {
    let token = stand.proxy.files.token(MOTHER);
    for sent in all {
        let read = stand.send(sent.replace("{token}", &token)).await;
        let answer = parse(&read);
        assert_eq!(answer.status, 400, "{sent}");
        let again = format!("{sent}GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{{token}}\r\n\r\n");
        let read = stand.send(again.replace("{token}", &token)).await;
        let text = String::from_utf8(read).unwrap();
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "{sent}: {text}");
    }
    assert!(stand.asked().is_empty(), "{:?}", stand.asked());
}

fn posts(rest: &[&str]) -> Vec<String> {
    rest.iter().map(|rest| format!("{SEARCH}{rest}")).collect()
}

#[tokio::test]
async fn bypass_S1_a_length_and_a_transfer_coding() {
    let sent = posts(&[
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]);
    all_malformed(&fhir().await, &sent).await;
}

#[tokio::test]
async fn bypass_S2_transfer_codings_twice_or_in_lists() {
    let sent = posts(&[
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n",
    ]);
    all_malformed(&fhir().await, &sent).await;
}

#[tokio::test]
async fn bypass_S3_transfer_codings_that_are_not_chunked() {
    let mut sent = posts(&[
        "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    ]);
    let old = SEARCH.replace("HTTP/1.1", "HTTP/1.0");
    sent.push(format!("{old}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
    all_malformed(&fhir().await, &sent).await;
}

#[tokio::test]
async fn bypass_S4_lengths_that_differ_or_are_no_number() {
    let mut sent = posts(&["Content-Length: 3\r\nContent-Length: 5\r\n\r\na=b"]);
    for length in ["+1", "-1", "0x10", "", "1, 1", "1 1", "1.0", "99999999999999999999", "\u{661}"]
    {
        sent.push(format!("{SEARCH}Content-Length: {length}\r\n\r\na"));
    }
    all_malformed(&fhir().await, &sent).await;
}

#[tokio::test]
async fn bypass_S5_equal_lengths_and_leading_zeros() {
    let sent = posts(&[
        "Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b",
        "Content-Length: 3, 3\r\n\r\na=b",
        "Content-Length: 03\r\n\r\na=b",
        "Content-Length: 00\r\n\r\n",
    ]);
    all_malformed(&fhir().await, &sent).await;
}

#[tokio::test]
async fn bypass_S6_bare_line_feeds() {
    let line = format!("GET {CLAIMS} HTTP/1.1");
    let sent = [
        format!("{line}\nHost: a\n{{token}}\n\n"),
        format!("{line}\r\nHost: a\n{{token}}\r\n\r\n"),
        format!("{line}\r\nHost: a\r\n{{token}}\n\r\n"),
        format!(
            "{line}\r\nHost: a\r\n{{token}}\r\nUseless:\n\nGET {CLAIMS} HTTP/1.1\r\nHost: a\r\n\r\n"
        ),
        format!("{line}\r\nHost: a\r\n{{token}}\r\n\n"),
        format!("{line}\r\nHost: a\r\n{{token}}\rX: y\r\n\r\n"),
        format!("\n{line}\r\nHost: a\r\n{{token}}\r\n\r\n"),
    ];
    all_malformed(&stand().await, &sent).await;
}

#[tokio::test]
async fn bypass_S7_folded_lines_and_blanks_around_names() {
    let line = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{{token}}\r\n");
    let mut sent = Vec::new();
    for field in [
        "X: a\r\n b",
        "X: a\r\n\tb",
        "X : a",
        " X: a",
        "X\u{0}: a",
        "X: a\u{0}b",
        "X: a\u{7f}",
        ": a",
        "X",
        "X\t: a",
        "X(: a",
        "Content-Length : 5",
        "Transfer-Encoding : chunked",
    ] {
        sent.push(format!("{line}{field}\r\n\r\n"));
    }
    sent.push(format!("GET {CLAIMS}\r\n\r\n"));
    sent.push(format!("GET  {CLAIMS} HTTP/1.1\r\nHost: a\r\n\r\n"));
    sent.push(format!("GET {CLAIMS} HTTP/1.1 \r\nHost: a\r\n\r\n"));
    sent.push(format!("GET\t{CLAIMS}\tHTTP/1.1\r\nHost: a\r\n\r\n"));
    sent.push(format!("GET {CLAIMS} HTTP/1.2\r\nHost: a\r\n\r\n"));
    sent.push(format!("GET {CLAIMS} http/1.1\r\nHost: a\r\n\r\n"));
    all_malformed(&stand().await, &sent).await;
}

#[tokio::test]
async fn bypass_S8_chunks_with_extensions_and_odd_sizes() {
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let mut sent = Vec::new();
    for body in [
        "3;x=y\r\na=b\r\n0\r\n\r\n",
        "3 \r\na=b\r\n0\r\n\r\n",
        "3\na=b\r\n0\r\n\r\n",
        "3\r\na=b\n0\r\n\r\n",
        "3\r\na=bX0\r\n\r\n",
        "000000003\r\na=b\r\n0\r\n\r\n",
        "0x3\r\na=b\r\n0\r\n\r\n",
        "-3\r\na=b\r\n0\r\n\r\n",
        "g\r\na=b\r\n0\r\n\r\n",
        "ffffffffffffffff\r\na=b",
        "\r\na=b",
    ] {
        sent.push(format!("{SEARCH}{chunked}{body}"));
    }
    all_malformed(&fhir().await, &sent).await;
}

#[tokio::test]
async fn bypass_S9_trailers_of_a_request() {
    let stand = fhir().await;
    let token = stand.proxy.files.token(MOTHER);
    for trailer in ["X-Member-Id: M-102", "Content-Length: 5", "Authorization: Bearer x"] {
        let sent = format!(
            "{SEARCH}Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\nd\r\npatient=p-104\r\n0\r\n{trailer}\r\n\r\n"
        );
        let answer = parse(&stand.send(sent.replace("{token}", &token)).await);
        assert_eq!(answer.status, 400, "{trailer}");
    }
    assert!(stand.asked().is_empty());
}

/// How many answers come for these bytes, and the statuses.
async fn statuses(stand: &Stand, sent: &str) -> Vec<String> {
    let token = stand.proxy.files.token(MOTHER);
    let read = stand.send(sent.replace("{token}", &token)).await;
    let text = String::from_utf8(read).unwrap();
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect()
}

#[tokio::test]
async fn bypass_S10_a_body_that_nobody_read() {
    let stand = stand().await;
    // Inside the body of a request that is refused early stands another request.
    let inner = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{{token}}\r\n\r\n");
    let token = stand.proxy.files.token(MOTHER);
    let inner = inner.replace("{token}", &token);
    let last = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{token}\r\n\r\n");
    for line in ["POST /nowhere", &format!("POST {CLAIMS}"), "PUT /fhir/Condition/1"] {
        let head = format!(
            "{line} HTTP/1.1\r\nHost: a\r\n{token}\r\nContent-Length: {}\r\n\r\n",
            inner.len()
        );
        let found = statuses(&stand, &format!("{head}{inner}")).await;
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        let found = statuses(&stand, &format!("{head}{inner}{last}")).await;
        assert!(found.len() <= 2 && found[0] != "200", "{line}: {found:?}");
    }
    assert!(stand.asked().len() <= 3, "what stands in a body is no request");
}

#[tokio::test]
async fn bypass_S11_bytes_behind_an_answer_of_the_upstream() {
    let secret = claims(&[hidden()]);
    let second = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{secret}",
        secret.len()
    );
    let mut script = good("application/json", &claims(&[harmless()]));
    let Step::Send(first) = script.remove(0) else { panic!("a body first") };
    let both = [first, second.into_bytes()].concat();
    let stand = Stand::house(vec![Step::Send(both), Step::Again]).await;
    let mut answers: Vec<Answer> = Vec::new();
    for member in [MOTHER, DAUGHTER, MOTHER, DAUGHTER, DAUGHTER] {
        answers.push(stand.get(member, CLAIMS).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The second answer is nobody's, though to the daughter it would be her own.
    for answer in answers {
        assert!([200, 502].contains(&answer.status));
        assert!(!answer.body.contains(SECRET), "{}", answer.body);
    }
}

#[tokio::test]
async fn bypass_S12_upstream_heads_that_can_be_read_in_two_ways() {
    let chunks = "7\r\n{\"a\":1}\r\n0\r\n\r\n";
    let mut scripts = Vec::new();
    for more in [
        "\nContent-Length: 3\nTransfer-Encoding: chunked",
        "\nContent-Length: 7\nContent-Length: 3",
        "\nContent-Length: 7\nContent-Length: 7",
        "\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
        "\nContent-Length: 7, 7",
        "\nContent-Length: +7",
    ] {
        scripts.push(headed(&head(more), chunks.as_bytes()));
    }
    super::all_refused(scripts).await;
}

/// How long until the proxy closes a connection on which this was sent, byte by byte if `slow`.
async fn closed_after(proxy: &Deployment, sent: &[u8], slow: bool) -> Duration {
    let began = Instant::now();
    let (mut reading, mut writing) = TcpStream::connect(proxy.address).await.unwrap().into_split();
    let sent = sent.to_vec();
    let writer = tokio::spawn(async move {
        for byte in sent {
            if writing.write_all(&[byte]).await.is_err() {
                break;
            }
            if slow {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
        }
        writing
    });
    let mut read = Vec::new();
    let reading = reading.read_to_end(&mut read);
    tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap().ok();
    writer.abort();
    assert!(!String::from_utf8(read).unwrap().contains(SECRET));
    began.elapsed()
}

#[tokio::test]
async fn bypass_S19_a_head_that_dribbles() {
    let stand = stand().await;
    let head = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(100));
    let (dribbled, half) = tokio::join!(
        closed_after(&stand.proxy, head.as_bytes(), true),
        closed_after(&stand.proxy, b"GET / HTTP/1.1\r\nHost: a\r\n", false),
    );
    for time in [dribbled, half] {
        assert!(time < Duration::from_secs(13), "{time:?}");
    }
}

#[tokio::test]
async fn bypass_S20_a_connection_on_which_nothing_is_said() {
    let stand = stand().await;
    let (silent, after_one, one_byte) = tokio::join!(
        closed_after(&stand.proxy, b"", false),
        closed_after(&stand.proxy, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", false),
        closed_after(&stand.proxy, b"G", false),
    );
    for time in [silent, after_one, one_byte] {
        assert!(time < Duration::from_secs(13), "{time:?}");
    }
}

#[tokio::test]
async fn bypass_S21_bodies_sent_or_read_too_slowly() {
    // A form that does not come to its end.
    let stand = fhir().await;
    let token = stand.proxy.files.token(MOTHER);
    let form = format!("{SEARCH}Content-Length: 50\r\n\r\na").replace("{token}", &token);
    let sending = closed_after(&stand.proxy, form.as_bytes(), false);
    // An upstream whose body dribbles: its total ends it. A reader who takes nothing is dropped by
    // the same clock, held by `proxy::tests::connection`.
    let mut script = headed(&head("\nContent-Length: 9000"), b"{");
    script.pop();
    for _ in 0..40 {
        script.extend([Step::Wait(Duration::from_millis(200)), Step::Send(b" ".to_vec())]);
    }
    let upstream = Upstream::scripted(script).await;
    let slow = Deployment::before(&upstream.url()).await;
    let began = Instant::now();
    let (sent, answer) = tokio::join!(sending, slow.get(MOTHER, CLAIMS));
    assert!(sent < Duration::from_secs(25), "{sent:?}");
    assert_eq!(answer.status, 504);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_S22_http_2_in_clear() {
    let stand = stand().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let read = stand.send(preface).await;
    assert!(read.starts_with(b"HTTP/1.1 400 "), "{read:?}");
    let upgrade = format!(
        "GET {CLAIMS} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
    );
    assert!(stand.send(upgrade).await.starts_with(b"HTTP/1.1 400 "));
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_S23_heads_with_too_much_in_them() {
    let stand = stand().await;
    let line = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{{token}}\r\n");
    let sent = [
        format!("{line}{}\r\n", "X: 1\r\n".repeat(63)),
        format!("{line}{}\r\n", "X: 1\r\n".repeat(5000)),
        format!("{line}X: {}\r\n\r\n", "a".repeat(17 * 1024)),
        format!("{line}X: {}\r\n\r\n", "a".repeat(425_000)),
        format!("{line}{}: a\r\n\r\n", "X".repeat(17 * 1024)),
        format!("GET {CLAIMS}?from={} HTTP/1.1\r\nHost: a\r\n{{token}}\r\n\r\n", "a".repeat(9000)),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(65_600)),
        format!("{} {CLAIMS} HTTP/1.1\r\nHost: a\r\n\r\n", "G".repeat(33)),
    ];
    all_malformed(&stand, &sent).await;
    let most = format!("{line}Connection: close\r\n{}\r\n", "X: 1\r\n".repeat(61));
    assert_eq!(statuses(&stand, &most).await, ["200"]);
}
