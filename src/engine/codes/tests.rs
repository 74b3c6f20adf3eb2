//! Code books from inline lists: what codes and words say, and what every mistake is called.

use super::fold::folded;
use super::lists::Says;
use super::patterns::{CodeKey, Pattern};
use super::*;
use crate::engine::diagnostics::Severity;
use proptest::prelude::*;
use std::fmt::Write;
use std::sync::LazyLock;

const SYSTEMS: &str = "\
key,uri_or_oid,complete|partial|administrative,source,note
ICD-10-CM,http://hl7.org/fhir/sid/icd-10-cm,complete,s,
ICD-10-CM,urn:oid:2.16.840.1.113883.6.90,complete,s,
CPT,http://www.ama-assn.org/go/cpt,complete,s,
HCPCS-II,https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets,complete,s,
NUCC,http://nucc.org/provider-taxonomy,complete,s,
LOINC,http://loinc.org,partial,s,
SNOMED-CT,http://snomed.info/sct,partial,s,
MS-DRG,https://www.cms.gov/MS-DRG,complete,s,
ActCode,http://terminology.hl7.org/CodeSystem/v3-ActCode,partial,s,
Empty,http://example.org/empty,complete,s,no row names it
Variables,https://bluebutton.cms.gov/resources/variables/*,administrative,s,
Drg-Variable,https://bluebutton.cms.gov/resources/variables/clm_drg*,partial,s,
";

const CODES: &str = "\
system,code_or_range,category,subcategory,reach,from,until,source,note
ICD-10-CM,F20..F29,mental-health,,,,,s,
ICD-10-CM,F10..F19,substance-use,,,,,s,
ICD-10-CM,F17*,not,,,,,s,tobacco
ICD-10-CM,Y38*,abuse,,,,,s,
ICD-10-CM,Y38.81*,not,,,,,s,
ICD-10-CM,Z13.3*,possible-mental-health,,record,,,s,
ICD-10-CM,Z13.39,not,,,,,s,exact: narrower than a prefix of its length
ICD-10-CM,T43..T43.5,mental-health,,,,,s,ends of two lengths
CPT,90832..90838,mental-health,,,,,s,
CPT,9079*,mental-health substance-use,,,,,s,
CPT,90791,not,,,,,s,
HCPCS-II,H0004,mental-health substance-use,,,,,s,
NUCC,101Y*,mental-health,,,,,s,
LOINC,44249-1,mental-health,,record,,,s,
SNOMED-CT,75516001,mental-health,,,,,s,
MS-DRG,880..887,mental-health,,,,,s,
MS-DRG,521..523,substance-use,,,,2007-09-30,s,hip replacement since
MS-DRG,42*,mental-health,,,,2007-09-30,s,
MS-DRG,420,not,,,2000-01-01,,s,
ActCode,PSYTHPN,psychotherapy-notes mental-health,,,,,s,
";

const WORDS: &str = "\
words,category,reach,not_in,source,note
depress*,mental-health,,respiratory depress*|depressed skull|skull depress*,s,
psychiatr*,mental-health,,psychiatry road,s,
self-harm,mental-health,record,,s,
Alzheimer's,mental-health,record,,s,
opioid use disorder,substance-use,,,s,
ECT,mental-health,,,s,
";

fn book_of(files: &[(&str, &str)]) -> (CodeBook, Vec<Diagnostic>) {
    let files: Vec<_> = files.iter().map(|(path, text)| SourceFile::new(*path, *text)).collect();
    let mut mistakes = Vec::new();
    let book = CodeBook::read(&files, &mut mistakes);
    (book, mistakes)
}

fn book() -> &'static CodeBook {
    static BOOK: LazyLock<CodeBook> = LazyLock::new(|| {
        let files =
            [("codes/systems.csv", SYSTEMS), ("codes/all.csv", CODES), ("codes/words.csv", WORDS)];
        let (book, mistakes) = book_of(&files);
        assert_eq!(mistakes, []);
        book
    });
    &BOOK
}

/// `mental-health+substance-use` in full reach, `~x` in reach `record`.
fn show(hits: Hits) -> String {
    let record = hits.record.iter().map(|category| format!("~{}", category.name()));
    let episode = hits.episode.iter().map(|category| category.name().to_owned());
    record.chain(episode).collect::<Vec<_>>().join("+")
}

