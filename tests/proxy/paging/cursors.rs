//! Cursors that do not open: one answer, which names the parameter and nothing else.

use super::houses::{CLAIMS, worlds};
use super::payer::{Dialect, Stage, next_of};
use crate::proxy::deployment::MOTHER;

#[tokio::test]
async fn a_cursor_opens_for_its_reader_its_search_and_its_policies_alone() {
    let stage = Stage::set(Dialect::Cursor, "page-records: 3, reader: []", "").await;
    stage.items(&worlds()[1]);
    let target = format!("{CLAIMS}?pageSize=2&from=2026-01-01&status=paid");
    let second = next_of(&target, "cursor", &stage.get(MOTHER, &target).await).unwrap();
    let good = stage.get(MOTHER, &second).await;
    assert_eq!(good.status, 200);
    // How many, and in which order the parameters come, is the reader's to change.
    let (path, query) = second.split_once('?').unwrap();
    let turned: Vec<&str> = query.split('&').rev().collect();
    let turned = stage.get(MOTHER, &format!("{path}?{}", turned.join("&"))).await;
    assert_eq!(turned.comparable(), good.comparable());
    let more = stage.get(MOTHER, &second.replace("pageSize=2", "pageSize=3")).await;
    assert_eq!(more.status, 200);
    let before = stage.asked().len();
    let cursor = query.split('&').find_map(|pair| pair.strip_prefix("cursor=")).unwrap();
    let mut letters: Vec<char> = cursor.chars().collect();
    letters[30] = if letters[30] == 'A' { 'B' } else { 'A' };
    let forged: String = letters.into_iter().collect();
    let expected = stage.get(MOTHER, &format!("{CLAIMS}?cursor=x")).await;
    assert_eq!(expected.status, 400);
    assert_eq!(
        expected.body,
        r#"{"detail":"query parameter `cursor` is not open here","status":400,"title":"Bad Request"}"#
    );
    for (member, target) in [
        (MOTHER, second.replace(cursor, &forged)),
        (MOTHER, second.replace(cursor, cursor.get(..59).unwrap())),
        (MOTHER, second.replace(cursor, "")),
        (MOTHER, second.replace(cursor, "at-2")),
        (MOTHER, second.replace(cursor, "2")),
        (MOTHER, format!("{second}&cursor={cursor}")),
        ("M-101", second.clone()),
        (MOTHER, second.replace("paid", "open")),
        (MOTHER, second.replace("&status=paid", "")),
        (MOTHER, second.replace("family/C-1/claims", "family/C-1/messages")),
        (MOTHER, second.replace("family/C-1/claims", "members/M-100/claims")),
    ] {
        let answer = stage.get(member, &target).await;
        assert_eq!(answer.comparable(), expected.comparable(), "{target}");
    }
    assert_eq!(stage.asked().len(), before, "nothing is asked for a cursor that does not open");
    // Another policy set.
    let rules = "policies/rules/us-federal.yaml";
    let files = &stage.proxy.files;
    let written = std::fs::read_to_string(files.path(rules)).unwrap();
    files.write(rules, format!("{written}# changed\n"));
    for _ in 0..100 {
        let answer = stage.get(MOTHER, &second).await;
        if answer.status == 400 {
            assert_eq!(answer.comparable(), expected.comparable());
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    panic!("the cursor outlives its policies");
}

#[tokio::test]
async fn offsets_and_numbers_of_the_readers_own_are_refused() {
    for (dialect, own) in [(Dialect::Offset, "start"), (Dialect::Page, "pageNumber")] {
        let stage = Stage::set(dialect, "reader: []", "").await;
        stage.items(&worlds()[0]);
        for value in ["0", "1", "2", "200", "-1", "true", ""] {
            let answer = stage.get(MOTHER, &format!("{CLAIMS}?{own}={value}")).await;
            assert_eq!(answer.status, 400, "{own}={value}");
            assert!(answer.body.contains(&format!("`{own}`")), "{}", answer.body);
        }
        let answer = stage.get(MOTHER, &format!("{CLAIMS}?cursor=1")).await;
        assert_eq!(answer.status, 400, "a parameter of another dialect");
        assert_eq!(stage.asked().len(), 0);
    }
}

#[tokio::test]
async fn proxies_with_one_key_take_each_others_cursors() {
    let key = "c2VxdWVzdGVyJ3Mgb3duIHR3byB3b3JsZHMga2V5IDE=\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, key).unwrap();
    let more = format!("cursors: {{ keys: {}, expire: 30d }}", path.display());
    let one = Stage::set(Dialect::Cursor, "reader: []", &more).await;
    let other = Stage::set(Dialect::Cursor, "reader: []", &more).await;
    let alone = Stage::set(Dialect::Cursor, "reader: []", "").await;
    let target = format!("{CLAIMS}?pageSize=2");
    for stage in [&one, &other, &alone] {
        stage.items(&worlds()[0]);
    }
    let second = next_of(&target, "cursor", &one.get(MOTHER, &target).await).unwrap();
    let here = one.get(MOTHER, &second).await;
    let there = other.get(MOTHER, &second).await;
    assert_eq!((here.status, there.comparable()), (200, here.comparable()));
    assert_eq!(alone.get(MOTHER, &second).await.status, 400);
}
