//! A stream, record by record: each is judged by itself as it comes.

use super::document::read::Document;
use super::document::tape::{NodeId, Tape};
use super::document::text;
use super::released::{Refusal, Released};
use super::selectors::automaton::Child;
use super::shapes::meant::flag;
use super::stream::{MemberKey, Stream, Window};
use super::{FLUSH_BYTES, Redactor, unreadable, without_mark};

impl Redactor {
    pub(super) fn push_stream(&mut self, chunk: &[u8]) -> Result<Option<Released>, Refusal> {
        self.take_waiting(FLUSH_BYTES)?;
        match &mut self.looking {
            Some(looking) => looking.waiting.extend_from_slice(chunk),
            None => self.frame(chunk)?,
        }
        Ok((self.held.len() >= FLUSH_BYTES).then(|| self.flush()))
    }

    /// Finds the records of a chunk and judges them.
    pub(super) fn frame(&mut self, chunk: &[u8]) -> Result<(), Refusal> {
        // Lent to itself for a while; after a refusal nothing more is pushed.
        match self.stream.take() {
            None => {}
            Some(Stream::Lines(mut lines)) => {
                let record = self.settings.record;
                lines.push(chunk, record, |at, line| self.line(at, line))?;
                self.stream = Some(Stream::Lines(lines));
            }
            Some(Stream::Array(mut array)) => {
                let mut held = std::mem::take(&mut self.held);
                array.push(chunk, self, &mut held)?;
                self.held = held;
                self.stream = Some(Stream::Array(array));
            }
        }
        Ok(())
    }

    pub(super) fn end_frames(&mut self) -> Result<(), Refusal> {
        match self.stream.take() {
            None => Ok(()),
            Some(Stream::Lines(mut lines)) => lines.finish(|at, line| self.line(at, line)),
            Some(Stream::Array(array)) => array.finish(),
        }
    }

    /// One line of a stream: judged by itself and by look-ups, with nothing of any other.
    fn line(&mut self, at: u64, line: &[u8]) -> Result<(), Refusal> {
        let line = if at == 0 { without_mark(line) } else { line };
        let document = line.trim_ascii();
        if document.is_empty() {
            return Err(Refusal::Unreadable { at, why: "a blank line" });
        }
        let pieces = self.leaves(document, at)?;
        if !pieces.is_empty() {
            pieces.write(document, &mut self.held);
            self.held.push(b'\n');
        }
        Ok(())
    }
}

impl Window for Redactor {
    fn record_bytes_max(&self) -> usize {
        self.settings.record
    }

    fn depth_max(&self) -> usize {
        self.settings.depth
    }

    fn is_record(&self) -> bool {
        self.route().is_some_and(|(_, route)| route.whole.is_some())
    }

    fn omits(&self) -> bool {
        self.route().is_some_and(|(shape, _)| shape.omit)
    }

    fn key(&mut self, object: &[u8], at: u64) -> Result<MemberKey, Refusal> {
        let (shape, _) = self.route().ok_or(Refusal::NotFound)?;
        let mut tape = Tape::default();
        let mut memory = shape.memories.lend();
        let json = memory
            .parse(object, self.settings.depth, shape, &mut tape)
            .map_err(|error| unreadable(error, at))?;
        let doc = Document { json, tape: &tape };
        let (node, member) = doc.children(NodeId(0)).next().ok_or(Refusal::NotFound)?;
        let step = Child { node, key: member.key, index: None };
        let state = shape.automaton.step(shape.body, step, doc);
        let flags = shape.facts(state).flags;
        let leads = flags & (flag::LEADS | flag::CUT | flag::ENVELOPE) == flag::LEADS;
        Ok(MemberKey { name: text::key_of(json, member).into_owned(), leads })
    }

    fn judge(&mut self, body: &[u8], at: u64) -> Result<Vec<u8>, Refusal> {
        Ok(self.leaves(body, at)?.of(body))
    }
}
