//! One kind as written → as meant, its selectors marked.

use super::compile::Compiler;
use super::meant::{Field, Kind, Mark};
use super::written::{self, About, Belongs, Joins, Needs, StringOrList};
use crate::engine::category::Category;
use crate::engine::diagnostics::{At, Span, did_you_mean};
use crate::engine::selectors::build::Place;
use crate::engine::selectors::{Path, Selector, Step};

/// Marks everything a kind names and gives what is left of it.
pub(super) fn compile(
    compiler: &mut Compiler<'_>,
    name: &str,
    kind: &At<written::Kind>,
    root: Place,
) -> Kind {
    let written = &kind.value;
    let mut marking = Marking { compiler, root, typed: !written.elements.is_empty() };
    marking.links(written);
    let code_systems = marking.codes(&written.codes);
    let (tuples, subject_parts) = marking.episodes(written);
    marking.fields(&written.fields);
    let is_person = match &written.subject {
        Some(subject) => one_or_many(subject).iter().any(|selector| selector.value == "$"),
        None => false,
    };
    Kind {
        name: name.to_owned(),
        has_subject: written.subject.is_some(),
        is_person,
        has_targets: !written.targets.is_empty(),
        tuples,
        subject_parts,
        code_systems,
        names_clinical: !written.clinical.is_empty() || !written.codes.is_empty(),
        needs_codes: written.needs == Some(Needs::Codes),
        public: written.belongs == Some(Belongs::Public),
        attached: written.belongs == Some(Belongs::Attached),
        joins: written.joins != Some(Joins::Nothing) && !is_person,
        gets: Vec::new(),
        owner: None,
    }
}

/// The selectors of `subject:` or `date:`.
pub(super) fn one_or_many(written: &At<StringOrList>) -> Vec<At<String>> {
    match &written.value {
        StringOrList::One(text) => vec![At { value: text.clone(), span: written.span }],
        StringOrList::Many(many) => many.clone(),
    }
}

/// A FHIR type that the shape does not name is its subject's alone; these tell the subject.
pub(super) fn unknown(compiler: &mut Compiler<'_>, root: Place) {
    for name in ["patient", "subject", "beneficiary"] {
        let selector = Selector::Name(name.to_owned());
        let path = Path { steps: vec![Step { descend: false, selectors: vec![selector] }] };
        let place = compiler.builder.path(root, &path, &compiler.vocabulary);
        compiler.mark(place, Mark::Subject);
    }
}

struct Marking<'c, 'a> {
    compiler: &'c mut Compiler<'a>,
    root: Place,
    /// The kind lists its elements; else what it names is what may leave.
    typed: bool,
}

impl Marking<'_, '_> {
    fn mark(&mut self, selector: &At<String>, mark: Mark) {
        self.compiler.marked(self.root, selector, mark);
        if !self.typed && mark != Mark::Named {
            self.compiler.marked(self.root, selector, Mark::Told);
        }
    }

    fn links(&mut self, written: &written::Kind) {
        if let Some(id) = &written.id {
            self.mark(id, Mark::Id);
        }
        if let Some(subject) = &written.subject {
            for selector in one_or_many(subject) {
                if selector.value == "$" {
                    self.compiler.marked(self.root, &selector, Mark::Subject);
                } else {
                    self.mark(&selector, Mark::Subject);
                }
            }
        }
        if let Some(date) = &written.date {
            for (at, selector) in one_or_many(date).iter().enumerate() {
                self.mark(selector, Mark::Date(u8::try_from(at).unwrap_or(u8::MAX)));
            }
        }
        for selector in &written.targets {
            self.mark(selector, Mark::Target);
        }
        for selector in &written.evidence {
            self.mark(selector, Mark::Evidence);
        }
        for (at, resolve) in written.resolve.iter().enumerate() {
            self.mark(&resolve.link, Mark::Resolve(u8::try_from(at).unwrap_or(u8::MAX)));
        }
        let first = written.resolve.first().map(|resolve| resolve.link.span);
        self.few(written.resolve.len(), "links to look up", first);
        for selector in &written.clinical {
            self.mark(selector, Mark::Clinical);
        }
        for selector in &written.members {
            self.not_everything(selector);
            self.mark(selector, Mark::Named);
        }
    }

    /// SILENCE-HIDES: what nobody has thought of does not leave, so members are named.
    fn not_everything(&mut self, selector: &At<String>) {
        let Some(path) = self.compiler.path(selector) else { return };
        let any = |step: &Step| step.selectors.contains(&Selector::Any);
        let below = path.steps.iter().any(|step| step.descend && any(step));
        if below || path.steps.first().is_none_or(any) {
            let message = format!("`{}` names members that nobody has thought of", selector.value);
            let help = "name each member that may leave to others".to_owned();
            self.compiler.mistake(selector.span, message, Some(help));
        }
    }

    fn codes(&mut self, codes: &[written::Code]) -> Vec<Option<String>> {
        let mut systems = Vec::new();
        for (at, code) in codes.iter().enumerate() {
            let number = u8::try_from(at).unwrap_or(u8::MAX);
            self.mark(&code.at, Mark::Code(number));
            if let Some(system_at) = &code.system_at {
                self.mark(system_at, Mark::SystemAt(number));
            }
            if code.system.is_some() == code.system_at.is_some() {
                let message = "a code needs either `system` or `system-at`";
                self.compiler.mistake(code.at.span, message, None);
            }
            systems.push(code.system.as_ref().map(|system| system.value.clone()));
        }
        self.few(codes.len(), "codes", codes.first().map(|code| code.at.span));
        systems
    }

    fn episodes(&mut self, kind: &written::Kind) -> (Vec<u8>, Vec<(u8, u8)>) {
        let (mut tuples, mut subject_parts) = (Vec::new(), Vec::new());
        let subjects = kind.subject.as_ref().map(one_or_many).unwrap_or_default();
        let links = &kind.episode;
        for link in links {
            match &link.value {
                StringOrList::One(text) => {
                    let selector = At { value: text.clone(), span: link.span };
                    self.mark(&selector, Mark::Episode);
                }
                StringOrList::Many(parts) => {
                    let tuple = u8::try_from(tuples.len()).unwrap_or(u8::MAX);
                    for (at, part) in parts.iter().enumerate() {
                        let part_number = u8::try_from(at).unwrap_or(u8::MAX);
                        self.mark(part, Mark::Tuple(tuple, part_number));
                        if subjects.iter().any(|subject| subject.value == part.value) {
                            subject_parts.push((tuple, part_number));
                        }
                    }
                    self.few(parts.len(), "parts of a tuple", Some(link.span));
                    tuples.push(u8::try_from(parts.len()).unwrap_or(u8::MAX));
                }
            }
        }
        self.few(links.len(), "episode links", links.first().map(|link| link.span));
        (tuples, subject_parts)
    }

    fn fields(&mut self, fields: &[written::Field]) {
        for field in fields {
            let name = field.category.value.as_str();
            let Some(category) = Category::named(name) else {
                let known = Category::ALL.iter().map(|category| category.name());
                let help = did_you_mean(name, known);
                let message = format!("no category is named `{name}`");
                self.compiler.mistake(field.category.span, message, help);
                continue;
            };
            let about_contract = field.about == Some(About::Contract);
            self.mark(&field.at, Mark::Field(Field { category, about_contract }));
        }
    }

    /// Marks carry one byte.
    fn few(&mut self, count: usize, what: &str, span: Option<Span>) {
        if let (true, Some(span)) = (count > 200, span) {
            self.compiler.mistake(span, format!("a kind may have at most 200 {what}"), None);
        }
    }
}
