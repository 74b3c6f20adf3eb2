//! A tree against a JSON Schema: every mistake of a file at once, in the words of its author.

use super::tree::{Entry, Node, Value};
use crate::engine::diagnostics::{Diagnostic, SourceFile, Span, did_you_mean};
use serde_json::{Map, Value as Json};
use std::fmt::Write as _;

/// Deepest chain of references between schemas; they are generated, so this only ends a loop.
const REFERENCES_MAX: usize = 32;

/// Pushes every place in which the tree is not of that schema.
pub(super) fn check(file: &SourceFile, root: &Node, schema: &Json, mistakes: &mut Vec<Diagnostic>) {
    let name = Name { word: "the file", span: Span { start: root.span.start, ..root.span } };
    Checker { file, root: schema }.check(root, schema, name, mistakes);
}

/// What a message calls a value, and what it underlines: the key it stands under.
#[derive(Clone, Copy)]
struct Name<'a> {
    word: &'a str,
    span: Span,
}

impl Name<'_> {
    fn shown(&self) -> String {
        if self.word.starts_with("the ") || self.word.starts_with("an ") {
            self.word.to_owned()
        } else {
            format!("`{}`", self.word)
        }
    }
}

/// One form that a schema allows.
#[derive(Clone, Copy)]
enum Form<'s> {
    Anything,
    Text,
    Word(&'s str),
    Integer { min: Option<i64>, max: Option<u64> },
    Number,
    Boolean,
    List { item: Option<&'s Json>, min: u64 },
    Map(&'s Map<String, Json>),
}

struct Checker<'a> {
    file: &'a SourceFile,
    root: &'a Json,
}

impl<'a> Checker<'a> {
    fn error(&self, span: Span, message: String) -> Diagnostic {
        Diagnostic::error(self.file, span, message)
    }

    fn check(&self, node: &Node, schema: &'a Json, name: Name<'_>, out: &mut Vec<Diagnostic>) {
        let mut forms = Vec::new();
        self.forms(schema, REFERENCES_MAX, &mut forms);
        if forms.iter().any(|form| matches!(form, Form::Anything)) {
            return;
        }
        if node.is_null() {
            let message = format!("{} has no value", name.shown());
            out.push(self.error(name.span, message).help("give it one, or remove the key"));
            return;
        }
        match &node.value {
            Value::Scalar { text, plain } => self.scalar(node, text, *plain, &forms, name, out),
            Value::List(items) => self.list(items, &forms, name, out),
            Value::Map(entries) => self.map(entries, &forms, name, out),
        }
    }

    /// All forms a schema allows, alternatives and references followed.
    fn forms(&self, schema: &'a Json, references: usize, out: &mut Vec<Form<'a>>) {
        let Json::Object(object) = schema else {
            out.push(Form::Anything);
            return;
        };
        let mut followed = false;
        if let Some(target) = object.get("$ref").and_then(Json::as_str) {
            followed = true;
            let target = target.strip_prefix('#').and_then(|path| self.root.pointer(path));
            if let (Some(target), Some(left)) = (target, references.checked_sub(1)) {
                self.forms(target, left, out);
            }
        }
        for key in ["oneOf", "anyOf"] {
            for form in object.get(key).and_then(Json::as_array).into_iter().flatten() {
                followed = true;
                self.forms(form, references, out);
            }
        }
        if let Some(Json::Array(words)) = object.get("enum") {
            out.extend(words.iter().filter_map(Json::as_str).map(Form::Word));
        } else if let Some(Json::String(word)) = object.get("const") {
            out.push(Form::Word(word));
        } else {
            match object.get("type") {
                Some(Json::String(name)) => out.extend(form_of_type(name, object)),
                Some(Json::Array(names)) => {
                    let names = names.iter().filter_map(Json::as_str);
                    out.extend(names.filter_map(|name| form_of_type(name, object)));
                }
                _ if !followed => out.push(Form::Anything),
                _ => {}
            }
        }
    }

    fn scalar(
        &self,
        node: &Node,
        text: &str,
        plain: bool,
        forms: &[Form<'a>],
        name: Name<'_>,
        out: &mut Vec<Diagnostic>,
    ) {
        let fits = |form: &Form<'_>| match form {
            Form::Anything | Form::Text => true,
            Form::Word(word) => *word == text,
            Form::Boolean => plain && matches!(text, "true" | "false"),
            Form::Number => plain && text.parse::<f64>().is_ok_and(f64::is_finite),
            Form::Integer { .. } => plain && text.parse::<i128>().is_ok(),
            Form::List { .. } | Form::Map(_) => false,
        };
        let Some(form) = forms.iter().find(|form| fits(form)) else {
            out.push(self.misfit(node, text, forms, name));
            return;
        };
        if let Form::Integer { min, max } = form
            && let Ok(number) = text.parse::<i128>()
        {
            if let Some(min) = min.filter(|min| number < i128::from(*min)) {
                let message = format!("{} must be at least {min}", name.shown());
                out.push(self.error(node.span, message));
            }
            if let Some(max) = max.filter(|max| number > i128::from(*max)) {
                let message = format!("{} must be at most {max}", name.shown());
                out.push(self.error(node.span, message));
            }
        }
    }

    /// A scalar that no form allows: an unknown word where only words are, else a wrong type.
    fn misfit(&self, node: &Node, text: &str, forms: &[Form<'a>], name: Name<'_>) -> Diagnostic {
        let words = || {
            forms
                .iter()
                .filter_map(|form| if let Form::Word(word) = form { Some(*word) } else { None })
        };
        if words().next().is_none() {
            return self.wrong_type(node, forms, name, "a text");
        }
        let message = format!("`{text}` is not known as a value of {}", name.shown());
        let help = did_you_mean(text, words())
            .unwrap_or_else(|| format!("write {}", listed(words(), "or")));
        self.error(node.span, message).help(help)
    }

    fn wrong_type(
        &self,
        node: &Node,
        forms: &[Form<'_>],
        name: Name<'_>,
        found: &str,
    ) -> Diagnostic {
        let mut kinds: Vec<&str> = Vec::new();
        for kind in forms.iter().map(kind_of) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let kinds = kinds.join(" or ");
        let quoted = matches!(&node.value, Value::Scalar { plain: false, .. });
        let message = format!("{} must be {kinds}, not {found}", name.shown());
        let fault = self.error(first_of(node, name), message);
        if quoted && forms.iter().any(|form| matches!(form, Form::Integer { .. } | Form::Boolean)) {
            return fault.help("write it without quotes");
        }
        fault
    }

    fn list(&self, items: &[Node], forms: &[Form<'a>], name: Name<'_>, out: &mut Vec<Diagnostic>) {
        let form = forms.iter().find_map(|form| {
            if let Form::List { item, min } = form { Some((*item, *min)) } else { None }
        });
        let Some((schema, min)) = form else {
            let value = Value::List(Vec::new());
            let node = Node { span: name.span, value };
            out.push(self.wrong_type(&node, forms, name, "a list"));
            return;
        };
        if u64::try_from(items.len()).is_ok_and(|count| count < min) {
            let message = format!("{} must have at least {min} in its list", name.shown());
            out.push(self.error(name.span, message));
        }
        let word = format!("an item of {}", name.shown());
        for item in items {
            if let Some(schema) = schema {
                self.check(item, schema, Name { word: &word, span: item.span }, out);
            }
        }
    }

    fn map(
        &self,
        entries: &[Entry],
        forms: &[Form<'a>],
        name: Name<'_>,
        out: &mut Vec<Diagnostic>,
    ) {
        let maps: Vec<_> = forms
            .iter()
            .filter_map(|form| if let Form::Map(object) = form { Some(*object) } else { None })
            .collect();
        // Of several forms the one that knows most of the keys is meant; of equals, the one
        // with the fewest mistakes.
        let best = maps
            .iter()
            .map(|object| {
                let unknown = entries.iter().filter(|entry| value_of(object, entry).is_none());
                let unknown = unknown.count();
                let mut found = Vec::new();
                self.members(entries, object, &maps, name, &mut found);
                (unknown, found)
            })
            .min_by_key(|(unknown, found)| (*unknown, found.len()));
        if let Some((_, found)) = best {
            out.extend(found);
        } else {
            let node = Node { span: name.span, value: Value::Map(Vec::new()) };
            out.push(self.wrong_type(&node, forms, name, "a mapping"));
        }
    }

    /// The keys of a mapping against one form. `all` are the forms it might have had: their keys
    /// are known too when one is misspelt.
    fn members(
        &self,
        entries: &[Entry],
        object: &'a Map<String, Json>,
        all: &[&'a Map<String, Json>],
        name: Name<'_>,
        out: &mut Vec<Diagnostic>,
    ) {
        let mut unknown = false;
        for entry in entries {
            let below = Name { word: &entry.key, span: entry.key_span };
            if let Some(schema) = value_of(object, entry) {
                self.check(&entry.value, schema, below, out);
            } else {
                unknown = true;
                out.push(self.unknown_key(entry, all, name));
            }
        }
        let required = object.get("required").and_then(Json::as_array).into_iter().flatten();
        for key in required.filter_map(Json::as_str) {
            if entries.iter().any(|entry| entry.key == key) || (unknown && all.len() > 1) {
                continue;
            }
            let message = format!("{} needs the key `{key}`", name.shown());
            out.push(self.error(name.span, message));
        }
        let least = object.get("minProperties").and_then(Json::as_u64).unwrap_or(0);
        if u64::try_from(entries.len()).is_ok_and(|count| count < least) {
            let message = format!("{} must have at least {least} in it", name.shown());
            out.push(self.error(name.span, message));
        }
    }

    fn unknown_key(
        &self,
        entry: &Entry,
        all: &[&'a Map<String, Json>],
        name: Name<'_>,
    ) -> Diagnostic {
        let known =
            || all.iter().copied().flat_map(|object| properties(object).map(|(key, _)| key));
        let message = format!("unknown key `{}` in {}", entry.key, name.shown());
        let help = did_you_mean(&entry.key, known()).unwrap_or_else(|| {
            if known().next().is_none() {
                "nothing may stand here".to_owned()
            } else {
                format!("known keys: {}", listed(known(), "and"))
            }
        });
        self.error(entry.key_span, message).help(help)
    }
}

fn form_of_type<'s>(name: &str, object: &'s Map<String, Json>) -> Option<Form<'s>> {
    Some(match name {
        "string" => Form::Text,
        "integer" => Form::Integer {
            min: object.get("minimum").and_then(Json::as_i64),
            max: object.get("maximum").and_then(Json::as_u64),
        },
        "number" => Form::Number,
        "boolean" => Form::Boolean,
        "array" => Form::List {
            item: object.get("items"),
            min: object.get("minItems").and_then(Json::as_u64).unwrap_or(0),
        },
        "object" => Form::Map(object),
        _ => return None,
    })
}

fn kind_of(form: &Form<'_>) -> &'static str {
    match form {
        Form::Anything => "anything",
        Form::Text => "a text",
        Form::Word(_) => "a word",
        Form::Integer { .. } => "a whole number",
        Form::Number => "a number",
        Form::Boolean => "true or false",
        Form::List { .. } => "a list",
        Form::Map(_) => "a mapping",
    }
}

/// A scalar is underlined itself; of a list or mapping the key it stands under.
fn first_of(node: &Node, name: Name<'_>) -> Span {
    match node.value {
        Value::Scalar { .. } => node.span,
        Value::List(_) | Value::Map(_) => name.span,
    }
}

fn properties(object: &Map<String, Json>) -> impl Iterator<Item = (&str, &Json)> {
    let properties = object.get("properties").and_then(Json::as_object);
    properties.into_iter().flatten().map(|(key, schema)| (key.as_str(), schema))
}

/// The schema of what stands under a key; `None` where the key is not known.
fn value_of<'s>(object: &'s Map<String, Json>, entry: &Entry) -> Option<&'s Json> {
    let named = properties(object).find(|(key, _)| *key == entry.key).map(|(_, schema)| schema);
    named.or_else(|| match object.get("additionalProperties") {
        Some(Json::Bool(false)) => None,
        Some(schema) => Some(schema),
        // A mapping without named keys holds any; one with named keys holds no others.
        None if object.contains_key("properties") => None,
        None => Some(&Json::Bool(true)),
    })
}

/// `` `a`, `b` or `c` ``, each once.
fn listed<'w>(words: impl Iterator<Item = &'w str>, last: &str) -> String {
    let mut once: Vec<&str> = Vec::new();
    for word in words {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    let mut text = String::new();
    for (at, word) in once.iter().enumerate() {
        let joint = match once.len().saturating_sub(at) {
            _ if at == 0 => "",
            1 => &format!(" {last} "),
            _ => ", ",
        };
        // Writing to a `String` cannot fail.
        write!(text, "{joint}`{word}`").unwrap_or_default();
    }
    text
}
