//! E: content codings.

use super::{CLAIMS, DAUGHTER, SECRET, Stand, all_refused, claims, harmless, hidden, with_fields};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use std::io::Write;

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A brotli stream that stores five bytes as they are.
const BROTLI: &[u8] = b"\x0b\x02\x80{\"a\":\x03";

fn body() -> String {
    claims(&[harmless(), hidden()])
}

fn coded(coding: &str, bytes: &[u8]) -> Vec<super::Step> {
    with_fields(&format!("\nContent-Encoding: {coding}"), bytes)
}

#[tokio::test]
async fn bypass_E1_the_upstream_is_asked_for_identity_only() {
    let stand = Stand::house(with_fields("", body().as_bytes())).await;
    for sent in ["gzip, br, zstd, *;q=0.1", "br", "identity;q=0, *", ""] {
        let field = format!("Accept-Encoding: {sent}");
        let answer = stand.ask(DAUGHTER, &format!("GET {CLAIMS}"), &[&field]).await;
        assert_eq!((answer.status, answer.field("content-encoding")), (200, ""));
        assert!(answer.body.contains("CLM-OPEN") || answer.body.contains(SECRET));
    }
    for asked in stand.asked() {
        assert!(asked.contains("\r\naccept-encoding: identity\r\n"), "{asked}");
        assert_eq!(asked.to_lowercase().matches("encoding").count(), 1, "{asked}");
    }
}

#[tokio::test]
async fn bypass_E2_gzip_is_judged_and_other_codings_are_refused() {
    let plain = Stand::house(with_fields("", body().as_bytes())).await;
    let gzipped = Stand::house(coded("gzip", &gzip(body()))).await;
    let plain = plain.get(super::MOTHER, CLAIMS).await;
    let gzipped = gzipped.get(super::MOTHER, CLAIMS).await;
    assert_eq!(gzipped.comparable(), plain.comparable());
    assert!(plain.body.contains("CLM-OPEN") && !plain.body.contains(SECRET));
    all_refused(["br", "zstd", "compress", "deflate"].map(|c| coded(c, b"{}")).to_vec()).await;
}

#[tokio::test]
async fn bypass_E3_a_second_gzip_member() {
    let whole = gzip(body());
    let secret = gzip(claims(&[hidden()]));
    all_refused(vec![
        coded("gzip", &[whole.clone(), secret].concat()),
        coded("gzip", &[whole.clone(), gzip("")].concat()),
        coded("gzip", &[gzip(""), whole].concat()),
    ])
    .await;
}

#[tokio::test]
async fn bypass_E4_a_plain_tail_behind_gzip() {
    let whole = gzip(body());
    let tails: [&[u8]; 4] = [SECRET.as_bytes(), b"\0", b"\n", b"\x1f\x8b"];
    all_refused(tails.map(|tail| coded("gzip", &[&whole, tail].concat())).to_vec()).await;
}

#[tokio::test]
async fn bypass_E5_tails_behind_brotli_and_zlib() {
    let tail = |bytes: &[u8]| [bytes, SECRET.as_bytes()].concat();
    all_refused(vec![
        coded("br", BROTLI),
        coded("br", &tail(BROTLI)),
        coded("deflate", &tail(&zlib(&body()))),
    ])
    .await;
}

#[tokio::test]
async fn bypass_E6_zstd_frames() {
    let skippable = [b"\x50\x2a\x4d\x18\x0c\0\0\0", SECRET.as_bytes()].concat();
    let empty = b"\x28\xb5\x2f\xfd\x20\0\x01\0\0";
    all_refused(vec![
        coded("zstd", &[skippable.clone(), empty.to_vec()].concat()),
        coded("zstd", &[empty.to_vec(), empty.to_vec()].concat()),
        coded("gzip", &skippable),
    ])
    .await;
}