#[track_caller]
fn check_code_on(date: Option<&str>, system: Option<&str>, code: &str, expect: &str) {
    let book = book();
    let date = date.map(|date| date.parse().unwrap());
    let judgement = book.judge(system, code, date);
    let shown = match judgement {
        Judgement::Listed(hits) => show(hits),
        Judgement::Harmless => "harmless".to_owned(),
        Judgement::Ignored => "ignored".to_owned(),
        Judgement::ByWords => "by words".to_owned(),
    };
    assert_eq!(shown, expect, "{system:?} {code}");
    // `explain` finds the rows on another way: both must tell the same.
    let rows = book.rows_of_code(system, code, date);
    let said = rows.iter().fold(Categories::NONE, |all, row| all.union(row.categories));
    let hits = if let Judgement::Listed(hits) = judgement { hits } else { Hits::default() };
    assert_eq!(said, hits.record.union(hits.episode), "{rows:?}");
}

#[track_caller]
fn check_code(system: &str, code: &str, expect: &str) {
    check_code_on(None, Some(system), code, expect);
}

#[track_caller]
fn check_words(text: &str, expect: &str) {
    let book = book();
    let hits = book.words(text);
    assert_eq!(show(hits), expect, "{text}");
    let rows = book.rows_of_words(text);
    let said = rows.iter().fold(Categories::NONE, |all, row| all.union(row.categories));
    assert_eq!(said, hits.record.union(hits.episode), "{rows:?}");
}

#[test]
fn ranges_contain_the_codes_below_their_ends() {
    for code in ["F20", "F29", "F20.81", "f29", " F29 ", "F2081", "F.2.9", "F299999"] {
        check_code("ICD-10-CM", code, "mental-health");
    }
    for code in ["F30", "G20", "E29"] {
        check_code("ICD-10-CM", code, "harmless");
    }
    for no_code in ["F1", "F3", "2F0", "FF20", "F2"] {
        check_code("ICD-10-CM", no_code, "by words");
    }
}

#[test]
fn ends_of_a_range_are_compared_on_their_own_length() {
    for code in ["T43", "T43.0", "T43.595A", "T43.5"] {
        check_code("ICD-10-CM", code, "mental-health");
    }
    for code in ["T43.6", "T44", "T42.9"] {
        check_code("ICD-10-CM", code, "harmless");
    }
}

#[test]
fn exact_codes_and_prefixes_have_near_misses() {
    check_code("SNOMED-CT", "75516001", "mental-health");
    check_code("SNOMED-CT", "755160011", "by words");
    check_code("SNOMED-CT", "7551600", "by words");
    check_code("NUCC", "101YM0800X", "mental-health");
    check_code("NUCC", "102L00000X", "harmless");
    check_code("CPT", "90831", "harmless");
    check_code("CPT", "90839", "harmless");
}

#[test]
fn a_not_row_cancels_shorter_patterns_only() {
    check_code("ICD-10-CM", "F17.210", "substance-use"); // as long as the ends of F10..F19
    check_code("ICD-10-CM", "Y38.811A", "harmless");
    check_code("ICD-10-CM", "Y38.8", "abuse");
    check_code("ICD-10-CM", "Z13.39", "harmless");
    check_code("ICD-10-CM", "Z13.31", "~possible-mental-health");
    check_code("CPT", "90791", "harmless");
    check_code("CPT", "90792", "mental-health+substance-use");
}

#[test]
fn dates_are_inclusive_and_an_unknown_date_hides() {
    for (date, expect) in [
        (Some("2007-09-30"), "substance-use"),
        (Some("2007-10-01"), "harmless"),
        (Some("2024-05-05"), "harmless"),
        (None, "substance-use"),
    ] {
        check_code_on(date, Some("MS-DRG"), "522", expect);
    }
    check_code_on(Some("2024-05-05"), Some("MS-DRG"), "885", "mental-health");
    // The `not` row holds from 2000: before, and of an unknown date, it cancels nothing.
    check_code_on(Some("1999-12-31"), Some("MS-DRG"), "420", "mental-health");
    check_code_on(Some("2000-01-01"), Some("MS-DRG"), "420", "harmless");
    check_code_on(None, Some("MS-DRG"), "420", "mental-health");
}

#[test]
fn a_note_is_never_shared() {
    check_code("ActCode", "PSYTHPN", "~psychotherapy-notes+mental-health");
}

#[test]
fn names_of_systems_are_compared_loosely() {
    for system in [
        "http://hl7.org/fhir/sid/icd-10-cm",
        "https://hl7.org/fhir/sid/icd-10-cm",
        "HTTP://HL7.org/fhir/sid/ICD-10-CM/",
        " http://hl7.org/fhir/sid/icd-10-cm|2024 ",
        "urn:oid:2.16.840.1.113883.6.90",
        "URN:OID:2.16.840.1.113883.6.90",
        "2.16.840.1.113883.6.90",
        "ICD-10-CM",
        "icd-10-cm",
    ] {
        assert!(book().knows_system(system), "{system}");
        check_code(system, "A00.0", "harmless");
    }
    for system in ["", "|", "http://", "ICD-10", "http://hl7.org/fhir/sid/icd-10", "x\u{0}"] {
        assert!(!book().knows_system(system), "{system}");
        check_code(system, "A00.0", "by words");
    }
    assert!(!book().knows_system(&"x".repeat(100_000)));
    // Keys that differ in letter case only are known as they are written.
    let systems = "key,uri_or_oid,status\nab,x:1,administrative\nAB,x:2,partial\n";
    let (book, mistakes) = book_of(&[("systems.csv", systems)]);
    assert_eq!(mistakes, []);
    assert_eq!(book.judge(Some("ab"), "x", None), Judgement::Ignored);
    assert_eq!(book.judge(Some("AB"), "x", None), Judgement::ByWords);
    assert!(!book.knows_system("Ab"));
}

