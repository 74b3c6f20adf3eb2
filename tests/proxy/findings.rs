//! What is raised of many requests: in the audit and the metrics, never in an answer.

use super::client;
use super::deployment::{Files, MOTHER, yaml};
use super::upstream::{Upstream, good};
use serde_json::Value;
use std::time::Duration;

const CLAIM: &str = r#"{"claimId":"CLM-1","memberId":"M-102","serviceDate":"2025-01-02","diagnoses":[{"code":"F33.1"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn repeated_reads_of_what_is_hidden_are_one_line_and_no_part_of_an_answer() {
    let upstream = Upstream::answering(|_| good("application/json", CLAIM)).await;
    let more = "admin: { address: '127.0.0.2:0' }\nlimits: { reader: [] }\nfindings: { not-found: 5 per 1h, ids-in-sequence: 8 }\n";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    let mut answers = Vec::new();
    for number in 100..112 {
        let answer = deployment.get(MOTHER, &format!("/api/v1/claims/CLM-{number}")).await;
        assert_eq!(answer.status, 404);
        answers.push(answer.comparable());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "a finding showed in an answer");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let log = std::fs::read_to_string(deployment.files.path("audit.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let findings: Vec<_> = lines.iter().filter(|line| line["event"] == "finding").collect();
    let names: Vec<_> = findings.iter().map(|line| line["finding"].as_str().unwrap()).collect();
    assert_eq!(names, ["not-found", "ids-in-sequence"]);
    assert!(findings.iter().all(|line| line["reader"] == MOTHER));
    assert_eq!(findings[0]["count"], 5);
    let metrics = client::ask(deployment.admin.unwrap(), "GET /metrics", &[]).await;
    let text = metrics.body;
    assert!(text.contains("sequester_findings_raised_total{finding=\"not-found\"} 1"), "{text}");
    assert!(!text.contains(MOTHER), "{text}");
}
