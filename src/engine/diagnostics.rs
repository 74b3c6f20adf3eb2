//! Mistakes in the files users write: what is wrong, where, what to do.
//!
//! Style of the words: no capital, no final period, user text in backticks, no Rust names, one
//! line. They never quote a member's data.

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// So many letters of a line are shown.
const SHOWN_MAX: usize = 200;

/// A file as it was read: the path as users know it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to where the user named it, e.g. `policies/rules/us-federal.yaml`.
    pub path: Arc<str>,
    /// The whole text.
    pub text: Arc<str>,
}

impl SourceFile {
    /// A file of that path and text.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> SourceFile {
        SourceFile { path: path.into(), text: text.into() }
    }
}

/// Bytes `start..end` of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The set is broken.
    Error,
    /// It works, and is probably not what was meant.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// In which file.
    pub file: SourceFile,
    /// Where; `None` for the file as a whole.
    pub span: Option<Span>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place of a file.
    pub fn error(file: &SourceFile, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            file: file.clone(),
            span: Some(span),
            help: None,
        }
    }

    /// An error of a file or folder as a whole.
    pub fn of_file(name: &str, message: impl Into<String>) -> Diagnostic {
        let file = SourceFile::new(name, "");
        Diagnostic { span: None, ..Diagnostic::error(&file, Span::default(), message) }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Line and column, from 1, of the place.
    pub fn position(&self) -> Option<(usize, usize)> {
        let span = self.span?;
        let before = self.file.text.get(..span.start)?;
        let line = before.matches('\n').count().saturating_add(1);
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count());
        Some((line, column.saturating_add(1)))
    }
}

/// `did you mean` for a word, where one of the known is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (near, distance) = known
        .into_iter()
        .map(|name| (name, strsim::damerau_levenshtein(word, name)))
        .min_by_key(|(_, distance)| *distance)?;
    let enough = word.chars().count().max(near.chars().count()) / 3;
    (distance <= enough.max(1)).then(|| format!("did you mean `{near}`?"))
}

/// What is shown of a line around a place in it, and where in that the place is: a file may be one
/// line of many megabytes, and output ends in logs.
fn window(line: &str, at: usize) -> (String, usize) {
    // With all that moves the cursor made a space, carets stand where they should.
    let letters = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    if letters.clone().nth(SHOWN_MAX).is_none() {
        return (letters.collect(), at);
    }
    let start = at.saturating_sub(SHOWN_MAX / 2);
    let mut letters = letters.skip(start);
    let mut shown = if start > 0 { "…".to_owned() } else { String::new() };
    let indent = at.saturating_sub(start).saturating_add(usize::from(start > 0));
    shown.extend(letters.by_ref().take(SHOWN_MAX - 2));
    if letters.next().is_some() {
        shown.push('…');
    }
    (shown, indent)
}

impl fmt::Display for Diagnostic {
    /// `error: message`, ` --> file:line:column`, the line, carets under the text, `help: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(f, "{severity}: {}", self.message)?;
        match (self.span, self.position()) {
            (Some(span), Some((line, column))) => {
                writeln!(f, " --> {}:{line}:{column}", self.file.path)?;
                let text = self.file.text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
                let (shown, indent) = window(text, column.saturating_sub(1));
                let rest = shown.chars().count().saturating_sub(indent);
                let wide = self.file.text.get(span.start..span.end).unwrap_or_default();
                let wide = wide.lines().next().unwrap_or_default().chars().count();
                let gutter = line.to_string().len();
                writeln!(f, "{:gutter$} |", "")?;
                writeln!(f, "{line} | {shown}")?;
                let carets = "^".repeat(wide.min(rest).max(1));
                writeln!(f, "{:gutter$} | {:indent$}{carets}", "", "")?;
            }
            _ => writeln!(f, " --> {}", self.file.path)?,
        }
        if let Some(help) = &self.help {
            writeln!(f, "  = help: {help}")?;
        }
        if self.file.text.contains('\r') && !self.file.text.contains('\n') {
            let help = "the file is one line: its lines end by carriage returns alone, not by \
                        newlines";
            writeln!(f, "  = help: {help}")?;
        }
        Ok(())
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for At<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

/// The newtype name by which [`At`] asks the YAML reader for positions: it answers with a
/// sequence of start, end, value. Other formats answer with the value alone.
pub(crate) const AT: &str = "$sequester::At";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<At<T>, D::Error> {
        deserializer.deserialize_newtype_struct(AT, AtVisitor(PhantomData))
    }
}

struct AtVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
    type Value = At<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<At<T>, A::Error> {
        let missing = || A::Error::custom("a position is missing");
        let start = parts.next_element()?.ok_or_else(missing)?;
        let end = parts.next_element()?.ok_or_else(missing)?;
        let value = parts.next_element()?.ok_or_else(missing)?;
        Ok(At { value, span: Span { start, end } })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<At<T>, D::Error> {
        Ok(At { value: T::deserialize(value)?, span: Span::default() })
    }
}