#[test]
fn the_longest_prefix_names_the_system() {
    check_code("https://bluebutton.cms.gov/resources/variables/clm_id", "F20", "ignored");
    check_code("https://bluebutton.cms.gov/resources/variables/clm_drg_cd", "885", "by words");
    check_code("https://bluebutton.cms.gov/resources/variables-old", "885", "by words");
}

#[test]
fn a_code_without_a_system_is_tried_where_its_form_fits() {
    for system in [None, Some(""), Some("urn:nobody:knows"), Some("http://example.org/empty")] {
        check_code_on(None, system, "F20.1", "mental-health");
        check_code_on(None, system, "90834", "mental-health");
        check_code_on(None, system, "h0004", "mental-health+substance-use");
        check_code_on(None, system, "101YM0800X", "mental-health");
        check_code_on(None, system, "44249-1", "~mental-health");
        for miss in ["99213", "A00", "75516001", "F20.123456", "101Y", "885", "F2"] {
            check_code_on(None, system, miss, "by words");
        }
    }
}

#[test]
fn a_code_of_surely_the_wrong_system_is_tried_elsewhere_too() {
    check_code("HCPCS-II", "90834", "mental-health");
    check_code("CPT", "H0004", "mental-health+substance-use");
    check_code("CPT", "F20.1", "mental-health");
    check_code("HCPCS-II", "99213", "harmless");
    check_code("MS-DRG", "90834", "harmless"); // no form is known of its codes
    // What no complete system has is harmless by none: revenue codes, ICD-9.
    for (system, code) in [("CPT", "0914"), ("HCPCS-II", "784"), ("ICD-10-CM", "29632")] {
        check_code(system, code, "by words");
    }
    for (system, code) in [("CPT", "25"), ("CPT", "LT"), ("HCPCS-II", "F2"), ("CPT", "D0120")] {
        check_code(system, code, "harmless");
    }
}

#[test]
fn a_code_that_is_a_word_says_what_the_word_says() {
    for code in ["PSYCHIATRY", "psychiatric-visit", "DEPRESSION_1"] {
        check_code("urn:nobody:knows", code, "mental-health");
        check_code("SNOMED-CT", code, "mental-health");
        check_code("ICD-10-CM", code, "mental-health");
    }
    for code in ["ECT", "OFFICE", "RESPIRATORY-DEPRESSION"] {
        check_code("urn:nobody:knows", code, "by words");
    }
}

#[test]
fn what_cannot_be_compared_is_never_harmless() {
    let long = "9".repeat(65);
    for code in ["", "  ", "...", "A\u{0}", &long] {
        check_code("ICD-10-CM", code, "by words");
    }
    // Neither is what is more than one plain code.
    for code in ["99213-95", "99213 95", "99213|x", "99213:95"] {
        check_code("CPT", code, "by words");
    }
    // A code in it that can be compared is.
    for code in ["F20\u{430}", "Ｆ２０", "F2\u{200b}0", "F20\n1", "ICD10:F20.1", "F-20", "A00, F20"]
    {
        check_code("ICD-10-CM", code, "mental-health");
    }
    for code in ["99213, F20", "99213/90834", "HC:90834:95", "CPT 90834"] {
        check_code("CPT", code, "mental-health");
    }
    check_code("MS-DRG", "885 x", "mental-health");
    check_code("MS-DRG", "1-2", "harmless");
}

#[test]
fn a_complete_system_whose_list_was_deleted_is_unknown() {
    let (book, _) = book_of(&[("systems.csv", SYSTEMS)]);
    assert_eq!(book.judge(Some("ICD-10-CM"), "A00", None), Judgement::ByWords);
    assert!(!book.has_words());
    let nothing = CodeBook::default();
    assert_eq!(nothing.judge(Some("ICD-10-CM"), "A00", None), Judgement::ByWords);
    assert_eq!(nothing.words("depressed"), Hits::default());
}

