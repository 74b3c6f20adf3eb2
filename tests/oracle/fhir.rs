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
                self.value(*member, element, root, true);
                continue;
            }
            let rest = name.strip_prefix('_').unwrap_or_default();
            let implied = self::implied(rest, is_resource);
            match elements.get(rest).or(implied.as_ref()) {
                Some(Element { of: Type::Named(of), .. }) if self.is_primitive(of) => {
                    let of = Type::Named("Element".to_owned());
                    self.value(*member, &Element { demanded: false, of }, root, true);
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

    fn value(&mut self, node: Id, element: &Element, root: &Elements, may_repeat: bool) {
        if self.doc.is_array(node) {
            if may_repeat {
                for child in self.doc.children(node) {
                    self.value(*child, element, root, false);
                }
            } else {
                self.typed.unknown.insert(node);
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

/// A reference without base and history: `Type/id`, or what it is if it is no such thing.
pub fn plain_reference(reference: &str) -> String {
    let reference = reference.trim();
    if reference.starts_with("urn:") || reference.starts_with('#') {
        return reference.to_owned();
    }
    let now = reference.split("/_history").next().unwrap();
    let parts: Vec<&str> = now.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [.., kind, id] if kind.starts_with(|c: char| c.is_ascii_uppercase()) => {
            format!("{kind}/{id}")
        }
        _ => now.to_owned(),
    }
}

/// The resource type that a reference names, if it names one: `Type/id`, `Type?search`.
pub fn type_named(reference: &str) -> Option<String> {
    let plain = plain_reference(reference);
    let (kind, _) = plain.split_once(['/', '?'])?;
    let named = kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.chars().all(|c| c.is_ascii_alphabetic());
    named.then(|| kind.to_owned())
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

/// The human words of XHTML: no tags, entities decoded.
pub fn without_markup(xhtml: &str) -> String {
    let mut text = String::new();
    let mut in_tag = false;
    for letter in xhtml.chars() {
        match letter {
            '<' => in_tag = true,
            '>' if in_tag => {
                in_tag = false;
                text.push(' ');
            }
            _ if in_tag => {}
            letter => text.push(letter),
        }
    }
    let mut decoded = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find('&') {
        decoded.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(';').filter(|end| *end < 12);
        let found = end.and_then(|end| entity(&rest[1..end]).map(|letter| (letter, end)));
        let (letter, end) = found.unwrap_or(('&', 0));
        decoded.push(letter);
        rest = &rest[end + 1..];
    }
    decoded.push_str(rest);
    decoded
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => return None,
    })
}
