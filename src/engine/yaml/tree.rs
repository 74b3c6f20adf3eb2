//! Text → tree of spans. What YAML allows and these files do not need is refused here: several
//! documents, tags, keys that are no scalars, duplicate keys, aliases past a small budget.

use crate::engine::diagnostics::{Diagnostic, SourceFile, Span};
use saphyr_parser::{Event, Parser, ScalarStyle};
use std::collections::{BTreeMap, BTreeSet};

/// Deepest nesting, levels: the deepest file we know has nine.
const DEPTH_MAX: usize = 64;
/// Most values of one file: the largest shape we know has some ten thousand.
const NODES_MAX: usize = 200_000;
/// Most values that aliases may repeat: a convenience, not a way to make a file explode.
const ALIASED_NODES_MAX: usize = 10_000;

/// A value and the bytes it stands in.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A text, and whether it stands without quotes.
    Scalar { text: String, plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order written, each key once.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) value: Node,
}

impl Node {
    /// Whether nothing stands there, or a word for nothing.
    pub(super) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar { text, plain } => *plain && is_null_word(text),
            Value::List(_) | Value::Map(_) => false,
        }
    }

    /// How many values it is made of, itself counted.
    fn count(&self) -> usize {
        let inside: usize = match &self.value {
            Value::Scalar { .. } => 0,
            Value::List(items) => items.iter().map(Node::count).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.count()).sum(),
        };
        inside.saturating_add(1)
    }

    /// How deep it is nested; a scalar is 0.
    fn depth(&self) -> usize {
        let inside = match &self.value {
            Value::Scalar { .. } => return 0,
            Value::List(items) => items.iter().map(Node::depth).max(),
            Value::Map(entries) => entries.iter().map(|entry| entry.value.depth()).max(),
        };
        inside.unwrap_or(0).saturating_add(1)
    }
}

/// Where a scalar ends: the parser counts what follows a quoted one, comments too, as its own.
fn scalar_end(text: &str, span: Span, style: ScalarStyle) -> usize {
    let written = text.get(span.start..span.end).unwrap_or_default();
    let trimmed = span.start.saturating_add(written.trim_end().len());
    let quote = match style {
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => return trimmed,
    };
    // `''` within single quotes ends and begins again, which comes to the same.
    let mut open = false;
    let mut escaped = false;
    let mut end = trimmed;
    for (at, letter) in written.char_indices() {
        if !open && letter != quote {
            break;
        }
        if escaped {
            escaped = false;
        } else if letter == '\\' && quote == '"' {
            escaped = true;
        } else if letter == quote {
            open = !open;
            end = span.start.saturating_add(at).saturating_add(quote.len_utf8());
        }
    }
    end
}

fn is_null_word(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Reads the one document of a file. `None` means that it cannot be read at all; duplicate keys
/// are pushed, and the first one is kept so that the rest of the file can be checked.
pub(super) fn parse(file: &SourceFile, mistakes: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut builder = Builder {
        file,
        mistakes,
        offsets: Offsets::of(&file.text),
        open: Vec::new(),
        anchors: BTreeMap::new(),
        documents: 0,
        nodes: 0,
        aliased: 0,
        root: None,
    };
    for event in Parser::new_from_str(&file.text) {
        let fault = match event {
            Ok((event, at)) => {
                let span = builder.offsets.span(at);
                builder.event(event, span).err()
            }
            Err(error) => {
                let at = builder.offsets.byte(error.marker().index());
                let span = Span { start: at, end: at };
                Some(builder.broken(span, format!("not readable as YAML: {}", error.info())).into())
            }
        };
        if let Some(fault) = fault {
            builder.mistakes.push(*fault);
            return None;
        }
    }
    match builder.root.take() {
        Some(root) if !root.is_null() => Some(root),
        _ => {
            mistakes.push(Diagnostic {
                span: None,
                ..Diagnostic::error(file, Span::default(), "the file is empty")
                    .help("write what it should hold, or remove it")
            });
            None
        }
    }
}

/// Positions in characters, as the parser counts → bytes.
struct Offsets {
    /// The byte each character begins at; empty where all are ASCII.
    starts: Vec<usize>,
    len: usize,
}

impl Offsets {
    fn of(text: &str) -> Offsets {
        let starts = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(at, _)| at).collect()
        };
        Offsets { starts, len: text.len() }
    }

    fn byte(&self, index: usize) -> usize {
        if self.starts.is_empty() {
            return index.min(self.len);
        }
        self.starts.get(index).copied().unwrap_or(self.len)
    }

    fn span(&self, at: saphyr_parser::Span) -> Span {
        let start = self.byte(at.start.index());
        Span { start, end: self.byte(at.end.index()).max(start) }
    }
}

/// A mistake after which the rest of the file cannot be read.
type Fault = Box<Diagnostic>;

/// A list or mapping whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    inside: Inside,
}

