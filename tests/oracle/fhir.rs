//! What FHIR defines, by the element lists of the shape: which type each value has, which
//! members nobody named, which ones FHIR demands.

use super::json::{Doc, Id};
use super::shape::{Element, Elements, Shape, Type};
use std::collections::{BTreeMap, BTreeSet};

/// What the element lists say about one resource.
#[derive(Debug, Default)]
pub struct Typed {
    /// The type of each value that has one, as the shape writes it.
    pub of: BTreeMap<Id, String>,
    /// Members that FHIR demands.
    pub demanded: BTreeSet<Id>,
    /// Members (or contained resources) that the shape does not name.
    pub unknown: BTreeSet<Id>,
    /// Contained resources, at any depth, and the resource itself: kind by node.
    pub resources: BTreeMap<Id, String>,
    /// Those of a kind that the shape does not name.
    pub unnamed: BTreeSet<Id>,
}

struct Walk<'a> {
    doc: &'a Doc,
    shape: &'a Shape,
    typed: Typed,
}

/// Walks a resource with the types that its kind's elements have.
pub fn types(doc: &Doc, shape: &Shape, resource: Id) -> Typed {
    let mut walk = Walk { doc, shape, typed: Typed::default() };
    walk.resource(resource);
    walk.typed
}

impl Walk<'_> {
    fn resource(&mut self, node: Id) {
        let kind = self
            .doc
            .member_text(node, "resourceType")
            .and_then(|name| self.shape.kinds.get(name).map(|kind| (name.to_owned(), kind)));
        let Some((name, kind)) = kind else {
            self.typed.unknown.insert(node);
            self.typed.unnamed.insert(node);
            return;
        };
        self.typed.resources.insert(node, name);
        self.object(node, &kind.elements, &kind.elements);
    }

    fn object(&mut self, node: Id, elements: &Elements, root: &Elements) {
        let is_resource = self.typed.resources.contains_key(&node);
        for member in self.doc.children(node) {
            let name = self.doc.key(*member).unwrap();
            if is_resource && name == "resourceType" {
                continue;
            }
            let implied = implied(name, is_resource);
            if let Some(element) = elements.get(name).or(implied.as_ref()) {
                if element.demanded {
                    self.typed.demanded.insert(*member);
                }
                self.value(*member, element, root);
                continue;
            }
            let rest = name.strip_prefix('_').unwrap_or_default();
            let implied = self::implied(rest, is_resource);
            match elements.get(rest).or(implied.as_ref()) {
                Some(Element { of: Type::Named(of), .. }) if self.is_primitive(of) => {
                    let of = Type::Named("Element".to_owned());
                    self.value(*member, &Element { demanded: false, of }, root);
                }
                _ => {
                    self.typed.unknown.insert(*member);
                }
            }
        }
    }

    fn is_primitive(&self, name: &str) -> bool {
        let complex = name.starts_with("Reference")
            || name.starts_with('#')
            || name == "Resource"
            || name == "Element"
            || self.shape.types.contains_key(name);
        !complex
    }

    fn value(&mut self, node: Id, element: &Element, root: &Elements) {
        if self.doc.is_array(node) {
            for child in self.doc.children(node) {
                self.value(*child, element, root);
            }
            return;
        }
        let name = match &element.of {
            Type::Nested(elements) => return self.complex(node, elements, root),
            Type::Named(name) => name.as_str(),
        };
        self.typed.of.insert(node, name.to_owned());
        if let Some(path) = name.strip_prefix('#') {
            let elements = inside(root, path);
            return self.complex(node, &elements, root);
        }
        if name == "Resource" {
            return self.resource(node);
        }
        if self.is_primitive(name) {
            if self.doc.is_object(node) {
                self.typed.unknown.insert(node);
            }
            return;
        }
        let by = if name.starts_with("Reference") { "Reference" } else { name };
        let none = Elements::new();
        let elements = self.shape.types.get(by).unwrap_or(&none);
        self.complex(node, elements, elements);
    }

    fn complex(&mut self, node: Id, elements: &Elements, root: &Elements) {
        if self.doc.is_object(node) {
            self.object(node, elements, root);
        } else if self.doc.nodes[node].value != super::json::Value::Null {
            self.typed.unknown.insert(node);
        }
    }
}

