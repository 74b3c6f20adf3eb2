//! Where records stand in others' places: none leaves without a verdict.

use crate::engine::diagnostics::SourceFile;
use crate::engine::request::{Asked, admit};
use crate::engine::set::PolicySet;
use crate::engine::{Redactor, Settings};
use crate::members::{Register, RegisterFiles};
use crate::policy_files;
use jiff::civil::date;
use std::path::Path;
use std::sync::Arc;

/// What the mother gets of a body, by the policies of this repository and a shape with these
/// lines.
fn read(lines: &str, body: &str) -> String {
    let (mut files, _) = policy_files::read_folder(Path::new("policies"));
    let shape = format!(
        "shape: s\nbase: /s\nroutes: [{{ GET: /a, body: json }}]\n{lines}\n\
         kinds: {{ k: {{ subject: $.who, members: [$.x] }} }}\n"
    );
    files.shapes = vec![SourceFile::new("policies/shapes/s.yaml", shape)];
    let (set, mistakes) = PolicySet::compile(&files);
    let set = set.unwrap_or_else(|| panic!("{:?}", mistakes.first().map(|one| &one.message)));
    let members = "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
        M-100,C-1,self,1973-04-02,OH,2015-01-01,,\n";
    let members = SourceFile::new("members.csv", members);
    let files = RegisterFiles { members, grants: None, restrictions: None };
    let register = Arc::new(Register::read(&files, &mut Vec::new()).unwrap());
    let states = policy_files::read(Path::new("policies")).0.unwrap().states;
    let people = register.view("M-100", date(2026, 11, 21), &states);
    let asked = Asked { method: "GET", target: "/s/a", form: None };
    let plan = admit(&set, people.as_ref(), asked).unwrap();
    let settings = Settings { hold: 1 << 20, record: 1 << 20, depth: 64, public_url: None };
    let mut redactor = Redactor::new(Arc::new(set), people, settings, plan, false);
    redactor.head(200, &["application/json"]).unwrap();
    redactor.push(body.as_bytes()).unwrap();
    let released = redactor.finish().unwrap();
    String::from_utf8(released.open().to_vec()).unwrap()
}

#[test]
fn a_record_beside_another_in_its_place_does_not_leave() {
    let lines = "envelope: []\nrecords:\n\
        - { cut: '$.list[*]', record: '$.it', kind: k }\n\
        - { cut: '$..beside', kind: k }\n\
        - { cut: '$..entry[*]', record: '$.it', kind: k }";
    let body = r#"{"list":[{"it":{"who":"M-100","x":1},"beside":{"who":"M-9","x":"s"}}],
        "entry":[{"it":{"who":"M-100","x":2},"more":{"entry":[{"it":{"who":"M-9","x":"s"}}]}}]}"#;
    let expected = r#"{"list":[{"it":{"who":"M-100","x":1}}],
        "entry":[{"it":{"who":"M-100","x":2}}]}"#;
    assert_eq!(read(lines, body), expected);
}

#[test]
fn a_record_in_the_envelope_is_judged() {
    let item = |who: &str| format!(r#"{{"who":"{who}","x":1}}"#);
    let body = |items: &[&str]| {
        let items = items.join(",");
        format!(r#"{{"summary":{{"of":{{"a":[1,{{}}]}},"in":{{"b":1,"items":[{items}]}}}}}}"#)
    };
    let (own, others) = (item("M-100"), item("M-9"));
    for items in ["$.summary.in.items[*]", "$..items[*]"] {
        let lines = format!("envelope: [$.summary]\nrecords: [{{ cut: '{items}', kind: k }}]");
        assert_eq!(read(&lines, &body(&[&own, &others])), body(&[&own]), "{items}");
    }
}