enum Inside {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, seen: BTreeSet<String>, key: Option<(String, Span)>, repeated: bool },
}

struct Builder<'a> {
    file: &'a SourceFile,
    mistakes: &'a mut Vec<Diagnostic>,
    offsets: Offsets,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    documents: usize,
    nodes: usize,
    aliased: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn broken(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.file, span, message)
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        match event {
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    let fault = self.broken(span, "a second document in one file");
                    return Err(fault.help("make it a file of its own").into());
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), span)?;
                let plain = matches!(style, ScalarStyle::Plain);
                let end = scalar_end(&self.file.text, span, style);
                let span = Span { start: span.start, end };
                let value = Value::Scalar { text: text.into_owned(), plain };
                self.value(Node { span, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span)?;
                self.opened(span, anchor, Inside::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.is_some(), span)?;
                let inside = Inside::Map {
                    entries: Vec::new(),
                    seen: BTreeSet::new(),
                    key: None,
                    repeated: false,
                };
                self.opened(span, anchor, inside)
            }
            Event::SequenceEnd | Event::MappingEnd => self.closed(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn refuse_tag(&self, tagged: bool, span: Span) -> Result<(), Fault> {
        if !tagged {
            return Ok(());
        }
        let fault = self.broken(span, "YAML tags are not understood here");
        Err(fault.help("remove the `!…` before the value").into())
    }

    fn opened(&mut self, span: Span, anchor: usize, inside: Inside) -> Result<(), Fault> {
        self.refuse_as_key(span)?;
        if self.open.len() >= DEPTH_MAX {
            return Err(self.broken(span, format!("nested deeper than {DEPTH_MAX} levels")).into());
        }
        self.open.push(Open { start: span.start, anchor, inside });
        Ok(())
    }

    /// A list or mapping may not stand where a key is due.
    fn refuse_as_key(&self, span: Span) -> Result<(), Fault> {
        match self.open.last().map(|open| &open.inside) {
            Some(Inside::Map { key: None, .. }) => {
                Err(self.broken(span, "a key must be a text").into())
            }
            _ => Ok(()),
        }
    }

    fn closed(&mut self, span: Span) -> Result<(), Fault> {
        let Some(Open { start, anchor, inside }) = self.open.pop() else { return Ok(()) };
        let (value, last) = match inside {
            Inside::List(items) => {
                let last = items.last().map(|item| item.span.end);
                (Value::List(items), last)
            }
            Inside::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key_span.end));
                (Value::Map(entries), last)
            }
        };
        // A block ends where its last part does; only brackets have an end of their own.
        let bracket = self.file.text.get(span.start..span.end).unwrap_or_default();
        let end = match (bracket, last) {
            ("]" | "}", _) | (_, None) => span.end,
            (_, Some(last)) => last,
        };
        self.value(Node { span: Span { start, end: end.max(start) }, value }, anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fault> {
        let Some(mut node) = self.anchors.get(&anchor).cloned() else {
            return Err(self.broken(span, "an alias inside of what it stands for").into());
        };
        let count = node.count();
        self.aliased = self.aliased.saturating_add(count);
        self.nodes = self.nodes.saturating_add(count);
        if self.aliased > ALIASED_NODES_MAX {
            let why = format!("aliases repeat more than {ALIASED_NODES_MAX} values");
            return Err(self.broken(span, why).into());
        }
        if self.open.len().saturating_add(node.depth()) > DEPTH_MAX {
            return Err(self.broken(span, format!("nested deeper than {DEPTH_MAX} levels")).into());
        }
        node.span = span;
        self.value(node, 0)
    }

    /// Puts a finished value where it belongs: as a key, a member, an item or the root.
    fn value(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > NODES_MAX {
            return Err(self.broken(node.span, format!("more than {NODES_MAX} values")).into());
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.inside {
            Inside::List(items) => items.push(node),
            Inside::Map { entries, key, repeated, .. } => match key.take() {
                Some(_) if *repeated => *repeated = false,
                Some((key, key_span)) => entries.push(Entry { key, key_span, value: node }),
                None => return self.key(node),
            },
        }
        Ok(())
    }

    fn key(&mut self, node: Node) -> Result<(), Fault> {
        let null = node.is_null();
        let Value::Scalar { text, .. } = node.value else {
            return Err(self.broken(node.span, "a key must be a text").into());
        };
        if null {
            return Err(self.broken(node.span, "a key is missing before the `:`").into());
        }
        let Some(Open { inside: Inside::Map { seen, key, repeated, .. }, .. }) =
            self.open.last_mut()
        else {
            return Ok(());
        };
        *repeated = !seen.insert(text.clone());
        if *repeated {
            let message = format!("the key `{text}` is written twice");
            let fault = Diagnostic::error(self.file, node.span, message);
            self.mistakes.push(fault.help("keep one of the two"));
        }
        *key = Some((text, node.span));
        Ok(())
    }
}
