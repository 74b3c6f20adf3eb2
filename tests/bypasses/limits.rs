//! L: limits on bulk reads.

use super::{CLAIMS, Files, MOTHER, SECRET, Stand, ask, claim, claims, good, harmless, hidden};
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

async fn limited(limits: &str) -> Stand {
    let body = claims(&[harmless(), hidden()]);
    Stand::house_with(good("application/json", &body), &format!("limits: {{ reader: [{limits}] }}"))
        .await
}

#[tokio::test]
async fn bypass_L1_many_tokens_of_one_person() {
    let stand = limited("{ requests: 3 per 1h }").await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut statuses = Vec::new();
    for number in 0..6 {
        let token = stand.proxy.files.sign(&json!({
            "iss": "https://login.example", "aud": "member-api", "member_id": MOTHER,
            "azp": format!("app-{number}"), "jti": number.to_string(), "iat": now - number,
            "exp": now + 300 + number,
        }));
        let fields =
            [format!("Authorization: Bearer {token}"), format!("User-Agent: app/{number}")];
        let fields = [fields[0].as_str(), fields[1].as_str()];
        statuses.push(ask(stand.proxy.address, &format!("GET {CLAIMS}"), &fields).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429, 429]);
    // Other names of the same person are that person.
    let files = Files::new();
    assert!(std::fs::read_to_string(files.path("members.csv")).unwrap().contains("M-100,"));
}

#[tokio::test]
async fn bypass_L4_requests_that_cost_more_than_one() {
    let body = claims(&vec![harmless(); 4]);
    let more = "limits: { reader: [{ records: 3 per 1h }, { requests: 50 per 1h }] }";
    let stand = Stand::house_with(good("application/json", &body), more).await;
    for _ in 0..5 {
        // More than ever comes back at once: refused, and not let through for once.
        let answer = stand.get(MOTHER, "/api/v1/family/C-1").await;
        assert_eq!((answer.status, answer.body.contains("CLM")), (429, false));
    }
    let stand = limited("{ records: 3 per 1h }").await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(stand.get(MOTHER, CLAIMS).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429], "the hidden one costs nothing");
    // A page size of the reader's does not reach the upstream, nor does a sum of them a limit.
    let stand = limited("{ requests: 9 per 1h }").await;
    stand.get(MOTHER, &format!("{CLAIMS}?pageSize=1000000")).await;
    assert!(stand.asked().iter().all(|asked| !asked.contains("1000000")));
}

#[tokio::test]
async fn bypass_L7_cursors_that_are_forged() {
    let stand = limited("{ requests: 99 per 1h }").await;
    for cursor in ["x", "", &"A".repeat(200), "..%2F..", "eyJhIjoxfQ", "%00", SECRET] {
        let answer = stand.get(MOTHER, &format!("{CLAIMS}?cursor={cursor}")).await;
        assert_eq!(answer.status, 400, "{cursor}");
        assert!(!answer.body.contains("CLM"));
    }
    assert!(stand.asked().is_empty(), "{:?}", stand.asked());
    // One of ours holds for its reader, its route and its query, and for nothing else.
    let stand = super::fhir::paged(&[]).await;
    let first = stand.get(MOTHER, "/fhir/Condition?patient=p-104&_count=2").await;
    let next = super::fhir::page_of(&first).1.unwrap();
    let next = next.strip_prefix("https://members.example").unwrap().to_owned();
    assert_eq!(super::fhir::page_of(&stand.get(MOTHER, &next).await).0, ["open-2", "open-3"]);
    let asked = stand.asked().len();
    let (front, back) = next.split_at(next.len() - 20);
    let other = if back.starts_with('A') { "B" } else { "A" };
    let forged = format!("{front}{other}{}", &back[1..]);
    for (reader, target) in [
        ("M-101", next.clone()),
        ("M-104", next.clone()),
        (MOTHER, next.replacen("/Condition", "/Claim", 1)),
        (MOTHER, format!("{next}&patient=p-103")),
        (MOTHER, next.replacen("p-104", "p-103", 1)),
        (MOTHER, forged),
        (MOTHER, next[..next.len() - 1].to_owned()),
    ] {
        if target == next && reader == MOTHER {
            continue;
        }
        let answer = stand.get(reader, &target).await;
        assert_eq!(answer.status, 400, "{reader} {target}: {}", answer.body);
    }
    assert_eq!(stand.asked().len(), asked);
}

#[tokio::test]
async fn bypass_L8_a_limit_that_tells_whether_an_account_exists() {
    let stand = limited("{ requests: 2 per 1h }").await;
    for _ in 0..30 {
        for token in ["Authorization: Bearer a.b.c", "Authorization: Basic eDp5", "X: y"] {
            let answer = ask(stand.proxy.address, &format!("GET {CLAIMS}"), &[token]).await;
            assert_eq!((answer.status, answer.field("ratelimit")), (401, ""));
        }
    }
    assert_eq!(stand.get(MOTHER, CLAIMS).await.status, 200);
    // A person who is in no row is limited like one who is.
    let mut nobody = Vec::new();
    for _ in 0..4 {
        nobody.push(stand.get("M-999", CLAIMS).await.status);
    }
    assert_eq!(nobody, [404, 404, 429, 429]);
}

#[tokio::test]
async fn bypass_L9_requests_at_once() {
    let stand = limited("{ requests: 10 per 1h }").await;
    let token = stand.proxy.files.token(MOTHER);
    let address = stand.proxy.address;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let token = token.clone();
        tasks.spawn(async move { ask(address, &format!("GET {CLAIMS}"), &[&token]).await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 50);
    // Records, too, are taken once.
    let body = claims(&[claim("A", "M-104", "J06.9", ""), claim("B", "M-104", "J06.9", "")]);
    let more = "limits: { reader: [{ records: 10 per 1h }, { requests: 999 per 1h }] }";
    let stand = Stand::house_with(good("application/json", &body), more).await;
    let (token, address) = (stand.proxy.files.token(MOTHER), stand.proxy.address);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let token = token.clone();
        tasks.spawn(async move { ask(address, &format!("GET {CLAIMS}"), &[&token]).await.status });
    }
    let statuses = tasks.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5);
}
