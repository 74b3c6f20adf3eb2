//! What a request is charged for what.

use super::*;
use crate::engine::released::{Report, Tally};

const FAMILY: [&str; 1] = ["C-1"];

fn budget(limits: &Arc<Limits>, reader: &str) -> Budget {
    let contracts: Vec<String> = FAMILY.iter().map(ToString::to_string).collect();
    limits.budget(Who { reader, contracts: &contracts, client: Some("portal") })
}

/// So many records released, and as many again withheld, of each of these.
fn report(by: &[(&str, u64)]) -> Report {
    let tallies = by.iter().map(|(subject, released)| {
        (
            (*subject).to_owned(),
            Tally { released: *released, withheld: released + 1, ..Tally::default() },
        )
    });
    Report {
        released: by.iter().map(|(_, released)| released).sum(),
        withheld: 1_000,
        by_subject: tallies.collect(),
        ..Report::default()
    }
}

#[tokio::test]
async fn everything_is_counted_by_its_scope() {
    for (limit, reader, dimension, shown, bytes) in [
        ("reader records 10 per 1d", "M-1", "records", &[("M-2", 6)][..], 1),
        ("reader bytes 999B per 1d", "M-1", "bytes", &[("M-2", 1)], 500),
        ("reader subjects 1 per 1d", "M-1", "subjects", &[("M-2", 1), ("M-3", 1)], 1),
        ("contract records 10 per 1d", "M-1", "records", &[("M-2", 6)], 1),
        ("contract subjects 2 per 1d", "M-1", "subjects", &[("M-2", 1), ("M-3", 1), ("M-4", 1)], 1),
        ("contract bytes 999B per 1d", "M-1", "bytes", &[("M-2", 1)], 500),
        ("client records 10 per 1d", "M-1", "records", &[("M-1", 6)], 1),
        ("client bytes 999B per 1d", "M-1", "bytes", &[("M-1", 6)], 500),
        ("subject records 10 per 1d", "M-1", "records", &[("M-2", 6)], 1),
        ("subject requests 1 per 1d", "M-1", "requests", &[("M-2", 6)], 1),
        ("subject bytes 999B per 1d", "M-1", "bytes", &[("M-2", 6)], 500),
    ] {
        let limits = limits(&[limit]);
        let shown = report(shown);
        // What is over at once is refused at once, what adds up the second time.
        let first = budget(&limits, reader).release(&shown, bytes).await;
        let over = match first {
            Err(over) => over,
            Ok(()) => budget(&limits, reader).release(&shown, bytes).await.expect_err(limit),
        };
        assert_eq!(
            (over.scope.name(), over.dimension()),
            (limit.split(' ').next().unwrap(), dimension)
        );
    }
}

#[tokio::test]
async fn bypass_L2_a_family_that_shares_out_a_scrape() {
    let limits = limits(&["reader records 10 per 1d", "contract records 25 per 1d"]);
    let shown = report(&[("M-4", 9)]);
    for reader in ["M-1", "M-2"] {
        assert!(budget(&limits, reader).release(&shown, 1).await.is_ok());
    }
    let over = budget(&limits, "M-3").release(&shown, 1).await.unwrap_err();
    assert_eq!(over.scope, Scope::Contract);
    // Another family is another budget.
    let other = Who { reader: "M-9", contracts: &["C-2".to_owned()], client: None };
    assert!(limits.budget(other).release(&shown, 1).await.is_ok());
}

#[tokio::test]
async fn who_reads_about_themselves_uses_nothing_of_their_family_up() {
    let limits = limits(&[
        "contract records 5 per 1d",
        "contract bytes 100B per 1d",
        "contract subjects 1 per 1d",
    ]);
    for _ in 0..50 {
        assert_eq!(budget(&limits, "M-2").release(&report(&[("M-2", 40)]), 4_000).await, Ok(()));
    }
    // Of a body about several, what is about others.
    assert_eq!(
        budget(&limits, "M-2").release(&report(&[("M-2", 99), ("M-4", 1)]), 5_000).await,
        Ok(())
    );
    assert!(budget(&limits, "M-1").release(&report(&[("M-4", 5)]), 50).await.is_err());
    assert_eq!(budget(&limits, "M-1").release(&report(&[("M-4", 4)]), 50).await, Ok(()));
}

