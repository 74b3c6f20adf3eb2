//! Every refusal on the wire: status, words, fields, in both forms (DESIGN section 6).

use crate::config::meant::Rate;
use crate::config::meant::{Dimension, Scope};
use crate::engine::released;
use crate::engine::shapes::written::Errors;
use crate::limits::{Limit, OverLimit};
use crate::proxy::outlasting::Outlasting;
use crate::proxy::refusal::Refusal;
use crate::proxy::upstream::UpstreamFault;
use std::num::NonZeroU64;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

fn over_limit() -> Refusal {
    let rate = Rate { most: NonZeroU64::new(120).unwrap(), per: Duration::from_mins(1) };
    let limit = Limit::Rate(Dimension::Requests, rate);
    Refusal::OverLimit(OverLimit { scope: Scope::Reader, limit, retry_after_s: 7 })
}

#[track_caller]
fn check(refusal: &Refusal, status: u16, words: &str, fields: &[(&str, &str)]) {
    let wire = refusal.wire();
    assert_eq!(wire.status.as_u16(), status, "{refusal:?}");
    let has: Vec<(&str, &str)> =
        wire.fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(has, fields, "{refusal:?}");
    let (content_type, body) = wire.body(Errors::Problem);
    let body = String::from_utf8(body.into_bytes().to_vec()).unwrap();
    assert_eq!(content_type, "application/problem+json");
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&value["detail"], &value["status"]), (&words.into(), &status.into()));
    let (content_type, body) = wire.body(Errors::OperationOutcome);
    let body = String::from_utf8(body.into_bytes().to_vec()).unwrap();
    assert_eq!(content_type, "application/fhir+json");
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(value["resourceType"], "OperationOutcome");
    assert_eq!(value["issue"][0]["diagnostics"], words);
}

#[test]
fn every_refusal() {
    let engine = |refusal| Refusal::Engine(refusal);
    check(&Refusal::Malformed("two hosts"), 400, "malformed request", &[]);
    check(&engine(released::Refusal::Malformed { why: "x" }), 400, "malformed request", &[]);
    check(
        &engine(released::Refusal::Parameter { name: "_has\"<".to_owned() }),
        400,
        "query parameter `_has\"<` is not open here",
        &[],
    );
    let needed = "credentials are needed";
    check(&Refusal::NoCredentials, 401, needed, &[("www-authenticate", "Bearer")]);
    let challenge = [("www-authenticate", "Bearer error=\"invalid_token\"")];
    check(&Refusal::BadCredentials("expired"), 401, needed, &challenge);
    check(&engine(released::Refusal::NotFound), 404, "not found", &[]);
    let method = "method not allowed";
    check(&Refusal::Method, 405, method, &[("allow", "GET, HEAD, POST")]);
    check(&engine(released::Refusal::Method { allow: "POST" }), 405, method, &[("allow", "POST")]);
    check(
        &over_limit(),
        429,
        "too many requests",
        &[
            ("retry-after", "7"),
            ("ratelimit-policy", "\"requests-1m\";q=120;w=60"),
            ("ratelimit", "\"requests-1m\";r=0;t=7"),
        ],
    );
    for fault in [
        UpstreamFault::Unreachable,
        UpstreamFault::Broken,
        UpstreamFault::Ambiguous("trailers"),
        UpstreamFault::NoCredentials,
    ] {
        check(&Refusal::Upstream(fault), 502, "bad gateway", &[]);
    }
    for refusal in [
        released::Refusal::ContentType,
        released::Refusal::TooLong { limit: "hold" },
        released::Refusal::Unreadable { at: 7, why: "duplicate key" },
        released::Refusal::UpstreamStatus { status: 302 },
    ] {
        check(&engine(refusal), 502, "bad gateway", &[]);
    }
    check(&Refusal::Upstream(UpstreamFault::Slow("connect")), 504, "upstream timeout", &[]);
    let later = [("retry-after", "5")];
    check(&Refusal::NotRecorded, 503, "unavailable", &later);
    check(&Refusal::TooMuchHeld, 503, "unavailable", &later);
    check(&Refusal::NotReady, 503, "unavailable", &later);
    check(&Refusal::Upstream(UpstreamFault::TooMany), 503, "unavailable", &later);
    check(&Refusal::Fault, 500, "internal error", &[]);
}

#[test]
fn operators_read_more_and_no_text_of_the_reader() {
    let parameter = released::Refusal::Parameter { name: "code=F32".to_owned() };
    let words = Refusal::Engine(parameter).for_operator();
    assert_eq!(words, "a query parameter that is not open");
    let unreadable = released::Refusal::Unreadable { at: 7, why: "duplicate key" };
    let words = Refusal::Engine(unreadable).for_operator();
    assert_eq!(words, "unreadable body at byte 7: duplicate key");
    assert_eq!(over_limit().for_operator(), "over the limit of 120 requests in 60 s by reader");
}

#[tokio::test]
async fn a_panic_is_a_fault_of_one_request() {
    let panics = Outlasting::<()>::new(async { panic!("F33.1") });
    assert_eq!(panics.await, Err(Refusal::Fault));
    assert_eq!(Outlasting::new(async { 1 }).await, Ok(1));
}

#[tokio::test]
async fn work_that_nobody_waits_for_goes_on_where_it_was() {
    let (begun, has_begun) = oneshot::channel();
    let (go_on, goes_on) = oneshot::channel::<()>();
    let (done, is_done) = oneshot::channel();
    let mut work = Outlasting::new(async {
        begun.send(()).unwrap();
        goes_on.await.unwrap();
        done.send(1).unwrap();
    });
    assert!(timeout(Duration::from_millis(10), &mut work).await.is_err());
    has_begun.await.unwrap();
    drop(work);
    go_on.send(()).unwrap();
    assert_eq!(is_done.await, Ok(1));
}
