//! Limits under load, through whole proxies over real sockets: many families, pages, tokens and
//! applications, one proxy and three that count together. What is released is counted in what the
//! readers get.

use crate::proxy::client::{Answer, ask};
use crate::proxy::deployment::{Deployment, Files, yaml};
use crate::proxy::upstream::{Upstream, good};
use serde_json::json;
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

const FAMILIES: usize = 6;

/// Each family: two parents and two children.
fn members() -> String {
    let mut rows =
        "member_id,contract_id,relationship,birth_date,state,from,until,ids\n".to_owned();
    for family in 0..FAMILIES {
        for (who, relationship, born) in [
            ("1", "self", "1980-01-01"),
            ("2", "spouse", "1981-01-01"),
            ("3", "child", "2019-01-01"),
            ("4", "child", "2020-01-01"),
        ] {
            let row = format!("F{family}-{who},K-{family},{relationship},{born},OH,2015-01-01,,\n");
            rows.push_str(&row);
        }
    }
    rows
}

/// Twelve claims of the children of the contract that is asked about; half of them are hidden
/// from their parents.
async fn payer() -> Upstream {
    Upstream::answering(|request| {
        let family = request.split("/family/K-").nth(1).and_then(|rest| rest.split('/').next());
        let family = family.unwrap_or("0").to_owned();
        let claims: Vec<serde_json::Value> = (0..12)
            .map(|number| {
                let code = if number % 2 == 0 { "J06.9" } else { "F10.20" };
                json!({
                    "claimId": format!("CLM-{family}-{number}"),
                    "memberId": format!("F{family}-{}", 3 + number % 4 / 2),
                    "serviceDate": format!("2026-01-{:02}", number + 1),
                    "diagnoses": [{"code": code}],
                })
            })
            .collect();
        good("application/json", &json!({"asOf": "2026-11-21", "claims": claims}).to_string())
    })
    .await
}

fn files() -> Files {
    let files = Files::new();
    files.write("members.csv", members());
    files.write("cursor.keys", "c2VxdWVzdGVyJ3Mgb3duIHNoYXJlZCBsaW1pdHMga2U=\n");
    files
}

/// A configuration for an upstream that may be slow when the machine is busy.
fn patient(upstream: &Upstream, more: &str) -> String {
    yaml(&upstream.url(), more).replace(
        "connect: 1s, first-byte: 700ms, idle: 700ms, total: 2s",
        "connect: 30s, first-byte: 30s, idle: 30s, total: 60s",
    )
}

/// A token of this reader by that application.
fn token(files: &Files, reader: &str, application: usize, number: usize) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": "https://login.example", "aud": "member-api", "member_id": reader,
        "azp": format!("app-{application}"), "jti": number.to_string(), "iat": now,
        "exp": now + 300,
    });
    format!("Authorization: Bearer {}", files.sign(&claims))
}

fn claims_in(answer: &Answer) -> u64 {
    u64::try_from(answer.body.matches("\"claimId\"").count()).unwrap()
}

/// Records that each reader got.
type Got = BTreeMap<String, u64>;

/// Every parent asks every proxy for pages and lists, by several tokens and applications, all at
/// once.
async fn storm(proxies: &[Deployment], requests: usize) -> Got {
    let mut tasks = JoinSet::new();
    for number in 0..requests {
        let proxy = &proxies[number % proxies.len()];
        let (family, parent) = (number / 2 % FAMILIES, number % 2 + 1);
        let reader = format!("F{family}-{parent}");
        let token = token(&proxy.files, &reader, number % 3, number);
        let address = proxy.address;
        let line = match number % 5 {
            0 => format!("GET /api/v1/family/K-{family}"),
            1 => format!("GET /api/v1/family/K-{family}/claims?pageSize=2"),
            _ => format!("GET /api/v1/family/K-{family}/claims"),
        };
        tasks.spawn(async move {
            let answer = ask(address, &line, &[&token]).await;
            assert!([200, 429].contains(&answer.status), "{}: {}", answer.status, answer.body);
            if answer.status == 429 {
                assert!(answer.field("retry-after").parse::<u64>().unwrap() > 0);
                assert_eq!(claims_in(&answer), 0);
            }
            (reader, claims_in(&answer))
        });
        if number % 32 == 31 {
            tokio::task::yield_now().await;
        }
    }
    let mut got = Got::new();
    while let Some(done) = tasks.join_next().await {
        let (reader, claims) = done.unwrap();
        *got.entry(reader).or_default() += claims;
    }
    got
}

fn of_family(got: &Got, family: usize) -> u64 {
    got.iter()
        .filter(|(reader, _)| reader.starts_with(&format!("F{family}-")))
        .map(|(_, it)| it)
        .sum()
}