#[test]
fn words_are_found_at_word_starts() {
    check_words("Major depressive disorder, recurrent", "mental-health");
    check_words("DEPRESSION", "mental-health");
    check_words("antidepressant", "");
    check_words("Outpatient psychiatric visit", "mental-health");
    check_words("ect", "mental-health");
    check_words("ECT.", "mental-health");
    check_words("insect, ectopic, object", "");
    check_words("Opioid use disorder (moderate)", "substance-use");
    check_words("opioid use", "");
    check_words("opioid\tuse\r\ndisorders", "");
    check_words("Opioid--use   disorder", "substance-use");
    check_words("self harm; self_harm", "~mental-health");
    check_words("self-harm and depression", "~mental-health+mental-health");
    check_words("Alzheimers and Alzheimer’s", "~mental-health");
    for nothing in ["", " ", "...", "the quick brown fox", "\u{ad}"] {
        check_words(nothing, "");
    }
}

#[test]
fn not_in_cancels_the_hits_it_covers() {
    check_words("Respiratory depression", "");
    check_words("depressed skull fracture", "");
    check_words("skull depression", "");
    check_words("12 Psychiatry Road", "");
    check_words("psychiatry roads", "mental-health");
    check_words("respiratory arrest, depression", "mental-health");
    check_words("respiratory depression and depression", "mental-health");
    check_words("depression, respiratory depression", "mental-health");
    check_words("depressed skull depressed skull depress", "");
    check_words("a depressed person with a depressed skull", "mental-health");
    let many = "respiratory depression ".repeat(10_000);
    check_words(&many, "");
    check_words(&format!("{many} depression {many}"), "mental-health");
}

#[test]
fn words_are_found_wherever_they_stand_in_a_long_text() {
    for filler in ["x ", "x", "é ", "é", "' "] {
        for before in 0..140 {
            let text = format!("{} opioid use disorder {filler}", filler.repeat(before));
            check_words(&text, "substance-use");
            let glued = if filler.ends_with(' ') { "substance-use" } else { "" };
            let glued = if before == 0 { "substance-use" } else { glued };
            check_words(&format!("{}opioid use disorder", filler.repeat(before)), glued);
        }
    }
}

#[test]
fn disguised_words_are_read() {
    for text in [
        "dépression",
        "de\u{301}pression",
        "de\u{ad}pres\u{200b}sion",
        "dерrеssiоn", // Cyrillic е, р, о
        "ＤＥＰＲＥＳＳＩＯＮ",
        "𝓭𝓮𝓹𝓻𝓮𝓼𝓼𝓲𝓸𝓷",
        "DΕΡRΕSSIΟN", // Greek Ε, Ρ, Ο
        "depreſſion",
        "ᴅᴇᴘʀᴇssion",
        "\u{202e}depression",
    ] {
        check_words(text, "mental-health");
    }
}

#[test]
fn folding() {
    for (text, expect) in [
        ("Crohn's disease", "crohns disease"),
        ("  A--B__c  ", "a b c"),
        ("CamelCase", "camelcase"),
        ("Zoloft™ Zoloft®", "zoloft zoloft"),
        ("Straße Ærø", "strasse aero"),
        ("ﬁne … ½", "fine 1 2"),
        ("日本 語", "日本 語"),
        ("İstanbul ΣΟΦΟΣ", "istanbul ooφoo"),
        ("a\u{200d}b", "ab"),
        ("x²y", "x y"),
        ("🙂", ""),
    ] {
        assert_eq!(folded(text), expect, "{text}");
    }
}

#[track_caller]
fn check_mistakes(path: &str, text: &str, expect: &[&str]) {
    let mut files = vec![(path, text)];
    if path != "systems.csv" {
        files.insert(0, ("systems.csv", SYSTEMS));
    }
    let shown: Vec<_> = book_of(&files).1.iter().map(show_mistake).collect();
    assert_eq!(shown, expect, "{text}");
}

fn show_mistake(mistake: &Diagnostic) -> String {
    let (line, column) = mistake.position().unwrap();
    let help = mistake.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let kind = if mistake.severity == Severity::Warning { "warning: " } else { "" };
    format!("{line}:{column} {kind}{}{help}", mistake.message)
}

const ALL_CATEGORIES: &str = "the categories are psychotherapy-notes, mental-health, \
    possible-mental-health, substance-use, reproductive, sexual-health, hiv, gender-affirming, \
    genetic, abuse, developmental, free-text, contact, aggregate, unclassified";

