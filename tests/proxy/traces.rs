//! Traces: what a collector gets, and that nobody waits for one that is away.

use super::deployment::{Files, MOTHER, yaml};
use super::upstream::{Step, Upstream, good};
use serde_json::Value;
use std::time::Duration;

const CLAIMS: &str = "/api/v1/family/C-1/claims";
const BODY: &str = r#"{"claims":[{"claimId":"CLM-77","memberId":"M-100","serviceDate":"2025-01-02","diagnoses":[{"code":"J00"}]}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_trace_of_what_it_waited_for() {
    let upstream = Upstream::answering(|_| good("application/json", BODY)).await;
    let collector = Upstream::answering(|_| good("application/json", "{}")).await;
    let more = format!("traces: {{ otlp: '{}/v1/traces' }}\n", collector.url());
    let mut deployment = Files::new().start(&yaml(&upstream.url(), &more)).await;
    let answer = deployment.get(MOTHER, CLAIMS).await;
    assert_eq!(answer.status, 200);
    deployment.get(MOTHER, "/api/v1/claims/CLM-secret?q=F33.1").await;
    deployment.end();
    deployment.ended().await;
    let sent = collector.requests().concat();
    assert!(sent.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{sent}");
    for never in ["M-100", "C-1", "CLM", "F33", "secret", "/claims?"] {
        assert!(!sent.contains(never), "{never}: {sent}");
    }
    let body: Value = serde_json::from_str(sent.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    let of_first: Vec<&Value> =
        spans.iter().filter(|span| span["traceId"] == answer.field("x-request-id")).collect();
    let names: Vec<&str> = of_first.iter().map(|span| span["name"].as_str().unwrap()).collect();
    let route = "GET /api/v1/family/{contract}/claims";
    assert_eq!(names, [route, "upstream", "judging", "audit"]);
    let time = |span: &Value, name: &str| span[name].as_str().unwrap().parse::<u64>().unwrap();
    let root = of_first[0];
    for child in &of_first[1..] {
        assert_eq!(child["parentSpanId"], root["spanId"]);
        assert!(time(child, "startTimeUnixNano") >= time(root, "startTimeUnixNano"));
        assert!(time(child, "endTimeUnixNano") <= time(root, "endTimeUnixNano") + 1_000_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_waits_for_a_collector() {
    let upstream = Upstream::answering(|_| good("application/json", BODY)).await;
    let collector = Upstream::scripted(vec![Step::Hang]).await;
    let more =
        format!("traces: {{ otlp: '{}/v1/traces' }}\nlimits: {{ reader: [] }}\n", collector.url());
    let deployment = Files::new().start(&yaml(&upstream.url(), &more)).await;
    for _ in 0..20 {
        let asking = deployment.get(MOTHER, CLAIMS);
        let answer = tokio::time::timeout(Duration::from_secs(5), asking).await.unwrap();
        assert_eq!(answer.status, 200);
    }
}
