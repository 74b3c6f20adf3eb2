//! O: policies, logs, audit, the process.

use super::{
    CLAIMS, DAUGHTER, Deployment, Files, MOTHER, SECRET, Step, Upstream, ask, claims, good,
    harmless, headed, hidden, yaml,
};
use crate::proxy::command::run;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

fn body() -> String {
    claims(&[harmless(), hidden()])
}

async fn upstream() -> Upstream {
    Upstream::scripted(good("application/json", &body())).await
}

/// Changes one file of a policy folder.
fn change(files: &Files, file: &str, from: &str, to: &str) {
    let path = files.path("policies").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file}: {from}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// What `check` tells of a policy folder; it must find something.
#[track_caller]
fn mistakes(files: &Files) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sequester"))
        .args(["check", "--policies"])
        .arg(files.path("policies"))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    told
}

/// A deployment with such policies does not start.
async fn does_not_start(files: &Files) {
    let config = files.config(&yaml("http://127.0.0.1:1", ""));
    assert!(sequester::proxy::Service::start(&config, |_| {}).await.is_err());
}

const RULES: &str = "rules/us-federal.yaml";
const SHAPE: &str = "shapes/family-account.yaml";

#[tokio::test]
async fn bypass_O1_misspelt_keys_paths_and_patterns() {
    for (file, from, to, says) in [
        (RULES, "    then: withhold", "    thne: withhold", "thne"),
        (RULES, "    then: withhold", "    mdoe: deny\n    then: withhold", "mdoe"),
        (RULES, "category: hiv", "category: hvi", "hvi"),
        (RULES, "reader: others", "reader: [gaurdian]", "gaurdian"),
        (SHAPE, "'$.claims[*]', kind: claim }] }", "'$.claims[*]', kind: clam }] }", "clam"),
        (SHAPE, "subject: $.memberId", "subject: $.memberId[", "memberId["),
        (SHAPE, "cut: '$.prescriptions[*]'", "cut: '$.perscriptions[*]'", "perscriptions"),
        (SHAPE, "date: $.paidOn", "date: '$.x[?match(@.a, \"(\")]'", "match"),
        (SHAPE, "date: $.paidOn", "date: '$.x[?search(@.a, \"(\")]'", "search"),
        (SHAPE, "needs: codes", "need: codes", "need"),
    ] {
        let files = Files::new();
        change(&files, file, from, to);
        let told = mistakes(&files);
        assert!(told.contains(says) && told.contains(file.rsplit('/').next().unwrap()), "{told}");
    }
}

#[tokio::test]
async fn bypass_O2_policy_files_that_are_empty_or_cut_off() {
    for file in [RULES, SHAPE, "states.csv", "codes/icd10cm.csv", "codes/systems.csv"] {
        let whole = std::fs::read_to_string(Files::new().path("policies").join(file)).unwrap();
        let cut = &whole[..whole.len() * 2 / 3];
        let cut = &cut[..cut.rfind(|c: char| c.is_ascii_alphanumeric()).unwrap()];
        for text in ["", "# nothing yet\n", "\n\n", "\0", cut] {
            // Of a list of codes less than all still is one; without its end it is none.
            let files = Files::new();
            std::fs::write(files.path("policies").join(file), text).unwrap();
            does_not_start(&files).await;
        }
    }
    let files = Files::new();
    std::fs::remove_dir_all(files.path("policies/rules")).unwrap();
    does_not_start(&files).await;
}