#[test]
fn every_mistake_of_a_list_is_told_in_its_place() {
    let text = "\
system,code_or_range,category,subcategory,reach,from,until,source,note
ICD-10-CM,F20,mental-helth,,recrod,2007-13-01,20071001,s,
ICD-10-CM,\"F*2\",mental-health not,,,,,s,
ICD-10-CM,,mental-health,,,2020-01-02,2020-01-01,s,
ICD-10-CN,F29..F20,,,,,,s,
Variables,x,abuse,,,,,s,
,x,not,,record,,,s,
ICD-10-CM,F20,abuse,,,,s,
ICD-10-CM,*,any,,,,,s,
";
    let all = ALL_CATEGORIES;
    let code = "(write a code, `F2*` for all that start so, or `F20..F29`)";
    check_mistakes(
        "x.csv",
        text,
        &[
            "2:15 unknown category `mental-helth` (did you mean `mental-health`?)",
            "2:29 unknown reach `recrod` (did you mean `record`?)",
            "2:36 `2007-13-01` is no date (write it as `2007-10-01`)",
            "2:47 `20071001` is no date (write it as `2007-10-01`)",
            &format!("3:11 a `*` may only stand at the end, and not in a range {code}"),
            "3:17 `not` stands beside a category (write two rows)",
            &format!("4:1 a pattern must have letters or digits {code}"),
            "4:28 `from` is later than `until`",
            "5:1 no row of systems.csv has the key `ICD-10-CN` (did you mean `ICD-10-CM`?)",
            "5:1 the row names no category (a row that gives nothing is left out)",
            &format!("5:11 a range starts with its lower end {code}"),
            "6:1 `Variables` is an administrative system (its codes are not looked at; declare it \
             `partial` or `complete`)",
            "7:1 the row names no system",
            "7:9 a `not` row has no reach",
            "8:1 this line has 8 cells and the header 9 (a cell that contains a comma stands in \
             double quotes)",
            &format!("9:11 a pattern must have letters or digits {code}"),
            &format!("9:13 unknown category `any` ({all})"),
        ],
    );
}

#[test]
fn an_undeclared_system_is_told_once_for_each_list() {
    let head = "system,code_or_range,category\n";
    let rows = "ICD-10-CN,F20,abuse\nICD-10-CN,F21,abuse\nOther Things,1,abuse\n";
    check_mistakes(
        "x.csv",
        &format!("{head}{rows}"),
        &[
            "2:1 no row of systems.csv has the key `ICD-10-CN` (did you mean `ICD-10-CM`?)",
            "4:1 no row of systems.csv has the key `Other Things` (declare it there, with its URIs)",
        ],
    );
}

#[test]
fn a_file_must_have_its_header_and_its_last_newline() {
    let columns = "system,code_or_range,category,subcategory,reach,from,until,source,note";
    let empty = format!("1:1 the file is empty (its first line names the columns: `{columns}`)");
    check_mistakes("x.csv", "", &[&empty]);
    check_mistakes("x.csv", "\u{feff}\n", &[&empty]);
    let none = format!(
        "1:1 the first line is no header: it names none of the columns (the columns are `{columns}`)"
    );
    check_mistakes("x.csv", "ICD-10-CM,F20,abuse\n", &[&none]);
    check_mistakes("x.csv", "category,system,code_or_range\n", &[]);
    check_mistakes(
        "x.csv",
        "system,code_or_rnge,category,category\nICD-10-CM,F20,abuse,abse\n",
        &[
            "1:1 the column `code_or_range` is missing",
            "1:8 unknown column `code_or_rnge` (did you mean `code_or_range`?)",
            "1:30 the column `category` stands here twice",
        ],
    );
    check_mistakes(
        "x.csv",
        "system,code_or_range,category\nICD-10-CM,F20,abuse",
        &[
            "2:20 the file does not end with a newline (it may have been cut short; end its last line \
           with a newline)",
        ],
    );
    check_mistakes(
        "x.csv",
        "system,code_or_range,category\nICD-10-CM,F20,\"abuse\n",
        &["2:1 a double quote is not closed (write a double quote inside a quoted cell twice)"],
    );
    let windows = "\u{feff}system,code_or_range,category\r\n\r\n ICD-10-CM ,\"F20\", abuse \r\n";
    let (book, mistakes) = book_of(&[("systems.csv", SYSTEMS), ("x.csv", windows)]);
    assert_eq!(mistakes, []);
    let row = &book.rows_of_code(Some("ICD-10-CM"), "F20", None)[0];
    assert_eq!((row.line, row.pattern.as_str(), row.file.as_str()), (3, "F20", "x.csv"));
}

