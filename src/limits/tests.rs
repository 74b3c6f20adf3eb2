//! Requests and records per reader.
#![expect(non_snake_case, reason = "a test is named by its id in the catalogue of bypasses")]

use super::*;

fn rate(most: u32, per: Duration) -> Rate {
    Rate { most: NonZeroU32::new(most).unwrap(), per }
}

fn requests(rates: &[Rate]) -> Limits {
    let keyed = |rate: &Rate| Keyed::new(Counted::Requests, *rate, 3);
    Limits { requests: rates.iter().map(keyed).collect(), records: Vec::new() }
}

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn the_request_after_the_last_is_refused_and_told_when_to_come_back() {
    let limits = requests(&[rate(3, MINUTE)]);
    for _ in 0..3 {
        assert_eq!(limits.request("M-100"), Ok(()));
    }
    let over = limits.request("M-100").unwrap_err();
    assert_eq!((over.counted, over.rate.most.get()), (Counted::Requests, 3));
    assert!((1..=20).contains(&over.retry_after_s), "{over:?}");
}

#[test]
fn readers_do_not_use_up_each_others_requests() {
    let limits = requests(&[rate(1, MINUTE)]);
    assert_eq!(limits.request("M-100"), Ok(()));
    assert_eq!(limits.request("M-101"), Ok(()));
    assert!(limits.request("M-100").is_err());
}

#[test]
fn the_tightest_rate_wins() {
    let limits = requests(&[rate(100, MINUTE), rate(2, MINUTE * 1440)]);
    assert_eq!(limits.request("M-100"), Ok(()));
    assert_eq!(limits.request("M-100"), Ok(()));
    assert_eq!(limits.request("M-100").unwrap_err().rate.most.get(), 2);
}

#[test]
fn cells_come_back() {
    let limits = requests(&[rate(1, Duration::from_millis(20))]);
    assert_eq!(limits.request("M-100"), Ok(()));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(limits.request("M-100"), Ok(()));
}

#[test]
fn bypass_L5_a_full_table_refuses_readers_it_does_not_know() {
    let limits = requests(&[rate(1, MINUTE)]);
    for reader in ["M-1", "M-2", "M-3"] {
        assert_eq!(limits.request(reader), Ok(()));
    }
    assert!(limits.request("M-4").is_err());
    // Readers with all their cells back are forgotten, and make room.
    let limits = requests(&[rate(1, Duration::from_millis(20))]);
    for reader in 0..30 {
        std::thread::sleep(Duration::from_millis(if reader % 3 == 0 { 80 } else { 0 }));
        assert_eq!(limits.request(&format!("M-{reader}")), Ok(()));
        assert!(limits.requests[0].readers.len() <= 3);
    }
}

#[test]
fn records_are_charged_by_number() {
    let records = vec![Keyed::new(Counted::Records, rate(100, MINUTE), 3)];
    let limits = Limits { requests: Vec::new(), records };
    assert_eq!(limits.records("M-100", 0), Ok(()));
    assert_eq!(limits.records("M-100", 60), Ok(()));
    assert_eq!(limits.records("M-100", 60).unwrap_err().counted, Counted::Records);
    assert_eq!(limits.records("M-100", 40), Ok(()));
    // More than the rate ever lets through at once: refused, not let through.
    assert!(limits.records("M-101", 101).is_err());
    assert!(limits.records("M-101", u64::MAX).is_err());
}

#[test]
fn without_rates_there_is_no_limit() {
    let limits = requests(&[]);
    for _ in 0..1000 {
        assert_eq!(limits.request("M-100"), Ok(()));
    }
}