#[tokio::test]
async fn bypass_O3_a_default_that_allows() {
    for (from, to) in [
        ("pack: us-federal", "pack: us-federal\ndefault: allow"),
        ("pack: us-federal", "pack: us-federal\ndefault: release"),
        ("    then: withhold", "    then: release"),
        ("    then: withhold", "    then: allow"),
        ("    reader: others", "    reader: anyone"),
        ("    category: hiv", "    category: mental-health, psychotherapy-notes"),
    ] {
        let files = Files::new();
        change(&files, RULES, from, to);
        mistakes(&files);
        does_not_start(&files).await;
    }
    // A list of what is left open opens nothing that the floor closes.
    let files = Files::new();
    let open = "pack: open\nreleases:\n  - { category: [mental-health, psychotherapy-notes, \
                possible-mental-health, unclassified, free-text], subject: { age: adult }, reader: \
                others, why: a mistake }\n";
    std::fs::write(files.path("policies/rules/open.yaml"), open).unwrap();
    let upstream = upstream().await;
    let proxy = files.start(&yaml(&upstream.url(), "")).await;
    assert!(!proxy.get(MOTHER, CLAIMS).await.body.contains(SECRET));
}

/// Asks until an answer is as it should be.
async fn until(proxy: &Deployment, is_so: impl Fn(&str) -> bool) {
    let asking = async {
        while !is_so(&proxy.get(MOTHER, CLAIMS).await.body) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap();
}

/// Asks until one more change of these files was refused.
async fn refused(proxy: &Deployment, files: &str) {
    let name = format!("sequester_reload_failures_total{{files=\"{files}\"}} ");
    let admin = proxy.admin.unwrap();
    let figure = async || {
        let figures = ask(admin, "GET /metrics", &[]).await.body;
        let line = figures.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or("0").to_owned()
    };
    let before = figure().await;
    let asking = async {
        while figure().await == before {
            proxy.get(MOTHER, CLAIMS).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), asking).await.unwrap();
}

#[tokio::test]
async fn bypass_O4_reloads_of_half_written_files() {
    let upstream = upstream().await;
    let more = "limits: { reader: [{ requests: 9999 per 1m }] }\nadmin: { address: '127.0.0.2:0' }";
    let proxy = Files::new().start(&yaml(&upstream.url(), more)).await;
    let rules = proxy.files.path("policies").join(RULES);
    let whole = std::fs::read_to_string(&rules).unwrap();
    let hash = |proxy: &Deployment| proxy.files.audit().last().unwrap()["policy"].to_string();
    until(&proxy, |body| body == claims(&[harmless()])).await;
    let first = hash(&proxy);
    let half = &whole[..whole.len() / 2];
    for broken in [half, "", "pack: x\nrules: [{ id: a, mdoe: deny }]\n"] {
        std::fs::write(&rules, broken).unwrap();
        refused(&proxy, "policies").await;
        assert_eq!(proxy.get(MOTHER, CLAIMS).await.body, claims(&[harmless()]));
        assert_eq!(hash(&proxy), first, "last good stays");
    }
    std::fs::remove_file(&rules).unwrap();
    refused(&proxy, "policies").await;
    assert_eq!(proxy.get(MOTHER, CLAIMS).await.body, claims(&[harmless()]));
    assert_eq!(hash(&proxy), first);
    // The same of keys: what is broken is told, and those before hold.
    std::fs::write(proxy.files.path("jwks.json"), "{").unwrap();
    refused(&proxy, "keys").await;
    assert_eq!(proxy.get(MOTHER, CLAIMS).await.body, claims(&[harmless()]));
    // A good one comes into force, whole.
    let minor = "\n  - id: no-minors\n    why: A test.\n    cite: [a test]\n    category: any\n    subject: { age: minor }\n    \
                 reader: others\n    then: withhold\nreleases:";
    std::fs::write(&rules, whole.replacen("\nreleases:", minor, 1)).unwrap();
    until(&proxy, |body| body == claims(&[])).await;
    assert_ne!(hash(&proxy), first);
}

#[tokio::test]
async fn bypass_O5_rules_that_overlap_or_open_again() {
    let rule = "pack: zz\nrules:\n  - id: zz-minors\n    why: A test.\n    cite: [a test]\n    category: any\n    subject: \
                { age: minor }\n    reader: [guardian]\n    then: withhold\n";
    let open = "pack: open\nreleases:\n  - { category: any, subject: { age: minor }, reader: \
                [guardian], why: A test. }\n";
    let upstream = upstream().await;
    let files = Files::new();
    std::fs::write(files.path("policies/rules/zz.yaml"), rule).unwrap();
    let proxy = files.start(&yaml(&upstream.url(), "")).await;
    assert!(!proxy.get(MOTHER, CLAIMS).await.body.contains("CLM-OPEN"), "the rule hides");
    for (first, last) in [("00.yaml", "zz.yaml"), ("zz.yaml", "00.yaml")] {
        let files = Files::new();
        std::fs::write(files.path("policies/rules").join(first), rule).unwrap();
        std::fs::write(files.path("policies/rules").join(last), open).unwrap();
        // To open what a rule hides has no effect, in either order.
        let proxy = files.start(&yaml(&upstream.url(), "")).await;
        let answer = proxy.get(MOTHER, CLAIMS).await;
        assert!(!answer.body.contains("CLM-OPEN"), "{}", answer.body);
    }
}

#[tokio::test]
async fn bypass_O6_patterns_that_take_for_ever() {
    let began = Instant::now();
    for path in [
        "'$.x[?match(@.a, \"(a+)+$\")]'".to_owned(),
        format!("'${}'", "..*".repeat(60)),
        format!("'${}'", "..[?@.a==1]".repeat(40)),
        format!("'$..{}'", "a[*]..b[0]..".repeat(30) + "c"),
        format!("'$.x{}'", "[?@.a==1]".repeat(200)),
    ] {
        let files = Files::new();
        change(&files, SHAPE, "date: $.paidOn", &format!("date: {path}"));
        let told = mistakes(&files);
        assert!(told.contains("family-account.yaml"), "{told}");
    }
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

/// Requests with odd things in every place a reader may write.
async fn odd_requests(proxy: &Deployment) {
    let token = proxy.files.token(MOTHER);
    let agent = format!("User-Agent: \u{1b}[31m{SECRET}");
    for line in [
        format!("GET {CLAIMS}?{SECRET}=F33.1"),
        format!("GET {CLAIMS}?from={SECRET}"),
        format!("GET {CLAIMS}?from=%0d%0a%1b[2J{SECRET}"),
        format!("GET /api/v1/claims/{SECRET}"),
        format!("GET /api/v1/claims/{SECRET}%0aevil"),
        format!("GET /{SECRET}/%1b%5b31m"),
        format!("{SECRET} {CLAIMS}"),
    ] {
        ask(proxy.address, &line, &[&token, &agent]).await;
        ask(proxy.address, &line, &[&token, "User-Agent: \u{9b}31m", "X: \\e[31m"]).await;
    }
    let kid = format!(r#"{{"alg":"ES256","kid":"\n{SECRET}","typ":"JWT"}}"#);
    let odd = proxy.files.sign_text(&kid, "{}");
    ask(proxy.address, &format!("GET {CLAIMS}"), &[&format!("Authorization: Bearer {odd}")]).await;
}

#[tokio::test]
async fn bypass_O7_log_lines_forged_by_readers() {
    let upstream = upstream().await;
    let proxy = Deployment::before(&upstream.url()).await;
    odd_requests(&proxy).await;
    let text = std::fs::read_to_string(proxy.files.path("audit.jsonl")).unwrap();
    assert!(text.lines().count() >= 3);
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["time"].is_string() && value["event"].is_string());
        assert!(!line.chars().any(char::is_control), "{line}");
        assert!(!line.contains("\\u001b") && !line.contains("evil"), "{line}");
    }
}

#[tokio::test]
async fn bypass_O8_health_data_in_logs_and_messages() {
    let upstream = Upstream::answering(|request| {
        if request.contains("/claims/") {
            return headed(
                &format!("HTTP/1.1 500 {SECRET}\nContent-Length: 12"),
                SECRET.as_bytes(),
            );
        }
        good("application/json", &format!("{{\"claims\":[{}],\"{SECRET}\":\"\n\"}}", hidden()))
    })
    .await;
    let mut running =
        run(Files::new(), &yaml(&upstream.url(), "admin: { address: '127.0.0.3:0' }"));
    let address = running.address().await;
    let admin = running.line().await;
    let admin = admin.strip_prefix("health and metrics at http://").unwrap().parse().unwrap();
    let token = running.files.token(DAUGHTER);
    for path in [CLAIMS, "/api/v1/claims/F33.1", &format!("{CLAIMS}?from={SECRET}")] {
        let answer = ask(address, &format!("GET {path}"), &[&token]).await;
        assert!(answer.status >= 400 && !format!("{answer:?}").contains(SECRET));
    }
    let figures = ask(admin, "GET /metrics", &[]).await.body;
    let audit = std::fs::read_to_string(running.files.path("audit.jsonl")).unwrap();
    running.signal("TERM").await;
    let (code, lines) = running.ends().await;
    assert_eq!((code, lines.as_slice()), (Some(0), ["stopped".to_owned()].as_slice()));
    for never in [SECRET, "F33.1", "C-1"] {
        assert!(!audit.contains(never) && !figures.contains(never), "{never}: {audit} {figures}");
    }
}

#[tokio::test]
async fn bypass_O9_ids_and_codes_as_labels_of_metrics() {
    let upstream = upstream().await;
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }");
    let proxy = Files::new().start(&text).await;
    odd_requests(&proxy).await;
    proxy.get(MOTHER, CLAIMS).await;
    proxy.get(DAUGHTER, CLAIMS).await;
    let figures = ask(proxy.admin.unwrap(), "GET /metrics", &[]).await.body;
    assert!(figures.contains("sequester_answers_total"), "{figures}");
    // Templates of routes are fixed words; what stands in their braces is not.
    assert!(figures.contains("route=\"GET /api/v1/family/{contract}/claims\""), "{figures}");
    for never in ["M-1", SECRET, "CLM", "F33", "portal", "C-1", "127.0.0.1"] {
        assert!(!figures.contains(never), "{never}: {figures}");
    }
    assert!(figures.lines().count() < 300, "{figures}");
}

