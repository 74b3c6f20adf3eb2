//! What says nothing is left out where it repeats; what says something, or might, never is.

use crate::engine::codes::CodeBook;
use crate::engine::diagnostics::SourceFile;
use crate::engine::document::read::Document;
use crate::engine::document::tape::{NodeId, Tape};
use crate::engine::memory::Memory;
use crate::engine::set::PolicySet;
use crate::engine::sites::Sites;
use crate::engine::walk::Walk;
use std::path::Path;

/// The codes and the words that are noted in a record.
type Heard = (Vec<String>, Vec<String>);

fn policies() -> PolicySet {
    let (files, _) = crate::policy_files::read_folder(Path::new("policies"));
    PolicySet::compile(&files).0.unwrap()
}

/// What is noted in each of these records, which come one after the other.
fn heard(set: &PolicySet, codes: &CodeBook, records: impl Iterator<Item = String>) -> Vec<Heard> {
    let shape = set.shapes.iter().find(|shape| shape.fhir).unwrap();
    let spec = shape.routes.iter().find_map(|route| route.whole).unwrap();
    let kind = shape.kind_number("Condition").unwrap();
    let mut memory = Memory::default();
    let heard = records.map(|record| {
        let mut tape = Tape::default();
        let json = memory.parse(record.as_bytes(), 64, shape, &mut tape).unwrap();
        let doc = Document { json, tape: &tape };
        let mut walk = Walk::new(doc, shape, codes, Sites::default(), &mut memory);
        walk.record(NodeId(0), kind, &shape.specs[spec].starts);
        let code = |node| doc.written(doc.member_named(node, "code").unwrap()).trim_matches('"');
        let codes = walk.sites.codes.iter().map(|site| code(site.node).to_owned());
        let words = walk.sites.words.iter().map(|site| doc.text(site.node).unwrap().into_owned());
        let heard = (codes.collect(), words.collect());
        memory.begin_records(&tape, std::iter::once(NodeId(0)));
        heard
    });
    heard.collect()
}

/// A record with codes in a clinical place and others beside it, each in a concept of its own.
fn condition(number: usize, code: &str, others: &[String]) -> String {
    let others: Vec<_> = others.iter().map(|coding| concept(coding)).collect();
    format!(
        r#"{{"resourceType":"Condition","id":"{number}","code":{},"bodySite":[{}],"#,
        concept(code),
        others.join(","),
    ) + &format!(r#""subject":{{"reference":"Patient/{number}"}}}}"#)
}

fn concept(coding: &str) -> String {
    format!(r#"{{"coding":[{coding}]}}"#)
}

fn coding(system: &str, code: &str, display: &str) -> String {
    format!(r#"{{"system":"{system}","code":"{code}","display":"{display}"}}"#)
}

fn list(of: &[&str]) -> Vec<String> {
    of.iter().map(|one| (*one).to_owned()).collect()
}

const ICD: &str = "http://hl7.org/fhir/sid/icd-10-cm";
const SNOMED: &str = "http://snomed.info/sct";
const STATUS: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";

#[test]
fn only_what_says_nothing_is_left_out() {
    let set = policies();
    let others = [
        // Ignored (and a reference, which stays), harmless, and explained by its own words.
        format!(r#"{{"system":"{STATUS}","code":"confirmed","reference":"Procedure/p"}}"#),
        coding(ICD, "J45.909", "Asthma"),
        coding(SNOMED, "368209003", "Right arm"),
        // Explained by nothing of its own, no string, of no known system, listed.
        format!(r#"{{"system":"{SNOMED}","code":"368209004"}}"#),
        format!(r#"{{"system":"{SNOMED}","code":7,"display":"Right arm"}}"#),
        coding("http://house.example/codes", "nobody-knows", "Left arm"),
        coding(ICD, "F33.1", "Recurrent depression"),
    ];
    // What is known in a clinical place is counted.
    let clinical = [coding(ICD, "J45.901", "Bad asthma"), coding(SNOMED, "195967001", "Asthma")];
    let record = |number| condition(number, &clinical.join(","), &others);
    let heard = heard(&set, &set.codes, (0..60).map(record));
    let quiet = ["confirmed", "J45.909", "368209003"];
    let stays = ["J45.901", "195967001", "368209004", "7", "nobody-knows", "F33.1"];
    let (codes, words) = &heard[0];
    assert!(quiet.iter().chain(&stays).all(|code| codes.contains(&(*code).to_owned())));
    assert!(words.contains(&"Asthma".to_owned()));
    let depression = "Recurrent depression";
    assert_eq!(heard[59], (list(&stays), list(&[depression, "Patient/59"])));
    let always = |(codes, words): &Heard| {
        stays.iter().all(|code| codes.contains(&(*code).to_owned()))
            && words.contains(&depression.to_owned())
    };
    assert!(heard.iter().all(always));
}

/// Codes that rows name for a time only, one that no row names, and words.
fn dated() -> CodeBook {
    let systems = "key,uri_or_oid,status,source,note\nX,http://x.example,complete,s,\n";
    let codes = "system,code_or_range,category,subcategory,reach,from,until,source,note\n\
                 X,A1,mental-health,,episode,2020-01-01,,s,\n\
                 X,B1,mental-health,,episode,,2018-12-31,s,\n\
                 X,C1,mental-health,,episode,2012-01-01,2013-12-31,s,\n";
    let words = "words,category,reach,not_in,source,note\ndepress*,mental-health,episode,,s,\n";
    let file = |(path, text): (&str, &str)| SourceFile::new(path, text);
    let files = [("systems.csv", systems), ("x.csv", codes), ("words.csv", words)].map(file);
    let mut mistakes = Vec::new();
    let book = CodeBook::read(&files, &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    book
}

#[test]
fn what_is_listed_for_a_time_stays() {
    let book = dated();
    let eras: Vec<_> = book.dates_of_eras().map(|date| book.era(date)).collect();
    assert_eq!(eras, [None, Some(0), Some(1), Some(2), Some(3), Some(4)], "each era once");
    let others = ["A1", "Z1", "B1", "C1"].map(|code| coding("http://x.example", code, "Arm"));
    let record = |number| condition(number, &coding("http://x.example", "Z2", "Arm"), &others);
    let heard = heard(&policies(), &book, (0..60).map(record));
    assert_eq!(heard[0].0, ["Z2", "A1", "Z1", "B1", "C1"]);
    assert_eq!(heard[59].0, ["Z2", "A1", "B1", "C1"]);
}

#[test]
fn what_holds_a_scalar_of_any_text_stays() {
    let record = |number: usize| {
        // Nothing is said by these but in the last record.
        let last = number == 59;
        let code = if last { "A1".to_owned() } else { format!("Z{number}") };
        let display = if last { "Depression".to_owned() } else { format!("Arm {number}") };
        let others = [
            coding("http://x.example", "Z1", "Arm"),
            coding("http://x.example", &code, "Arm"),
            coding("http://x.example", "Z1", "Arm"),
            coding("http://x.example", "Z1", &display),
            coding("http://x.example", "Z1", "Arm"),
        ];
        condition(number, &coding("http://x.example", "Z2", "Arm"), &others)
    };
    let heard = heard(&policies(), &dated(), (0..60).map(record));
    let of = |codes: &[&str], words: &[&str]| (list(codes), list(words));
    assert_eq!(heard[58], of(&["Z2", "Z58", "Z1"], &["Arm 58", "Patient/58"]));
    assert_eq!(heard[59], of(&["Z2", "A1", "Z1"], &["Depression", "Patient/59"]));
}
