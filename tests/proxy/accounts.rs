//! Who asked for my records: over HTTP, by the operator's commands, and in forms others read.

use super::client::ask;
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, shipped, yaml};
use super::real_server;
use super::upstream::{Upstream, good};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

const CLAIMS: &str = "/api/v1/family/C-1/claims";
const MY_ACCESS: &str = "/.sequester/my-access";

async fn claims() -> Upstream {
    Upstream::scripted(good("application/json", &shipped("cases/bodies/claims.json"))).await
}

async fn my_access(deployment: &Deployment, member: &str) -> Value {
    let answer = deployment.get(member, MY_ACCESS).await;
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(answer.field("content-type"), "application/json");
    assert_eq!(answer.field("cache-control"), "no-store");
    serde_json::from_str(&answer.body).unwrap()
}

#[tokio::test]
async fn the_daughter_learns_that_her_mother_looked_and_the_mother_nothing_of_her() {
    let upstream = claims().await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    for _ in 0..2 {
        deployment.get(MOTHER, CLAIMS).await;
    }
    deployment.get(DAUGHTER, CLAIMS).await;
    let line = &deployment.files.audit()[0];
    let counts = &line["subjects"]["M-102"];
    assert!(counts["rules"].as_object().unwrap().values().all(Value::is_u64), "{line}");

    let told = my_access(&deployment, DAUGHTER).await;
    let accesses = told["accesses"].as_array().unwrap();
    let of = |reader: &str| accesses.iter().find(|row| row["reader"] == reader).unwrap();
    let mothers = of(MOTHER);
    assert_eq!(mothers["relation"], "subscriber");
    assert_eq!(mothers["requests"], 2);
    assert_eq!(mothers["asked"], serde_json::json!(["family claims"]));
    assert_eq!(mothers["through"], serde_json::json!(["portal"]));
    assert_eq!(mothers["withheld"].as_u64(), counts["withheld"].as_u64().map(|once| once * 2));
    assert_eq!(mothers["released"].as_u64(), counts["released"].as_u64().map(|once| once * 2));
    assert_eq!(mothers["day"].as_str().unwrap().len(), 10);
    let own = of(DAUGHTER);
    assert_eq!((own["relation"].as_str(), own.get("withheld")), (Some("self"), None));
    assert_eq!(accesses.len(), 2, "{told}");

    // Not one word of the daughter for the mother but that she asked.
    let told = my_access(&deployment, MOTHER).await;
    for row in told["accesses"].as_array().unwrap() {
        assert_eq!(row["released"].as_u64().unwrap() > 0, row["reader"] == MOTHER, "{row}");
    }
    // Reading it is recorded.
    let last = deployment.files.audit().pop().unwrap();
    assert_eq!(last["route"], "GET /.sequester/my-access");
    assert_eq!((&last["event"], &last["reader"]), (&"answer".into(), &MOTHER.into()));
}

