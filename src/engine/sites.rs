//! What a walk notes: where something stands, and what.

use super::document::marks::Marks;
use super::document::tape::NodeId;
use super::lending::Lendable;
use super::shapes::meant::Field;
use std::ops::Range;

/// Something noted at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site<W = What> {
    /// Where.
    pub(crate) node: NodeId,
    /// What else it takes to read it: of a code the concept around it, of a house code its parent,
    /// of a link its number among the links of the body, once these are read.
    pub(crate) with: u32,
    /// What.
    pub(crate) what: W,
}

/// No node and no link.
pub(crate) const NOWHERE: u32 = u32::MAX;

/// What was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The record's id.
    Id,
    /// Whose it is.
    Subject,
    /// Whose a resource contained in it is.
    SubjectInside,
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
    /// A record that belongs to it.
    Owns,
    /// A link that may be looked up, by number in its kind's `gets`; whether it can only be to a
    /// provider.
    Resolve(u8, bool),
    /// A code of `codes:`.
    HouseCode(u8),
    /// The system of one.
    SystemAt(u8),
    /// A place of `fields:`.
    Field(Field),
    /// A reference; whether it can only be to a provider.
    Reference(bool),
    /// A member the shape does not name.
    Unknown,
    /// A value of another form than the shape expects there, which no selector goes through;
    /// whether it could tell whose the record is, or be a note that is nobody's to read.
    Misformed(bool),
    /// Narrative, labels, versions.
    Housekeeping,
    /// An extension that may not leave to others.
    Extension,
    /// A record inside this one, by spec.
    Nested(u16),
}

impl What {
    /// Whether it is read as a link: it names a person or a record.
    pub(crate) fn is_link(self) -> bool {
        matches!(
            self,
            What::Subject
                | What::SubjectInside
                | What::Episode(_)
                | What::Evidence(_)
                | What::Target
                | What::Owns
                | What::Resolve(..)
                | What::Tuple(..)
                | What::Reference(_)
        )
    }
}

/// A code object of FHIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coded {
    /// Whether it stands in a clinical place.
    pub(crate) clinical: bool,
}

/// How human words are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Words {
    /// Their reach is their entry's.
    Label,
    /// They reach the record only.
    Prose,
    /// The same with markup in it.
    Markup,
    /// An attachment.
    Attachment,
}

/// All that was noted in a document. Codes and words are most of it and have a list each.
#[derive(Debug, Default)]
pub(crate) struct Sites {
    pub(crate) codes: Vec<Site<Coded>>,
    pub(crate) words: Vec<Site<Words>>,
    pub(crate) others: Vec<Site>,
    /// The nodes that FHIR demands.
    pub(crate) required: Marks,
}

impl Lendable for Sites {
    fn keeps(&self) -> usize {
        let Sites { codes, words, others, required } = self;
        let bytes = |length: usize, each: usize| length.saturating_mul(each);
        bytes(codes.capacity(), size_of::<Site<Coded>>())
            .saturating_add(bytes(words.capacity(), size_of::<Site<Words>>()))
            .saturating_add(bytes(others.capacity(), size_of::<Site>()))
            .saturating_add(required.keeps())
    }
}

/// What of it was noted in one record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    codes: Range<usize>,
    words: Range<usize>,
    others: Range<usize>,
}

impl Noted {
    /// Where the codes stand.
    pub(crate) fn codes(&self) -> Range<usize> {
        self.codes.clone()
    }

    /// Where the others stand, for steps that change the body on the way.
    pub(crate) fn others(&self) -> Range<usize> {
        self.others.clone()
    }
}

impl Sites {
    /// Empty lists, for a body of that many nodes.
    pub(crate) fn emptied(mut self, nodes: usize) -> Sites {
        self.codes.clear();
        self.words.clear();
        self.others.clear();
        self.required = self.required.emptied(nodes);
        self
    }

    /// What was noted since these lengths.
    pub(crate) fn since(&self, before: &Noted) -> Noted {
        Noted {
            codes: before.codes.end..self.codes.len(),
            words: before.words.end..self.words.len(),
            others: before.others.end..self.others.len(),
        }
    }

    /// All so far, for [`Sites::since`].
    pub(crate) fn so_far(&self) -> Noted {
        Noted {
            codes: 0..self.codes.len(),
            words: 0..self.words.len(),
            others: 0..self.others.len(),
        }
    }

    /// What was noted since these lengths, taken from the lists.
    #[cfg(test)]
    pub(crate) fn taken_since(
        &mut self,
        before: &Noted,
    ) -> (Vec<Site<Coded>>, Vec<Site<Words>>, Vec<Site>) {
        let codes = self.codes.split_off(before.codes.end);
        let words = self.words.split_off(before.words.end);
        (codes, words, self.others.split_off(before.others.end))
    }

    pub(crate) fn codes(&self, of: &Noted) -> &[Site<Coded>] {
        self.codes.get(of.codes.clone()).unwrap_or_default()
    }

    pub(crate) fn words(&self, of: &Noted) -> &[Site<Words>] {
        self.words.get(of.words.clone()).unwrap_or_default()
    }

    pub(crate) fn others(&self, of: &Noted) -> &[Site] {
        self.others.get(of.others.clone()).unwrap_or_default()
    }
}
