//! What is remembered of bodies of one shape, by the parser and by walks over what it made: each
//! parser's numbers mean something to its own walks only, so both are lent as one.

use super::document::scan::{self, ParseError};
use super::document::tape::{NodeId, Repeat, Tape};
use super::lending::Lendable;
use super::shapes::meant::Shape;
use super::walk::Learnt;

/// Lent while a body is parsed, or parsed and judged.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    parser: scan::Memory,
    walks: Learnt,
}

impl Memory {
    /// See [`scan::parse`].
    pub(crate) fn parse<'j>(
        &mut self,
        bytes: &'j [u8],
        depth: usize,
        of: &Shape,
        tape: &mut Tape,
    ) -> Result<&'j str, ParseError> {
        scan::parse(bytes, depth, &of.vocabulary, &mut self.parser, tape)
    }

    /// Whether it is what made a tape.
    pub(crate) fn made(&self, tape: &Tape) -> bool {
        self.parser.knows(tape)
    }

    /// What walks over a tape learnt before, what repeats in it, and the parser's memory that tells
    /// of repeats: none, if it was another parser that made it.
    pub(crate) fn of<'m, 't>(
        &'m mut self,
        tape: &'t Tape,
    ) -> (&'m mut Learnt, &'t [Repeat], &'m scan::Memory) {
        self.walks.prepare();
        let is_made = self.made(tape);
        if is_made {
            self.walks.repeats.prepare(tape.numbering());
        }
        let repeats = if is_made { tape.repeats() } else { &[] };
        (&mut self.walks, repeats, &self.parser)
    }

    /// See [`scan::Memory::begin_records`].
    pub(crate) fn begin_records(&mut self, tape: &Tape, roots: impl Iterator<Item = NodeId>) {
        self.parser.begin_records(tape, roots);
    }
}

impl Lendable for Memory {
    /// What was learnt is bounded by itself.
    fn keeps(&self) -> usize {
        self.walks.keeps()
    }
}