#[test]
fn a_row_that_no_code_can_match_is_a_mistake() {
    let mistakes = |system: &str, pattern: &str| {
        let header = "system,code_or_range,category,subcategory,reach,from,until,source,note";
        let list = format!("{header}\n{system},\"{pattern}\",mental-health,x,episode,,,s,\n");
        book_of(&[("systems.csv", SYSTEMS), ("list.csv", &list)]).1.len()
    };
    for (system, pattern) in [
        ("CPT", "90832-90838"),
        ("ICD-10-CM", "F20,F21"),
        ("ICD-10-CM", "F20|F21"),
        ("ICD-10-CM", "F 20*"),
        ("NUCC", "101Y%"),
        ("ActCode", "PSY;PSYTHPN"),
        ("ICD-10-CM", "F30.F39"),
        ("ICD-10-CM", "f30.f39*"),
        ("ICD-10-CM", "F30.0.F39.9"),
        ("ICD-10-CM", "F20..F30.F39"),
        ("CPT", "90832.90838"),
        ("MS-DRG", "880.887"),
        ("SNOMED-CT", "75516001.75516003"),
    ] {
        assert_eq!(mistakes(system, pattern), 1, "{system} {pattern}");
    }
    for (system, pattern) in [
        ("LOINC", "44249-1"),
        ("ICD-10-CM", "F20.1..F29"),
        ("ICD-10-CM", "Z91.A10"),
        ("ICD-10-CM", "T50.Z12*"),
        ("ICD-10-CM", "T36.0X2*"),
        ("CPT", "90832..90838"),
        ("ActCode", "A-B"),
        ("ActCode", "A.B"),
    ] {
        assert_eq!(mistakes(system, pattern), 0, "{system} {pattern}");
    }
}

#[test]
fn a_range_that_lost_a_dot_is_told_in_its_place() {
    check_mistakes(
        "codes/own.csv",
        "\
system,code_or_range,category
CPT,90832.90838,mental-health
",
        &["2:5 no code of this system has a dot there: is it the range `90832..90838`? (write a \
           code, `F2*` for all that start so, or `F20..F29`)"],
    );
    for (pattern, is_odd) in [
        ("295.319", true),
        ("V60.V69", true),
        ("E950.E959", true),
        ("305.90", false),
        ("305.*", false),
        ("305.2..305.9", false),
    ] {
        for system in ["ICD-9-CM", "ICD-9-PCS"] {
            assert_eq!(systems::unmatchable(system, pattern).is_some(), is_odd, "{pattern}");
        }
    }
}

#[test]
fn mistakes_of_systems_are_told() {
    check_mistakes(
        "systems.csv",
        "\
key,uri_or_oid,status,source,note
A,http://a.example/,complete,s,
A,http://a.example|2,complete,s,the same again
B,HTTPS://A.example,partial,s,
A,urn:oid:1.2,partial,s,
C,1.2,compleet,s,
C,*,partial,s,
,x,,s,
a,y,partial,s,
B,A,partial,s,
",
        &[
            "4:3 `HTTPS://A.example` already belongs to `A` (names are compared without scheme, \
             letter case, version and final slash)",
            "5:1 `A` is declared otherwise above (all rows of a key say the same: complete, partial \
             or administrative)",
            "6:3 `1.2` already belongs to `A` (names are compared without scheme, letter case, \
             version and final slash)",
            "6:7 unknown coverage `compleet` (did you mean `complete`?)",
            "7:3 `*` cannot name a system (write a URI or an OID of at most 512 bytes, or the start \
             of one and `*`)",
            "8:1 the row names no key",
            "8:1 the row names no coverage",
            "10:3 `A` already belongs to `A` (names are compared without scheme, letter case, \
             version and final slash)",
        ],
    );
}

#[test]
fn mistakes_of_words_are_told() {
    let all = ALL_CATEGORIES;
    let phrase = "(write a word or phrase with letters or digits; a final `*` makes its last word \
                  a stem)";
    check_mistakes(
        "codes/words.csv",
        "\
words,category,reach,not_in,source,note
session note,psychotherapy-notes,,,s,
*,abuse,,,s,
,abuse,,,s,
de*press,abuse,,,s,
a|b,abuse,,,s,
depress *,abuse,,,s,
abuse*,not,,drug abuse|*,s,
rape,abuse,,rapeseed|Rape,s,
grief,mental-health,,giref counselling,s,
depress*,mental-health,,respiratory dep*|skull depressed|depressed skull,s,
",
        &[
            "2:14 words never make a psychotherapy note (write `mental-health`)",
            &format!("3:1 `*` is no stem or phrase {phrase}"),
            &format!("4:1 the row has no words {phrase}"),
            &format!("5:1 `de*press` is no stem or phrase {phrase}"),
            &format!("6:1 `a|b` is no stem or phrase {phrase}"),
            &format!("7:1 `depress *` is no stem or phrase {phrase}"),
            &format!("8:8 unknown category `not` ({all})"),
            &format!("8:13 `*` is no stem or phrase {phrase}"),
            "9:13 warning: `rapeseed` never cancels a hit: it does not contain the words",
            "9:13 `Rape` cancels every hit of its row",
            "10:22 warning: `giref counselling` never cancels a hit: it does not contain the words",
        ],
    );
}

