//! Figures: of fixed labels, however many people ask for however much.

use super::client;
use super::deployment::{Deployment, Files, MOTHER, yaml};
use super::upstream::{Upstream, good};
use std::collections::BTreeSet;

async fn figures(deployment: &Deployment) -> String {
    client::ask(deployment.admin.unwrap(), "GET /metrics", &[]).await.body
}

/// Names and labels, without values.
fn series(figures: &str) -> BTreeSet<String> {
    let lines = figures.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// Requests with this number in everything that a reader can choose.
async fn flood(deployment: &Deployment, number: usize) {
    let claims = "/api/v1/family/C-1/claims";
    for path in [
        format!("/api/v1/claims/CLM-{number}"),
        format!("/api/v1/family/C-{number}/claims"),
        format!("{claims}?p{number}=v{number}"),
        format!("{claims}?from=2020-01-{:02}", number % 28 + 1),
        format!("/nowhere/{number}"),
        claims.to_owned(),
    ] {
        deployment.get(MOTHER, &path).await;
    }
    deployment.get(&format!("M-{number}"), claims).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_ids_makes_no_label() {
    let body = r#"{"claims":[{"claimId":"CLM-77","memberId":"M-102","serviceDate":"2025-01-02","diagnoses":[{"code":"F33.1"}]}]}"#;
    let upstream = Upstream::answering(move |_| good("application/json", body)).await;
    let more = "admin: { address: '127.0.0.2:0' }\nlimits: { reader: [] }\n";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    flood(&deployment, 1001).await;
    let before = series(&figures(&deployment).await);
    for number in 1002..1022 {
        flood(&deployment, number).await;
    }
    let text = figures(&deployment).await;
    let after = series(&text);
    let new: Vec<&String> = after.difference(&before).collect();
    assert_eq!(new, Vec::<&String>::new());
    for never in ["M-1", "CLM", "C-1", "F33", "1002", "1019", "nowhere", "portal"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
    for line in [
        "sequester_requests_total{route=\"GET /api/v1/claims/{id}\",class=\"4xx\"} 21",
        "sequester_upstream_requests_total{outcome=\"2xx\"}",
        "sequester_rules_total{rule=\"FLOOR\"}",
        "sequester_audit_lines_total",
        "sequester_judging_seconds_count",
        "sequester_policy{hash=\"",
        "sequester_findings_raised_total{finding=\"slow-drip\"} 0",
        "sequester_reload_failures_total{files=\"people\"} 0",
        "sequester_reload_failures_total{files=\"cursors\"} 0",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
