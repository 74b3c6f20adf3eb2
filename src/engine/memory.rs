//! What is remembered of bodies of one shape, by the parser and by walks over what it made: each
//! parser's numbers mean something to its own walks only, so both are lent as one.

use super::document::scan::{self, ParseError};
use super::document::tape::{Repeat, Tape};
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

    /// What walks over a tape learnt before, and what repeats in it: nothing, if it was another
    /// parser that made it.
    pub(crate) fn of<'t>(&mut self, tape: &'t Tape) -> (&mut Learnt, &'t [Repeat]) {
        self.walks.prepare();
        if !self.made(tape) {
            return (&mut self.walks, &[]);
        }
        self.walks.repeats.prepare(tape.numbering());
        (&mut self.walks, tape.repeats())
    }
}

impl Lendable for Memory {
    /// What was learnt is bounded by itself.
    fn keeps(&self) -> usize {
        self.walks.keeps()
    }
}
