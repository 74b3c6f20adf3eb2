//! Pages of a FHIR search.

use super::payer::{Dialect, Item, Stage, next_of};
use crate::proxy::client::Answer;
use crate::proxy::deployment::{DAUGHTER, Deployment, MOTHER};
use crate::proxy::upstream::{Upstream, good};
use serde_json::Value;
use std::sync::{Arc, Mutex};

const NOTHING: &str = r#"{"resourceType":"Bundle","type":"searchset"}"#;

/// A condition found at a visit, which comes along.
fn condition(id: &str, visit: &str, patient: &str, code: &str) -> Item {
    let subject = format!("\"subject\":{{\"reference\":\"Patient/{patient}\"}}");
    let body = format!(
        "{{\"resourceType\":\"Condition\",\"id\":\"{id}\",{subject},\"encounter\":{{\"reference\":\"Encounter/{visit}\"}},\"code\":{{\"coding\":[{{\"system\":\"http://hl7.org/fhir/sid/icd-10-cm\",\"code\":\"{code}\"}}]}}}}"
    );
    let included = format!(
        "{{\"resourceType\":\"Encounter\",\"id\":\"{visit}\",\"status\":\"finished\",\"class\":{{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"AMB\"}},{subject}}}"
    );
    Item { body, included: Some(included) }
}

fn open(id: &str, visit: &str) -> Item {
    condition(id, visit, "p-104", "J06.9")
}

fn worlds() -> [Vec<Item>; 2] {
    let visits = ["z", "y", "y", "x", "z", "w", "v"];
    let without: Vec<Item> =
        visits.iter().enumerate().map(|(at, visit)| open(&format!("c-{at}"), visit)).collect();
    let mut with = Vec::new();
    for (number, item) in without.iter().enumerate() {
        for twin in 0..number % 3 {
            let (id, visit) = (format!("h-{number}-{twin}"), format!("hv-{number}"));
            with.push(condition(&id, &visit, "p-102", "F33.1"));
        }
        with.push(item.clone());
    }
    with.push(condition("h-last", "hv-last", "p-102", "F33.1"));
    [without, with]
}

fn names(answer: &Answer) -> Vec<String> {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    let entries = body["entry"].as_array().into_iter().flatten();
    entries.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_are_the_same_whatever_is_hidden() {
    let stage = Stage::set(Dialect::Link, "page-records: 2, reader: []", "").await;
    let search = "/fhir/Condition?_count=2&_include=Condition:encounter&onset-date=ge2020";
    let mut seen: Vec<Vec<Answer>> = Vec::new();
    for items in worlds() {
        stage.items(&items);
        seen.push(stage.pages(MOTHER, search).await);
    }
    let comparable = |pages: &[Answer]| pages.iter().map(Answer::comparable).collect::<Vec<_>>();
    assert_eq!(comparable(&seen[0]), comparable(&seen[1]));
    // What comes along stands behind the matches of the page that it belongs to, in the order
    // of names, and comes again with the next that points at it.
    let all: Vec<Vec<String>> = seen[0].iter().map(names).collect();
    assert_eq!(
        all,
        [
            vec!["c-0", "c-1", "y", "z"],
            vec!["c-2", "c-3", "x", "y"],
            vec!["c-4", "c-5", "w", "z"],
            vec!["c-6", "v"]
        ]
    );
    let body: Value = serde_json::from_str(&seen[0][0].body).unwrap();
    let around: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(around, ["entry", "link", "resourceType", "type"]);
    assert!(seen[0][0].body.starts_with(
        r#"{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"https://members.example/fhir/Condition?_include=Condition%3Aencounter&onset-date=ge2020&_count=2&_cursor="#
    ));
    assert!(!seen[0][3].body.contains("link"));
    // By GET and by POST, on the first page and on others, is the same.
    let form = search.split_once('?').unwrap().1;
    let posted = stage.post(MOTHER, "/fhir/Condition/_search", form).await;
    assert_eq!(posted.comparable(), seen[1][0].comparable());
    let second = next_of(search, "_cursor", &posted).unwrap();
    let form = second.split_once('?').unwrap().1;
    let posted = stage.post(MOTHER, "/fhir/Condition/_search", form).await;
    assert_eq!(posted.comparable(), seen[1][1].comparable());
    // No page, and a page of none.
    let none = stage.get(MOTHER, &search.replace("_count=2", "_count=0")).await;
    assert_eq!((none.status, none.body.as_str()), (200, NOTHING));
    for request in stage.asked() {
        assert!(!request.contains("_cursor"), "{request}");
    }
    // All of it is hers: the daughter's pages leave nothing out.
    stage.items(&worlds()[1]);
    let own = stage.pages(DAUGHTER, "/fhir/Condition?patient=p-102&_count=2").await;
    let own: Vec<String> = own.iter().flat_map(names).filter(|id| id.starts_with("h-")).collect();
    assert_eq!(own.len(), 7);
}

/// A server that answers everything with what is set.
async fn scripted() -> (Upstream, Deployment, Arc<Mutex<String>>) {
    let body = Arc::new(Mutex::new(String::new()));
    let said = Arc::clone(&body);
    let upstream =
        Upstream::answering(move |_| good("application/fhir+json", &said.lock().unwrap())).await;
    let deployment = Deployment::with_all_policies_before(&upstream.url()).await;
    (upstream, deployment, body)
}

fn entry(item: &Item, mode: &str) -> String {
    let mode = if mode.is_empty() {
        String::new()
    } else {
        format!(",\"search\":{{\"mode\":\"{mode}\"}}")
    };
    format!("{{\"resource\":{}{mode}}}", item.body)
}

fn bundle(entries: &[String], link: &str) -> String {
    let entries = entries.join(",");
    format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"link\":[{link}],\"entry\":[{entries}]}}"
    )
}

