//! Mistakes of shapes that only compiling finds.

use crate::engine::diagnostics::SourceFile;
use crate::engine::lookups::Nobody;
use crate::engine::request::{Asked, admit};
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

#[test]
fn records_inside_others_are_listed_under_those() {
    let outer = "{ cut: '$.claims[*]', kind: k }";
    let list = "{ GET: /a, body: json }";
    for inner in ["$.claims[*].lines[*]", "$.claims[*]['lines']", "$['claims'][*].by"] {
        let both = format!("{outer}, {{ cut: \"{inner}\", kind: k }}");
        assert_eq!(told("", list, "", &both), "this stands inside what `$.claims[*]` cuts");
    }
    for other in ["$.claims", "$.claim[*].lines[*]", "$..lines[*]"] {
        let both = format!("{outer}, {{ cut: '{other}', kind: k }}");
        let expected =
            if other == "$.claims" { "this stands inside what `$.claims` cuts" } else { "" };
        assert_eq!(told("", list, "", &both), expected, "{other}");
    }
}

/// What is told of a kind that has something looked up.
fn told_of_kind(kind: &str) -> String {
    let text = format!(
        "shape: s\nbase: /s\nroutes: [{{ GET: '/k/{{id}}', body: json, record: k }}, {{ GET: /k, body: search }}, \
         {{ GET: '/family/{{contract}}', body: json }}]\nrecords: [{{ cut: '$[*]', kind: k }}]\n\
         kinds: {{ k: {{ subject: $.who, episode: [$.visit], {kind} }} }}\n"
    );
    let shapes = vec![SourceFile::new("policies/shapes/s.yaml", text)];
    let (_, mistakes) = PolicySet::compile(&PolicyFiles { shapes, ..PolicyFiles::default() });
    let shape = mistakes.iter().filter(|mistake| mistake.file.path.ends_with("s.yaml"));
    let messages: Vec<&str> = shape.map(|mistake| mistake.message.as_str()).collect();
    messages.join("\n")
}

#[test]
fn what_is_looked_up_has_a_route() {
    let resolve =
        |get: &str| told_of_kind(&format!("resolve: [{{ link: $.visit, get: '{get}' }}]"));
    assert_eq!(resolve("/k/{id}"), "");
    for get in ["/visits/{id}", "/k", "/family/{contract}", "/{type}/{id}", "/k/{id}/all"] {
        assert_eq!(resolve(get), format!("no route answers `{get}` with one record"));
    }
    assert!(resolve("k/{id}").contains("begins with `/`"));
}

#[test]
fn captures_that_would_be_checked_by_nothing() {
    let route = |name: &str| told("", &format!("{{ GET: '/a/{{{name}}}', body: json }}"), "", "");
    for name in ["member", "contract", "id", "file", "visitId"] {
        assert_eq!(route(name), "", "{name}");
    }
    for name in ["memberId", "Member", "familyMember", "contractNumber", "contrct"] {
        let expected = format!("`{{{name}}}` is not checked against the reader");
        assert_eq!(route(name), expected);
    }
}

#[test]
fn members_are_named() {
    let members = |selector: &str| told_of_kind(&format!("members: ['{selector}']"));
    for named in ["$.a", "$..a", "$.a.*", "$.lines[*].amount"] {
        assert_eq!(members(named), "", "{named}");
    }
    for all in ["$", "$.*", "$..*", "$[*].a", "$.a..*"] {
        let expected = format!("`{all}` names members that nobody has thought of");
        assert_eq!(members(all), expected);
    }
}

#[test]
fn an_index_where_something_is_judged_by_is_a_warning() {
    let warned = |selector: &str| format!("`{selector}` takes one of a list alone");
    let list = |cut: &str| {
        told("", "{ GET: /a, body: json }", "", &format!("{{ cut: '{cut}', kind: k }}"))
    };
    assert_eq!(list("$.rows[*]"), "");
    assert_eq!(list("$.rows[0]"), warned("$.rows[0]"));
    for (kind, selector) in [
        ("codes: [{ at: '$.dx[0].code', system: x }]", "$.dx[0].code"),
        ("codes: [{ at: '$.dx[*].code', system-at: '$.dx[-1].by' }]", "$.dx[-1].by"),
    ] {
        assert!(told_of_kind(kind).contains(&warned(selector)), "{kind}");
    }
    for unjudged in ["id: '$.ids[0]'", "members: ['$.lines[0].amount']"] {
        assert_eq!(told_of_kind(unjudged), "");
    }
    let parts = "}, a: { subject: [$.who, '$.of[1]'], episode: [['$.by[0]', $.day]]";
    let told = told_of_kind(parts);
    assert_eq!(told, [warned("$.of[1]"), warned("$.by[0]")].join("\n"));
}

