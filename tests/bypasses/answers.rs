//! C: ranges, conditions, lengths, HEAD.

use super::{
    CLAIMS, DAUGHTER, MOTHER, SECRET, Stand, all_refused, bundle, claim, claims, condition,
    harmless, head, headed, hidden, with_fields,
};

fn body() -> String {
    claims(&[harmless(), hidden()])
}

async fn stand() -> Stand {
    Stand::house(with_fields("", body().as_bytes())).await
}

#[tokio::test]
async fn bypass_C1_ranges_are_not_passed_on_and_not_answered() {
    let stand = stand().await;
    let whole = stand.get(MOTHER, CLAIMS).await;
    for range in ["bytes=0-99", "bytes=-1", "bytes=0-0,5-9", "bytes=99999-", "records=1-2"] {
        let fields = [format!("Range: {range}"), "If-Range: \"37\"".to_owned()];
        let fields = [fields[0].as_str(), fields[1].as_str()];
        let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &fields).await;
        assert_eq!(answer.comparable(), whole.comparable(), "{range}");
    }
    assert!(stand.asked().iter().all(|asked| !asked.to_lowercase().contains("range")));
    assert!(!whole.fields.contains_key("accept-ranges"));
}

#[tokio::test]
async fn bypass_C2_a_part_that_nobody_asked_for() {
    let partial = "HTTP/1.1 206 Partial Content\nContent-Type: application/json";
    let parts = "HTTP/1.1 206 Partial Content\nContent-Type: multipart/byteranges; boundary=b";
    all_refused(vec![
        headed(&format!("{partial}\nContent-Range: bytes 0-1/9\nContent-Length: 2"), b"{}"),
        headed(&format!("{partial}\nContent-Length: 2"), b"{}"),
        headed(&format!("{parts}\nContent-Length: 2"), b"{}"),
        with_fields("\nContent-Range: bytes 0-1/9", b"{}"),
        headed("HTTP/1.1 416 No\nContent-Range: bytes */9\nContent-Length: 0", b""),
    ])
    .await;
}

#[tokio::test]
async fn bypass_C3_conditions_are_not_passed_on_and_304_is_no_answer() {
    let stand = stand().await;
    let whole = stand.get(MOTHER, CLAIMS).await;
    for condition in [
        "If-None-Match: W/\"37\"",
        "If-None-Match: *",
        "If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT",
        "If-Match: \"no\"",
        "If-Unmodified-Since: Sat, 21 Nov 2015 00:00:00 GMT",
    ] {
        let answer = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &[condition]).await;
        assert_eq!(answer.comparable(), whole.comparable(), "{condition}");
    }
    assert!(stand.asked().iter().all(|asked| !asked.to_lowercase().contains("\r\nif-")));
    all_refused(vec![headed("HTTP/1.1 304 Not Modified\nETag: \"37\"\nContent-Length: 0", b"")])
        .await;
}