#[tokio::test]
async fn bypass_O10_an_audit_log_that_is_changed_cut_or_reordered() {
    let upstream = upstream().await;
    let files = Files::new();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    files.write("audit.key", pair.serialize_pem());
    files.write("audit.pub", pair.public_key_pem());
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.4:0' }")
        .replace("audit.jsonl,", "audit.jsonl, key: audit.key,");
    let mut running = run(files, &text);
    let address = running.address().await;
    let admin = running.line().await;
    let admin = admin.strip_prefix("health and metrics at http://").unwrap().parse().unwrap();
    let token = running.files.token(MOTHER);
    for _ in 0..3 {
        ask(address, &format!("GET {CLAIMS}"), &[&token]).await;
    }
    // The head that an operator keeps elsewhere.
    let head = ask(admin, "GET /audit-head", &[]).await.body.trim().to_owned();
    running.signal("TERM").await;
    let log = running.files.path("audit.jsonl");
    let folder = running.files.path("");
    running.child.wait().await.unwrap();
    let verify = || {
        let key = folder.join("audit.pub");
        let said = Command::new(env!("CARGO_BIN_EXE_sequester"))
            .args(["audit", "verify", "--key"])
            .args([key.to_str().unwrap(), "--head", &head, log.to_str().unwrap()])
            .output()
            .unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap())
    };
    let (code, said) = verify();
    assert_eq!(code, Some(0), "{said}");
    let whole = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let changes = [
        whole.replacen("M-100", "M-101", 1),
        swapped.concat(),
        [&lines[..2], &lines[3..]].concat().concat(),
        lines[..3].concat(),
    ];
    for changed in changes {
        std::fs::write(&log, changed).unwrap();
        let (code, said) = verify();
        assert!(code == Some(1) && said.contains("audit.jsonl:"), "{said}");
    }
}

