//! House JSON: values of another form than the shape expects, which no selector goes through.

use super::cuts::nested_places;
use super::json::{Id, Value};
use super::path::{Path, Selector};
use super::records::Body;
use sequester::engine::category::Category;
use std::collections::BTreeSet;

/// The misformed values of a record that are not empty, and whether each might be a subject or a
/// psychotherapy note.
pub fn misformed(body: &Body<'_>, record: usize) -> Vec<(Id, bool)> {
    let (Some(root), Some(kind)) = (body.records[record].node, body.kind(record)) else {
        return Vec::new();
    };
    if body.shape.fhir {
        return Vec::new();
    }
    let notes = kind.fields.iter().filter(|field| field.category == Category::PsychotherapyNotes);
    let bars: Vec<&Path> = kind.subject.iter().chain(notes.map(|field| &field.at)).collect();
    let nested = nested_places(body, record);
    let mut tells = bars.clone();
    tells.extend(kind.episode.iter().flatten().chain(&kind.evidence));
    tells.extend(kind.resolve.iter().map(|(link, _)| link));
    tells.extend(kind.codes.iter().map(|code| &code.at));
    tells.extend(kind.codes.iter().filter_map(|code| code.system_at.as_ref()));
    tells.extend(&nested);
    let mut marked = tells.clone();
    marked.extend(kind.id.iter().chain(&kind.date));
    marked.extend(kind.fields.iter().map(|field| &field.at));
    let all: Vec<&Path> = marked.iter().copied().chain(&kind.members).collect();
    if all.iter().any(|path| path.segments.iter().any(|segment| segment.descend)) {
        return Vec::new();
    }
    let way = |paths: &[&Path]| -> BTreeSet<Id> {
        paths.iter().flat_map(|path| path.on_the_way(body.doc, root)).collect()
    };
    let places = Places {
        ends: marked.iter().flat_map(|path| path.find(body.doc, root)).collect(),
        asked: asked(body, root, &all),
        all: way(&all),
        tells: way(&tells),
        bars: way(&bars),
    };
    let nodes = body.scope(record).iter().copied().filter(|node| *node != root);
    let found = nodes.filter_map(|node| Some((node, places.misformed(body, node)?)));
    found.filter(|(node, _)| !super::classify::is_empty(body.doc, *node)).collect()
}

/// Arrays of which selectors take some elements only.
fn asked(body: &Body<'_>, root: Id, all: &[&Path]) -> BTreeSet<Id> {
    let mut arrays = BTreeSet::new();
    for path in all {
        for (at, segment) in path.segments.iter().enumerate() {
            let picks = |one: &Selector| matches!(one, Selector::Index(_) | Selector::Filter(_));
            if segment.selectors.iter().any(picks) {
                let before = Path { segments: path.segments[..at].to_vec() };
                arrays.extend(before.find(body.doc, root));
            }
        }
    }
    arrays
}

struct Places {
    /// What is noted stands there.
    ends: BTreeSet<Id>,
    asked: BTreeSet<Id>,
    // Selectors pass through: any, those of what tells, those of what bars.
    all: BTreeSet<Id>,
    tells: BTreeSet<Id>,
    bars: BTreeSet<Id>,
}

impl Places {
    fn misformed(&self, body: &Body<'_>, node: Id) -> Option<bool> {
        let nodes = &body.doc.nodes;
        let value = &nodes[node].value;
        if *value == Value::Null {
            return None;
        }
        let scalar = !matches!(value, Value::Array(_) | Value::Object(_));
        if scalar && self.tells.contains(&node) && !self.ends.contains(&node) {
            return Some(self.bars.contains(&node));
        }
        let array = nodes[node].parent.filter(|parent| body.doc.is_array(*parent))?;
        let passed_over = !self.all.contains(&node) && !self.ends.contains(&node);
        let is_misformed =
            passed_over && self.tells.contains(&array) && !self.asked.contains(&array);
        is_misformed.then(|| self.bars.contains(&array))
    }
}
