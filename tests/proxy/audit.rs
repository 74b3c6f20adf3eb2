//! RECORD-BEFORE-RELEASE, seen from outside.

use super::client::ask;
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, shipped, yaml};
use super::upstream::{Step, Upstream, good};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const CLAIMS: &str = "/api/v1/family/C-1/claims";

async fn claims() -> Upstream {
    Upstream::scripted(good("application/json", &shipped("cases/bodies/claims.json"))).await
}

#[tokio::test]
async fn what_is_recorded_and_what_is_not() {
    let upstream = claims().await;
    let deployment = Files::with_all_policies().start(&yaml(&upstream.url(), "")).await;
    let answer = deployment.get(MOTHER, &format!("{CLAIMS}?from=2026-01-01")).await;
    assert_eq!(answer.status, 200);
    let audit = deployment.files.audit();
    assert_eq!(audit.len(), 1);
    let line = &audit[0];
    assert_eq!(line["event"], "answer");
    assert_eq!(line["request"], answer.field("x-request-id"));
    assert_eq!(line["reader"], "M-100");
    assert_eq!(line["client"], "portal");
    assert_eq!(line["route"], "GET /api/v1/family/{contract}/claims");
    assert_eq!(line["status"], 200);
    assert_eq!(line["bytes"], answer.body.len());
    assert_eq!((&line["released"], &line["withheld"]), (&4.into(), &6.into()));
    assert_eq!(line["subjects"]["M-102"]["withheld"], 4);
    assert!(line["rules"]["FLOOR"].as_u64().unwrap() > 0, "{line}");
    assert_eq!(line["findings"]["psychotherapy-note-upstream"], 1);
    assert_eq!(line["policy"].as_str().unwrap().len(), 64);
    assert!(line["time"].as_str().unwrap().ends_with('Z'));
    let text = line.to_string();
    for never in ["C-1", "2026-01-01", "CLM", "F33", "90837", "Okafor", "Spoke", "/claims?"] {
        assert!(!text.contains(never), "{never}: {text}");
    }
}

#[tokio::test]
async fn a_refusal_after_judging_tells_what_was_withheld() {
    let upstream =
        Upstream::scripted(good("application/json", &shipped("cases/bodies/claim.json"))).await;
    let deployment = Deployment::before(&upstream.url()).await;
    assert_eq!(deployment.get(MOTHER, "/api/v1/claims/CLM-2").await.status, 404);
    let line = &deployment.files.audit()[0];
    assert_eq!((&line["event"], &line["status"]), (&"refuse".into(), &404.into()));
    assert_eq!(line["route"], "GET /api/v1/claims/{id}");
    assert_eq!(line["withheld"], 1);
    assert_eq!(line["subjects"]["M-102"]["withheld"], 1);
    assert!(!line.to_string().contains("CLM-2"));
}

#[tokio::test]
async fn on_a_full_disk_nothing_leaves() {
    let upstream = claims().await;
    for durability in ["sync", "written"] {
        let files = Files::new();
        let text = yaml(&upstream.url(), "").replace(
            "audit.jsonl, durability: sync",
            &format!("{}, durability: {durability}", files.full_disk()),
        );
        let deployment = files.start(&text).await;
        for path in [CLAIMS, "/nowhere", "/api/v1/export/a.ndjson"] {
            let answer = deployment.get(DAUGHTER, path).await;
            assert_eq!(answer.status, 503, "{path}");
            assert_eq!(
                answer.body,
                r#"{"detail":"unavailable","status":503,"title":"Service Unavailable"}"#
            );
            assert_eq!(answer.field("retry-after"), "5");
        }
    }
}

#[tokio::test]
async fn a_reader_who_hangs_up_does_not_escape_the_record() {
    let mut script = vec![Step::Wait(Duration::from_millis(400))];
    script.extend(good("application/json", &shipped("cases/bodies/claims.json")));
    let upstream = Upstream::scripted(script).await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(DAUGHTER);
    let mut socket = TcpStream::connect(deployment.address).await.unwrap();
    let request = format!("GET {CLAIMS} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(socket);
    tokio::time::sleep(Duration::from_millis(700)).await;
    let audit = deployment.files.audit();
    assert_eq!(audit.len(), 1);
    assert_eq!((&audit[0]["event"], &audit[0]["status"]), (&"answer".into(), &200.into()));
}

#[tokio::test]
async fn one_person_of_two_names_is_one_reader() {
    let upstream = claims().await;
    let more = "limits: { reader: [{ requests: 1 per 1m }] }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    let files = &deployment.files;
    files.write(
        "members.csv",
        shipped("cases/family.csv").replace("Patient/p-100\n", "Patient/p-100 MBR-0100\n"),
    );
    assert_eq!(deployment.get("MBR-0100", CLAIMS).await.status, 200);
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 429);
    assert!(deployment.files.audit().iter().all(|line| line["reader"] == "M-100"));
}

#[tokio::test]
async fn replaced_members_are_in_force_from_the_next_request_on() {
    let upstream = claims().await;
    let deployment = Deployment::before(&upstream.url()).await;
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    let without = shipped("cases/family.csv").replace("M-100,C-1,self", "M-100,C-3,self");
    deployment.files.write("members.csv", without);
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 404);
}

#[tokio::test]
async fn operators_see_figures_and_no_person() {
    let upstream = claims().await;
    let deployment =
        Files::new().start(&yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }")).await;
    let admin = deployment.admin.unwrap();
    deployment.get(MOTHER, CLAIMS).await;
    deployment.get(MOTHER, "/nowhere").await;
    ask(deployment.address, "GET /", &[]).await;
    assert_eq!(ask(admin, "GET /healthz", &[]).await.status, 200);
    assert_eq!(ask(admin, "GET /readyz", &[]).await.status, 200);
    assert_eq!(ask(admin, "GET /other", &[]).await.status, 404);
    assert_eq!(ask(admin, "POST /metrics", &[]).await.status, 405);
    let figures = ask(admin, "GET /metrics", &[]).await.body;
    for line in [
        "sequester_answers_total{status=\"200\"} 1",
        "sequester_answers_total{status=\"404\"} 1",
        "sequester_refusals_total{cause=\"no-credentials\"} 1",
        "sequester_findings_total{finding=\"psychotherapy-note-upstream\"} 1",
    ] {
        assert!(figures.contains(line), "{line}\n{figures}");
    }
    assert!(figures.ends_with("# EOF\n"));
    for never in ["M-10", "CLM", "F33", "C-1"] {
        assert!(!figures.contains(never), "{never}");
    }
}

#[tokio::test]
async fn not_ready_while_nothing_can_be_recorded() {
    let upstream = claims().await;
    let files = Files::new();
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }")
        .replace("audit.jsonl", files.full_disk());
    let deployment = files.start(&text).await;
    let admin = deployment.admin.unwrap();
    let ready = ask(admin, "GET /readyz", &[]).await;
    assert_eq!((ready.status, ready.body.as_str()), (503, "the audit log cannot be written\n"));
    assert_eq!(ask(admin, "GET /healthz", &[]).await.status, 200);
}