#[test]
fn words_are_written_as_words() {
    let mistakes = |words: &str, not_in: &str| {
        let list = format!("words,category,not_in\n{words},mental-health,{not_in}\n");
        book_of(&[("systems.csv", SYSTEMS), ("words.csv", &list)]).1.len()
    };
    for odd in ["bipolar%", "^bipolar", "/bipolar/", "#bipolar*", "# bipolar", "bipolar$", "bi[p]"]
    {
        assert_eq!(mistakes(odd, ""), 1, "{odd}");
        assert_eq!(mistakes("bipolar", &format!("{odd} x")), 1, "{odd}");
    }
    for plain in ["bipolar*", "HIV/AIDS", "HIV+", "self-harm", "Alzheimer's", "S.T.D. (any)"] {
        assert_eq!(mistakes(plain, ""), 0, "{plain}");
    }
}

#[test]
fn the_lists_of_the_project_have_no_mistakes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/codes");
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
            files.push(SourceFile::new(path.to_str().unwrap(), text));
        }
    }
    let mut mistakes = Vec::new();
    CodeBook::read(&files, &mut mistakes);
    let shown: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

/// A row in words of the tests: pattern, whether `not`, categories, from, until.
type PlainRow = (String, bool, u8, Option<i16>, Option<i16>);

/// The definition of DESIGN 4.4, row by row and without intervals.
fn plain_judgement(rows: &[PlainRow], code: &str, year: Option<i16>) -> Option<u8> {
    let code = code.to_uppercase().replace('.', "");
    let start = |end: &str| code.chars().take(end.len()).collect::<String>();
    let clean = |text: &str| text.to_uppercase().replace('.', "");
    let named = |row: &PlainRow| -> Option<usize> {
        let in_force = match year {
            Some(year) => {
                row.3.is_none_or(|from| from <= year) && row.4.is_none_or(|to| year <= to)
            }
            None => !row.1 || (row.3.is_none() && row.4.is_none()),
        };
        let (matches, narrowness) = if let Some((from, to)) = row.0.split_once("..") {
            let (from, to) = (clean(from), clean(to));
            let matches = start(&from) >= from && start(&to) <= to;
            let length = if row.1 { from.len().min(to.len()) } else { from.len().max(to.len()) };
            (matches, 2 * length)
        } else if let Some(prefix) = row.0.strip_suffix('*') {
            (code.starts_with(&clean(prefix)), 2 * clean(prefix).len())
        } else {
            (code == clean(&row.0), 2 * code.len() + 1)
        };
        (matches && in_force).then_some(narrowness)
    };
    let cancelled = rows.iter().filter(|row| row.1).filter_map(named).max().unwrap_or_default();
    rows.iter()
        .filter(|row| !row.1 && named(row).is_some_and(|narrowness| narrowness >= cancelled))
        .map(|row| row.2)
        .reduce(|a, b| a | b)
}

fn short_code() -> impl Strategy<Value = String> {
    "[F-H][0-2][.]?[0-2A]{0,2}"
}

fn plain_row() -> impl Strategy<Value = PlainRow> {
    let pattern = prop_oneof![
        short_code(),
        short_code().prop_map(|code| format!("{code}*")),
        (short_code(), short_code()).prop_filter_map("the ends are in order", |(a, b)| {
            let range = format!("{a}..{b}");
            Pattern::parse(&range).is_ok().then_some(range)
        }),
    ];
    let year = || prop::option::weighted(0.2, 2000_i16..2006);
    (pattern, any::<bool>(), 1_u8..8, year(), year())
        .prop_filter("from is not after until", |row| {
            row.3.is_none() || row.4.is_none() || row.3 <= row.4
        })
}

