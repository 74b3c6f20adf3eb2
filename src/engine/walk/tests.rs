//! Every record that a unit test judges is walked twice: what was written down of stretches that
//! repeat is what is found without it, but for what is quiet.

use super::Walk;
use crate::engine::diagnostics::SourceFile;
use crate::engine::document::marks::Marks;
use crate::engine::document::read::Document;
use crate::engine::document::tape::{NodeId, Tape};
use crate::engine::memory::Memory;
use crate::engine::saying::Saying;
use crate::engine::set::PolicySet;
use crate::engine::shapes::meant::Shape;
use crate::engine::sites::{Coded, Noted, Site, Sites, Words};
use std::path::Path;

/// What was noted before a record.
pub(super) struct Before {
    noted: Noted,
    required: Marks,
}

impl Before {
    pub(super) fn of(walk: &Walk<'_>) -> Before {
        Before { noted: walk.sites.so_far(), required: walk.sites.required.clone() }
    }
}

/// Whether a walk that knows of no repeats notes the same. What was noted stays as it was.
pub(super) fn same_without_repeats(
    walk: &mut Walk<'_>,
    before: Before,
    again: impl FnOnce(&mut Walk<'_>),
) {
    let Before { noted: before, required } = before;
    let taken = walk.sites.taken_since(&before);
    let required = std::mem::replace(&mut walk.sites.required, required);
    again(walk);
    let plain = walk.sites.taken_since(&before);
    let saying = Saying { doc: walk.doc, shape: walk.shape, codes: walk.codes };
    let heard = |(codes, words, others): &(Vec<Site<Coded>>, Vec<Site<Words>>, Vec<Site>)| {
        let (mut codes, mut words, others) = (codes.clone(), words.clone(), others.clone());
        codes.retain(|site| !saying.is_quiet_code(site.node, site.what.clinical));
        words.retain(|site| !saying.is_quiet_text(*site));
        (codes, words, others)
    };
    assert_eq!(heard(&taken), heard(&plain), "what stands in a record");
    assert_eq!(required, walk.sites.required, "what FHIR demands");
    let (codes, words, others) = taken;
    walk.sites.codes.extend(codes);
    walk.sites.words.extend(words);
    walk.sites.others.extend(others);
}

/// The policies of this repository, with another shape instead of theirs if there is one.
fn set_with(shape: &str) -> PolicySet {
    let (mut files, _) = crate::policy_files::read_folder(Path::new("policies"));
    if !shape.is_empty() {
        files.shapes = vec![SourceFile::new("policies/shapes/s.yaml", shape.to_owned())];
    }
    let (set, mistakes) = PolicySet::compile(&files);
    set.unwrap_or_else(|| panic!("{:?}", mistakes.first().map(|one| &one.message)))
}

#[test]
fn what_repeats_is_copied_whatever_scalars_stand_between() {
    let set = set_with(
        "shape: s\nbase: /s\nroutes: [{ GET: /a, body: json, judge: stream }]\nenvelope: []\n\
         records: [{ cut: '$[*]', kind: k }]\nkinds: { k: { subject: $.who } }\n",
    );
    let shape = set.shapes.first().unwrap();
    let starts = &shape.specs.first().unwrap().starts;
    let (mut noted, mut memory) = (Vec::new(), Memory::default());
    let mut copied = (0, 0);
    for number in 0..60 {
        let line = r#"{"code":"c","text":"seen for depression","cost":7}"#;
        let json =
            format!(r#"{{"who":"m","id":{number},"at":{line},"paid":{number},"and":{line}}}"#);
        let mut tape = Tape::default();
        let json = memory.parse(json.as_bytes(), 64, shape, &mut tape).unwrap();
        let doc = Document { json, tape: &tape };
        let mut walk = Walk::new(doc, shape, &set.codes, Sites::default(), &mut memory);
        walk.record(NodeId(0), 0, starts);
        noted.push((walk.sites.words.len(), walk.sites.others.len()));
        copied = walk.learnt.repeats.copied;
        if number == 0 {
            assert_eq!(copied, (0, 0), "nothing is known at first");
        }
    }
    let (words, others) = noted[0];
    assert!(words > 0 && others > 0 && noted.iter().all(|of| *of == noted[0]), "{noted:?}");
    let (stretches, repeats) = copied;
    assert!(stretches > 20 && repeats > stretches, "{stretches} of {repeats}");

    // What another parser made has other numbers: it is walked, and nothing is forgotten for it.
    let (json, mut tape) = (r#"{"who":"m","at":{"text":"seen by a doctor"}}"#, Tape::default());
    let mut other = Memory::default();
    other.parse(json.as_bytes(), 64, shape, &mut tape).unwrap();
    let json = other.parse(json.as_bytes(), 64, shape, &mut tape).unwrap();
    assert!(!tape.repeats().is_empty());
    let doc = Document { json, tape: &tape };
    let mut walk = Walk::new(doc, shape, &set.codes, Sites::default(), &mut memory);
    walk.record(NodeId(0), 0, starts);
    assert!(!walk.sites.words.is_empty());
    assert_eq!(walk.learnt.repeats.copied, copied);
}

/// Walks records that come one after the other, twice each; how many stretches were copied.
fn walked(
    shape: &Shape,
    set: &PolicySet,
    kind: usize,
    records: impl Iterator<Item = String>,
) -> usize {
    let starts =
        &shape.specs[shape.routes.iter().find_map(|route| route.whole).unwrap_or(0)].starts;
    let mut memory = Memory::default();
    let mut copied = 0;
    for record in records {
        let mut tape = Tape::default();
        let json = memory.parse(record.as_bytes(), 64, shape, &mut tape).unwrap();
        let doc = Document { json, tape: &tape };
        let mut walk = Walk::new(doc, shape, &set.codes, Sites::default(), &mut memory);
        walk.record(NodeId(0), kind, starts);
        copied = walk.learnt.repeats.copied.0;
        memory.begin_records(&tape, std::iter::once(NodeId(0)));
    }
    copied
}

#[test]
fn a_guard_that_looks_into_a_blank_is_asked_each_time() {
    let text = "shape: s\nbase: /s\nroutes: [{ GET: /a, body: json, judge: stream }]\nenvelope: []\n\
                records: [{ cut: '$[*]', kind: k }]\n\
                kinds: { k: { subject: \"$.people[?@.role=='owner'].who\", members: [$.n, $.paid] } }\n";
    let set = set_with(text);
    let shape = set.shapes.first().unwrap();
    // Roles are all of one length; the one that is always the same stands in fixed bytes.
    let record = |number: usize| {
        let role = ["owner", "payer", "agent", "owned"][number % 4];
        let people = |role| format!(r#"{{"role":"{role}","who":"{number}"}}"#);
        format!(
            r#"{{"n":[1,{{"deep":[{number}]}},2],"people":[{},{}],"paid":[{{"at":"{number}","x":[1]}}]}}"#,
            people(role),
            people("owner"),
        )
    };
    assert!(walked(shape, &set, 0, (100..300).map(record)) > 100);
}

#[test]
fn an_extension_is_told_by_its_url_each_time() {
    let set = set_with("");
    let shape = set.shapes.iter().find(|shape| shape.fhir).unwrap();
    let kind = shape.kind_number("Patient").unwrap();
    let known = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race";
    assert!(shape.extensions.iter().any(|url| url == known));
    let record = |number: usize| {
        // One of eight may leave; all are as long.
        let last = ["e", "a", "b", "c", "d", "f", "g", "h"][number % 8];
        let url = known.strip_suffix('e').unwrap();
        let extension = |last| format!(r#"{{"url":"{url}{last}","valueString":"{number}"}}"#);
        format!(
            r#"{{"resourceType":"Patient","active":true,"extension":[{},{}],"birthDate":"{}"}}"#,
            extension(last),
            extension("e"),
            1000 + number,
        )
    };
    assert!(walked(shape, &set, kind, (100..300).map(record)) > 10);
}

#[test]
fn what_may_be_words_is_looked_at_each_time() {
    let text = "shape: s\nbase: /s\nroutes: [{ GET: /a, body: json, judge: stream }]\nenvelope: []\n\
                records: [{ cut: '$[*]', kind: k }]\nkinds: { k: { subject: $.who, members: [$.said] } }\n";
    let set = set_with(text);
    let shape = set.shapes.first().unwrap();
    let record = |number: usize| {
        let said = ["depression", "depressed1", "no word at", "2024-01-01"][number % 4];
        format!(r#"{{"who":"m","said":{{"on":[true,"{said}",{number}],"by":["m"]}},"n":{number}}}"#)
    };
    assert!(walked(shape, &set, 0, (100..300).map(record)) > 100);
}
