//! LAST-GOOD, of one file.

use super::*;

fn number(text: &[u8]) -> Result<u32, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    text.parse().map_err(|_| "is no number".to_owned())
}

#[test]
fn last_good_stays_and_each_state_is_refused_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("number");
    let told = |file: &Reread<u32>| -> Vec<String> {
        file.refused().into_iter().map(|refused| refused.message).collect()
    };
    fs::write(&path, "1").unwrap();
    let file = Reread::open(&path, 3, number).unwrap();
    assert!(!file.look());
    // As deployments do: another file renamed over it, and one written in place.
    let replace = |text: &str| {
        fs::write(folder.path().join("new"), text).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
    };
    replace("2");
    assert!(file.look());
    assert_eq!(*file.current(), 2);
    for (text, why) in [("x", "is no number"), ("1234", "is longer than 3 bytes")] {
        replace(text);
        assert!(!file.look() && !file.look());
        assert_eq!(told(&file), [why]);
    }
    fs::remove_file(&path).unwrap();
    assert!(!file.look() && !file.look());
    assert_eq!(told(&file).len(), 1, "that it is gone");
    assert_eq!(*file.current(), 2);
    replace("3");
    assert!(file.look());
    assert_eq!((*file.current(), told(&file).len()), (3, 0));
    for none in [folder.path().join("none"), folder.path().to_owned(), "/dev/null".into()] {
        assert!(Reread::open(&none, 3, number).is_err());
    }
}
