//! The elements of a dialect's kinds → steps of the automaton, so that what is not an element of
//! FHIR R4 is an unknown member wherever it stands.

use super::compile::Compiler;
use super::meant::{Mark, flag};
use super::written::{self, Dialect, ElementType};
use crate::engine::selectors::build::Place;
use std::collections::BTreeMap;

/// Primitive types: <http://hl7.org/fhir/R4/datatypes.html>.
const PRIMITIVES: [&str; 21] = [
    "base64Binary",
    "boolean",
    "canonical",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "markdown",
    "oid",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
    "xhtml",
    "http://hl7.org/fhirpath/System.String",
];

/// What every resource has (<http://hl7.org/fhir/R4/domainresource.html>).
const OF_RESOURCES: [(&str, &str); 9] = [
    ("resourceType", "code"),
    ("id", "id"),
    ("meta", "Meta"),
    ("implicitRules", "uri"),
    ("language", "code"),
    ("text", "Narrative"),
    ("contained", "Resource"),
    ("extension", "Extension"),
    ("modifierExtension", "Extension"),
];

/// What every element has (<http://hl7.org/fhir/R4/element.html>).
const OF_ELEMENTS: [(&str, &str); 3] =
    [("id", "id"), ("extension", "Extension"), ("modifierExtension", "Extension")];

/// Members of `Meta` that are labels or versions: cut from others' records.
const HOUSEKEEPING: [&str; 6] =
    ["lastUpdated", "profile", "security", "source", "tag", "versionId"];

/// A type in which the words are names and numbers.
const QUIET: &str = "ContactPoint";

/// Members of types that are so too; who gave an identifier, what a house is called, and what stands
/// before and behind a name (`LCSW`) is words.
const QUIET_MEMBERS: [(&str, &str); 9] = [
    ("HumanName", "family"),
    ("HumanName", "given"),
    ("HumanName", "text"),
    ("Address", "city"),
    ("Address", "country"),
    ("Address", "district"),
    ("Address", "postalCode"),
    ("Address", "state"),
    ("Identifier", "value"),
];

/// Members that name a definition by its address, in words mostly.
const DEFINITIONS: [&str; 2] = ["instantiatesUri", "moduleUri"];

/// Every member name that elements bring in.
pub(super) fn names(written: &written::Shape) -> Vec<String> {
    let mut names = Vec::new();
    if written.dialect == Some(Dialect::Fhir) {
        names.extend(OF_RESOURCES.iter().map(|(name, _)| (*name).to_owned()));
        names.extend(HOUSEKEEPING.iter().map(|name| (*name).to_owned()));
        names.extend(["patient", "subject", "beneficiary"].map(str::to_owned));
    }
    let kinds = written.kinds.values().map(|kind| &kind.value.elements);
    for elements in written.types.values().chain(kinds) {
        collect(elements, &mut names);
    }
    let underscored: Vec<String> = names.iter().map(|name| format!("_{name}")).collect();
    names.extend(underscored);
    names
}

fn collect(elements: &BTreeMap<String, ElementType>, names: &mut Vec<String>) {
    for (name, element) in elements {
        names.push(name.trim_end_matches('!').to_owned());
        if let ElementType::Nested(inner) = element {
            collect(inner, names);
        }
    }
}

/// The steps of types, made once each.
pub(super) struct Elements {
    types: BTreeMap<String, Place>,
    /// Places that take the steps of another place of the kind: `#item` → `item`.
    later: Vec<(Place, String)>,
    /// Places of the kind under way by dotted name.
    by_name: BTreeMap<String, Place>,
    /// Places by type and flags.
    shared: BTreeMap<(String, u32), Place>,
}

impl Elements {
    /// Makes a place for each type of the shape.
    pub(super) fn new(compiler: &mut Compiler<'_>) -> Elements {
        let mut elements = Elements {
            types: BTreeMap::new(),
            later: Vec::new(),
            by_name: BTreeMap::new(),
            shared: BTreeMap::new(),
        };
        let written = compiler.written;
        if written.dialect != Some(Dialect::Fhir) {
            return elements;
        }
        for name in written.types.keys() {
            let place = compiler.builder.place();
            elements.types.insert(name.clone(), place);
        }
        // Types refer to each other, so an element takes the steps of its type once all of them are
        // known.
        for (name, members) in &written.types {
            let Some(place) = elements.types.get(name).copied() else { continue };
            let flags = if name == QUIET { flag::QUIET } else { 0 };
            let inherited = if name == "Annotation" { flags | flag::PROSE } else { flags };
            elements.members(compiler, place, members, inherited, "", name);
        }
        for (place, of) in std::mem::take(&mut elements.later) {
            elements.take_steps(compiler, place, &of);
        }
        elements
    }

    /// Makes the steps of a kind's elements from its root.
    pub(super) fn kind(
        &mut self,
        compiler: &mut Compiler<'_>,
        name: &str,
        kind: &written::Kind,
        root: Place,
    ) {
        if kind.elements.is_empty() || compiler.written.dialect != Some(Dialect::Fhir) {
            return;
        }
        self.by_name.clear();
        self.members(compiler, root, &kind.elements, 0, "", name);
        for (member, of) in OF_RESOURCES {
            self.member(compiler, root, member, of, (0, "", name));
        }
        for (place, of) in std::mem::take(&mut self.later) {
            self.take_steps(compiler, place, &of);
        }
    }

    fn take_steps(&self, compiler: &mut Compiler<'_>, place: Place, of: &str) {
        let from = match of.strip_prefix('#') {
            Some(path) => self.by_name.get(path),
            None => self.types.get(of),
        };
        if let Some(from) = from {
            compiler.builder.same_steps(*from, place);
            compiler.builder.element(place, place);
        }
    }