#[tokio::test]
async fn nobody_can_ask_for_somebody_else() {
    let upstream = claims().await;
    let deployment = Deployment::before(&upstream.url()).await;
    deployment.get(MOTHER, CLAIMS).await;
    let daughter = deployment.get(DAUGHTER, MY_ACCESS).await;
    for path in ["?subject=M-102", "?", "/M-102", "/", "?member=M-102", "%2FM-102"] {
        let answer = deployment.get(MOTHER, &format!("{MY_ACCESS}{path}")).await;
        assert!([400, 404].contains(&answer.status), "{path}");
        assert!(!answer.body.contains("accesses"), "{path}");
    }
    assert_eq!(deployment.get(MOTHER, "/.sequester/other").await.status, 404);
    let token = deployment.files.token(MOTHER);
    let post = ask(deployment.address, &format!("POST {MY_ACCESS}"), &[&token]).await;
    assert_eq!((post.status, post.field("allow")), (405, "GET, HEAD"));
    assert_eq!(ask(deployment.address, &format!("GET {MY_ACCESS}"), &[]).await.status, 401);
    let named = ["X-Member-Id: M-102", &token];
    let answer = ask(deployment.address, &format!("GET {MY_ACCESS}"), &named).await;
    assert_ne!(answer.body, daughter.body);
    // Whoever is in no row of members has no records here.
    let stranger = deployment.get("M-999", MY_ACCESS).await;
    assert_eq!(stranger.body, r#"{"accesses":[],"older":false}"#);
    let head = ask(deployment.address, &format!("HEAD {MY_ACCESS}"), &[&token]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(upstream.requests().len(), 1, "the upstream is not asked");
}

#[tokio::test]
async fn accounts_go_over_closed_segments_and_restarts() {
    let upstream = claims().await;
    let text = yaml(&upstream.url(), "limits: { reader: [] }")
        .replace("audit.jsonl,", "audit.jsonl, segment: 64KiB,");
    let mut deployment = Files::new().start(&text).await;
    for _ in 0..160 {
        assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    }
    assert!(deployment.files.path("audit-00000001.jsonl").exists());
    let requests = |told: &Value| told["accesses"][0]["requests"].as_u64();
    let told = my_access(&deployment, DAUGHTER).await;
    assert_eq!(requests(&told), Some(160), "{told}");
    assert!(deployment.files.path("audit-00000001.accounts").exists());
    deployment.end();
    let files = {
        let Deployment { files, serving, .. } = deployment;
        serving.await.unwrap();
        files
    };
    // What is derived is made anew.
    std::fs::remove_file(files.path("audit-00000001.accounts")).unwrap();
    let deployment = files.start(&text).await;
    deployment.get(MOTHER, CLAIMS).await;
    let told = my_access(&deployment, DAUGHTER).await;
    assert_eq!(requests(&told), Some(161), "{told}");
    // What lies beside a log is no log.
    assert!(deployment.files.path("audit-00000001.accounts").exists());
    let (code, said) = audit(&["verify"], deployment.files.folder.path());
    assert_eq!(code, Some(0), "{said}");
}

/// A log of a few requests, ended in order.
async fn ended() -> Files {
    let upstream = Upstream::answering(|request| {
        let one = request.contains("/claims/");
        let body = if one { "cases/bodies/claim.json" } else { "cases/bodies/claims.json" };
        good("application/json", &shipped(body))
    })
    .await;
    let text = yaml(&upstream.url(), "");
    let mut deployment = Files::with_all_policies().start(&text).await;
    deployment.files.write("sequester.yaml", &text);
    deployment.get(MOTHER, CLAIMS).await;
    deployment.get(DAUGHTER, CLAIMS).await;
    deployment.get(MOTHER, "/api/v1/claims/CLM-2").await;
    deployment.get(MOTHER, "/nowhere").await;
    deployment.end();
    let Deployment { files, serving, .. } = deployment;
    serving.await.unwrap();
    files
}

fn audit(arguments: &[&str], log: &Path) -> (Option<i32>, String) {
    let said = Command::new(env!("CARGO_BIN_EXE_sequester"))
        .arg("audit")
        .args(arguments)
        .arg(log)
        .output()
        .unwrap();
    (said.status.code(), String::from_utf8(said.stdout).unwrap())
}

#[tokio::test]
async fn the_operator_answers_a_member_who_asks() {
    let files = ended().await;
    let (log, config) = (files.path("audit.jsonl"), files.path("sequester.yaml"));
    let config = config.to_str().unwrap();
    let (code, said) = audit(&["report", "--config", config, "--subject", "M-102"], &log);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("M-100, the policy holder, through portal\n"), "{said}");
    assert!(said.contains("  you, through portal\n"), "{said}");
    assert!(said.contains("asked twice (family claims"), "{said}");
    assert!(said.contains("were kept from them"), "{said}");
    // By any of their names, for programs, of some days.
    let arguments =
        ["report", "--config", config, "--format", "json", "--subject", "Patient/p-102"];
    let (_, said) = audit(&arguments, &log);
    let told: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (&told["subject"], told["accesses"].as_array().unwrap().len()),
        (&"M-102".into(), 2)
    );
    let past = ["report", "--config", config, "--subject", "M-102", "--to", "2026-01-01"];
    assert!(audit(&past, &log).1.ends_with("Nobody did.\n"));
    // From a log that was changed no account is given without a word.
    let changed = std::fs::read_to_string(&log).unwrap().replacen("M-102", "M-103", 1);
    std::fs::write(&log, changed).unwrap();
    assert_eq!(audit(&["report", "--config", config, "--subject", "M-102"], &log).0, Some(1));
}

