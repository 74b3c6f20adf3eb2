//! gzip bodies, whole and broken (BYPASSES E3 to E8, E12).

use crate::proxy::gunzip::{BadGzip, Gunzip};
use bytes::Bytes;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use std::io::Write;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(encoded: &[u8], step: usize) -> Result<Vec<u8>, BadGzip> {
    let mut body = Gunzip::new();
    let mut text = Vec::new();
    for chunk in encoded.chunks(step) {
        body.feed(&Bytes::copy_from_slice(chunk));
        while let Some(piece) = body.piece()? {
            text.extend_from_slice(&piece);
        }
    }
    body.finish()?;
    Ok(text)
}

#[track_caller]
fn refused(encoded: &[u8], why: &str) {
    for step in [1, 7, usize::MAX] {
        assert_eq!(gunzip(encoded, step), Err(BadGzip(leak(why))), "in steps of {step}");
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

#[test]
fn one_member_in_steps_of_every_size() {
    let text: Vec<u8> = (0..300_000u32).flat_map(|n| (n.wrapping_mul(n)).to_le_bytes()).collect();
    let encoded = gzip(&text);
    for step in [1000, 4096, usize::MAX] {
        assert_eq!(gunzip(&encoded, step).unwrap(), text);
    }
    let short = gzip(b"{\"a\":1}");
    for step in 1..short.len() {
        assert_eq!(gunzip(&short, step).unwrap(), b"{\"a\":1}");
    }
}

#[test]
fn a_header_with_everything_in_it() {
    let mut encoder = GzBuilder::new()
        .filename("name")
        .comment("words")
        .extra(vec![1, 2, 3])
        .write(Vec::new(), Compression::fast());
    encoder.write_all(b"[]").unwrap();
    let body = encoder.finish().unwrap();
    for step in [1, 2, 3, usize::MAX] {
        assert_eq!(gunzip(&body, step).unwrap(), b"[]");
    }
}

#[test]
fn bypass_e3_a_second_member() {
    let mut encoded = gzip(b"{\"a\":1}");
    encoded.extend(gzip(b"{\"secret\":\"F32\"}"));
    refused(&encoded, "bytes after the end of the gzip member");
}

#[test]
fn bypass_e4_a_plain_tail() {
    let mut encoded = gzip(b"{\"a\":1}");
    encoded.extend_from_slice(b"{\"plain\":\"F32\"}");
    refused(&encoded, "bytes after the end of the gzip member");
}

#[test]
fn bypass_e7_truncated_at_every_byte() {
    let encoded = gzip(b"{\"a\":1,\"b\":[1,2,3]}");
    for end in 0..encoded.len() {
        assert_eq!(gunzip(&encoded[..end], 3), Err(BadGzip("truncated gzip body")), "{end}");
    }
}

#[test]
fn bypass_e7_a_wrong_checksum_and_a_wrong_length() {
    let mut encoded = gzip(b"{\"a\":1}");
    let end = encoded.len();
    encoded[end - 1] ^= 1;
    refused(&encoded, "gzip checksum or length does not match");
    encoded[end - 1] ^= 1;
    encoded[end - 8] ^= 1;
    refused(&encoded, "gzip checksum or length does not match");
}

#[test]
fn bypass_e8_an_empty_body() {
    assert_eq!(gunzip(b"", 1), Err(BadGzip("truncated gzip body")));
}

#[test]
fn bypass_e11_plain_json_that_is_called_gzip() {
    refused(b"{\"a\":1,\"b\":2}", "not gzip");
}

#[test]
fn bypass_e12_a_bomb() {
    let encoded = gzip(&vec![b' '; 100 * 1024 * 1024]);
    let mut body = Gunzip::new();
    body.feed(&Bytes::copy_from_slice(&encoded[..16_000]));
    let mut decoded = 0;
    let outcome = loop {
        match body.piece() {
            Ok(Some(piece)) => decoded += piece.len(),
            Ok(None) => break Ok(()),
            Err(bad) => break Err(bad),
        }
    };
    assert_eq!(outcome, Err(BadGzip("gzip body decodes to too many times its size")));
    assert!(decoded < 8 * 1024 * 1024, "{decoded}");
}

#[test]
fn a_header_without_end() {
    let mut encoded = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3];
    encoded.resize(10_000, b'n');
    refused(&encoded, "gzip header too long");
}
