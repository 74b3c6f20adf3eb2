//! As written → as meant. Every mistake of a shape is told in one run.

use super::elements::Elements;
use super::keys::Keys;
use super::meant::{Kind, KindOf, Mark, Shape, Spec, StateFacts, flag, tell};
use super::written::{self, Belongs, Dialect, Errors, WhenEmpty};
use super::{companies, forms, gets, kinds, owners, routes};
use crate::engine::category::Category;
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, Span, did_you_mean};
use crate::engine::document::tape::Vocabulary;
use crate::engine::lending::Lending;
use crate::engine::selectors::automaton::{Automaton, State};
use crate::engine::selectors::build::{Builder, Place};
use crate::engine::selectors::{Path, text};
use std::collections::BTreeMap;

/// Where a mark was written, for [`super::samples`].
#[derive(Clone, Debug)]
pub struct Origin {
    /// The selector.
    pub selector: At<String>,
    /// The path it means.
    pub path: Path,
}

/// A shape being compiled.
pub(super) struct Compiler<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) written: &'a written::Shape,
    pub(super) mistakes: &'a mut Vec<Diagnostic>,
    pub(super) builder: Builder,
    pub(super) vocabulary: Vocabulary,
    /// Every selector that could be read, by its text.
    paths: BTreeMap<String, Path>,
    marks: Vec<Mark>,
    origins: BTreeMap<u32, Origin>,
    pub(super) specs: Vec<Spec>,
    spec_places: Vec<Option<Place>>,
}

/// Compiles one shape; `None` if it has a mistake.
pub fn compile(
    file: &SourceFile,
    written: &written::Shape,
    mistakes: &mut Vec<Diagnostic>,
) -> Option<(Shape, BTreeMap<u32, Origin>)> {
    super::warn_of_indices(file, written, mistakes);
    let before = mistakes.len();
    let paths = read_paths(file, written, mistakes);
    let vocabulary = vocabulary(written, paths.values());
    let mut compiler = Compiler {
        file,
        written,
        mistakes,
        builder: Builder::default(),
        vocabulary,
        paths,
        marks: Vec::new(),
        origins: BTreeMap::new(),
        specs: Vec::new(),
        spec_places: Vec::new(),
    };
    let shape = compiler.shape();
    let origins = std::mem::take(&mut compiler.origins);
    if mistakes.len() > before {
        return None;
    }
    Some((shape?, origins))
}

fn read_paths(
    file: &SourceFile,
    written: &written::Shape,
    mistakes: &mut Vec<Diagnostic>,
) -> BTreeMap<String, Path> {
    let mut paths = BTreeMap::new();
    for selector in super::selectors_of(written) {
        match text::parse(&selector.value) {
            Ok(path) => {
                paths.insert(selector.value.clone(), path);
            }
            Err(why) => mistakes.push(Diagnostic::error(file, selector.span, why).help(
                "selectors are RFC 9535 JSONPath; a filter may only compare a place below `@` \
                 with a literal, as in `$.link[?@.relation=='next'].url`",
            )),
        }
    }
    paths
}

fn vocabulary<'p>(written: &written::Shape, paths: impl Iterator<Item = &'p Path>) -> Vocabulary {
    let mut names: Vec<String> = Keys::NAMES.iter().map(|name| (*name).to_owned()).collect();
    names.extend(tell::names().map(str::to_owned));
    names.extend(paths.flat_map(Path::vocabulary).map(str::to_owned));
    names.extend(super::elements::names(written));
    Vocabulary::new(names.iter().map(String::as_str))
}