#[tokio::test]
async fn bypass_E7_gzip_that_is_cut_off_or_damaged() {
    let whole = gzip(body());
    let mut scripts = Vec::new();
    for cut in [1, 9, 10, 11, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        scripts.push(coded("gzip", &whole[..cut]));
    }
    for place in [3, whole.len() / 2, whole.len() - 8, whole.len() - 4] {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x55;
        scripts.push(coded("gzip", &damaged));
    }
    all_refused(scripts).await;
    // Of a stream what left was judged, and its end does not look like one.
    let line = hidden().replace("M-102", "M-100") + "\n";
    let lines = gzip(line.repeat(20_000) + &hidden());
    let more = format!("\nContent-Encoding: gzip\nContent-Length: {}", lines.len() - 4);
    let head = super::head(&more).replace("application/json", "application/x-ndjson");
    let stand = Stand::house(super::headed(&head, &lines[..lines.len() - 4])).await;
    let answer = stand.get("M-104", "/api/v1/export/a").await;
    assert!(!answer.whole && answer.body.is_empty(), "{}", answer.body.len());
}

#[tokio::test]
async fn bypass_E8_an_empty_body_called_gzip() {
    all_refused(vec![coded("gzip", b""), with_fields("", b"")]).await;
}

#[tokio::test]
async fn bypass_E9_lists_and_odd_names_of_codings() {
    let mut scripts = Vec::new();
    for coding in [
        "gzip, br",
        "gzip, gzip",
        "x-gzip",
        "identity, gzip",
        "gzip;q=1",
        "gzip,",
        "",
        "chunked",
        "aes128gcm",
        "gzip\nContent-Encoding: gzip",
        "identity\nContent-Encoding: gzip",
    ] {
        scripts.push(coded(coding, &gzip(body())));
    }
    all_refused(scripts).await;
    let stand = Stand::house(coded("GZip", &gzip(body()))).await;
    assert_eq!(stand.get(DAUGHTER, CLAIMS).await.status, 200);
}

#[tokio::test]
async fn bypass_E10_deflate_in_both_readings() {
    all_refused(vec![coded("deflate", &zlib(&body())), coded("deflate", &deflate(&body()))]).await;
}

#[tokio::test]
async fn bypass_E11_a_coding_that_the_body_does_not_have() {
    all_refused(vec![
        coded("gzip", body().as_bytes()),
        coded("identity", &gzip(body())),
        with_fields("", &gzip(body())),
    ])
    .await;
}

#[tokio::test]
async fn bypass_E12_bodies_that_unpack_to_far_more() {
    let spaces = gzip(" ".repeat(100 << 20));
    assert!(spaces.len() < 120_000);
    let began = std::time::Instant::now();
    all_refused(vec![
        coded("gzip", &spaces),
        coded("gzip", &gzip(body() + &" ".repeat(9 << 20))),
        coded("gzip", &gzip(&spaces)),
    ])
    .await;
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}

#[tokio::test]
async fn bypass_E13_a_transfer_coding_beside_chunked() {
    let zipped = gzip(body());
    let chunk = [format!("{:x}\r\n", zipped.len()).as_bytes(), &zipped, b"\r\n0\r\n\r\n"].concat();
    let scripts = ["gzip, chunked", "gzip", "chunked, gzip", "identity, chunked", "deflate"];
    let script =
        |coding| super::headed(&super::head(&format!("\nTransfer-Encoding: {coding}")), &chunk);
    all_refused(scripts.map(script).to_vec()).await;
}

#[tokio::test]
async fn bypass_E14_multipart_and_codings_of_parts() {
    let part = format!("--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b--\r\n", body());
    let mut scripts = Vec::new();
    for kind in ["multipart/mixed; boundary=b", "multipart/form-data; boundary=b", "message/http"] {
        let length = part.len();
        let head = format!("HTTP/1.1 200 OK\nContent-Type: {kind}\nContent-Length: {length}");
        scripts.push(super::headed(&head, part.as_bytes()));
    }
    scripts.push(with_fields("\nContent-Transfer-Encoding: base64", b"eyJjbGFpbXMiOltdfQ=="));
    all_refused(scripts).await;
    // A coding of mail says nothing in HTTP: it stays behind, and the body is judged as it is.
    let stand =
        Stand::house(with_fields("\nContent-Transfer-Encoding: base64", body().as_bytes())).await;
    let answer = stand.get(super::MOTHER, CLAIMS).await;
    assert_eq!((answer.status, answer.field("content-transfer-encoding")), (200, ""));
    assert!(!answer.body.contains(SECRET));
}
