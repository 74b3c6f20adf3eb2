//! Every record that a unit test judges is walked twice: what was written down of stretches that
//! repeat is what is found without it, but for what is quiet.

use super::Walk;
use crate::engine::diagnostics::SourceFile;
use crate::engine::document::read::Document;
use crate::engine::document::tape::{NodeId, Tape};
use crate::engine::memory::Memory;
use crate::engine::saying::Saying;
use crate::engine::set::{PolicyFiles, PolicySet};
use crate::engine::sites::{Coded, Noted, Site, Sites, Words};
use std::path::Path;

/// What was noted before a record.
pub(super) struct Before {
    noted: Noted,
    required: Vec<bool>,
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

#[test]
fn what_repeats_is_copied_whatever_scalars_stand_between() {
    let text = "shape: s\nbase: /s\nroutes: [{ GET: /a, body: json, judge: stream }]\nenvelope: []\n\
                records: [{ cut: '$[*]', kind: k }]\nkinds: { k: { subject: $.who } }\n";
    let shapes = vec![SourceFile::new("policies/shapes/s.yaml", text.to_owned())];
    let (files, _) = crate::policy_files::read_folder(Path::new("policies"));
    let (set, mistakes) = PolicySet::compile(&PolicyFiles { shapes, ..files });
    let set = set.unwrap_or_else(|| panic!("{:?}", mistakes.first().map(|one| &one.message)));
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