#[tokio::test]
async fn bypass_C4_validators_and_digests_stay_behind() {
    let more = "\nETag: W/\"37\"\nLast-Modified: Sat, 21 Nov 2026 00:00:00 GMT\nContent-MD5: \
                Zx81secretQy\nDigest: sha-256=Zx81secretQy\nRepr-Digest: sha-256=:Zx81secretQy:\n\
                Content-Digest: sha-256=:Zx81secretQy:\nSignature: sig1=:Zx81secretQy:\n\
                X-Goog-Hash: crc32c=Zx81secretQy";
    let with = Stand::house(with_fields(more, body().as_bytes())).await;
    let without = stand().await;
    let (with, without) = (with.get(MOTHER, CLAIMS).await, without.get(MOTHER, CLAIMS).await);
    assert_eq!(with.comparable(), without.comparable());
    for name in ["etag", "last-modified", "digest", "content-digest", "signature"] {
        assert!(!with.fields.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn bypass_C5_versions_and_times_of_others_are_cut() {
    let meta = ",\"meta\":{\"versionId\":\"37\",\"lastUpdated\":\"2026-11-20T10:00:00Z\"}";
    let patient = |id: &str| {
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"{id}\"{meta},\"birthDate\":\"2018-09-09\"}}"
        )
    };
    let one = bundle(&[patient("p-104"), condition("a", "p-104", "J06.9", meta)]).replacen(
        "\"type\"",
        "\"id\":\"b-37\",\"timestamp\":\"2026-11-20T10:00:00Z\",\"meta\":{\"lastUpdated\":\
         \"2026-11-20T10:00:00Z\"},\"type\"",
        1,
    );
    let stand = Stand::fhir(&one).await;
    let search = stand.get(MOTHER, "/fhir/Condition?patient=p-104").await;
    assert_eq!(search.status, 200);
    assert!(search.body.contains("J06.9"), "{}", search.body);
    for never in ["37", "2026-11-20", "timestamp", "lastUpdated", "versionId"] {
        assert!(!search.body.contains(never), "{never}: {}", search.body);
    }
    let stand = Stand::fhir(&patient("p-104")).await;
    let read = stand.get(MOTHER, "/fhir/Patient/p-104").await;
    assert_eq!(read.status, 200);
    assert!(!read.body.contains("37") && !read.body.contains("2026-11-20"), "{}", read.body);
    // One's own are one's own.
    let own = stand.get("M-104", "/fhir/Patient/p-104").await;
    assert_eq!(own.body, patient("p-104"));
}

#[tokio::test]
async fn bypass_C6_head_is_get_and_no_length_is_the_upstreams() {
    let stand = stand().await;
    let get = stand.get(MOTHER, CLAIMS).await;
    let head = stand.ask(MOTHER, &format!("HEAD {CLAIMS}"), &[]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let (mut fields, mut of_head) = (get.comparable().fields, head.comparable().fields);
    assert_eq!(fields.remove("content-length"), Some(get.body.len().to_string()));
    assert_eq!(of_head.remove("content-length"), Some(get.body.len().to_string()));
    assert_eq!(of_head, fields);
    assert_ne!(get.body.len(), body().len());
    assert!(stand.asked().iter().all(|asked| asked.starts_with("GET ")));
    all_refused(vec![
        headed("HTTP/1.1 204 No Content\nContent-Length: 1234", b""),
        headed("HTTP/1.1 204 No Content", b""),
        headed("HTTP/1.1 304 Not Modified\nContent-Length: 1234", b""),
        headed("HTTP/1.1 205 Reset Content\nContent-Length: 0", b""),
    ])
    .await;
}

#[tokio::test]
async fn bypass_C7_the_length_that_leaves_is_that_of_what_leaves() {
    let stand = stand().await;
    for member in [MOTHER, DAUGHTER, "M-104", "M-101"] {
        let answer = stand.get(member, CLAIMS).await;
        assert_eq!(answer.field("content-length"), answer.body.len().to_string());
    }
    let text = body();
    let wrong =
        |length: usize| headed(&head(&format!("\nContent-Length: {length}")), text.as_bytes());
    all_refused(vec![wrong(3), wrong(text.len() - 1), wrong(text.len() + 1), wrong(0)]).await;
}

#[tokio::test]
async fn bypass_C8_a_length_counts_only_what_is_visible() {
    let mut lengths = Vec::new();
    for count in [0, 1, 7, 200] {
        let mut all = vec![harmless()];
        all.extend((0..count).map(|n| claim(&format!("{n}{SECRET}"), "M-102", "F33.1", "")));
        // Between the visible ones, too.
        all.push(harmless().replace("OPEN", "LAST"));
        let stand = Stand::house(with_fields("", claims(&all).as_bytes())).await;
        let answer = stand.get(MOTHER, CLAIMS).await;
        assert!(answer.body.contains("LAST"));
        lengths.push(answer.comparable());
    }
    assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn bypass_C9_a_body_without_a_length() {
    all_refused(vec![headed(&head(""), body().as_bytes())]).await;
    let lines = format!("{}\n{}\n", hidden(), hidden());
    let ndjson = head("").replace("application/json", "application/x-ndjson");
    let stand = Stand::house(headed(&ndjson, lines.as_bytes())).await;
    assert_eq!(stand.get(DAUGHTER, "/api/v1/export/a").await.status, 502);
}

#[tokio::test]
async fn bypass_C10_a_length_before_decoding_is_not_the_one_after() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body().as_bytes()).unwrap();
    let zipped = encoder.finish().unwrap();
    let stand = Stand::house(with_fields("\nContent-Encoding: gzip", &zipped)).await;
    let answer = stand.get(MOTHER, CLAIMS).await;
    assert_eq!(answer.field("content-length"), answer.body.len().to_string());
    assert_eq!(answer.comparable(), self::stand().await.get(MOTHER, CLAIMS).await.comparable());
}
