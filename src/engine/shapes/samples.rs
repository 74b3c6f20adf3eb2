//! Does every selector of a shape match somewhere in its samples? One that matches nothing is
//! how a redactor fails open unnoticed.

use super::compile::Origin;
use super::meant::{KindOf, Shape, flag};
use super::written;
use crate::engine::diagnostics::{Diagnostic, SourceFile, did_you_mean};
use crate::engine::document::read::Document;
use crate::engine::document::tape::{Kind as Json, NodeId, Tape};
use crate::engine::document::text;
use crate::engine::selectors::automaton::{Child, State};
use std::collections::{BTreeMap, BTreeSet};

/// Deepest nesting of a sample.
const DEPTH: usize = 64;

/// Tells the selectors that no sample matches.
pub fn check(
    file: &SourceFile,
    written: &written::Shape,
    shape: &Shape,
    origins: &BTreeMap<u32, Origin>,
    samples: &[SourceFile],
    mistakes: &mut Vec<Diagnostic>,
) {
    if written.samples.is_empty() {
        let message = "the shape names no samples, so nothing shows that its selectors match";
        let help = "list bodies of this API under `samples:`";
        mistakes.push(Diagnostic::error(file, written.shape.span, message).help(help));
        return;
    }
    let mut seen = Seen::default();
    for name in &written.samples {
        let wanted = |sample: &&SourceFile| {
            *sample.path == *name.value || sample.path.ends_with(&format!("/{}", name.value))
        };
        let Some(sample) = samples.iter().find(wanted) else {
            let message = format!("the sample `{}` is not there", name.value);
            mistakes.push(Diagnostic::error(file, name.span, message));
            continue;
        };
        let mut tape = Tape::default();
        let bytes = sample.text.as_bytes();
        match shape.memories.lend().parse(bytes, DEPTH, shape, &mut tape) {
            Ok(json) => Look { shape, doc: Document { json, tape: &tape }, seen: &mut seen }.body(),
            Err(error) => {
                let message = format!(
                    "the sample `{}` cannot be read at byte {}: {}",
                    name.value, error.at, error.why
                );
                mistakes.push(Diagnostic::error(file, name.span, message));
            }
        }
    }
    report(file, origins, &seen, mistakes);
}

/// What the samples hold.
#[derive(Default)]
struct Seen {
    marks: BTreeSet<u32>,
    keys: BTreeSet<String>,
}

fn report(
    file: &SourceFile,
    origins: &BTreeMap<u32, Origin>,
    seen: &Seen,
    mistakes: &mut Vec<Diagnostic>,
) {
    let mut told = BTreeSet::new();
    for (mark, origin) in origins {
        // One selector may bear several marks; all of them match or none does.
        if seen.marks.contains(mark) || !told.insert(origin.selector.span) {
            continue;
        }
        let message = format!("no sample matches `{}`", origin.selector.value);
        let mut diagnostic = Diagnostic::error(file, origin.selector.span, message);
        let names = origin.path.vocabulary();
        let unknown = names.into_iter().find(|name| !seen.keys.contains(*name));
        diagnostic.help = match unknown {
            Some(name) => did_you_mean(name, seen.keys.iter().map(String::as_str))
                .map(|help| format!("no sample has a member `{name}`; {help}"))
                .or_else(|| Some(format!("no sample has a member `{name}`"))),
            None => Some("its members are in the samples, but not at this place".to_owned()),
        };
        mistakes.push(diagnostic);
    }
}

struct Look<'a> {
    shape: &'a Shape,
    doc: Document<'a>,
    seen: &'a mut Seen,
}

impl Look<'_> {
    fn body(&mut self) {
        let root = NodeId(0);
        self.place(root, self.shape.body, None);
        // A sample may also be the body of a route that is one record.
        let wholes: Vec<usize> = self.shape.routes.iter().filter_map(|route| route.whole).collect();
        let array = self.doc.get(root).is_some_and(|node| node.kind == Json::Array);
        for spec in wholes {
            if array {
                // A streamed array of records.
                for (element, _) in self.doc.children(root) {
                    self.record(element, spec);
                }
            } else {
                self.record(root, spec);
            }
        }
    }

    fn place(&mut self, id: NodeId, state: State, starts: Option<usize>) {
        self.seen.marks.extend(self.shape.automaton.marks(state));
        let facts = self.shape.facts(state);
        if facts.flags & flag::CUT != 0 {
            for mark in self.shape.marks(facts) {
                if let super::meant::Mark::Cut(spec) = mark {
                    self.record(id, usize::from(*spec));
                    let inside = self.shape.specs.get(usize::from(*spec)).map(|s| &s.record);
                    if inside.is_none_or(Vec::is_empty) {
                        return;
                    }
                }
            }
        }
        let Some(node) = self.doc.get(id) else { return };
        let mut state = state;
        if let (true, Some(spec)) = (facts.flags & flag::RESOURCE != 0, starts) {
            state = self.start(id, spec).unwrap_or(state);
        }
        let array = node.kind == Json::Array;
        for (index, (child, inner)) in self.doc.children(id).enumerate() {
            if !array {
                self.seen.keys.insert(text::key_of(self.doc.json, inner).into_owned());
            }
            let step = Child { node: child, key: inner.key, index: array.then_some(index) };
            let next = self.shape.automaton.step(state, step, self.doc);
            self.place(child, next, starts);
        }
    }

    fn record(&mut self, cut: NodeId, spec: usize) {
        let Some(meant) = self.shape.specs.get(spec) else { return };
        let Some(root) = self.doc.at_keys(cut, &meant.record) else { return };
        for (_, inner) in self.doc.children(cut) {
            if !inner.is_element {
                self.seen.keys.insert(text::key_of(self.doc.json, inner).into_owned());
            }
        }
        if let Some(start) = self.start(root, spec) {
            self.place(root, start, Some(spec));
        }
    }

    /// The state at the root of the record there.
    fn start(&self, root: NodeId, spec: usize) -> Option<State> {
        let spec = self.shape.specs.get(spec)?;
        let kind = match &spec.kind {
            KindOf::Always(kind) => *kind,
            KindOf::Told(keys) => {
                let told = self.doc.get(self.doc.at_keys(root, keys)?)?;
                self.shape.kind_number(&text::str_of(self.doc.json, told))?
            }
        };
        spec.starts.get(kind).copied()
    }
}