#[test]
fn a_base_is_a_path() {
    let set = |base: &str| {
        let text = format!(
            "shape: s\nbase: {base}\nroutes: [{{ GET: '/k/{{id}}', body: json }}, \
             {{ GET: /, body: json }}]\nkinds: {{ k: {{ subject: $.who }} }}\n"
        );
        let shapes = vec![SourceFile::new("policies/shapes/s.yaml", text)];
        let rules = include_str!("../../../policies/rules/us-federal.yaml");
        let rules = vec![SourceFile::new("policies/rules/us-federal.yaml", rules)];
        PolicySet::compile(&PolicyFiles { shapes, rules, ..PolicyFiles::default() })
    };
    for base in ["api", "https://a.example/api", "''"] {
        let (set, mistakes) = set(base);
        assert!(set.is_none());
        assert!(mistakes.iter().any(|told| told.message == "a base begins with `/`"), "{base}");
    }
    for (base, asked) in [("/", ["/", "/k/1"]), ("/api/", ["/api", "/api/k/1"])] {
        let (set, mistakes) = set(base);
        let set = set.unwrap_or_else(|| panic!("{mistakes:?}"));
        for target in asked {
            let plan = admit(&set, &Nobody, Asked { method: "GET", target, form: None });
            assert_eq!(plan.unwrap().target, target);
        }
    }
}

#[test]
fn an_owner_is_found_by_a_search() {
    let owner = |kind: &str, get: &str| {
        let owner = format!("owner: {{ kind: {kind}, at: $.of, get: '{get}' }}");
        told_of_kind(&format!("needs: codes }}, a: {{ belongs: attached, {owner}"))
    };
    assert_eq!(owner("k", "/k?of={name}"), "");
    assert_eq!(owner("x", "/k?of={name}"), "no kind is named `x`");
    assert_eq!(owner("a", "/k?of={name}"), "what belongs to another cannot own");
    for get in ["/k", "/k?of=", "/k?of={id}", "/k?a=1&of={name}"] {
        assert_eq!(owner("k", get), "not a search by the record's name", "{get}");
    }
    assert_eq!(owner("k", "/m?of={name}"), "no search of the shape answers `/m`");
    let somebodys = "owner: { kind: k, at: $.of, get: '/k?of={name}' }";
    assert_eq!(told_of_kind(somebodys), "only a kind that is `belongs: attached` has an `owner`");
}

#[test]
fn pages_that_can_be_turned_and_that_cannot() {
    let list = "{ cut: '$.rows[*]', kind: k }";
    let house = |paging: &str| {
        told("", &format!("{{ GET: /a, body: json, paging: {{ {paging} }} }}"), "", list)
    };
    for paging in [
        "size: n, cursor: c, next: $.page.next",
        "cursor: c, next: $.next",
        "size: n, offset: from, next: $.more",
        "size: n, page: p, next: $.more",
        "size: n, page: p, first: 0, next: $.more",
    ] {
        assert_eq!(house(paging), "", "{paging}");
    }
    for (paging, mistake) in [
        ("size: n, cursor: c", "paging needs `next`"),
        ("size: n, next: $.next", "paging is by one of `cursor`, `offset` and `page`"),
        ("cursor: c, offset: o, next: $.next", "paging is by one of `cursor`, `offset` and `page`"),
        ("offset: o, first: 1, next: $.next", "`first` is of use with `page` only"),
        (
            "cursor: c, next: '$.links[0].next'",
            "`$.links[0].next` must be names only, as in `$.a.b`",
        ),
    ] {
        assert_eq!(house(paging), mistake, "{paging}");
    }
    let search = |paging: &str| {
        let route = format!("{{ GET: /a, body: search, paging: {{ {paging} }} }}");
        told("dialect: fhir\n", &route, "", list)
    };
    assert_eq!(search("size: _count, next: \"$.link[?@.relation=='next'].url\""), "");
    let by_link = "`body: search` pages by the link at `next`, not by `offset` or `page`";
    assert_eq!(search("offset: o, next: $.link"), by_link);
    let paging = "paging: { cursor: c, next: $.next }";
    let only = "only `body: search`, and `body: json` with a list of records, have pages";
    for body in ["body: bundle", "body: resource", "body: json, record: k"] {
        let told = told("dialect: fhir\n", &format!("{{ GET: /a, {body}, {paging} }}"), "", list);
        assert_eq!(told, only, "{body}");
    }
    let alone = told("", &format!("{{ POST: /a, body: json, {paging} }}"), "", list);
    assert!(alone.starts_with("a POST that pages needs its `GET`"), "{alone}");
}
