//! `exposure` as a program: killed and started again, and before an upstream that fails.

use super::deployment::Files;
use super::upstream::{Step, Upstream, good};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::process::Command;

/// Requests in the log.
const REQUESTS: usize = 60;

/// Most requests of one search that are under way.
const AT_ONCE: usize = 8;

fn files(upstream: &Upstream) -> Files {
    let files = Files::new();
    let url = upstream.url();
    let yaml = super::deployment::yaml(&url, "")
        .replace("  public-url", "  look-ups: { token-file: look-ups.token }\n  public-url");
    files.write("sequester.yaml", yaml);
    files.write("look-ups.token", "ours");
    let line = |number: usize| {
        format!(
            "::1 - M-100 [21/Nov/2025:10:{:02}:00 +0000] \"GET /api/v1/claims/CLM-{number} HTTP/1.1\" 200 99\n",
            number % 60
        )
    };
    // Each is made several times and asked again once.
    files.write("access.log", (0..REQUESTS * 3).map(|at| line(at % REQUESTS)).collect::<String>());
    files
}

fn command(files: &Files, rate: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sequester"));
    command.current_dir(files.folder.path()).kill_on_drop(true);
    command.args(["exposure", "--log", "access.log", "--format", "json", "--rate", rate]);
    command
}

fn claim(request: &str) -> Vec<Step> {
    let id = request.split("/claims/").nth(1).unwrap().split(' ').next().unwrap();
    good(
        "application/json",
        &format!(
            r#"{{"claimId":"{id}","memberId":"M-102","serviceDate":"2025-01-02","diagnoses":[{{"code":"F33.1"}}]}}"#
        ),
    )
}

fn asked(upstream: &Upstream) -> BTreeMap<String, usize> {
    let mut asked = BTreeMap::new();
    for request in upstream.requests() {
        let target = request.split(' ').nth(1).unwrap().to_owned();
        *asked.entry(target).or_default() += 1;
    }
    asked
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_it_asks_nothing_twice() {
    let upstream = Upstream::answering(claim).await;
    let files = files(&upstream);
    for _ in 0..3 {
        let mut child =
            command(&files, "10/s").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
        child.kill().await.unwrap();
    }
    assert!(asked(&upstream).len() < REQUESTS, "nothing was left to do");
    let ended = command(&files, "10000/s").output().await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let asked = asked(&upstream);
    assert_eq!(asked.len(), REQUESTS);
    let twice = asked.values().sum::<usize>() - REQUESTS;
    assert!(twice <= 3 * AT_ONCE, "{twice} asked again, of which only those under way may be");
    let report: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    let row = &report["withheld"][0];
    assert_eq!((&row["reader"], &row["subject"]), (&"M-100".into(), &"M-102".into()));
    assert_eq!(row["reads"], 3 * REQUESTS);
    assert!(upstream.requests().iter().all(|request| request.contains("Bearer ours")));

    std::fs::remove_file(files.path("exposure.state")).unwrap();
    let anew = command(&files, "10000/s").output().await.unwrap();
    assert_eq!(anew.stdout, ended.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_told_and_asked_the_next_time() {
    let count = AtomicUsize::new(0);
    let upstream = Upstream::answering(move |request| {
        let fails = request.contains("/CLM-7 ") && count.fetch_add(1, Ordering::Relaxed) < 3;
        if fails { vec![Step::Close] } else { claim(request) }
    })
    .await;
    let files = files(&upstream);
    let failed = command(&files, "10000/s").output().await.unwrap();
    assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stderr));
    let report: serde_json::Value = serde_json::from_slice(&failed.stdout).unwrap();
    assert_eq!(report["requests"]["failed"], 1);
    let again = command(&files, "10000/s").output().await.unwrap();
    assert_eq!(again.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["requests"]["failed"], 0);
    assert_eq!(report["requests"]["withheld"], REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_says_nothing_of_who_read() {
    let upstream = Upstream::answering(claim).await;
    let files = files(&upstream);
    for log in ["[Tue Nov 24 01:00:00 2026] [error] foo\n".repeat(3), String::new()] {
        files.write("access.log", log);
        let ended = command(&files, "10000/s").output().await.unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let mut command = Command::new(env!("CARGO_BIN_EXE_sequester"));
        command.current_dir(files.folder.path()).args(["exposure", "--log", "access.log"]);
        let ended = command.output().await.unwrap();
        assert_eq!(ended.status.code(), Some(1));
        let told = String::from_utf8(ended.stdout).unwrap();
        assert!(told.contains("no line of the log could be read"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_is_asked_no_faster_than_the_operator_says() {
    let upstream = Upstream::answering(claim).await;
    let files = files(&upstream);
    let began = std::time::Instant::now();
    let ended = command(&files, "50/s").output().await.unwrap();
    assert!(ended.status.success());
    let least = Duration::from_millis(20) * u32::try_from(REQUESTS - 1).unwrap();
    assert!(began.elapsed() >= least, "{:?}", began.elapsed());
}