#[tokio::test]
async fn bypass_O11_an_audit_log_that_is_full_or_slow() {
    let upstream = upstream().await;
    let files = Files::new();
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }")
        .replace("audit.jsonl", files.full_disk());
    let proxy = files.start(&text).await;
    for path in [CLAIMS, "/api/v1/claims/x", "/nowhere", "/api/v1/export/a"] {
        let answer = proxy.get(DAUGHTER, path).await;
        assert_eq!((answer.status, answer.body.contains("CLM")), (503, false), "{path}");
    }
    assert_eq!(ask(proxy.admin.unwrap(), "GET /readyz", &[]).await.status, 503);
    // One that is slow, fails, comes back: `src/audit/tests/disks.rs`. A pipe, or anything else
    // that could not be read again, is no log.
    let files = Files::new();
    let made = Command::new("mkfifo").arg(files.path("pipe")).status().unwrap();
    assert!(made.success());
    let text = yaml(&upstream.url(), "").replace("audit.jsonl", "pipe");
    let (code, lines) = run(files, &text).ends().await;
    assert!(code == Some(2) && lines[0].contains("is not a file"), "{lines:?}");
}

#[tokio::test]
async fn bypass_O12_core_dumps_and_memory() {
    let upstream = upstream().await;
    let mut running = run(Files::new(), &yaml(&upstream.url(), ""));
    running.address().await;
    let process = Path::new("/proc").join(running.child.id().unwrap().to_string());
    let limits = std::fs::read_to_string(process.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let sizes: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(sizes, ["0", "0"], "{core}");
    // What is not dumpable belongs to root in /proc, whoever runs it (told only where that is
    // somebody else).
    let owner =
        std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(process.join("mem")).unwrap());
    assert_eq!(owner, 0);
}