#[tokio::test]
async fn what_is_withheld_costs_nothing() {
    let limits = limits(&[
        "reader records 5 per 1d",
        "subject records 5 per 1d",
        "reader subjects 1 per 1d",
    ]);
    for hidden in 0..50 {
        let mut shown = report(&[("M-2", 0), (&format!("M-{hidden}"), 0)]);
        shown.released = 0;
        assert_eq!(budget(&limits, "M-1").release(&shown, 2).await, Ok(()));
    }
    assert_eq!(limits.keys(), 1, "nor is it remembered");
    assert_eq!(budget(&limits, "M-1").release(&report(&[("M-2", 5)]), 2).await, Ok(()));
}

#[tokio::test]
async fn a_stream_is_one_answer_about_a_subject() {
    let limits = limits(&["subject requests 2 per 1d"]);
    let mut stream = budget(&limits, "M-1");
    for _ in 0..9 {
        assert_eq!(stream.release(&report(&[("M-2", 5)]), 2).await, Ok(()));
    }
    let mut another = budget(&limits, "M-1");
    assert_eq!(another.release(&report(&[("M-2", 5)]), 2).await, Ok(()));
    assert!(budget(&limits, "M-1").release(&report(&[("M-2", 5)]), 2).await.is_err());
}

#[tokio::test]
async fn fields_tell_the_tightest_rate_of_the_reader_and_of_nobody_else() {
    let limits = limits(&[
        "reader requests 3 per 1m",
        "reader records 100 per 1d",
        "reader bytes 1MiB per 1h",
        "reader subjects 4 per 30d",
        "contract requests 2 per 1d",
    ]);
    let mut one = budget(&limits, "M-1");
    let told = |budget: &Budget| {
        let mut fields = hyper::header::HeaderMap::new();
        budget.tell(&mut fields);
        let text = |name: &str| {
            fields.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        (text("ratelimit-policy"), text("ratelimit"))
    };
    assert_eq!(told(&one), (String::new(), String::new()));
    one.request().await.unwrap();
    assert_eq!(told(&one), (String::new(), String::new()), "more than half is left");
    let policy = "\"requests-1m\";q=3;w=60, \"records-1d\";q=100;w=86400;qu=\"records\", \
                  \"bytes-1h\";q=1048576;w=3600;qu=\"content-bytes\", \
                  \"subjects-30d\";q=4;w=2592000;qu=\"subjects\"";
    one.release(&report(&[("M-1", 1), ("M-2", 1), ("M-3", 1)]), 5).await.unwrap();
    assert_eq!(told(&one), (policy.to_owned(), "\"subjects-30d\";r=1;t=2592000".to_owned()));
    // The contract's is named by the refusal alone, without a figure.
    budget(&limits, "M-2").request().await.unwrap();
    let over = budget(&limits, "M-3").request().await.unwrap_err();
    let mut fields = hyper::header::HeaderMap::new();
    over.tell(&mut fields);
    assert_eq!(fields["ratelimit-policy"], "\"contract-requests-1d\";q=2;w=86400");
    assert_eq!(
        fields["ratelimit"],
        format!("\"contract-requests-1d\";r=0;t={}", over.retry_after_s).as_str()
    );
    assert_eq!(fields["retry-after"], over.retry_after_s.to_string().as_str());
}

#[test]
fn long_reads_at_a_time() {
    let limits = limits(&[]);
    let mother = budget(&limits, "M-1");
    let (one, two) = (mother.long_read().unwrap(), mother.long_read().unwrap());
    assert_eq!(mother.long_read().unwrap_err().limit, Limit::LongReads(2));
    assert!(budget(&limits, "M-2").long_read().is_ok());
    drop(one);
    let three = mother.long_read().unwrap();
    assert!(mother.long_read().is_err());
    drop((two, three));
    assert!(mother.long_read().is_ok());
}

#[test]
fn bypass_L3_addresses_of_one_subscriber_are_one() {
    let limits = limits(&["address requests 3 per 1h"]);
    let at = |text: &str| limits.block_of(text.parse().unwrap());
    for host in 0..3 {
        let address = at(&format!("2001:db8:7:9::{host}"));
        assert_eq!(limits.address(address), Ok(()));
        limits.bad_credentials(address);
    }
    assert!(limits.address(at("2001:db8:7:9:ffff:ffff:ffff:ffff")).is_err());
    assert_eq!(limits.address(at("2001:db8:7:a::1")), Ok(()));
    for _ in 0..3 {
        limits.bad_credentials(at("192.0.2.7"));
    }
    assert!(limits.address(at("192.0.2.7")).is_err());
    assert!(limits.address(at("::ffff:192.0.2.7")).is_err());
    assert_eq!(limits.address(at("192.0.2.8")), Ok(()));
}
