//! Request heads that two readers may read differently (BYPASSES S1 to S9, P3).

use crate::proxy::head_check::{Framing, check, is_authority};
use crate::proxy::head_reader::HeadReader;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn head(lines: &str) -> String {
    format!("{}\r\n\r\n", lines.replace('\n', "\r\n"))
}

#[track_caller]
fn refused(lines: &str, why: &str) {
    assert_eq!(check(head(lines).as_bytes()), Err(why), "{lines}");
}

#[track_caller]
fn taken(lines: &str, framing: Framing) {
    assert_eq!(check(head(lines).as_bytes()), Ok(framing), "{lines}");
}

#[test]
fn plain_heads() {
    taken("GET /fhir/Patient?x=1 HTTP/1.1\nHost: members.example", Framing::None);
    taken("GET / HTTP/1.0\nHost: members.example:8443", Framing::None);
    taken("POST / HTTP/1.1\nHost: [::1]:80\nContent-Length: 12", Framing::Length(12));
    taken("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked", Framing::Chunked);
    taken("get / HTTP/1.1\nHost: a\nUser-Agent: caf\u{e9}", Framing::None);
}

#[test]
fn bypass_s1_length_and_transfer_coding() {
    let both = "both Content-Length and Transfer-Encoding";
    refused("POST / HTTP/1.1\nHost: a\nContent-Length: 3\nTransfer-Encoding: chunked", both);
    refused("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nContent-Length: 3", both);
}

#[test]
fn bypass_s2_s3_transfer_codings() {
    let why = "a Transfer-Encoding that is not `chunked` once";
    for value in [",chunked", "identity, chunked", "gzip, chunked", "chunked;q=1", "xchunked", ""] {
        refused(&format!("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: {value}"), why);
    }
    refused(
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked",
        why,
    );
    refused(
        "POST / HTTP/1.0\nHost: a\nTransfer-Encoding: chunked",
        "Transfer-Encoding in HTTP/1.0",
    );
}

#[test]
fn bypass_s4_s5_lengths() {
    for value in ["+1", "-1", "0x10", "", "1, 1", "010", "99999999999999999999"] {
        refused(
            &format!("POST / HTTP/1.1\nHost: a\nContent-Length: {value}"),
            "a Content-Length that is no plain number",
        );
    }
    refused(
        "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nContent-Length: 1",
        "two Content-Length fields",
    );
}

#[test]
fn bypass_s6_bare_line_feeds() {
    let why = Err("a line that does not end in CRLF");
    assert_eq!(check(b"GET / HTTP/1.1\nHost: a\r\n\r\n"), why);
    assert_eq!(check(b"GET / HTTP/1.1\r\nHost: a\n\r\n\r\n"), why);
    assert_eq!(check(b"GET / HTTP/1.1\r\nHost: a\rb: c\r\n\r\n"), why);
}

#[test]
fn bypass_s7_fields() {
    refused("GET / HTTP/1.1\nHost: a\n folded: b", "a field name that is no token");
    refused("GET / HTTP/1.1\nHost: a\nX : b", "a field name that is no token");
    refused("GET / HTTP/1.1\nHost: a\n: b", "a field name that is no token");
    refused("GET / HTTP/1.1\nHost: a\nX: \0", "a control character in a field");
    refused("GET / HTTP/1.1\nHost: a\nX", "a field without a colon");
    refused("GET /", "a request line that is not method, target, version");
    refused("GET / HTTP/2.0\nHost: a", "a version that is not spoken here");
    refused("GET / HTTP/1.1\nHost: a\nUpgrade: h2c", "a wish to upgrade");
}

/// RFC 9110, 5.6.2 and 5.5: which bytes stand in names of fields, and which in their values.
#[test]
fn bypass_s7_every_byte_of_a_field() {
    // These end a name or a line.
    for byte in (0..=u8::MAX).filter(|byte| !b":\r\n".contains(byte)) {
        let head = |before: &[u8], after: &[u8]| {
            check(&[b"GET / HTTP/1.1\r\nHost: a\r\n", before, &[byte], after, b"\r\n\r\n"].concat())
        };
        let is_token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let bad_name = Err("a field name that is no token");
        assert_eq!(head(b"X", b"Y: b"), if is_token { Ok(Framing::None) } else { bad_name });
        let is_control = byte != b'\t' && (byte < 0x20 || byte == 0x7f);
        let bad_value = Err("a control character in a field");
        let long = [b"X: ".as_slice(), &[b'a'; 100]].concat();
        assert_eq!(head(&long, b"b"), if is_control { bad_value } else { Ok(Framing::None) });
    }
}

