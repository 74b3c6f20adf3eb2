//! Time: whether a stopwatch tells what is hidden from what is not there.
//!
//! `cargo test --release --test it worlds::time -- --ignored --nocapture` asks for 10,000 bills
//! that are hidden and 10,000 that are not there, shuffled, over eight connections on loopback,
//! and compares how long the 404 takes. The upstream here takes as long for the one as for the
//! other; one that does not tells by itself, and no proxy can help that.

use super::client::Client;
use super::family::{Content, Family, Role};
use super::random::Random;
use super::records::Maker;
use super::setting;
use super::stage::{NO_LIMIT, prepared, settings};
use crate::proxy::deployment::Files;
use bytes::Bytes;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;

/// How many, as a number to calculate with.
fn many(times: &[f64]) -> f64 {
    f64::from(u32::try_from(times.len()).unwrap())
}

const CONNECTIONS: usize = 8;

/// An upstream that holds these bills, and finds any as fast as none.
async fn upstream(bill: String, hidden: HashSet<String>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let held = Arc::new((bill, hidden));
    tokio::spawn(async move {
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            socket.set_nodelay(true).ok();
            let held = Arc::clone(&held);
            tokio::spawn(async move {
                let service = service_fn(move |request: Request<hyper::body::Incoming>| {
                    let id = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
                    let there = held.1.contains(&id);
                    let body = held.0.replace("THE-ID", &id);
                    let body = if there { body } else { "{}".to_owned() };
                    let response = Response::builder()
                        .status(if there { 200 } else { 404 })
                        .header("Content-Type", "application/fhir+json")
                        .body(Full::new(Bytes::from(body)))
                        .unwrap();
                    async move { Ok::<_, Infallible>(response) }
                });
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(socket), service);
                drop(serving.await);
            });
        }
    });
    address
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn mean_and_variance(times: &[f64]) -> (f64, f64) {
    let count = many(times);
    let mean = times.iter().sum::<f64>() / count;
    let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
    (mean, squares / (count - 1.0))
}

/// How long so many reads of each took, milliseconds: hidden and absent. The first `cold` of each
/// connection are left out.
async fn measured(reads: usize, cold: usize) -> [Vec<f64>; 2] {
    let family = Family::new(0);
    let mut random = Random::new(setting("WORLDS_SEED", 1));
    let mut maker = Maker {
        family: &family,
        reader: Role::Mother,
        tag: "t".to_owned(),
        random: &mut random,
        count: 0,
    };
    let visit = maker.visit(Role::Daughter, Content::Mental);
    let bill = visit.iter().find(|item| item.kind == "ExplanationOfBenefit").unwrap();
    let bill = bill.body.to_string().replace(&bill.id, "THE-ID");
    let mut ids: Vec<(bool, String)> = (0..2 * reads)
        .map(|number| (number % 2 == 0, format!("b{:016x}", random.below(usize::MAX))))
        .collect();
    let hidden = ids.iter().filter(|(hidden, _)| *hidden).map(|(_, id)| id.clone()).collect();
    random.shuffle(&mut ids);
    let upstream = upstream(bill, hidden).await;
    let deployment = prepared(Files::with_all_policies())
        .start(&settings(upstream, "audit.jsonl", NO_LIMIT))
        .await;
    let token = deployment.files.token(&family.member(Role::Mother));
    let mut asking = Vec::new();
    for part in ids.chunks(ids.len().div_ceil(CONNECTIONS)) {
        let (part, token, address) = (part.to_vec(), token.clone(), deployment.address);
        asking.push(tokio::spawn(async move {
            let mut client = Client::new(address);
            let mut times = Vec::new();
            for (hidden, id) in part {
                let sent = format!(
                    "GET /fhir/ExplanationOfBenefit/{id} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n"
                );
                let began = Instant::now();
                let answer = client.ask(sent.as_bytes(), false).await;
                times.push((hidden, began.elapsed().as_secs_f64() * 1000.0));
                assert_eq!(answer.status, 404);
            }
            times
        }));
    }
    let [mut hidden, mut absent] = [Vec::new(), Vec::new()];
    for asked in asking {
        for (was_hidden, time) in asked.await.unwrap().into_iter().skip(cold) {
            if was_hidden { hidden.push(time) } else { absent.push(time) }
        }
    }
    [hidden, absent]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_wait_for_the_end_of_their_step() {
    for times in measured(16, 0).await {
        let least = times.iter().copied().fold(f64::MAX, f64::min);
        assert!(least > 19.0, "a 404 after {least} ms");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute, and measures: run it by itself, in a release build"]
async fn hidden_takes_as_long_as_absent() {
    let reads = usize::try_from(setting("WORLDS_READS", 10_000)).unwrap();
    let [mut hidden, mut absent] = measured(reads, 20).await;
    let ((a, va), (b, vb)) = (mean_and_variance(&hidden), mean_and_variance(&absent));
    let t = (a - b) / (va / many(&hidden) + vb / many(&absent)).sqrt();
    let medians = median(&mut hidden) - median(&mut absent);
    eprintln!(
        "{} hidden, {} absent: medians {:.4} ms and {:.4} ms (difference {medians:.4}), means {a:.4} ms and {b:.4} ms, Welch t = {t:.2}",
        hidden.len(),
        absent.len(),
        median(&mut hidden),
        median(&mut absent),
    );
    assert!(medians.abs() < 0.5, "the medians tell them apart");
    assert!(t.abs() < 4.5, "Welch's t-test tells them apart");
}
