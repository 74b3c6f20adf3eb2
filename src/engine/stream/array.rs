//! A streamed array: each element is judged by itself, as a whole body that holds nothing else,
//! and so is each member of an object around it. What stays is joined by `,` alone, since what
//! will be cut later is not known when white space comes.

use super::frame::{Bounds, Event, Frame};
use super::within;
use crate::engine::released::Refusal;
use std::collections::BTreeSet;

/// The engine, as a stream sees it.
pub(crate) trait Window {
    /// Longest record, bytes.
    fn record_bytes_max(&self) -> usize;
    /// Deepest nesting.
    fn depth_max(&self) -> usize;
    /// Whether each element is the record that the route declares, whatever the shape's places.
    fn is_record(&self) -> bool;
    /// Whether an array of which nothing stays goes with its member.
    fn omits(&self) -> bool;
    /// Reads an object of one member, which began at byte `at` of the body.
    fn key(&mut self, object: &[u8], at: u64) -> Result<MemberKey, Refusal>;
    /// What stays of a body that began at byte `at` of the stream's.
    fn judge(&mut self, body: &[u8], at: u64) -> Result<Vec<u8>, Refusal>;
}

/// A key of the object around streamed arrays.
#[derive(Debug)]
pub(crate) struct MemberKey {
    /// Unescaped.
    pub(crate) name: String,
    /// Whether records may stand in an array under it.
    pub(crate) leads: bool,
}

/// What the values that come stand in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Around {
    /// The array that is the body.
    #[default]
    Array,
    /// The object that is the body.
    Object,
    /// An array in that object.
    Inside,
}

/// An array whose records come one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArrayStream {
    frame: Frame,
    around: Around,
    /// Keys so far: a key that came before is refused. BOUNDED: `record`, all together.
    names: BTreeSet<String>,
    names_bytes: usize,
    /// The member under way, as it came.
    key: Vec<u8>,
    /// Whether something was written at the root, and in that array.
    any: bool,
    any_inside: bool,
}

impl ArrayStream {
    /// Takes a chunk; appends to `out` what is decided.
    pub(crate) fn push(
        &mut self,
        chunk: &[u8],
        window: &mut impl Window,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let bounds =
            Bounds { record_bytes_max: window.record_bytes_max(), depth_max: window.depth_max() };
        let mut rest = chunk;
        while let Some(event) = self.frame.next(&mut rest, bounds)? {
            self.take(event, window, out)?;
        }
        Ok(())
    }

    /// The body has ended.
    pub(crate) fn finish(&self) -> Result<(), Refusal> {
        self.frame.finish()
    }

    fn take(
        &mut self,
        event: Event,
        window: &mut impl Window,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match event {
            Event::Array if window.is_record() => out.push(b'['),
            Event::Array => {
                out.push(b'[');
                self.frame.wrap(b"[".to_vec(), b"]");
            }
            Event::Object if window.is_record() => {
                let why = "a body of another form than its route declares";
                return Err(Refusal::Unreadable { at: 0, why });
            }
            Event::Object => {
                self.around = Around::Object;
                out.push(b'{');
            }
            Event::Key { at } => self.key(at, window)?,
            Event::Enters => {
                self.around = Around::Inside;
                self.any_inside = false;
                self.frame.wrap([b"{", self.key.as_slice(), b":["].concat(), b"]}");
            }
            Event::Value { at } => {
                let judged = window.judge(&self.frame.held, at)?;
                self.write(self.inner(&judged, window.is_record()), out);
            }
            Event::Leaves => {
                self.around = Around::Object;
                if self.any_inside {
                    out.push(b']');
                } else if !window.omits() {
                    self.write(b"[]", out);
                }
            }
            Event::End => out.push(if self.around == Around::Array { b']' } else { b'}' }),
        }
        Ok(())
    }

    fn key(&mut self, at: u64, window: &mut impl Window) -> Result<(), Refusal> {
        self.key.clone_from(&self.frame.held);
        let object = [b"{", self.key.as_slice(), b":null}"].concat();
        let key = window.key(&object, at.saturating_sub(1))?;
        self.names_bytes = self.names_bytes.saturating_add(key.name.len());
        within(self.names_bytes, window.record_bytes_max())?;
        if !self.names.insert(key.name) {
            return Err(Refusal::Unreadable { at, why: "duplicate key" });
        }
        self.frame.enters = key.leads;
        self.frame.wrap([b"{", self.key.as_slice(), b":"].concat(), b"}");
        Ok(())
    }

    /// What stays of the value, without what was put around it; empty if nothing does.
    fn inner<'j>(&self, judged: &'j [u8], is_record: bool) -> &'j [u8] {
        let (before, after): (&[&[u8]], &[u8]) = match self.around {
            _ if is_record => return judged,
            Around::Inside => (&[b"{", &self.key, b":["], b"]}"),
            Around::Object => (&[b"{", &self.key, b":"], b"}"),
            Around::Array => (&[b"["], b"]"),
        };
        // Where nothing stays the key is gone too, or nothing stands in its brackets.
        let inner = before.iter().try_fold(judged, |rest, part| rest.strip_prefix(*part));
        inner.and_then(|rest| rest.strip_suffix(after)).unwrap_or_default()
    }

    /// Appends a value that stays, with its key and what joins it to the one before.
    fn write(&mut self, value: &[u8], out: &mut Vec<u8>) {
        if value.is_empty() {
            return;
        }
        let inside = self.around == Around::Inside;
        if inside && self.any_inside {
            out.push(b',');
        } else {
            if self.any {
                out.push(b',');
            }
            if self.around != Around::Array {
                out.extend_from_slice(&self.key);
                out.push(b':');
            }
            if inside {
                out.push(b'[');
                self.any_inside = true;
            }
            self.any = true;
        }
        out.extend_from_slice(value);
    }
}