proptest! {
    #[test]
    fn tables_say_what_a_plain_reading_of_the_rows_says(
        rows in prop::collection::vec(plain_row(), 1..12),
        codes in prop::collection::vec(short_code(), 1..40),
        year in prop::option::of(1999_i16..2007),
    ) {
        let names = ["mental-health", "abuse", "hiv"];
        let mut csv = "system,code_or_range,category,from,until\n".to_owned();
        for (pattern, not, bits, from, until) in &rows {
            let given = names.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
            let given: Vec<_> = given.map(|(_, name)| *name).collect();
            let category = if *not { "not".to_owned() } else { given.join(" ") };
            let from = from.map(|year| format!("{year}-06-15")).unwrap_or_default();
            let until = until.map(|year| format!("{year}-06-15")).unwrap_or_default();
            writeln!(csv, "ActCode,{pattern},{category},{from},{until}").unwrap();
        }
        let (book, mistakes) = book_of(&[("systems.csv", SYSTEMS), ("x.csv", &csv)]);
        prop_assert_eq!(mistakes, []);
        let date = year.map(|year| jiff::civil::date(year, 6, 15));
        for code in codes {
            let expect = plain_judgement(&rows, &code, year).map_or(Judgement::ByWords, |bits| {
                let given = names.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
                let given = given.filter_map(|(_, name)| Category::named(name)).collect();
                Judgement::Listed(Hits { record: Categories::NONE, episode: given })
            });
            prop_assert_eq!(book.judge(Some("ActCode"), &code, date), expect, "{} in\n{}", code, csv);
            let explained = book.rows_of_code(Some("ActCode"), &code, date);
            let explained = explained.iter().fold(Categories::NONE, |all, row| all.union(row.categories));
            let listed = if let Judgement::Listed(hits) = expect { hits.episode } else { Categories::NONE };
            prop_assert_eq!(explained, listed);
        }
    }

    #[test]
    fn the_automaton_finds_what_a_plain_search_finds(
        text in "([a-c]{1,3}[ -]{0,2}){0,60}",
        entries in prop::collection::vec(
            ("[a-c]{1,2}( [a-c]{1,2})?[*]?", prop::option::of("[a-c]{1,2}( [a-c]{1,2}){0,2}[*]?")), 1..5),
    ) {
        let mut csv = "words,category,not_in\n".to_owned();
        for (phrase, not_in) in &entries {
            writeln!(csv, "{phrase},abuse,{}", not_in.as_deref().unwrap_or_default()).unwrap();
        }
        let (book, _) = book_of(&[("words.csv", &csv)]);
        let words: Vec<_> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
        let spans = |phrase: &str| -> Vec<(usize, usize)> {
            let stem = phrase.strip_suffix('*');
            let parts: Vec<_> = stem.unwrap_or(phrase).split(' ').collect();
            let stands_at = |at: usize| parts.iter().enumerate().all(|(index, part)| {
                words.get(at + index).is_some_and(|word| if stem.is_some() && index + 1 == parts.len() {
                    word.starts_with(part)
                } else {
                    word == part
                })
            });
            (0..words.len()).filter(|at| stands_at(*at)).map(|at| (at, at + parts.len())).collect()
        };
        let found: Vec<_> = book.rows_of_words(&text).into_iter().map(|row| row.line).collect();
        let expect: Vec<_> = entries.iter().enumerate().filter(|(_, (phrase, not_in))| {
            let covers = not_in.as_deref().map(spans).unwrap_or_default();
            spans(phrase).iter().any(|hit| !covers.iter().any(|cover| cover.0 <= hit.0 && hit.1 <= cover.1))
        }).map(|(index, _)| index + 2).collect();
        prop_assert_eq!(&found, &expect, "{:?} in {}", entries, text);
        prop_assert_eq!(book.words(&text) == Hits::default(), expect.is_empty());
        // What only a character beyond ASCII sends the long way finds the same.
        let long_way: String = text.chars().flat_map(|letter| [letter, '\u{ad}']).collect();
        prop_assert_eq!(book.rows_of_words(&long_way), book.rows_of_words(&text));
        let shouted = text.to_uppercase().replace(' ', " ' ");
        prop_assert_eq!(book.rows_of_words(&shouted), book.rows_of_words(&text));
    }

    #[test]
    fn nothing_a_body_says_makes_a_look_up_fail(system in ".*", code in ".*", text in ".*") {
        let book = book();
        book.judge(Some(&system), &code, None);
        book.words(&text);
        prop_assert_eq!(folded(&folded(&text)), folded(&text));
    }
}

#[test]
fn patterns_and_rows_stay_small() {
    assert!(size_of::<Judgement>() <= 8);
    assert!(size_of::<SystemId>() <= 8);
    assert!(matches!(Pattern::parse("F2*"), Ok(Pattern::Prefix(_))));
    assert!(CodeKey::of("F20").is_some_and(|key| key.as_bytes() == b"F20"));
    assert_ne!(Says::Cancels, Says::Gives(Categories::NONE, Hits::default()));
}

/// Phrases and what their words should say of them: positives and near misses.
#[test]
fn the_shipped_words_know_what_a_phrase_is_about() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");
    let files = crate::policy_files::read_folder(std::path::Path::new(folder)).0;
    let book = CodeBook::read(&files.codes, &mut Vec::new());
    let mut rows =
        csv::Reader::from_reader(include_str!("../../../tests/data/words_hits.csv").as_bytes());
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows.records() {
        let row = row.unwrap();
        let hits = book.words(&row[0]);
        let mut found: Vec<&str> =
            hits.record.union(hits.episode).iter().map(Category::name).collect();
        let mut expected: Vec<&str> = row[1].split_whitespace().collect();
        found.sort_unstable();
        expected.sort_unstable();
        if found != expected {
            wrong.push(format!("{}: found {found:?}, expected {expected:?}", &row[0]));
        }
        count += 1;
    }
    assert!(count > 300 && wrong.is_empty(), "{}", wrong.join("\n"));
}