/// What every element may have, and what every resource may have besides.
fn implied(name: &str, is_resource: bool) -> Option<Element> {
    let of = match name {
        "id" => "id",
        "extension" | "modifierExtension" => "Extension",
        "meta" if is_resource => "Meta",
        "implicitRules" if is_resource => "uri",
        "language" if is_resource => "code",
        "text" if is_resource => "Narrative",
        "contained" if is_resource => "Resource",
        _ => return None,
    };
    Some(Element { demanded: false, of: Type::Named(of.to_owned()) })
}

/// The elements at `path` (names between dots) of a kind.
fn inside(root: &Elements, path: &str) -> Elements {
    let mut elements = root.clone();
    for name in path.split('.') {
        elements = match elements.get(name).map(|element| element.of.clone()) {
            Some(Type::Nested(nested)) => nested,
            _ => Elements::new(),
        };
    }
    elements
}

/// What a reference points at.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// `#id`: into the record itself.
    Inside,
    /// `Type/id` without base and history, or a `urn:`, which tells no type.
    Named(Option<String>, String),
    /// `Type?search`.
    Searched(String),
    Unreadable,
}

pub fn target(reference: &str) -> Target {
    let reference = reference.trim();
    let is_type = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric())
    };
    if reference.starts_with('#') {
        return Target::Inside;
    }
    if reference.starts_with("urn:") {
        return Target::Named(None, reference.to_owned());
    }
    if let Some((path, _)) = reference.split_once('?') {
        let kind = path.rsplit('/').next().unwrap_or_default();
        return if is_type(kind) { Target::Searched(kind.to_owned()) } else { Target::Unreadable };
    }
    let reference = reference.split(['#', '|']).next().unwrap_or_default();
    let (now, version) = reference.split_once("/_history/").unwrap_or((reference, ""));
    let parts: Vec<&str> = now.split('/').collect();
    match parts.as_slice() {
        [.., kind, id] if is_type(kind) && !id.is_empty() && !version.contains('/') => {
            Target::Named(Some((*kind).to_owned()), format!("{kind}/{id}"))
        }
        _ => Target::Unreadable,
    }
}

/// The target types that `Reference A|B` allows.
pub fn targets(type_name: &str) -> Vec<&str> {
    type_name
        .strip_prefix("Reference")
        .map(|names| {
            names.trim().split('|').map(str::trim).filter(|name| !name.is_empty()).collect()
        })
        .unwrap_or_default()
}

/// The human words of markup: no tags, no comments, character references resolved. Tags that only
/// change the looks of letters do not part words.
pub fn without_markup(markup: &str) -> String {
    const LOOKS: [&str; 14] = [
        "a", "abbr", "b", "big", "em", "font", "i", "mark", "small", "span", "strong", "sub",
        "sup", "u",
    ];
    let mut text = String::new();
    let mut rest = markup;
    while let Some(letter) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("<!--")
            && let Some(end) = comment.find("-->")
        {
            rest = &comment[end + 3..];
        } else if letter == '<'
            && !rest.starts_with("<!--")
            && let Some(end) = rest.find('>')
        {
            let name: String = rest[1..end]
                .trim_start_matches('/')
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            if !LOOKS.contains(&name.to_lowercase().as_str()) {
                text.push(' ');
            }
            rest = &rest[end + 1..];
        } else if letter == '&'
            && let Some((end, _)) = rest.char_indices().take(12).find(|(_, c)| *c == ';')
        {
            text.push(character(&rest[1..end]));
            rest = &rest[end + 1..];
        } else {
            text.push(if letter == '<' || letter == '&' { ' ' } else { letter });
            rest = &rest[letter.len_utf8()..];
        }
    }
    text
}

/// A character reference; a named one is no letter that words are made of.
fn character(name: &str) -> char {
    let code = match (name.strip_prefix("#x").or(name.strip_prefix("#X")), name.strip_prefix('#')) {
        (Some(hex), _) => u32::from_str_radix(hex, 16).ok(),
        (None, Some(decimal)) => decimal.parse().ok(),
        (None, None) => None,
    };
    let plain = if name == "shy" { '\u{ad}' } else { ' ' };
    code.and_then(char::from_u32).unwrap_or(plain)
}