const LIMITS: &str = "page-records: 12, reader: [{ records: 30 per 30d }, { requests: 5000 per 1m }], \
                      contract: [{ records: 45 per 30d }], client: [{ records: 100 per 30d }], \
                      subject: [{ records: 25 per 30d }]";

/// The tightest holds for everybody: readers, families, applications together.
fn within(got: &Got, slack: u64) {
    for (reader, records) in got {
        assert!(*records <= 30 * slack / 3, "{reader} got {records}");
    }
    for family in 0..FAMILIES {
        assert!(of_family(got, family) <= 45 * slack / 3, "{family}: {got:?}");
    }
    let all: u64 = got.values().sum();
    assert!(all <= 300.min(45 * u64::try_from(FAMILIES).unwrap()) * slack / 3, "{all}");
    assert!(all >= 150, "hardly anything was released: {got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_proxy_under_load_releases_no_more_than_its_budgets() {
    let upstream = payer().await;
    let more = format!("limits: {{ {LIMITS} }}");
    let proxy = files().start(&patient(&upstream, &more)).await;
    let got = storm(&[proxy], 360).await;
    within(&got, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_proxies_under_load_release_no_more_than_one_budget() {
    let server = Redis::start();
    let upstream = payer().await;
    let mut proxies = Vec::new();
    for _ in 0..3 {
        let more = format!(
            "cursors: {{ keys: cursor.keys }}\nadmin: {{ address: '127.0.0.2:0' }}\nlimits: {{ {LIMITS}, shared: {{ url: 'redis://127.0.0.1:{}', \
             proxies: 3, timeout: 2s }} }}",
            server.port
        );
        proxies.push(files().start(&patient(&upstream, &more)).await);
    }
    for proxy in &proxies {
        until_counting_together(proxy).await;
    }
    let got = storm(&proxies, 360).await;
    within(&got, 3);
    // Away in the middle: each proxy goes on with a third of what it has not given itself.
    let server = Arc::new(std::sync::Mutex::new(server));
    server.lock().unwrap().kill();
    let more = storm(&proxies, 180).await;
    let mut all = got;
    for (reader, records) in more {
        *all.entry(reader).or_default() += records;
    }
    within(&all, 5);
}

async fn until_counting_together(proxy: &Deployment) {
    for _ in 0..200 {
        let figures = ask(proxy.admin.unwrap(), "GET /metrics", &[]).await.body;
        if figures.contains("sequester_shared_limits_away 0\n")
            && figures.contains("sequester_limit_keys")
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the proxy does not reach its server");
}

#[tokio::test]
async fn who_has_a_token_that_does_not_hold_is_not_listened_to_for_ever() {
    let upstream = payer().await;
    let more = "limits: { address: [{ requests: 5 per 1h }] }";
    let proxy = files().start(&patient(&upstream, more)).await;
    let line = "GET /api/v1/family/K-0/claims";
    let good_token = token(&proxy.files, "F0-1", 0, 0);
    for _ in 0..4 {
        assert_eq!(ask(proxy.address, line, &["Authorization: Bearer a.b.c"]).await.status, 401);
        // Good ones cost nothing.
        assert_eq!(ask(proxy.address, line, &[&good_token]).await.status, 200);
    }
    assert_eq!(ask(proxy.address, line, &["Authorization: Bearer a.b.c"]).await.status, 401);
    let over = ask(proxy.address, line, &["Authorization: Bearer a.b.c"]).await;
    assert_eq!(over.status, 429);
    assert_eq!(over.field("ratelimit-policy"), "\"address-requests-1h\";q=5;w=3600");
    // BYPASSES L8: it is the same for everybody from there, whoever they say they are.
    assert_eq!(ask(proxy.address, line, &[&good_token]).await.status, 429);
    assert!(proxy.files.audit().iter().all(|line| line["event"] != "refuse"));
}

#[tokio::test]
async fn what_was_read_is_known_after_a_restart() {
    let upstream = payer().await;
    let more = "limits: { reader: [{ records: 10 per 30d }], state: limits.state }";
    let line = "GET /api/v1/family/K-0/claims";
    let mut files = files();
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let mut proxy = files.start(&patient(&upstream, more)).await;
        let token = token(&proxy.files, "F0-1", 0, 0);
        statuses.push(ask(proxy.address, line, &[&token]).await.status);
        proxy.end();
        files = proxy.stopped().await;
    }
    assert_eq!(statuses, [200, 429, 429]);
}

/// A server of this test alone.
struct Redis {
    port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Redis {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("tests/run installs redis-server");
        Redis { port, child, _folder: folder }
    }

    fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
