//! Everything that can be done to a log, and that it is found.

use super::*;
use std::os::unix::fs::FileExt;

/// A log of two segments, ended in order.
async fn small() -> Place {
    let mut place = Place::signed();
    place.settings.segment_bytes = 1700;
    place.write(5).await;
    assert_eq!(place.assert_whole().segments, 2);
    place
}

fn files(place: &Place) -> [PathBuf; 2] {
    [place.path("audit-00000001.jsonl"), place.path("audit.jsonl")]
}

fn text_lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().split_inclusive('\n').map(str::to_owned).collect()
}

/// Flips bits of a file, one at a time, and expects each to be found in its line.
fn flip(place: &Place, path: &Path, against: &Against, bits: impl Fn(u64) -> Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut line = 1;
    for (at, byte) in (0u64..).zip(&bytes) {
        for bit in bits(at) {
            file.write_all_at(&[byte ^ (1 << bit)], at).unwrap();
            let (wrong, _) = place.wrong(against);
            let here = format!("{name}:{line}: ");
            let found = wrong.iter().any(|wrong| wrong.starts_with(&here));
            assert!(found, "byte {at}, bit {bit}, line {line}: {wrong:?}");
            assert!(wrong.len() <= 4, "byte {at}, bit {bit}: {wrong:?}");
        }
        file.write_all_at(&[*byte], at).unwrap();
        line += usize::from(*byte == b'\n');
    }
    place.assert_whole();
}

#[tokio::test]
async fn every_bit_that_is_flipped_is_found_where_it_is() {
    let place = Place::signed();
    place.write(1).await;
    flip(&place, &place.settings.file, &place.against(), |_| (0..8).collect());
}

#[tokio::test]
async fn so_is_a_bit_of_every_byte_of_closed_segments_with_and_without_the_key() {
    let place = small().await;
    for against in [place.against(), Against::default()] {
        for path in files(&place) {
            flip(&place, &path, &against, |at| vec![u8::try_from(at % 8).unwrap()]);
        }
    }
}

/// Does something to every line of every file, and expects a mistake each time.
async fn each_line(what: &str, change: impl Fn(&mut Vec<String>, usize) -> bool) {
    let place = small().await;
    for path in files(&place) {
        let lines = text_lines(&path);
        for at in 0..lines.len() {
            let mut changed = lines.clone();
            if !change(&mut changed, at) {
                continue;
            }
            std::fs::write(&path, changed.concat()).unwrap();
            for against in [place.against(), Against::default()] {
                let (wrong, _) = place.wrong(&against);
                assert!(!wrong.is_empty(), "{what}: line {at} of {}", path.display());
            }
        }
        std::fs::write(&path, lines.concat()).unwrap();
    }
    place.assert_whole();
}

#[tokio::test]
async fn lines_that_are_removed_doubled_swapped_or_put_in_are_found() {
    each_line("removed", |lines, at| {
        lines.remove(at);
        true
    })
    .await;
    each_line("doubled", |lines, at| {
        lines.insert(at, lines[at].clone());
        true
    })
    .await;
    each_line("swapped", |lines, at| {
        let is_another = at + 1 < lines.len();
        if is_another {
            lines.swap(at, at + 1);
        }
        is_another
    })
    .await;
    each_line("moved to the end", |lines, at| {
        let line = lines.remove(at);
        lines.push(line);
        at + 1 < lines.len()
    })
    .await;
    each_line("put in", |lines, at| {
        lines.insert(at, "{\"n\":3,\"time\":\"2026-01-01T00:00:00Z\"}\n".to_owned());
        true
    })
    .await;
    each_line("an empty line", |lines, at| {
        lines.insert(at, "\n".to_owned());
        true
    })
    .await;
    each_line("cut off behind it", |lines, at| {
        let is_cut = at + 1 < lines.len();
        lines.truncate(at + 1);
        is_cut
    })
    .await;
}

#[tokio::test]
async fn where_lines_are_missing_is_told() {
    let place = small().await;
    let path = place.path("audit.jsonl");
    let mut lines = text_lines(&path);
    let n = serde_json::from_str::<serde_json::Value>(&lines[1]).unwrap()["n"].clone();
    lines.remove(1);
    std::fs::write(&path, lines.concat()).unwrap();
    let (wrong, _) = place.wrong(&place.against());
    assert_eq!(wrong, [format!("audit.jsonl:2: line {n} is missing before it")]);
}

#[tokio::test]
async fn a_segment_that_is_missing_is_told() {
    let mut place = Place::signed();
    place.settings.segment_bytes = 1700;
    place.write(30).await;
    std::fs::remove_file(place.path("audit-00000002.jsonl")).unwrap();
    let (wrong, _) = place.wrong(&place.against());
    assert_eq!(wrong, ["audit-00000003.jsonl:1: segments 2 to 2 are missing before it"]);
    std::fs::rename(place.path("audit-00000003.jsonl"), place.path("audit-00000002.jsonl"))
        .unwrap();
    let (wrong, _) = place.wrong(&place.against());
    assert!(wrong[0].contains("is of segment 3, not of this file"), "{wrong:?}");
}

#[tokio::test]
async fn an_end_that_is_cut_off_is_told_by_a_head() {
    let place = small().await;
    let (_, whole) = place.wrong(&place.against());
    let path = place.path("audit.jsonl");
    let mut lines = text_lines(&path);
    lines.pop();
    std::fs::write(&path, lines.concat()).unwrap();
    let (wrong, _) = place.wrong(&place.against());
    assert_eq!(wrong.len(), 1);
    assert!(wrong[0].ends_with("the head file says line 10: its end was cut off"), "{wrong:?}");
    // Who removes the head file too is found by a head that was kept elsewhere, and by nothing
    // else.
    std::fs::remove_file(place.path("audit.jsonl.head")).unwrap();
    assert_eq!(place.wrong(&place.against()).0, Vec::<String>::new());
    let heads = vec![whole.head.to_string().parse().unwrap()];
    let (wrong, _) = place.wrong(&Against { heads, ..place.against() });
    assert!(wrong[0].ends_with("the head that was named says line 10: its end was cut off"));
    // A log that was made anew is not the one of that head.
    let other = small().await;
    let (wrong, _) = other.wrong(&Against { heads: vec![whole.head], ..other.against() });
    assert_eq!(wrong, ["audit.jsonl:3: line 10 is not the one that the head that was named says"]);
}

#[tokio::test]
async fn a_log_that_was_made_anew_by_another_key_or_none_is_told() {
    let (place, other) = (small().await, small().await);
    let (wrong, _) = other.wrong(&place.against());
    assert!(wrong.iter().all(|wrong| wrong.ends_with("is signed by another key than was named")));
    assert_eq!(wrong.len(), 5, "{wrong:?}");
    let unsigned = Place::new(Durability::Written);
    unsigned.write(3).await;
    let (wrong, _) = unsigned.wrong(&place.against());
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong.iter().all(|wrong| wrong.ends_with("is not signed")));
    assert_eq!(unsigned.assert_whole().signed, None);
}
