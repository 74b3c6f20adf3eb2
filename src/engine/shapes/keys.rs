//! Keys that code asks for by name, as numbers of a shape's vocabulary.

use crate::engine::document::tape::Vocabulary;

/// Numbers of keys that code asks for; 0 if the shape's vocabulary lacks one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keys {
    pub(crate) code: u16,
    pub(crate) coding: u16,
    pub(crate) content_type: u16,
    pub(crate) data: u16,
    pub(crate) description: u16,
    pub(crate) display: u16,
    pub(crate) full_url: u16,
    pub(crate) id: u16,
    pub(crate) identifier: u16,
    pub(crate) mode: u16,
    pub(crate) reference: u16,
    pub(crate) resource: u16,
    pub(crate) resource_type: u16,
    pub(crate) search: u16,
    pub(crate) system: u16,
    pub(crate) text: u16,
    pub(crate) title: u16,
    pub(crate) unit: u16,
    pub(crate) url: u16,
    pub(crate) value: u16,
}

impl Keys {
    /// The names, for the vocabulary.
    pub(crate) const NAMES: [&'static str; 20] = [
        "code",
        "coding",
        "contentType",
        "data",
        "description",
        "display",
        "fullUrl",
        "id",
        "identifier",
        "mode",
        "reference",
        "resource",
        "resourceType",
        "search",
        "system",
        "text",
        "title",
        "unit",
        "url",
        "value",
    ];

    /// Their numbers.
    pub(crate) fn of(vocabulary: &Vocabulary) -> Keys {
        let number = |name: &str| vocabulary.number(name);
        Keys {
            code: number("code"),
            coding: number("coding"),
            content_type: number("contentType"),
            data: number("data"),
            description: number("description"),
            display: number("display"),
            full_url: number("fullUrl"),
            id: number("id"),
            identifier: number("identifier"),
            mode: number("mode"),
            reference: number("reference"),
            resource: number("resource"),
            resource_type: number("resourceType"),
            search: number("search"),
            system: number("system"),
            text: number("text"),
            title: number("title"),
            unit: number("unit"),
            url: number("url"),
            value: number("value"),
        }
    }
}
