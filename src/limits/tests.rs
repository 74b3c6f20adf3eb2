//! Requests per reader.

use super::*;

fn window(most: u32, per: Duration) -> Window {
    Window { most: NonZeroU32::new(most).unwrap(), per }
}

#[test]
fn the_request_after_the_last_is_refused_and_told_when_to_come_back() {
    let limits = Limits::of_requests(&[window(3, Duration::from_secs(60))]);
    for _ in 0..3 {
        assert_eq!(limits.request("M-100"), Ok(()));
    }
    let over = limits.request("M-100").unwrap_err();
    assert_eq!(over.window.most.get(), 3);
    assert!((1..=20).contains(&over.retry_after_s), "{over:?}");
}

#[test]
fn readers_do_not_use_up_each_others_requests() {
    let limits = Limits::of_requests(&[window(1, Duration::from_secs(60))]);
    assert_eq!(limits.request("M-100"), Ok(()));
    assert_eq!(limits.request("M-101"), Ok(()));
    assert!(limits.request("M-100").is_err());
}

#[test]
fn the_tightest_window_wins() {
    let limits = Limits::of_requests(&[
        window(100, Duration::from_secs(60)),
        window(2, Duration::from_secs(86_400)),
    ]);
    assert_eq!(limits.request("M-100"), Ok(()));
    assert_eq!(limits.request("M-100"), Ok(()));
    assert_eq!(limits.request("M-100").unwrap_err().window.most.get(), 2);
}

#[test]
fn cells_come_back() {
    let limits = Limits::of_requests(&[window(1, Duration::from_millis(20))]);
    assert_eq!(limits.request("M-100"), Ok(()));
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(limits.request("M-100"), Ok(()));
}

#[test]
fn a_full_table_refuses_readers_it_does_not_know() {
    let mut limits = Limits::of_requests(&[window(1, Duration::from_secs(60))]);
    limits.readers_max = 2;
    assert_eq!(limits.request("M-1"), Ok(()));
    assert_eq!(limits.request("M-2"), Ok(()));
    assert!(limits.request("M-3").is_err());
}

#[test]
fn without_windows_there_is_no_limit() {
    let limits = Limits::of_requests(&[]);
    for _ in 0..1000 {
        assert_eq!(limits.request("M-100"), Ok(()));
    }
}
