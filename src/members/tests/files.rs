//! Files that are replaced under a running proxy.

use super::*;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Desk {
    fn new(members: &str, grants: &str, restrictions: &str) -> Desk {
        let desk =
            Desk { folder: tempfile::tempdir().unwrap(), heard: Arc::new(Mutex::new(Vec::new())) };
        desk.replace("members.csv", &format!("{HEADER}{}", members.trim_start()));
        desk.replace("grants.csv", &format!("{GRANTS}{}", grants.trim_start()));
        desk.replace("restrictions.csv", &format!("{RESTRICTIONS}{}", restrictions.trim_start()));
        desk
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// As deployments do: written beside and renamed over.
    fn replace(&self, name: &str, text: &str) {
        let beside = self.path("beside.new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.path(name)).unwrap();
    }

    fn open(&self) -> Result<Book, Vec<Diagnostic>> {
        let heard = Arc::clone(&self.heard);
        let paths = BookPaths {
            members: self.path("members.csv"),
            grants: Some(self.path("grants.csv")),
            restrictions: Some(self.path("restrictions.csv")),
        };
        Book::load(&paths, move |mistakes: &[Diagnostic]| {
            heard.lock().unwrap().extend(mistakes.iter().map(one));
        })
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

fn relation(book: &Book, reader: &str, subject: &str) -> &'static str {
    let people = book.view(book.moment(), reader, day(TODAY), &states());
    people.find(subject).map_or("nobody", |person| people.standing(person).ties[0].relation.name())
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_replaced_file_is_in_force_from_the_next_view_on() {
    let desk = Desk::new(FAMILY, "", "");
    let book = desk.open().unwrap();
    let before = book.view(book.moment(), "M-101", day(TODAY), &states());
    assert_eq!(relation(&book, "M-101", "M-104"), "guardian");
    let divorced = format!("{HEADER}{}", FAMILY.trim_start()).replace("spouse", "ex-spouse");
    desk.replace("members.csv", &divorced);
    assert_eq!(relation(&book, "M-101", "M-104"), "dependent");
    let child = before.find("M-104").unwrap();
    let tie = &before.standing(child).ties[0];
    assert_eq!(tie.relation, Relation::Guardian, "a request keeps what it began with");

    desk.replace("grants.csv", &format!("{GRANTS}G-1,representation,M-102,M-100,all,,,,x\n"));
    let people = book.view(book.moment(), "M-100", day(TODAY), &states());
    assert_eq!(standing(&people, "M-102").grants.len(), 1);
    desk.replace(
        "restrictions.csv",
        &format!("{RESTRICTIONS}R-1,M-102,contract,all,2026-01-01,\n"),
    );
    let people = book.view(book.moment(), "M-100", day(TODAY), &states());
    assert_eq!(standing(&people, "M-102").restrictions.len(), 1);
    assert_eq!(desk.heard(), NOTHING);
}

#[test]
fn one_look_does_for_all_that_came_before_it() {
    let desk = Desk::new(FAMILY, "", "");
    let book = desk.open().unwrap();
    let relation = |since| {
        let people = book.view(since, "M-101", day(TODAY), &states());
        people.standing(people.find("M-104").unwrap()).ties[0].relation
    };
    let both = [book.moment(), book.moment()];
    let spouses = format!("{HEADER}{}", FAMILY.trim_start());
    desk.replace("members.csv", &spouses.replace("spouse", "ex-spouse"));
    assert_eq!(relation(both[0]), Relation::Dependent, "replaced before anybody looked");
    let later = book.moment();
    desk.replace("members.csv", &spouses);
    assert_eq!(relation(both[1]), Relation::Dependent, "looked at since it came");
    assert_eq!(relation(later), Relation::Guardian, "came after the last look");
}

#[test]
fn what_is_written_in_place_with_the_same_length_is_seen_too() {
    let desk = Desk::new(FAMILY, "", "");
    let book = desk.open().unwrap();
    assert_eq!(relation(&book, "M-101", "M-104"), "guardian");
    std::thread::sleep(std::time::Duration::from_millis(20));
    let text = fs::read_to_string(desk.path("members.csv")).unwrap();
    fs::write(desk.path("members.csv"), text.replace("spouse", "parent")).unwrap();
    assert_eq!(relation(&book, "M-101", "M-104"), "dependent");
}

#[test]
fn last_good_stays_whatever_comes() {
    let desk = Desk::new(FAMILY, "", "");
    let book = desk.open().unwrap();
    let good = fs::read_to_string(desk.path("members.csv")).unwrap();
    let fewer = good.split_inclusive('\n').take(5).collect::<String>();
    for (broken, message) in [
        (good.trim_end(), "error: the file does not end with a newline"),
        ("", "error: the file does not end with a newline"),
        (FAMILY.trim_start(), "error: the file has no header"),
        (&good.replacen("state", "country", 1), "error: unknown column `country` at 1:47"),
        (&fewer, "error: 4 rows where 5 are in force: over 10 % fewer"),
        (HEADER, "error: 0 rows where 5 are in force: over 10 % fewer"),
        (&good.replace("2018-09-09,,", "then,,"), "error: `from` is no date at 6:31"),
        (
            &good.replace("p-104", "p-103"),
            "error: a name that belongs to another member, in line 5 at 6:43",
        ),
    ] {
        desk.replace("members.csv", broken);
        assert_eq!(relation(&book, "M-100", "M-104"), "guardian", "{message}");
        assert_eq!(desk.heard(), [message]);
        assert_eq!(relation(&book, "M-100", "M-104"), "guardian");
        assert_eq!(desk.heard(), NOTHING, "told once");
    }
    fs::write(desk.path("members.csv"), [0xff, b'\n']).unwrap();
    assert_eq!(relation(&book, "M-100", "M-104"), "guardian");
    assert_eq!(desk.heard(), ["error: the file cannot be read: not UTF-8 at byte 0"]);
    fs::remove_file(desk.path("members.csv")).unwrap();
    assert_eq!(relation(&book, "M-100", "M-104"), "guardian");
    assert_eq!(desk.heard().len(), 1);
    assert_eq!(desk.heard(), NOTHING);
    fs::create_dir(desk.path("members.csv")).unwrap();
    assert_eq!(relation(&book, "M-100", "M-104"), "guardian");
    assert_eq!(desk.heard(), ["error: the file cannot be read: it is no regular file"]);

    fs::remove_dir(desk.path("members.csv")).unwrap();
    desk.replace("members.csv", &good.replace("spouse", "other"));
    assert_eq!(relation(&book, "M-101", "M-104"), "dependent", "a good one takes over");
    assert_eq!(desk.heard(), NOTHING);
}

#[test]
fn one_broken_file_does_not_keep_the_others_out() {
    let desk = Desk::new(FAMILY, "", "");
    let book = desk.open().unwrap();
    desk.replace("grants.csv", "broken");
    desk.replace(
        "restrictions.csv",
        &format!("{RESTRICTIONS}R-1,M-102,contract,all,2026-01-01,\n"),
    );
    let people = book.view(book.moment(), "M-100", day(TODAY), &states());
    assert_eq!(standing(&people, "M-102").restrictions.len(), 1);
    assert_eq!(desk.heard(), ["error: the file does not end with a newline"]);
}

#[test]
fn ten_percent_fewer_rows_are_taken_and_one_more_is_not() {
    let rows = |count: usize| -> String {
        rows_of(count, |n| {
            format!(
                "M-{n},C-{n},self,1970,,,,
"
            )
        })
    };
    let desk = Desk::new(&rows(40), "", "");
    let book = desk.open().unwrap();
    desk.replace("members.csv", &format!("{HEADER}{}", rows(36)));
    assert_eq!(relation(&book, "M-0", "M-39"), "nobody");
    assert_eq!(desk.heard(), NOTHING);
    desk.replace("members.csv", &format!("{HEADER}{}", rows(32)));
    assert_eq!(relation(&book, "M-0", "M-35"), "outsider");
    assert_eq!(desk.heard(), ["error: 32 rows where 36 are in force: over 10 % fewer"]);
}

#[test]
fn the_process_does_not_start_with_a_broken_file() {
    let desk = Desk::new("A,,self,1970,,,,\n", "G,x,A,A,all,,,,x\n", "");
    fs::remove_file(desk.path("restrictions.csv")).unwrap();
    let mistakes = desk.open().unwrap_err();
    let files: Vec<_> = mistakes
        .iter()
        .map(|mistake| Path::new(&*mistake.file.path).file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(files, ["members.csv", "grants.csv", "restrictions.csv"]);
    assert_eq!(desk.heard(), NOTHING);
}

#[test]
fn warnings_of_the_first_reading_are_told() {
    let desk = Desk::new(FAMILY, "G-1,representation,M-102,M-999,all,,,,x\n", "");
    desk.open().unwrap();
    assert_eq!(desk.heard(), ["warning: a name that no member has at 2:26"]);
}

#[test]
fn views_at_the_same_time_as_a_replacement_see_it() {
    let desk = Desk::new(FAMILY, "", "");
    let book = desk.open().unwrap();
    let good = fs::read_to_string(desk.path("members.csv")).unwrap();
    for round in 0..20 {
        let (word, expected) =
            if round % 2 == 0 { ("parent", "dependent") } else { ("spouse", "guardian") };
        desk.replace("members.csv", &good.replace("spouse", word));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(relation(&book, "M-101", "M-104"), expected));
            }
        });
    }
}
