//! Upstreams whose pages cannot be followed: a 502, nothing of what was read, and no end to be
//! taken for one.

use super::houses::{CLAIMS, open, worlds};
use super::payer::{Dialect, Item, Stage, parameter};
use crate::proxy::deployment::{DAUGHTER, Deployment, Files, MOTHER, yaml};
use crate::proxy::upstream::{Step, Upstream, good, headed, raw};

/// A first page that is fine, and what follows it.
async fn second_page(first_next: &str, script: Vec<Step>) -> (Upstream, Deployment) {
    let first =
        format!("{{\"claims\":[{}],\"page\":{{\"next\":{first_next}}}}}", open("CLM-1").body);
    let upstream = Upstream::answering(move |request| {
        if parameter(request, "cursor").is_some() {
            script.clone()
        } else {
            good("application/json", &first)
        }
    })
    .await;
    let deployment = Deployment::before(&upstream.url()).await;
    (upstream, deployment)
}

/// The fixed 502 to everybody, and what was read is not in it.
async fn check_broken(what: &str, status: u16, upstream: &Upstream, deployment: &Deployment) {
    for reader in [MOTHER, DAUGHTER] {
        let answer = deployment.get(reader, CLAIMS).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert!(!answer.body.contains("CLM"), "{what}");
    }
    assert!(upstream.requests().len() <= 2 * 101, "{what}");
    let audit = deployment.files.audit();
    assert!(audit.iter().all(|line| line["event"] == "refuse"), "{what}: {audit:?}");
}

#[tokio::test]
async fn a_broken_later_page_is_no_end() {
    let page = |claims: &str, next: &str| {
        good("application/json", &format!("{{\"claims\":{claims},\"page\":{{\"next\":{next}}}}}"))
    };
    for (what, status, script) in [
        ("absent", 502, headed("HTTP/1.1 404 Not Found\nContent-Length: 0", b"")),
        ("forbidden", 502, headed("HTTP/1.1 403 Forbidden\nContent-Length: 0", b"")),
        ("a bad request", 502, headed("HTTP/1.1 400 Bad Request\nContent-Length: 0", b"")),
        ("elsewhere", 502, headed("HTTP/1.1 302 Found\nLocation: /x\nContent-Length: 0", b"")),
        ("of another type", 502, good("text/html", "{\"claims\":[]}")),
        ("no JSON", 502, good("application/json", "{\"claims\":[")),
        ("two keys", 502, good("application/json", "{\"claims\":[],\"claims\":[]}")),
        ("no object", 502, good("application/json", "[]")),
        ("no list", 502, good("application/json", "{}")),
        ("two lists", 502, good("application/json", "{\"claims\":[],\"members\":[]}")),
        ("a list that is none", 502, good("application/json", "{\"claims\":{}}")),
        ("too deep", 502, page(&"[".repeat(70), "null")),
        ("a next that cannot be read", 502, page("[]", "{}")),
        ("a next that came before", 502, page("[]", "\"a\"")),
        (
            "cut off",
            502,
            headed(
                "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 99",
                b"{\"claims\":[]}",
            ),
        ),
        ("no HTTP", 502, raw("nonsense\n\n")),
        ("silence", 504, vec![Step::Hang]),
    ] {
        let (upstream, deployment) = second_page("\"a\"", script).await;
        check_broken(what, status, &upstream, &deployment).await;
    }
}

#[tokio::test]
async fn a_later_page_over_hold() {
    let long = format!("{{\"claims\":[]{}}}", " ".repeat(9 * 1024 * 1024));
    let (upstream, deployment) = second_page("\"a\"", good("application/json", &long)).await;
    check_broken("over hold", 502, &upstream, &deployment).await;
    assert_eq!(deployment.files.audit()[0]["fault"], "a body over the limit `hold`");
}

#[tokio::test]
async fn pages_that_do_not_end() {
    // Each page has another next, and nothing else.
    let count = std::sync::atomic::AtomicUsize::new(0);
    let upstream = Upstream::answering(move |_| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let next = format!("{{\"claims\":[],\"page\":{{\"next\":\"{number}\"}}}}");
        good("application/json", &next)
    })
    .await;
    let more = "limits: { upstream-pages: 7 }\nadmin: { address: '127.0.0.2:0' }";
    let deployment = Files::new().start(&yaml(&upstream.url(), more)).await;
    let answer = deployment.get(MOTHER, CLAIMS).await;
    assert_eq!(answer.status, 502);
    assert_eq!(upstream.requests().len(), 7);
    let line = &deployment.files.audit()[0];
    assert_eq!(line["fault"], "a body over the limit `upstream-pages`");
    assert_eq!(line["findings"]["upstream-pages"], 1);
    let figures = crate::proxy::client::ask(deployment.admin.unwrap(), "GET /metrics", &[]).await;
    let figure = "sequester_findings_total{finding=\"upstream-pages\"} 1";
    assert!(figures.body.contains(figure), "{}", figures.body);
}

#[tokio::test]
async fn as_many_pages_as_may_be_are_no_fault() {
    let stage = Stage::set(Dialect::Cursor, "upstream-pages: 4, reader: []", "").await;
    stage.holds(|held| held.page_max = 3);
    let items: Vec<Item> = (0..12).map(|number| open(&format!("CLM-{number}"))).collect();
    stage.items(&items);
    assert_eq!(stage.get(MOTHER, CLAIMS).await.status, 200);
    stage.holds(|held| held.items.push(open("CLM-12")));
    assert_eq!(stage.get(MOTHER, CLAIMS).await.status, 502);
}

#[tokio::test]
async fn the_pages_of_a_search_are_held_together() {
    let stage = Stage::set(Dialect::Cursor, "hold: 1MiB, held: 1MiB, reader: []", "").await;
    stage.holds(|held| held.page_max = 1);
    let filler = " ".repeat(400_000);
    let item = |number: usize| -> Item {
        open(&format!("CLM-{number}"))
            .body
            .replace("\"memberId\"", &format!("{filler}\"memberId\""))
            .into()
    };
    stage.items(&[item(0), item(1)]);
    assert_eq!(stage.get(MOTHER, CLAIMS).await.status, 200);
    stage.items(&[item(0), item(1), item(2)]);
    assert_eq!(stage.get(MOTHER, CLAIMS).await.status, 503);
    stage.items(&worlds()[0]);
    assert_eq!(stage.get(MOTHER, CLAIMS).await.status, 200, "all was given back");
}