#[test]
fn bypass_p3_hosts_and_targets() {
    refused("GET / HTTP/1.1\nAccept: a", "no Host");
    let one = "a Host that is not one name";
    refused("GET / HTTP/1.1\nHost: a\nHost: a", one);
    for host in ["a@b/c?d", "a b", "u:p@a", "a:", "a:0", "a:99999", "", "[::1", "[]", "a,b"] {
        refused(&format!("GET / HTTP/1.1\nHost: {host}"), one);
        assert!(!is_authority(host.as_bytes()));
    }
    for target in ["http://evil/x", "*", "!", "foo:80"] {
        refused(&format!("GET {target} HTTP/1.1\nHost: a"), "a target that is not a path");
    }
    let bytes = "a target with bytes that stand in no path";
    refused("GET /a#b HTTP/1.1\nHost: a", bytes);
    refused("GET /\u{e9} HTTP/1.1\nHost: a", bytes);
}

#[test]
fn limits_of_a_head() {
    let many = "\nX: 1".repeat(64);
    refused(&format!("GET / HTTP/1.1\nHost: a{many}"), "too many header fields");
    let long = "a".repeat(8 * 1024);
    refused(&format!("GET /{long} HTTP/1.1\nHost: a"), "a target over its limit");
}

/// What hyper would read of what a client sends, in steps of every size.
async fn read_through(sent: &[u8]) -> Vec<u8> {
    let mut outcome = None;
    for step in [1, 3, usize::MAX] {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let mut reader = HeadReader::new(server);
        for part in sent.chunks(step) {
            client.write_all(part).await.unwrap();
        }
        client.shutdown().await.unwrap();
        let mut read = Vec::new();
        let reading = reader.read_to_end(&mut read);
        // After a stand-in the reader waits for ever.
        drop(tokio::time::timeout(std::time::Duration::from_millis(50), reading).await);
        assert_eq!(*outcome.get_or_insert_with(|| read.clone()), read, "in steps of {step}");
    }
    outcome.unwrap()
}

const STAND_IN: &[u8] = b"MALFORMED / HTTP/1.1\r\nhost: malformed\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn requests_one_after_the_other_pass_unchanged() {
    let sent = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\
        a=b\n\nPOST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n\
        GET /d HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(read_through(sent).await, sent);
}

#[tokio::test]
async fn a_bad_head_is_replaced_and_nothing_after_it_is_read() {
    let good = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
    let sent = [&good[..], b"GET /b HTTP/1.1\nHost: a\n\nGET /c HTTP/1.1\r\n\r\n"].concat();
    assert_eq!(read_through(&sent).await, [&good[..], STAND_IN].concat());
    let long = [b"GET / HTTP/1.1\r\nX: ".to_vec(), vec![b'x'; 20_000]].concat();
    assert_eq!(read_through(&long).await, STAND_IN);
    assert_eq!(read_through(b"MALFORMED / HTTP/1.1\r\nHost: a\r\n\r\n").await, STAND_IN);
}

#[tokio::test]
async fn bypass_s8_s9_chunks_with_more_than_data() {
    let head = b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        &b"3;ext=1\r\nabc\r\n0\r\n\r\n"[..],
        b"3\nabc\r\n0\r\n\r\n",
        b"000000003\r\nabc\r\n0\r\n\r\n",
        b"\r\nabc",
        b"g\r\nabc",
    ] {
        assert_eq!(read_through(&[&head[..], body].concat()).await, head);
    }
    let trailers = [&head[..], b"0\r\nX-Member-Id: 9\r\n\r\n"].concat();
    assert_eq!(read_through(&trailers).await, [&head[..], b"0\r\n"].concat());
}