    fn members(
        &mut self,
        compiler: &mut Compiler<'_>,
        from: Place,
        members: &BTreeMap<String, ElementType>,
        inherited: u32,
        above: &str,
        owner: &str,
    ) {
        for (written_name, element) in members {
            let name = written_name.trim_end_matches('!');
            let required = if written_name.ends_with('!') { flag::REQUIRED } else { 0 };
            let flags = inherited | required;
            match element {
                ElementType::Named(of) => {
                    self.member(compiler, from, name, of, (flags, above, owner));
                }
                ElementType::Nested(inner) => {
                    let place = Self::element(compiler, from, name, flags);
                    let path = dotted(above, name);
                    self.members(compiler, place, inner, inherited, &path, owner);
                    for (member, of) in OF_ELEMENTS {
                        self.member(compiler, place, member, of, (0, &path, owner));
                    }
                    compiler.builder.element(place, place);
                    self.by_name.insert(path, place);
                }
            }
        }
        if compiler.written.types.contains_key(owner) && above.is_empty() {
            for (member, of) in OF_ELEMENTS {
                if !members.contains_key(member) {
                    self.member(compiler, from, member, of, (0, above, owner));
                }
            }
        }
    }

    /// One element of a named type.
    fn member(
        &mut self,
        compiler: &mut Compiler<'_>,
        from: Place,
        name: &str,
        of: &str,
        (flags, above, owner): (u32, &str, &str),
    ) {
        let of = of.trim();
        let housekeeping = match (owner, of) {
            ("Meta", _) if HOUSEKEEPING.contains(&name) => flag::HOUSEKEEPING,
            (_, "Narrative") => flag::HOUSEKEEPING,
            _ => 0,
        };
        let (base, targets) = of.split_once([' ', '(']).unwrap_or((of, ""));
        let mut flags = flags | housekeeping | bits(base);
        if QUIET_MEMBERS.contains(&(owner, name)) {
            flags |= flag::QUIET;
        }
        if owner != "Meta" && (base == "canonical" || DEFINITIONS.contains(&name)) {
            flags |= flag::WORDS;
        }
        if base == "Reference" && all_public(compiler.written, targets) {
            flags |= flag::PROVIDERS;
        }
        let place = if base.starts_with('#') {
            let place = Self::element(compiler, from, name, flags);
            self.later.push((place, base.to_owned()));
            place
        } else {
            let place = self.of_type(compiler, base, flags);
            let key = compiler.vocabulary.number(name);
            compiler.builder.member(from, key, place);
            place
        };
        self.by_name.insert(dotted(above, name), place);
        let known = base.starts_with('#')
            || matches!(base, "Resource")
            || PRIMITIVES.contains(&base)
            || self.types.contains_key(base);
        if !known {
            let span = compiler.written.shape.span;
            let message = format!("element `{owner}.{name}` is of no known type: `{of}`");
            compiler.mistake(span, message, None);
        }
        if PRIMITIVES.contains(&base) {
            let sibling = self.of_type(compiler, SIBLING, 0);
            let key = compiler.vocabulary.number(&format!("_{name}"));
            compiler.builder.member(from, key, sibling);
        }
    }

    /// The place of all elements of one type that bear the same: wherever they stand, they lead
    /// on alike.
    fn of_type(&mut self, compiler: &mut Compiler<'_>, base: &str, flags: u32) -> Place {
        if let Some(place) = self.shared.get(&(base.to_owned(), flags)) {
            return *place;
        }
        let place = compiler.builder.place();
        compiler.mark(place, Mark::Element(flags));
        compiler.builder.element(place, place);
        self.shared.insert((base.to_owned(), flags), place);
        if base == SIBLING {
            for (name, of) in [("id", "id"), ("extension", "Extension")] {
                let inner = self.of_type(compiler, of, bits(of));
                let key = compiler.vocabulary.number(name);
                compiler.builder.member(place, key, inner);
            }
        } else if self.types.contains_key(base) {
            self.later.push((place, base.to_owned()));
        }
        place
    }

    /// A new place for an element that is spelled out.
    fn element(compiler: &mut Compiler<'_>, from: Place, name: &str, flags: u32) -> Place {
        let place = compiler.builder.place();
        let key = compiler.vocabulary.number(name);
        compiler.builder.member(from, key, place);
        compiler.mark(place, Mark::Element(flags));
        place
    }
}

/// What stands at `_name`: id and extensions of a primitive.
const SIBLING: &str = "_";

/// Whether every type that a Reference may point at is nobody's.
fn all_public(written: &written::Shape, targets: &str) -> bool {
    let public = |target: &str| {
        let kind = written.kinds.get(target);
        kind.is_some_and(|kind| super::compile::is_public(&kind.value))
    };
    let mut targets = targets.split(['|', ',', ')', ' ']).filter(|t| !t.is_empty()).peekable();
    targets.peek().is_some() && targets.all(public)
}

fn dotted(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}

fn bits(of: &str) -> u32 {
    let primitive = if PRIMITIVES.contains(&of) { flag::PRIMITIVE } else { 0 };
    primitive
        | match of {
            "string" | "http://hl7.org/fhirpath/System.String" => flag::WORDS,
            "markdown" => flag::WORDS | flag::PROSE,
            "xhtml" => flag::WORDS | flag::PROSE | flag::MARKUP,
            "Annotation" | "Narrative" => flag::PROSE,
            "Attachment" => flag::ATTACHMENT,
            "Coding" => flag::CODING,
            "Extension" => flag::EXTENSION,
            "Reference" => flag::REFERENCE,
            "Resource" => flag::RESOURCE,
            _ if of == QUIET => flag::QUIET,
            _ => 0,
        }
}
