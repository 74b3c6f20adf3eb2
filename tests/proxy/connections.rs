//! Connections that stand still, many at once, and the end.

use super::client::{self, ask, exchange_on, parse};
use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, shipped, yaml};
use super::upstream::{Step, Upstream, good};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

const CLAIMS: &str = "/api/v1/family/C-1/claims";

async fn claims() -> Upstream {
    Upstream::scripted(good("application/json", &shipped("cases/bodies/claims.json"))).await
}

/// How long until the proxy closes a connection on which this was sent, byte by byte if `slow`.
async fn closed_after(deployment: &Deployment, sent: &[u8], slow: bool) -> Duration {
    let began = Instant::now();
    let socket = TcpStream::connect(deployment.address).await.unwrap();
    let (mut reading, mut writing) = socket.into_split();
    let sent = sent.to_vec();
    let writer = tokio::spawn(async move {
        if slow {
            for byte in sent {
                if writing.write_all(&[byte]).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        } else {
            writing.write_all(&sent).await.unwrap();
        }
        writing
    });
    let mut read = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(20), reading.read_to_end(&mut read)).await;
    end.unwrap().ok();
    writer.abort();
    began.elapsed()
}

#[tokio::test]
async fn a_form_that_dribbles() {
    let upstream = claims().await;
    let deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(MOTHER);
    let head = format!(
        "POST {CLAIMS} HTTP/1.1\r\nHost: a\r\n{token}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\na"
    );
    let time = closed_after(&deployment, head.as_bytes(), false).await;
    assert!(time > Duration::from_secs(8) && time < Duration::from_secs(25), "{time:?}");
}

#[tokio::test]
async fn many_readers_at_once_each_get_their_own() {
    let upstream = claims().await;
    let more = "limits: { reader: [{ requests: 10000 per 1m }] }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    let mother = deployment.get(MOTHER, CLAIMS).await.comparable();
    let daughter = deployment.get(DAUGHTER, CLAIMS).await.comparable();
    assert_ne!(mother, daughter);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let member = if number % 2 == 0 { MOTHER } else { DAUGHTER };
        let (token, address) = (deployment.files.token(member), deployment.address);
        tasks.spawn(async move {
            (member, ask(address, &format!("GET {CLAIMS}"), &[&token]).await.comparable())
        });
    }
    while let Some(outcome) = tasks.join_next().await {
        let (member, answer) = outcome.unwrap();
        assert_eq!(answer, if member == MOTHER { mother.clone() } else { daughter.clone() });
    }
    assert_eq!(deployment.files.audit().len(), 202);
}

#[tokio::test]
async fn what_is_under_way_ends_well_when_told_to_end() {
    let mut script = vec![Step::Wait(Duration::from_millis(400))];
    script.extend(good("application/json", &shipped("cases/bodies/claims.json")));
    let upstream = Upstream::scripted(script).await;
    let mut deployment = Deployment::before(&upstream.url()).await;
    let token = deployment.files.token(DAUGHTER);
    let address = deployment.address;
    // An idle connection does not hold up the end.
    let mut idle = TcpStream::connect(address).await.unwrap();
    let under_way =
        tokio::spawn(async move { ask(address, &format!("GET {CLAIMS}"), &[&token]).await });
    tokio::time::sleep(Duration::from_millis(150)).await;
    deployment.end();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(TcpStream::connect(address).await.is_err(), "no new connection");
    let answer = under_way.await.unwrap();
    assert_eq!((answer.status, answer.whole), (200, true));
    let began = Instant::now();
    assert!(deployment.ended().await);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_portal_on_a_unix_socket_names_the_reader() {
    let upstream = claims().await;
    let files = Files::new();
    let path = files.path("portal.sock");
    let jwt = "jwt: { issuer: https://login.example, audience: member-api, keys: jwks.json, \
               member-claim: member_id, client-claim: azp }";
    let text = yaml(&upstream.url(), "")
        .replace("127.0.0.1:0", &format!("unix:{}", path.display()))
        .replace(jwt, "header: { name: X-Member-Id }");
    let deployment = files.start(&text).await;
    let ask = async |fields: &[&str]| {
        let mut socket = UnixStream::connect(&path).await.unwrap();
        let sent = client::request(&format!("GET {CLAIMS}"), fields, "");
        parse(&exchange_on(&mut socket, &sent).await)
    };
    let daughter = ask(&["X-Member-Id: M-102"]).await;
    assert_eq!(daughter.status, 200);
    assert!(daughter.body.contains("CLM-2"));
    assert!(!ask(&["X-Member-Id: M-100"]).await.body.contains("CLM-2"));
    assert_eq!(ask(&[]).await.status, 401);
    assert_eq!(ask(&["X-Member-Id: M-102 "]).await.status, 200, "blanks around a field are none");
    assert_eq!(ask(&["X-Member-Id: M 102"]).await.status, 401);
    for two in [
        ["X-Member-Id: M-100", "X-Member-Id: M-102"],
        ["X-Member-Id: M-100", "X_Member_Id: M-102"],
        ["X-Member-Id: M-100", "Authorization: Bearer x"],
    ] {
        assert_eq!(ask(&two).await.status, 400, "{two:?}");
    }
    drop(deployment);
}

#[tokio::test]
async fn keys_from_a_url() {
    let upstream = claims().await;
    let files = Files::new();
    let keys = std::fs::read_to_string(files.path("jwks.json")).unwrap();
    let issuer = Upstream::scripted(good("application/json", &keys)).await;
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }")
        .replace("keys: jwks.json", &format!("keys: '{}/jwks'", issuer.url()));
    let deployment = files.start(&text).await;
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 200);
    let ready = ask(deployment.admin.unwrap(), "GET /readyz", &[]).await;
    assert_eq!(ready.status, 200);
}

#[tokio::test]
async fn an_issuer_that_is_away_lets_nobody_in() {
    let upstream = claims().await;
    let issuer = Upstream::scripted(vec![Step::Reset]).await;
    let text = yaml(&upstream.url(), "admin: { address: '127.0.0.2:0' }")
        .replace("keys: jwks.json", &format!("keys: '{}/jwks'", issuer.url()));
    let deployment = Files::new().start(&text).await;
    assert_eq!(deployment.get(MOTHER, CLAIMS).await.status, 401);
    let ready = ask(deployment.admin.unwrap(), "GET /readyz", &[]).await;
    assert_eq!((ready.status, ready.body.as_str()), (503, "no keys to check tokens with\n"));
}
