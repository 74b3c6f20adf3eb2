//! The brackets, commas and keys around the records of a streamed array, read strictly.

use super::extent::Extent;
use super::within;
use crate::engine::released::Refusal;

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The body is an array.
    Array,
    /// The body is an object.
    Object,
    /// A member's key: it is in [`Frame::held`], which began before byte `at`.
    Key { at: u64 },
    /// An array whose elements come one by one.
    Enters,
    /// A value: it is in [`Frame::held`], which began at byte `at`.
    Value { at: u64 },
    /// The end of that array.
    Leaves,
    /// The end of the body.
    End,
}

/// Longest record and deepest nesting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) record_bytes_max: usize,
    pub(super) depth_max: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before the root: so many bytes of a byte-order mark have come.
    #[default]
    Start,
    Mark(usize),
    Root,
    /// After an opening bracket.
    First,
    /// After a comma.
    Next,
    Key,
    Colon,
    MemberValue,
    Value,
    /// After a value.
    After,
    End,
}

/// Reads what surrounds records.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    place: Place,
    in_object: bool,
    /// In an array whose elements come one by one, in an object.
    inside: bool,
    extent: Extent,
    /// Offset of the next byte.
    at: u64,
    began: u64,
    /// What is put before and after a value, so that it is a small whole body.
    before: Vec<u8>,
    after: &'static [u8],
    /// Whether the value that comes is entered if it is an array.
    pub(super) enters: bool,
    /// The key, or the value with what was put around it.
    pub(super) held: Vec<u8>,
}

impl Frame {
    /// Values are held with this around them.
    pub(super) fn wrap(&mut self, before: Vec<u8>, after: &'static [u8]) {
        self.before = before;
        self.after = after;
    }

    /// The next event of these bytes, which are taken from them; `None` when all are taken.
    pub(super) fn next(
        &mut self,
        rest: &mut &[u8],
        bounds: Bounds,
    ) -> Result<Option<Event>, Refusal> {
        loop {
            if matches!(self.place, Place::Key | Place::Value) {
                return self.go_on(rest, bounds);
            }
            let Some((byte, after)) = rest.split_first() else { return Ok(None) };
            if let Place::Start | Place::Mark(_) = self.place {
                if !self.is_mark(*byte)? {
                    continue;
                }
            } else if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                let (event, is_taken) = self.structure(*byte)?;
                if is_taken {
                    *rest = after;
                    self.at = self.at.saturating_add(1);
                }
                if event.is_some() {
                    return Ok(event);
                }
                continue;
            }
            *rest = after;
            self.at = self.at.saturating_add(1);
        }
    }

    /// The body has ended; wrong in any place but one.
    pub(super) fn finish(&self) -> Result<(), Refusal> {
        if self.place == Place::End { Ok(()) } else { Err(self.wrong("the body ends too early")) }
    }

    /// One leading byte-order mark is dropped. Whether the byte is a part of it.
    fn is_mark(&mut self, byte: u8) -> Result<bool, Refusal> {
        const MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];
        let seen = if let Place::Mark(seen) = self.place { seen } else { 0 };
        let fits = MARK.get(seen) == Some(&byte);
        self.place = match (fits, seen) {
            (true, 2) | (false, 0) => Place::Root,
            (true, _) => Place::Mark(seen.saturating_add(1)),
            (false, _) => return Err(self.wrong("half a byte-order mark")),
        };
        Ok(fits)
    }

    /// A byte that is neither white space nor inside a key or value; whether it is taken.
    fn structure(&mut self, byte: u8) -> Result<(Option<Event>, bool), Refusal> {
        let in_array = self.inside || !self.in_object;
        let taken = |event| Ok((event, true));
        match (self.place, byte) {
            (Place::Root, b'[') => {
                self.place = Place::First;
                taken(Some(Event::Array))
            }
            (Place::Root, b'{') => {
                self.in_object = true;
                self.place = Place::First;
                taken(Some(Event::Object))
            }
            (Place::Root, _) => Err(self.wrong("a body of another form than its route declares")),
            (Place::First | Place::After, b']') if in_array => taken(Some(self.close())),
            (Place::First | Place::After, b'}') if !in_array => taken(Some(self.close())),
            (Place::First | Place::Next, _) if in_array => self.begin(byte),
            (Place::First | Place::Next, b'"') => {
                self.begin(byte)?;
                self.held.clear();
                self.place = Place::Key;
                Ok((None, false))
            }
            (Place::First | Place::Next, _) => Err(self.wrong("a key is missing")),
            (Place::Colon, b':') => {
                self.place = Place::MemberValue;
                taken(None)
            }
            (Place::Colon, _) => Err(self.wrong("a colon is missing")),
            (Place::MemberValue, b'[') if self.enters => {
                self.inside = true;
                self.place = Place::First;
                taken(Some(Event::Enters))
            }
            (Place::MemberValue, _) => self.begin(byte),
            (Place::After, b',') => {
                self.place = Place::Next;
                taken(None)
            }
            (Place::After, _) => Err(self.wrong("a comma or a closing bracket is missing")),
            (Place::End, _) => Err(self.wrong("something after the end")),
            // Not met: these are read elsewhere.
            (Place::Start | Place::Mark(_) | Place::Key | Place::Value, _) => {
                Err(self.wrong("out of place"))
            }
        }
    }

    fn close(&mut self) -> Event {
        if self.inside {
            self.inside = false;
            self.place = Place::After;
            return Event::Leaves;
        }
        self.place = Place::End;
        Event::End
    }

    fn begin(&mut self, byte: u8) -> Result<(Option<Event>, bool), Refusal> {
        self.extent =
            Extent::beginning_with(byte).ok_or_else(|| self.wrong("a value is missing"))?;
        self.began = self.at;
        self.held.clone_from(&self.before);
        self.place = Place::Value;
        Ok((None, false))
    }

    /// More of a key or value.
    fn go_on(&mut self, rest: &mut &[u8], bounds: Bounds) -> Result<Option<Event>, Refusal> {
        let advanced = self.extent.advance(rest, bounds.depth_max);
        let (own, ended) = advanced.ok_or_else(|| self.wrong("nested too deeply"))?;
        let (own, after) = rest.split_at_checked(own).unwrap_or((rest, &[]));
        *rest = after;
        let is_key = self.place == Place::Key;
        let around = if is_key { 0 } else { self.before.len() };
        let length = self.held.len().saturating_add(own.len()).saturating_sub(around);
        within(length, bounds.record_bytes_max)?;
        self.held.extend_from_slice(own);
        self.at = self.at.saturating_add(u64::try_from(own.len()).unwrap_or(u64::MAX));
        if !ended {
            return Ok(None);
        }
        if is_key {
            self.place = Place::Colon;
            return Ok(Some(Event::Key { at: self.began }));
        }
        self.place = Place::After;
        self.held.extend_from_slice(self.after);
        let before = u64::try_from(self.before.len()).unwrap_or(u64::MAX);
        Ok(Some(Event::Value { at: self.began.saturating_sub(before) }))
    }

    /// What is wrong at the next byte.
    fn wrong(&self, why: &'static str) -> Refusal {
        Refusal::Unreadable { at: self.at, why }
    }
}
