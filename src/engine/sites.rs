//! What a walk notes: where something stands, and what.

use super::document::tape::NodeId;
use super::shapes::meant::Field;

/// Something noted at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// Where.
    pub(crate) node: NodeId,
    /// What else it takes to read it: the concept around a code, the parent of a house code.
    pub(crate) with: NodeId,
    /// What.
    pub(crate) what: What,
}

/// No node.
pub(crate) const NOWHERE: NodeId = NodeId(u32::MAX);

/// What was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The record's id.
    Id,
    /// Whose it is.
    Subject,
    /// When; lower numbers first.
    Date(u8),
    /// An episode link; whether it can only be to a provider.
    Episode(bool),
    /// A part of a tuple.
    Tuple(u8, u8),
    /// An evidence link; whether it can only be to a provider.
    Evidence(bool),
    /// A record it speaks of.
    Target,
    /// A link that may be looked up, by number in its kind's `gets`; whether it can only be to a
    /// provider.
    Resolve(u8, bool),
    /// A code object of FHIR; whether in a clinical place.
    Code(bool),
    /// A code of `codes:`.
    HouseCode(u8),
    /// The system of one.
    SystemAt(u8),
    /// A place of `fields:`.
    Field(Field),
    /// Words whose reach is their entry's.
    Words,
    /// Words that reach the record only.
    Prose,
    /// The same with markup in it.
    Markup,
    /// An attachment.
    Attachment,
    /// A reference; whether it can only be to a provider.
    Reference(bool),
    /// A member the shape does not name.
    Unknown,
    /// Narrative, labels, versions.
    Housekeeping,
    /// An extension that may not leave to others.
    Extension,
    /// A record inside this one, by spec.
    Nested(u16),
}