#[tokio::test]
async fn an_accounting_of_disclosures_names_what_left_to_others() {
    let files = ended().await;
    let log = files.path("audit.jsonl");
    let (code, said) = audit(&["export", "--format", "csv", "--subject", "M-102"], &log);
    assert_eq!(code, Some(0));
    let mut rows = csv::Reader::from_reader(said.as_bytes());
    assert_eq!(
        rows.headers().unwrap().iter().collect::<Vec<_>>(),
        ["date", "recipient", "through", "what", "purpose", "subject", "request", "policy"]
    );
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert!(rows.iter().all(|row| &row[1] == MOTHER && &row[5] == DAUGHTER), "{rows:?}");
    assert_eq!(rows.len(), 1, "what she read herself and what was withheld is none: {rows:?}");
    assert!(rows[0][3].contains("(family claims)") && rows[0][0].ends_with('Z'), "{rows:?}");
    let none = audit(&["export", "--format", "csv", "--from", "2050-01-01"], &log).1;
    assert_eq!(none.lines().count(), 1);
}

#[tokio::test]
async fn audit_events_are_valid_and_hold_no_content() {
    let files = ended().await;
    let log = files.path("audit.jsonl");
    let (code, said) = audit(&["export", "--format", "fhir", "--server", "portal-proxy"], &log);
    assert_eq!(code, Some(0));
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_entity = |event: &Value, code: &str| {
        let entities = event["entity"].as_array().unwrap();
        entities.iter().filter(|entity| entity["type"]["code"] == code).count()
    };
    for event in &events {
        // What the profiles of BALP demand beside R4.
        let profile = event["meta"]["profile"][0].as_str().unwrap_or_default();
        let is_success = event["outcome"] == "0";
        assert_eq!(!profile.is_empty(), is_success, "{event}");
        let agents = event["agent"].as_array().unwrap();
        let roles: Vec<_> = agents.iter().map(|a| &a["type"]["coding"][0]["code"]).collect();
        assert_eq!(
            roles,
            if event["action"] == "R" {
                ["110152", "110153", "IRCP"]
            } else {
                ["110153", "110152", "IRCP"]
            }
        );
        assert!(agents.iter().all(|agent| agent["who"].is_object()), "{event}");
        assert!(agents[..2].iter().all(|agent| agent["network"].is_object()), "{event}");
        assert_eq!((of_entity(event, "XrequestId"), of_entity(event, "2")), (1, 1), "{event}");
        if profile.ends_with("PatientQuery") || profile.ends_with("PatientRead") {
            assert_eq!(of_entity(event, "1"), 1, "{event}");
            assert!(event["agent"][2]["purposeOfUse"].is_array(), "{event}");
        }
    }
    assert!(events.iter().any(|event| event["action"] == "R" && event["outcome"] == "4"));
    for never in ["C-1/", "CLM", "F33", "90837", "Okafor", "/nowhere"] {
        assert!(!said.contains(never), "{never}");
    }
    // One member's events name no other member as subject.
    let (_, one) = audit(&["export", "--format", "fhir", "--subject", "M-102"], &log);
    assert!(one.lines().count() > 1 && one.lines().count() < events.len());
    assert!(!one.contains(r#""value":"M-101""#), "{one}");

    real_server::install().await;
    let mut node = Command::new("node")
        .arg("validate.mjs")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/medplum"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut node.stdin.take().unwrap(), said.as_bytes()).unwrap();
    let told = node.wait_with_output().unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
}