impl Compiler<'_> {
    fn shape(&mut self) -> Option<Shape> {
        let fhir = self.written.dialect == Some(Dialect::Fhir);
        let mut kinds: Vec<Kind> = Vec::new();
        let mut roots: Vec<Place> = Vec::new();
        let mut elements = Elements::new(self);
        for (name, kind) in &self.written.kinds {
            let root = self.builder.place();
            roots.push(root);
            kinds.push(kinds::compile(self, name, kind, root));
            elements.kind(self, name, &kind.value, root);
        }
        let unknown_root = self.builder.place();
        if fhir {
            kinds::unknown(self, unknown_root);
        }
        roots.push(unknown_root);
        let names: Vec<String> = kinds.iter().map(|kind| kind.name.clone()).collect();
        let top = self.builder.place();
        let mut top_specs = Vec::new();
        for records in &self.written.records {
            top_specs.extend(self.spec(records, top, &names, true));
        }
        self.none_in_another();
        for envelope in &self.written.envelope {
            self.marked(top, envelope, Mark::Envelope);
        }
        let routes = routes::compile(self, &names, &top_specs);
        gets::compile(self, &mut kinds, &routes);
        owners::compile(self, &mut kinds, &roots, &routes);
        let company = companies::compile(self, &names, &routes);
        let (automaton, states) = self.automaton(top, &roots)?;
        let (facts, marks) = self.facts(&automaton);
        let written = self.written;
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list
        };
        let keys = Keys::of(&self.vocabulary);
        let tells = self.tell_subjects(tell::of(&self.vocabulary));
        Some(Shape {
            name: written.shape.value.clone(),
            base: written.base.value.trim_end_matches('/').to_owned(),
            fhir,
            errors: written.errors.unwrap_or(Errors::Problem),
            omit: written.when_empty == Some(WhenEmpty::Omit),
            routes,
            open: sorted(&written.query.open),
            self_only: sorted(&written.query.self_only),
            public: sorted(&written.query.public),
            pinned_by: sorted(&written.query.pinned_by),
            include: sorted(&written.query.include),
            lists: self.lists(),
            company,
            kinds,
            kind_names: Vocabulary::new(names.iter().map(String::as_str)),
            specs: std::mem::take(&mut self.specs),
            body: states,
            extensions: sorted(&written.extensions),
            vocabulary: std::mem::take(&mut self.vocabulary),
            keys,
            tells,
            automaton,
            facts,
            marks,
            sites: Lending::default(),
            memories: Lending::default(),
            told: Lending::default(),
            unknown_kind: Kind { has_subject: fhir, joins: true, ..Kind::default() },
        })
    }

    /// What one of `records:` selects inside what another cuts would not be judged by itself.
    fn none_in_another(&mut self) {
        let written = self.written;
        let path = |records: &written::Records| self.path(&records.cut);
        let paths: Vec<_> = written.records.iter().map(|one| (one, path(one))).collect();
        for (inner, inside) in &paths {
            let is_around = |outer: &Path| {
                let more = inside.as_ref().and_then(|path| path.steps.strip_prefix(&*outer.steps));
                more.is_some_and(|more| !more.is_empty())
            };
            let mut around = paths.iter().filter(|(_, path)| path.as_ref().is_some_and(is_around));
            if let Some((outer, _)) = around.next() {
                let message = format!("this stands inside what `{}` cuts", outer.cut.value);
                let help = "list it under the `records:` of that one; what stands beside a \
                            `record:` is envelope and holds no records";
                self.mistake(inner.cut.span, message, Some(help.to_owned()));
            }
        }
    }

    /// A spec and those inside it; gives its number.
    fn spec(
        &mut self,
        records: &written::Records,
        from: Place,
        kinds: &[String],
        top: bool,
    ) -> Option<usize> {
        let kind = self.kind_of(&records.kind, kinds);
        let record = match &records.record {
            Some(selector) if !top => {
                self.mistake(selector.span, "a record inside a record is cut whole", None);
                Vec::new()
            }
            Some(selector) => self.keys(selector),
            None => Vec::new(),
        };
        let number = self.specs.len();
        let mark = Mark::Cut(u16::try_from(number).unwrap_or(u16::MAX));
        self.specs.push(Spec { record, kind: kind?, nested: Vec::new(), starts: Vec::new() });
        self.spec_places.push(None);
        self.marked(from, &records.cut, mark);
        if !records.records.is_empty() {
            let place = self.builder.place();
            let mut nested = Vec::new();
            for inner in &records.records {
                nested.extend(self.spec(inner, place, kinds, false));
            }
            if let Some(spec) = self.specs.get_mut(number) {
                spec.nested = nested;
            }
            if let Some(slot) = self.spec_places.get_mut(number) {
                *slot = Some(place);
            }
        }
        Some(number)
    }

    /// A spec for a body that is one record, like an existing one or of a kind alone.
    pub(super) fn whole_spec(&mut self, like: Option<usize>, kind: Option<usize>) -> Option<usize> {
        let same_kind = |spec: &Spec| matches!(spec.kind, KindOf::Always(k) if Some(k) == kind);
        let like = like.or_else(|| self.specs.iter().position(same_kind));
        let model = like.and_then(|like| self.specs.get(like)).cloned();
        let place = like.and_then(|like| self.spec_places.get(like)).copied().flatten();
        let (kind, nested) = match (kind, model) {
            (Some(kind), Some(model)) => (KindOf::Always(kind), model.nested),
            (Some(kind), None) => (KindOf::Always(kind), Vec::new()),
            (None, Some(model)) => (model.kind, model.nested),
            (None, None) => return None,
        };
        self.specs.push(Spec { record: Vec::new(), kind, nested, starts: Vec::new() });
        self.spec_places.push(place);
        Some(self.specs.len().saturating_sub(1))
    }

    fn kind_of(&mut self, kind: &At<String>, kinds: &[String]) -> Option<KindOf> {
        if kind.value.starts_with('$') {
            return Some(KindOf::Told(self.keys(kind)));
        }
        let found = kinds.binary_search(&kind.value).ok();
        if found.is_none() {
            let help = did_you_mean(&kind.value, kinds.iter().map(String::as_str));
            self.mistake(kind.span, format!("no kind is named `{}`", kind.value), help);
        }
        found.map(KindOf::Always)
    }

    /// The names of a selector that must be names only.
    pub(super) fn names(&mut self, selector: &At<String>) -> Vec<String> {
        let path = self.paths.get(&selector.value);
        let names = path.and_then(Path::names).map(|n| n.into_iter().map(str::to_owned).collect());
        if path.is_some() && names.is_none() {
            let message = format!("`{}` must be names only, as in `$.a.b`", selector.value);
            self.mistake(selector.span, message, None);
        }
        names.unwrap_or_default()
    }

    /// The same as numbers of the vocabulary, which has all names of all selectors.
    fn keys(&mut self, selector: &At<String>) -> Vec<u16> {
        let names = self.names(selector);
        names.iter().map(|name| self.vocabulary.number(name)).collect()
    }

    pub(super) fn path(&self, selector: &At<String>) -> Option<Path> {
        self.paths.get(&selector.value).cloned()
    }

    /// Marks the places a selector selects from `from`.
    pub(super) fn marked(&mut self, from: Place, selector: &At<String>, mark: Mark) {
        let Some(path) = self.path(selector) else { return };
        let place = self.builder.path(from, &path, &self.vocabulary);
        let number = self.mark(place, mark);
        self.origins.insert(number, Origin { selector: selector.clone(), path });
    }

    pub(super) fn mark(&mut self, place: Place, mark: Mark) -> u32 {
        let number = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        self.marks.push(mark);
        self.builder.mark(place, number);
        number
    }

    pub(super) fn mistake(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        let mut diagnostic = Diagnostic::error(self.file, span, message);
        diagnostic.help = help;
        self.mistakes.push(diagnostic);
    }

    /// Builds the automaton and gives every spec its starts.
    fn automaton(&mut self, top: Place, roots: &[Place]) -> Option<(Automaton, State)> {
        let mut starts = vec![vec![top]];
        for place in &self.spec_places {
            starts.extend(roots.iter().map(|root| {
                place.iter().copied().chain(std::iter::once(*root)).collect::<Vec<_>>()
            }));
        }
        let built = std::mem::take(&mut self.builder).build(&starts);
        let (automaton, states) = match built {
            Ok(built) => built,
            Err(why) => {
                self.mistake(self.written.shape.span, why, None);
                return None;
            }
        };
        let mut states = states.into_iter();
        let body = states.next()?;
        for spec in &mut self.specs {
            spec.starts = states.by_ref().take(roots.len()).collect();
        }
        Some((automaton, body))
    }

    fn facts(&self, automaton: &Automaton) -> (Vec<StateFacts>, Vec<Mark>) {
        let mut flat: Vec<Mark> = Vec::new();
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let states = 0..number(automaton.len());
        let facts = states.map(|state| {
            let start = flat.len();
            let mut flags = if automaton.goes_on(state) { flag::LEADS } else { 0 };
            for mark in automaton.marks(state) {
                let at = usize::try_from(*mark).unwrap_or(usize::MAX);
                let Some(mark) = self.marks.get(at).copied() else { continue };
                flags |= bits(mark);
                if bits(mark) & flag::MARKED != 0 || matches!(mark, Mark::Cut(_)) {
                    flat.push(mark);
                }
            }
            StateFacts { flags, marks: (number(start), number(flat.len())) }
        });
        let mut facts = facts.collect::<Vec<_>>();
        if self.written.dialect != Some(Dialect::Fhir) {
            forms::tell_ways(automaton, &mut facts, &flat);
        }
        (facts, flat)
    }
}

fn bits(mark: Mark) -> u32 {
    match mark {
        Mark::Cut(_) => flag::CUT,
        Mark::Envelope => flag::ENVELOPE,
        Mark::Clinical => flag::CLINICAL,
        Mark::Named => flag::NAMED | flag::WORDY,
        Mark::Told => flag::NAMED,
        Mark::Element(flags) => flags | flag::ELEMENT,
        Mark::Id
        | Mark::Subject
        | Mark::Date(_)
        | Mark::Episode
        | Mark::Tuple(..)
        | Mark::Evidence
        | Mark::Code(_)
        | Mark::SystemAt(_)
        | Mark::Resolve(_)
        | Mark::Target
        | Mark::Owns => flag::MARKED,
        Mark::Field(field) => {
            let prose = field.category == Category::FreeText;
            flag::MARKED | if prose { flag::PROSE } else { 0 }
        }
    }
}

/// Whether a kind is nobody's.
pub(super) fn is_public(kind: &written::Kind) -> bool {
    kind.belongs == Some(Belongs::Public)
}
