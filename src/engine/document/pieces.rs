//! What leaves of a document: slices of what came, and a little text of ours between them.
//! BYTE-FAITHFUL: nothing of what came is written anew.

use super::source::place;
use bytes::{Buf, Bytes};

/// What leaves, in order.
#[derive(Debug, Default)]
pub struct Pieces {
    list: Vec<Piece>,
    /// What is ours.
    text: Vec<u8>,
    length: usize,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u32,
    end: u32,
    /// Of [`Pieces::text`]; else of what came.
    is_ours: bool,
}

impl Pieces {
    /// How many bytes leave.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing leaves.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether it is this text of ours.
    pub(crate) fn is_just(&self, text: &[u8]) -> bool {
        self.text == text && self.list.len() == 1
    }

    /// These bytes of what came.
    pub(crate) fn span(&mut self, start: u32, end: u32) {
        self.add(Piece { start, end, is_ours: false });
    }

    /// Text of ours.
    pub(crate) fn ours(&mut self, text: &[u8]) {
        let start = number(self.text.len());
        self.text.extend_from_slice(text);
        self.add(Piece { start, end: number(self.text.len()), is_ours: true });
    }

    #[inline]
    fn add(&mut self, piece: Piece) {
        let Piece { start, end, is_ours } = piece;
        let length = place(end.saturating_sub(start));
        if length == 0 {
            return;
        }
        self.length = self.length.saturating_add(length);
        match self.list.last_mut() {
            Some(last) if last.end == start && last.is_ours == is_ours => last.end = end,
            _ => self.list.push(piece),
        }
    }

    /// All of these.
    pub(crate) fn append(&mut self, other: &Pieces) {
        for piece in &other.list {
            if piece.is_ours {
                self.ours(other.text_of(*piece));
            } else {
                self.span(piece.start, piece.end);
            }
        }
    }

    fn text_of(&self, piece: Piece) -> &[u8] {
        self.text.get(place(piece.start)..place(piece.end)).unwrap_or_default()
    }

    /// The bytes that leave of a document.
    pub fn of(&self, came: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.length);
        self.write(came, &mut out);
        out
    }

    /// Appends them.
    pub(crate) fn write(&self, came: &[u8], out: &mut Vec<u8>) {
        for piece in &self.list {
            out.extend_from_slice(if piece.is_ours {
                self.text_of(*piece)
            } else {
                came.get(place(piece.start)..place(piece.end)).unwrap_or_default()
            });
        }
    }

    /// Makes the document what leaves of it, where it stands: most of it moves by a little or not at
    /// all, and no second body is held. There is where ours would run over what is still to be
    /// moved. BOUNDED: what is given back takes no more room than the document's bytes, nor than
    /// twice its own.
    pub(crate) fn keep(&self, mut came: Vec<u8>) -> Bytes {
        let pieces = self.joined(&came);
        // What comes first is put before the first slice, which stays where it is.
        let first = pieces.iter().find(|piece| !piece.is_ours);
        let before = pieces.iter().take_while(|piece| piece.is_ours).map(Piece::len);
        let from = first.map_or(0, |first| place(first.start).saturating_sub(before.sum()));
        if !fits(&pieces, from, came.len()) {
            return self.of(&came).into();
        }
        let (most, mut at) = (came.len(), from);
        for piece in &pieces {
            let (start, end) = (place(piece.start), place(piece.end));
            let next = at.saturating_add(piece.len());
            if piece.is_ours {
                // It fits; if it did not, what stood there must not leave in its place.
                let Some(to) = came.get_mut(at..next) else { return Bytes::new() };
                to.copy_from_slice(self.text_of(*piece));
            } else if at != start {
                came.copy_within(start..end, at);
            }
            at = next;
        }
        came.truncate(at);
        if came.capacity() > most || self.length < most / 2 {
            came.drain(..from);
            came.shrink_to_fit();
            return came.into();
        }
        let mut kept = Bytes::from(came);
        kept.advance(from);
        kept
    }

    /// The pieces, with text of ours that stands there anyway behind the slice before it as a part
    /// of that slice: commas and brackets between records, mostly.
    fn joined(&self, came: &[u8]) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::with_capacity(self.list.len());
        for piece in &self.list {
            let Some(last) = joined.last_mut().filter(|last| !last.is_ours) else {
                joined.push(*piece);
                continue;
            };
            let stands = |text: &[u8]| {
                came.get(place(last.end)..).is_some_and(|behind| behind.starts_with(text))
            };
            if piece.is_ours && stands(self.text_of(*piece)) {
                last.end = last.end.saturating_add(number(piece.len()));
            } else if !piece.is_ours && last.end == piece.start {
                last.end = piece.end;
            } else {
                joined.push(*piece);
            }
        }
        joined
    }
}

impl Piece {
    fn len(&self) -> usize {
        place(self.end.saturating_sub(self.start))
    }
}

/// Whether each slice still stands where it came when its turn is, if the first piece is put there.
fn fits(pieces: &[Piece], mut at: usize, came: usize) -> bool {
    let stand = pieces.iter().all(|piece| {
        let stands = piece.is_ours || (at <= place(piece.start) && place(piece.end) <= came);
        at = at.saturating_add(piece.len());
        stands
    });
    stand && at <= came
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