#[tokio::test]
async fn what_entries_are_there_for() {
    let (_upstream, deployment, body) = scripted().await;
    let visit = |id: &str| -> Item { open("x", id).included.unwrap().into() };
    let search = "/fhir/Condition?_include=Condition:encounter";
    let check = async |entries: &[String], expected: &[&str]| {
        *body.lock().unwrap() = bundle(entries, "");
        assert_eq!(names(&deployment.get(MOTHER, search).await), expected, "{entries:?}");
    };
    let (one, two) = (open("c-1", "v-1"), open("c-2", "v-2"));
    // Twice the same is once; as a match, if it is one.
    check(&[entry(&one, ""), entry(&one, "match"), entry(&two, "match")], &["c-1", "c-2"]).await;
    check(&[entry(&one, "include"), entry(&two, "match"), entry(&one, "match")], &["c-2", "c-1"])
        .await;
    // What nothing on the page points at stays behind, and so do outcomes.
    check(
        &[entry(&one, "match"), entry(&visit("v-1"), "include"), entry(&visit("v-9"), "include")],
        &["c-1", "v-1"],
    )
    .await;
    check(&[entry(&one, "match"), entry(&two, "outcome"), entry(&two, "surprise")], &["c-1"]).await;
    // A server that does not say what comes along.
    check(&[entry(&one, ""), entry(&visit("v-1"), ""), entry(&two, "")], &["c-1", "c-2", "v-1"])
        .await;
    // What only something hidden points at stays behind, though it is open itself.
    let hidden = condition("h-1", "v-1", "p-102", "F33.1");
    check(
        &[entry(&hidden, "match"), entry(&visit("v-1"), "include"), entry(&two, "match")],
        &["c-2"],
    )
    .await;
}

#[tokio::test]
async fn a_link_to_anywhere_else_is_not_followed() {
    let elsewhere = Upstream::scripted(good("application/fhir+json", NOTHING)).await;
    let (upstream, deployment, body) = scripted().await;
    for url in [
        format!("{}/fhir/Condition?page=2", elsewhere.url()),
        format!("//127.0.0.1:{}/fhir/Condition?page=2", elsewhere.port),
        "https://members.example.evil/fhir/Condition?page=2".to_owned(),
        "/admin?page=2".to_owned(),
        "/fhir/../admin?page=2".to_owned(),
        "/fhir/%2e%2e/admin?page=2".to_owned(),
        "Condition?page=2".to_owned(),
        String::new(),
        "/fhir/Condition?page=2\\r\\nX: y".to_owned(),
    ] {
        let link = format!("{{\"relation\":\"next\",\"url\":\"{url}\"}}");
        *body.lock().unwrap() = bundle(&[entry(&open("c-1", "v-1"), "")], &link);
        let before = upstream.requests().len();
        let answer = deployment.get(MOTHER, "/fhir/Condition").await;
        assert_eq!(answer.status, 502, "{url}: {}", answer.body);
        assert!(!answer.body.contains("c-1"));
        assert_eq!(upstream.requests().len(), before + 1, "{url}");
    }
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
    // One that leads to itself is asked once.
    let link = "{\"relation\":\"next\",\"url\":\"/fhir/Condition?page=2\"}";
    *body.lock().unwrap() = bundle(&[entry(&open("c-1", "v-1"), "")], link);
    let before = upstream.requests().len();
    assert_eq!(deployment.get(MOTHER, "/fhir/Condition").await.status, 502);
    assert_eq!(upstream.requests().len(), before + 2);
    // Pages are search sets.
    for wrong in ["collection", "history", "batch-response"] {
        *body.lock().unwrap() = bundle(&[], "").replace("searchset", wrong);
        assert_eq!(deployment.get(MOTHER, "/fhir/Condition").await.status, 502, "{wrong}");
    }
}
