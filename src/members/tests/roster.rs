//! What is wrong with a members file.

use super::*;

#[track_caller]
fn check(members: &str, expected: &[&str]) {
    assert_eq!(told(&files(members, "", "")), expected, "{members}");
}

fn whole(text: &str) -> RegisterFiles {
    let members = SourceFile::new("members.csv", text);
    RegisterFiles { members, grants: None, restrictions: None }
}

#[test]
fn good_files() {
    check(FAMILY, &[]);
    check("", &[]);
    let few = "relationship,birth_date,contract_id,member_id\nself,1970,C,A\n";
    assert!(told(&whole(few)).is_empty());
    let windows = format!("\u{feff}{}", FAMILY.trim_start()).replace('\n', "\r\n");
    assert_eq!(told(&whole(&windows)), ["error: the file has no header"]);
    let windows = format!("\u{feff}{HEADER}{}", FAMILY.trim_start()).replace('\n', "\r\n");
    assert!(told(&whole(&windows)).is_empty());
    let quoted = format!("{HEADER}\"A\" ,C,self,1970,,,,\n");
    assert_eq!(told(&whole(&quoted)).len(), 1, "space behind a quote");
    let quoted = format!("{HEADER}\"A\",\"C,1\",self,1970,,,,\"Patient/1 \"\"x\"\"\"\n\n");
    let register = Arc::new(Register::read(&whole(&quoted), &mut Vec::new()).unwrap());
    let people = view(&register, "A", TODAY);
    assert_eq!(people.names(PersonId(0)), ["A", "Patient/1", "\"x\""]);
    assert!(people.reader_is_on("C,1"));
}

#[test]
fn files_that_were_cut_off_or_have_no_header() {
    assert_eq!(told(&whole("")), ["error: the file does not end with a newline"]);
    let cut = HEADER.to_owned() + FAMILY.trim();
    assert_eq!(told(&whole(&cut)), ["error: the file does not end with a newline"]);
    assert_eq!(told(&whole(FAMILY.trim_start())), ["error: the file has no header"]);
    assert_eq!(told(&whole("\n")), ["error: the file has no header"]);
}

#[test]
fn columns() {
    let text = "member_id,contract,relationship,birthdate,birth_date,birth_date,phone\n";
    let mut mistakes = Vec::new();
    assert!(Register::read(&whole(text), &mut mistakes).is_none());
    let told: Vec<_> = mistakes
        .iter()
        .map(|it| format!("{} | {}", one(it), it.help.as_deref().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            "error: unknown column `contract` at 1:11 | did you mean `contract_id`?",
            "error: unknown column `birthdate` at 1:33 | did you mean `birth_date`?",
            "error: the column `birth_date` is there twice at 1:54 | keep one of them",
            "error: unknown column `phone` at 1:65 | the columns are `member_id`, `contract_id`, \
             `relationship`, `birth_date`, `state`, `from`, `until`, `ids`",
            "error: the column `contract_id` is missing at 1:1 | add it to the header and to \
             every row",
        ]
    );
}

#[test]
fn rows() {
    check(
        "A,C,self,1970,,,\n,C,child,2001,,,,\nA B,C,child,2001,,,,\nD,,child,2001,,,,\n",
        &[
            "error: 7 cells where the header has 8 at 2:1",
            "error: a row without `member_id` at 3:1",
            "error: a `member_id` with a space inside at 4:1",
            "error: a row without `contract_id` at 5:3",
        ],
    );
    check(
        "A,C,self,1970,,yesterday,2026-1-1,\nB,C,child,1970,,2026-01-02,2026-01-01,\n",
        &[
            "error: `from` is no date at 2:16",
            "error: `until` is no date at 2:26",
            "error: `until` is before `from` at 3:28",
        ],
    );
    check(
        "A,C,self,1970,,,,\nA,C,child,1970,,,2020-01-01,\nA,D,child,1970,,,,\n",
        &["error: a second row of one member on one contract at 3:3"],
    );
    check("A,C,self,soon,,,,\n", &["warning: `birth_date` is no date at 2:10"]);
    check("A,C,self,0973-04-02,,,,\n", &["warning: `birth_date` is no date at 2:10"]);
    check(
        "A,C-1,self,1970,,,,\nB,c-1,child,2010,,,,\nD,c-1,child,2012,,,,\n",
        &["warning: a contract on which nobody ever was `self` at 3:3"],
    );
}

#[test]
fn a_name_belongs_to_one_member() {
    let message = "error: a name that belongs to another member, in line 2";
    check("A,C,self,1970,,,,x y\nB,C,child,2001,,,,z y\n", &[&format!("{message} at 3:19")]);
    check("A,C,self,1970,,,,B\nB,C,child,2001,,,,\n", &[&format!("{message} at 3:1")]);
    check("A,C,self,1970,,,,\nB,C,child,2001,,,,A\n", &[&format!("{message} at 3:19")]);
    check("A,C,self,1970,,,,x A x\nA,D,self,1970,,,,x y\n", &[]);
}

#[test]
fn two_rows_of_a_member_share_their_names() {
    let register = register("A,C,self,1970,,,,x\nA,D,child,1970,,,,y\n", "", "");
    let people = view(&register, "y", TODAY);
    assert_eq!(people.names(people.reader().unwrap()), ["A", "x", "y"]);
    assert!(people.reader_is_on("C") && people.reader_is_on("D"));
}

#[test]
fn a_quote_in_a_wrong_place_hides_no_rows() {
    let message = "error: a quote that does not stand around a whole cell";
    check("A,C,\"self,1970,,,,\nB,C,child,2001,,,,\n", &[&format!("{message} at 2:5")]);
    check("A,C,se\"lf,1970,,,,\n", &[&format!("{message} at 2:5")]);
    check("A,C,\"self\"x,1970,,,,\n", &[&format!("{message} at 2:5")]);
    check("A,C,self,1970,,,,x\0y\n", &["error: a control character at 2:19"]);
}

#[test]
fn messages_show_nobody() {
    let members = "Zoë-1,C-77,self,1970-13-45,OH,soon,,Patient/zoë\nZoë-1,C-77,self,1970,OH,,,\n";
    let mut mistakes = Vec::new();
    assert!(Register::read(&files(members, "", ""), &mut mistakes).is_none());
    let told: String = mistakes.iter().map(ToString::to_string).collect();
    for secret in ["Zoë", "C-77", "1970", "soon", "OH"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
    assert!(told.contains("members.csv:2:31\n"), "{told}");
    assert!(told.contains("2 | xx×xx,xxxx,xxxx,xxxxxxxxxx,xx,xxxx,,xxxxxxxxxx×\n"), "{told}");
    // A file without header is all rows.
    let mut mistakes = Vec::new();
    assert!(Register::read(&whole(members), &mut mistakes).is_none());
    assert!(!mistakes.iter().map(ToString::to_string).collect::<String>().contains("Zo"));
}

#[test]
fn many_mistakes_are_told_up_to_a_limit() {
    let members: String = rows_of(3_000, |n| format!("M-{n},C-{n},self,soon,,,,\n"));
    let told = told(&files(&members, "", ""));
    assert_eq!(told.len(), 1_000, "warnings do not refuse the file");
    assert_eq!(told[999], "warning: more mistakes, which are not told");
    let members: String = rows_of(3_000, |n| format!("M-{n},,self,1970,,,,\n"));
    let told = super::told(&files(&members, "", ""));
    assert_eq!(told.len(), 1_000);
}
