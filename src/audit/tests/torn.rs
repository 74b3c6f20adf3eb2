//! What a kill or a power cut leaves, and how the log goes on.

use super::super::mark::Found;
use super::*;

/// A log whose process was killed: its files as they were before it ended in order.
async fn killed(entries: usize) -> Place {
    let place = Place::signed();
    let log = place.open();
    for _ in 0..entries {
        log.record(&Entry::new(&asker(), Event::Answer).status(200)).await.unwrap();
    }
    let names = ["audit.jsonl", "audit.jsonl.head"];
    let before = names.map(|name| std::fs::read(place.path(name)).unwrap());
    drop(log);
    for (name, bytes) in names.iter().zip(before) {
        std::fs::write(place.path(name), bytes).unwrap();
    }
    place
}

#[tokio::test]
async fn a_log_cut_at_any_byte_behind_its_head_goes_on_and_says_so() {
    let place = killed(2).await;
    let (whole, head) = (
        std::fs::read(place.path("audit.jsonl")).unwrap(),
        std::fs::read(place.path("audit.jsonl.head")).unwrap(),
    );
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    // The first two lines are marks, of which the head file tells.
    for cut in (ends[1]..=whole.len()).step_by(7).chain(ends[1..].iter().copied()) {
        for name in std::fs::read_dir(place.folder.path()).unwrap() {
            let path = name.unwrap().path();
            if path.to_str().unwrap().contains(".torn-") {
                std::fs::remove_file(path).unwrap();
            }
        }
        std::fs::write(place.path("audit.jsonl"), &whole[..cut]).unwrap();
        std::fs::write(place.path("audit.jsonl.head"), &head).unwrap();
        place.write(1).await;
        let (wrong, _) = place.wrong(&place.against());
        assert_eq!(wrong, Vec::<String>::new(), "cut at {cut}");
        let last_end = ends.iter().copied().filter(|end| *end <= cut).max().unwrap();
        let torn = cut - last_end;
        let lines = lines(&place.settings.file);
        let start = lines.iter().rfind(|line| line["event"] == "start").unwrap();
        assert_eq!(start["found"], "killed");
        if torn == 0 {
            assert!(start.get("torn").is_none(), "cut at {cut}");
            continue;
        }
        assert_eq!(start["torn"]["bytes"], torn, "cut at {cut}");
        let aside = place.path(start["torn"]["file"].as_str().unwrap());
        assert_eq!(std::fs::read(&aside).unwrap(), whole[last_end..cut], "cut at {cut}");
        // What is kept aside is under the seal too.
        std::fs::write(&aside, "else").unwrap();
        assert_eq!(place.wrong(&place.against()).0.len(), 1);
    }
}

#[tokio::test]
async fn pages_that_came_to_disk_out_of_order_are_kept_aside() {
    let place = killed(6).await;
    let path = place.path("audit.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let from = bytes.len() / 2;
    bytes[from..from + 100].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    place.write(1).await;
    place.assert_whole();
    let lines = lines(&path);
    let start = lines.iter().rfind(|line| line["event"] == "start").unwrap();
    assert!(start["torn"]["bytes"].as_u64().unwrap() > 100);
}

#[tokio::test]
async fn a_log_that_is_broken_before_its_head_is_not_written_on() {
    let place = Place::signed();
    place.write(3).await;
    let path = place.path("audit.jsonl");
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for broken in [&flipped[..], &whole[..whole.len() / 2], b""] {
        std::fs::write(&path, broken).unwrap();
        let refused = AuditLog::open(&place.settings).unwrap_err().to_string();
        assert!(refused.contains("its head file says line"), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), broken, "not a byte was changed");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(AuditLog::open(&place.settings).is_err());
    // The operator decides to go on without it.
    std::fs::remove_file(place.path("audit.jsonl.head")).unwrap();
    place.write(1).await;
    assert_eq!(place.assert_whole().head.n, 4);
}

#[tokio::test]
async fn ends_between_the_steps_of_closing_a_segment_lose_nothing() {
    let mut place = Place::signed();
    place.settings.segment_bytes = 1700;
    place.write(5).await;
    let (open, closed) = (place.path("audit.jsonl"), place.path("audit-00000001.jsonl"));
    // Sealed and not yet renamed.
    std::fs::rename(&closed, &open).unwrap();
    std::fs::remove_file(place.path("audit.jsonl.head")).unwrap();
    place.write(1).await;
    assert_eq!(place.assert_whole().segments, 2);
    // Renamed, and the next not yet begun.
    std::fs::remove_file(&open).unwrap();
    std::fs::remove_file(place.path("audit.jsonl.head")).unwrap();
    place.write(1).await;
    assert_eq!(place.assert_whole().segments, 2);
}

#[test]
fn words_of_the_marks() {
    assert_eq!(serde_json::to_string(&Found::Nothing).unwrap(), "\"nothing\"");
}
