//! A selector's text → [`Path`]. The grammar is that of RFC 9535, read by `jsonpath-rust`.

use super::filter::{Filter, Hop, Literal, Operator};
use super::{Path, Selector, Step};
use jsonpath_rust::parser::model as read;
use jsonpath_rust::parser::parse_json_path;

/// Reads a selector. The error says what is wrong, in words for the author of a shape.
pub fn parse(text: &str) -> Result<Path, String> {
    let query = parse_json_path(text).map_err(|error| said(text, &error.to_string()))?;
    let steps = query.segments.iter().map(|segment| step(segment, false));
    Ok(Path { steps: steps.collect::<Result<_, _>>()? })
}

/// The parser's own words speak of grammar rules; the useful part is where it stopped.
fn said(text: &str, error: &str) -> String {
    let column = error
        .lines()
        .find_map(|line| line.trim().strip_prefix("--> 1:"))
        .and_then(|column| column.trim().parse::<usize>().ok());
    match column {
        Some(column) => {
            format!("`{text}` is not a JSONPath (RFC 9535): stopped at its character {column}")
        }
        None => format!("`{text}` is not a JSONPath (RFC 9535)"),
    }
}

fn step(segment: &read::Segment, descend: bool) -> Result<Step, String> {
    match segment {
        read::Segment::Descendant(inner) => step(inner, true),
        read::Segment::Selector(one) => Ok(Step { descend, selectors: vec![selector(one)?] }),
        read::Segment::Selectors(many) => {
            let selectors = many.iter().map(selector).collect::<Result<_, _>>()?;
            Ok(Step { descend, selectors })
        }
    }
}

fn selector(read: &read::Selector) -> Result<Selector, String> {
    Ok(match read {
        read::Selector::Name(name) => Selector::Name(plain(name)?),
        read::Selector::Wildcard => Selector::Any,
        read::Selector::Index(index) => Selector::Index(*index),
        read::Selector::Slice(start, end, step) => Selector::Slice(*start, *end, *step),
        read::Selector::Filter(inner) => Selector::Filter(filter(inner)?),
    })
}

/// A name without its quotes and escapes.
fn plain(name: &str) -> Result<String, String> {
    let quoted = |quote: char| {
        name.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).map(str::to_owned)
    };
    let Some(inner) = quoted('\'').or_else(|| quoted('"')) else { return Ok(name.to_owned()) };
    unescape(&inner).ok_or_else(|| format!("the name {name} has an escape that cannot be read"))
}

fn unescape(inner: &str) -> Option<String> {
    if !inner.contains('\\') {
        return Some(inner.to_owned());
    }
    // As a JSON string: only `\'` is RFC 9535's own.
    let mut json = String::from("\"");
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match (character, if character == '\\' { characters.next() } else { None }) {
            ('\\', Some('\'')) => json.push('\''),
            ('\\', Some(escaped)) => json.extend(['\\', escaped]),
            ('"', _) => json.push_str("\\\""),
            (other, _) => json.push(other),
        }
    }
    json.push('"');
    serde_json::from_str(&json).ok()
}

fn filter(read: &read::Filter) -> Result<Filter, String> {
    Ok(match read {
        read::Filter::Or(all) => Filter::Or(all.iter().map(filter).collect::<Result<_, _>>()?),
        read::Filter::And(all) => Filter::And(all.iter().map(filter).collect::<Result<_, _>>()?),
        read::Filter::Atom(read::FilterAtom::Filter { expr, not }) => negated(filter(expr)?, *not),
        read::Filter::Atom(read::FilterAtom::Comparison(comparison)) => compared(comparison)?,
        read::Filter::Atom(read::FilterAtom::Test { .. }) => {
            return Err("this filter tests for existence or calls a function".to_owned());
        }
    })
}

fn negated(filter: Filter, not: bool) -> Filter {
    if not { Filter::Not(Box::new(filter)) } else { filter }
}

fn compared(comparison: &read::Comparison) -> Result<Filter, String> {
    use read::Comparable::{Literal as Lit, SingularQuery as Query};
    let (operator, left, right) = match comparison {
        read::Comparison::Eq(left, right) => (Operator::Equal, left, right),
        read::Comparison::Ne(left, right) => (Operator::NotEqual, left, right),
        read::Comparison::Gt(left, right) => (Operator::Greater, left, right),
        read::Comparison::Gte(left, right) => (Operator::GreaterOrEqual, left, right),
        read::Comparison::Lt(left, right) => (Operator::Less, left, right),
        read::Comparison::Lte(left, right) => (Operator::LessOrEqual, left, right),
    };
    match (left, right) {
        (Query(query), Lit(value)) => Ok(Filter::Compare(hops(query)?, operator, literal(value)?)),
        (Lit(value), Query(query)) => {
            Ok(Filter::Compare(hops(query)?, mirrored(operator), literal(value)?))
        }
        _ => Err("this filter does not compare a place with a literal".to_owned()),
    }
}

fn mirrored(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        Operator::Equal | Operator::NotEqual => operator,
    }
}

fn hops(query: &read::SingularQuery) -> Result<Vec<Hop>, String> {
    let read::SingularQuery::Current(segments) = query else {
        return Err("this filter asks for a place from `$`; it may ask below `@` only".to_owned());
    };
    segments
        .iter()
        .map(|segment| match segment {
            read::SingularQuerySegment::Index(index) => Ok(Hop::Index(*index)),
            read::SingularQuerySegment::Name(name) => Ok(Hop::Name(plain(name)?)),
        })
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "RFC 9535 numbers are I-JSON: exact to 2^53, which the parser holds them to"
)]
fn literal(read: &read::Literal) -> Result<Literal, String> {
    Ok(match read {
        read::Literal::Int(number) => Literal::Number(*number as f64),
        read::Literal::Float(number) => Literal::Number(*number),
        read::Literal::String(text) => Literal::String(plain_literal(text)?),
        read::Literal::Bool(value) => Literal::Bool(*value),
        read::Literal::Null => Literal::Null,
    })
}

fn plain_literal(text: &str) -> Result<String, String> {
    unescape(text).ok_or_else(|| "a literal has an escape that cannot be read".to_owned())
}