#[tokio::test]
async fn bypass_O14_configuration_and_debug_pages() {
    let upstream = upstream().await;
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }");
    let proxy = Files::new().start(&text).await;
    let admin = proxy.admin.unwrap();
    for path in [
        "/",
        "/config",
        "/config_dump",
        "/debug",
        "/debug/pprof",
        "/debug/vars",
        "/env",
        "/actuator",
        "/server_info",
        "/logging",
        "/policies",
        "/members",
        "/metrics/../config",
        "/quitquitquit",
    ] {
        assert_eq!(ask(admin, &format!("GET {path}"), &[]).await.status, 404, "{path}");
        assert_eq!(proxy.get(MOTHER, path).await.status / 100, 4, "{path}");
    }
    for line in ["POST /readyz", "PUT /metrics", "DELETE /healthz"] {
        assert_eq!(ask(admin, line, &[]).await.status, 405, "{line}");
    }
    // It knows no member's data, and asks nobody's name.
    let claims = ask(admin, &format!("GET {CLAIMS}"), &[&proxy.files.token(MOTHER)]).await;
    assert_eq!(claims.status, 404);
    // One address cannot be both.
    let config = text
        .replace("'127.0.0.2:0'", "'127.0.0.1:8443'")
        .replace("'127.0.0.1:0'", "'127.0.0.1:8443'");
    let file = sequester::engine::diagnostics::SourceFile::new("sequester.yaml", config.as_str());
    assert!(sequester::config::Config::read(&file, Path::new("/nowhere")).is_err());
}

#[tokio::test]
async fn bypass_O15_signals_in_storms() {
    let mut script = vec![Step::Wait(Duration::from_millis(500))];
    script.extend(good("application/json", &body()));
    let upstream = Upstream::scripted(script).await;
    let mut running = run(Files::new(), &yaml(&upstream.url(), ""));
    let address = running.address().await;
    let token = running.files.token(MOTHER);
    let under_way =
        tokio::spawn(async move { ask(address, &format!("GET {CLAIMS}"), &[&token]).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..40 {
        running.signal("HUP").await;
    }
    running.signal("TERM").await;
    let answer = under_way.await.unwrap();
    assert_eq!((answer.status, answer.whole), (200, true));
    assert_eq!(running.files.audit().len(), 1, "what left is recorded");
    assert_eq!(running.ends().await, (Some(0), vec!["stopped".to_owned()]));
}
