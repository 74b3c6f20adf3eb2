//! The filters a shape may use: comparisons of a place below the child with a literal, joined by
//! `&&`, `||` and `!`.

use crate::engine::document::read::Document;
use crate::engine::document::tape::{Kind, NodeId, Vocabulary};
use crate::engine::document::text;
use std::cmp::Ordering;

/// A filter as meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// Any of these.
    Or(Vec<Filter>),
    /// All of these.
    And(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// `@.a.b op literal`
    Compare(Vec<Hop>, Operator, Literal),
}

/// One hop of a singular query.
#[derive(Clone, Debug, PartialEq)]
pub enum Hop {
    /// A member.
    Name(String),
    /// A member, by the number of its name.
    Key(u16),
    /// An element; from the end if negative.
    Index(i64),
}

/// RFC 9535 comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    String(String),
}

impl Filter {
    /// Every member name the filter asks for.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Filter::Or(all) | Filter::And(all) => all.iter().flat_map(Filter::names).collect(),
            Filter::Not(one) => one.names(),
            Filter::Compare(hops, ..) => hops
                .iter()
                .filter_map(|hop| match hop {
                    Hop::Name(name) => Some(name.as_str()),
                    Hop::Key(_) | Hop::Index(_) => None,
                })
                .collect(),
        }
    }

    /// The same, which asks for members by number where their names have one.
    #[must_use]
    pub fn numbered(&self, vocabulary: &Vocabulary) -> Filter {
        let all = |all: &[Filter]| all.iter().map(|one| one.numbered(vocabulary)).collect();
        match self {
            Filter::Or(any) => Filter::Or(all(any)),
            Filter::And(each) => Filter::And(all(each)),
            Filter::Not(one) => Filter::Not(Box::new(one.numbered(vocabulary))),
            Filter::Compare(hops, operator, literal) => {
                let hops = hops.iter().map(|hop| match hop {
                    Hop::Name(name) => match vocabulary.number(name) {
                        0 => hop.clone(),
                        key => Hop::Key(key),
                    },
                    Hop::Key(_) | Hop::Index(_) => hop.clone(),
                });
                Filter::Compare(hops.collect(), *operator, literal.clone())
            }
        }
    }

    /// The nodes below one that tell whether it fits, as far as they are there.
    pub fn reads(&self, doc: Document<'_>, node: NodeId, read: &mut dyn FnMut(NodeId)) {
        match self {
            Filter::Or(all) | Filter::And(all) => {
                for one in all {
                    one.reads(doc, node, read);
                }
            }
            Filter::Not(one) => one.reads(doc, node, read),
            Filter::Compare(hops, ..) => {
                if let Some(found) = reach(hops, doc, node) {
                    read(found);
                }
            }
        }
    }

    /// Whether the node fits.
    pub fn fits(&self, doc: Document<'_>, node: NodeId) -> bool {
        match self {
            Filter::Or(all) => all.iter().any(|one| one.fits(doc, node)),
            Filter::And(all) => all.iter().all(|one| one.fits(doc, node)),
            Filter::Not(one) => !one.fits(doc, node),
            Filter::Compare(hops, operator, literal) => {
                let found = reach(hops, doc, node);
                compare(found, *operator, literal, doc)
            }
        }
    }
}

/// The node at the end of the hops.
pub fn reach(hops: &[Hop], doc: Document<'_>, from: NodeId) -> Option<NodeId> {
    hops.iter().try_fold(from, |at, hop| {
        let kind = doc.get(at)?.kind;
        match hop {
            Hop::Name(name) if kind == Kind::Object => doc.member_named(at, name),
            Hop::Key(key) if kind == Kind::Object => doc.member(at, *key),
            Hop::Index(index) if kind == Kind::Array => {
                let place = usize::try_from(*index).ok().or_else(|| {
                    let back = usize::try_from(index.unsigned_abs()).ok()?;
                    doc.children(at).count().checked_sub(back)
                })?;
                doc.children(at).nth(place).map(|(id, _)| id)
            }
            Hop::Name(_) | Hop::Key(_) | Hop::Index(_) => None,
        }
    })
}

/// RFC 9535 section 2.3.5.2.2: nothing equals nothing, and different types are never ordered.
fn compare(
    found: Option<NodeId>,
    operator: Operator,
    literal: &Literal,
    doc: Document<'_>,
) -> bool {
    let order = found.and_then(|id| order(id, literal, doc));
    let ordered = matches!(literal, Literal::Number(_) | Literal::String(_));
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => ordered && order == Some(Ordering::Less),
        Operator::Greater => ordered && order == Some(Ordering::Greater),
        Operator::LessOrEqual => {
            order == Some(Ordering::Equal) || (ordered && order == Some(Ordering::Less))
        }
        Operator::GreaterOrEqual => {
            order == Some(Ordering::Equal) || (ordered && order == Some(Ordering::Greater))
        }
    }
}

/// How the node compares with the literal; `None` where the types differ.
fn order(id: NodeId, literal: &Literal, doc: Document<'_>) -> Option<Ordering> {
    let node = doc.get(id)?;
    match (node.kind, literal) {
        (Kind::Null, Literal::Null) => Some(Ordering::Equal),
        (Kind::True, Literal::Bool(value)) => Some(true.cmp(value)),
        (Kind::False, Literal::Bool(value)) => Some(false.cmp(value)),
        (Kind::Number, Literal::Number(value)) => {
            doc.written(id).parse::<f64>().ok()?.partial_cmp(value)
        }
        (Kind::String, Literal::String(value)) => {
            Some(text::str_of(doc.json, node).as_ref().cmp(value.as_str()))
        }
        _ => None,
    }
}
