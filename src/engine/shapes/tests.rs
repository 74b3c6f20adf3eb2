//! Mistakes of shapes that only compiling finds.

use crate::engine::diagnostics::SourceFile;
use crate::engine::set::{PolicyFiles, PolicySet};

/// What is told of a shape with these lines.
fn told(dialect: &str, route: &str, envelope: &str, records: &str) -> String {
    let text = format!(
        "shape: s\nbase: /s\n{dialect}routes: [{route}]\nenvelope: [{envelope}]\n\
         records: [{records}]\nkinds: {{ k: {{ subject: $.who }} }}\n"
    );
    let shapes = vec![SourceFile::new("policies/shapes/s.yaml", text)];
    let (_, mistakes) = PolicySet::compile(&PolicyFiles { shapes, ..PolicyFiles::default() });
    let shape = mistakes.iter().filter(|mistake| mistake.file.path.ends_with("s.yaml"));
    let messages: Vec<&str> = shape.map(|mistake| mistake.message.as_str()).collect();
    messages.join("\n")
}

const ARRAY: &str = "{ GET: /a, body: json, judge: stream }";
const ROOT: &str = "{ cut: '$[*]', kind: k }";

#[test]
fn arrays_that_can_be_streamed() {
    assert_eq!(told("", ARRAY, "", ROOT), "");
    let other = "{ cut: '$.a.b[*]', kind: k }, { cut: '$.rows[*]', kind: k }";
    assert_eq!(told("", ARRAY, "'$.a[*].x[-1]', $.b", other), "");
    let list = "{ GET: /a, body: json, judge: stream, record: k }";
    assert_eq!(told("", list, "", "{ cut: '$.a.b[*]', kind: k }"), "");
}

#[test]
fn streams_that_cannot_be_judged() {
    let not_named = "a streamed array is named by";
    for records in ["", "{ cut: '$.a.b[*]', kind: k }", "{ cut: $.a, kind: k }"] {
        assert!(told("", ARRAY, "", records).starts_with(not_named), "{records}");
    }
    let unplain = "does not begin with names or `[*]`";
    for place in ["'$[0]'", "'$..a'", "'$.rows[-1]'", "'$.rows[0:2]'", "'$[?@.a==1]'"] {
        assert!(told("", ARRAY, place, ROOT).contains(unplain), "{place}");
    }
    let records = "{ cut: '$[*]', kind: k }, { cut: '$..rows[*]', kind: k }";
    assert!(told("", ARRAY, "", records).contains(unplain));
    let fhir = told("dialect: fhir\n", ARRAY, "", ROOT);
    assert!(fhir.starts_with("only `body: ndjson`"), "{fhir}");
    let paged = "{ GET: /a, body: json, judge: stream, paging: { size: n } }";
    assert_eq!(told("", paged, "", ROOT), "a stream has no pages");
    let whole = "{ GET: /a, body: ndjson, record: k }";
    assert_eq!(told("", whole, "", ROOT), "NDJSON is judged as a stream");
}
