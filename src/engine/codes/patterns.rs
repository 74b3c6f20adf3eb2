//! Codes as they are compared, the patterns of list rows, and sorted tables of what they say.
//!
//! Every pattern is an interval of codes in byte order: an exact code from itself to its next, a
//! prefix from itself to the prefix with its last byte raised, a range from its lower end to its
//! upper end raised. A table cuts the line at every end, and works out once, at load, what each
//! piece says; a look-up is one binary search.

use super::Hits;
use super::lists::{CodeRow, Says};
use jiff::civil::Date;
use std::collections::BTreeSet;

/// Longest code that is compared, bytes after dots are gone. The longest in published bodies are
/// URNs of 40; what is longer is judged by its words, never harmless.
pub(super) const CODE_BYTES_MAX: usize = 64;

/// A code as it is compared: trimmed, in upper case, without dots, filled up with zeroes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CodeKey {
    bytes: [u8; CODE_BYTES_MAX],
    length: usize,
}

impl CodeKey {
    /// `None` for what has no such form: empty, too long, anything but printable ASCII inside.
    pub(super) fn of(code: &str) -> Option<CodeKey> {
        let mut key = CodeKey { bytes: [0; CODE_BYTES_MAX], length: 0 };
        for byte in code.trim().bytes() {
            if byte == b'.' {
                continue;
            }
            if !(b' '..=b'~').contains(&byte) {
                return None;
            }
            *key.bytes.get_mut(key.length)? = byte.to_ascii_uppercase();
            key.length = key.length.saturating_add(1);
        }
        (key.length > 0).then_some(key)
    }

    /// Its bytes without the filling.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn head(&self) -> u64 {
        self.bytes.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
    }

    /// The first key after every code that starts with this one.
    fn after_prefix(mut self) -> CodeKey {
        if let Some(last) = self.length.checked_sub(1).and_then(|last| self.bytes.get_mut(last)) {
            // Printable ASCII ends at 0x7e.
            *last = last.saturating_add(1);
        }
        self
    }

    /// The first key after this one.
    fn after(mut self) -> CodeKey {
        let [.., last] = &mut self.bytes;
        *last = last.saturating_add(1);
        self
    }
}

/// What a row's `code_or_range` cell names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// `F20.1`: this code.
    Exact(CodeKey),
    /// `F20*`: every code that starts so.
    Prefix(CodeKey),
    /// `F20..F29`: from the first end to the second, each compared on its own length.
    Range(CodeKey, CodeKey),
}

impl Pattern {
    /// Reads a cell; the mistake in words if it is none.
    pub(super) fn parse(cell: &str) -> Result<Pattern, &'static str> {
        let key = |text: &str| {
            if text.contains('*') {
                return Err("a `*` may only stand at the end, and not in a range");
            }
            if text.chars().all(|character| character == '.' || character.is_whitespace()) {
                return Err("a pattern must have letters or digits");
            }
            CodeKey::of(text).ok_or("a pattern is printable ASCII of at most 64 bytes")
        };
        if let Some((from, to)) = cell.split_once("..") {
            let (from, to) = (key(from)?, key(to)?);
            let shared = from.length.min(to.length);
            if from.bytes.get(..shared) > to.bytes.get(..shared) {
                return Err("a range starts with its lower end");
            }
            Ok(Pattern::Range(from, to))
        } else if let Some(start) = cell.strip_suffix('*') {
            Ok(Pattern::Prefix(key(start)?))
        } else {
            Ok(Pattern::Exact(key(cell)?))
        }
    }

    /// Whether the code is named, straight from the definition.
    pub(super) fn matches(&self, code: &CodeKey) -> bool {
        let start = |end: &CodeKey| code.bytes.get(..end.length).unwrap_or_default();
        match self {
            Pattern::Exact(exact) => exact == code,
            Pattern::Prefix(prefix) => start(prefix) == prefix.as_bytes(),
            Pattern::Range(from, to) => {
                start(from) >= from.as_bytes() && start(to) <= to.as_bytes()
            }
        }
    }

    fn interval(&self) -> (CodeKey, CodeKey) {
        match *self {
            Pattern::Exact(code) => (code, code.after()),
            Pattern::Prefix(prefix) => (prefix, prefix.after_prefix()),
            Pattern::Range(from, to) => (from, to.after_prefix()),
        }
    }

    /// How narrow it is: a `not` row cancels what is less. By length; an exact code is narrower
    /// than a prefix of its length. Where the ends of a range differ, the reading that hides more:
    /// a row that gives has the longer end, one that cancels the shorter.
    pub(super) fn narrowness(&self, cancels: bool) -> usize {
        let (length, exact) = match self {
            Pattern::Exact(code) => (code.length, 1),
            Pattern::Prefix(prefix) => (prefix.length, 0),
            Pattern::Range(from, to) if cancels => (from.length.min(to.length), 0),
            Pattern::Range(from, to) => (from.length.max(to.length), 0),
        };
        length.saturating_mul(2).saturating_add(exact)
    }
}

/// What the rows that name a code say of it on a date, and whether any is left after `not` rows.
///
/// A row with `from` or `until` counts where the date is not known, a `not` row then does not:
/// both hide (SILENCE-HIDES).
pub(super) fn surviving<'r>(
    rows: impl Iterator<Item = &'r CodeRow> + Clone,
    date: Option<Date>,
) -> impl Iterator<Item = (&'r CodeRow, Hits)> {
    let in_force = rows.filter(move |row| row.is_in_force(date));
    let cancelled_below = in_force
        .clone()
        .filter(|row| matches!(row.says, Says::Cancels))
        .map(|row| row.pattern.narrowness(true))
        .max()
        .unwrap_or(0);
    in_force.filter_map(move |row| match row.says {
        Says::Gives(_, hits) if row.pattern.narrowness(false) >= cancelled_below => {
            Some((row, hits))
        }
        Says::Gives(..) | Says::Cancels => None,
    })
}

fn union(rows: impl Iterator<Item = Hits>) -> Option<Hits> {
    rows.reduce(Hits::union)
}

/// What one piece of the line of codes says.
#[derive(Clone, Debug)]
enum Piece {
    /// No row is left that names it.
    Unnamed,
    /// The same on every date.
    Says(Hits),
    /// Depends on the date: the rows that name it.
    ByDate(Box<[CodeRow]>),
}

/// The rows of one system, ready for look-up.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The first eight bytes of each cut: what the binary search touches.
    heads: Vec<u64>,
    /// The cuts, ascending.
    cuts: Vec<CodeKey>,
    /// What is from each cut to the next; nothing is named before the first.
    pieces: Vec<Piece>,
}

impl Table {
    /// Compiles rows of one system.
    pub(super) fn of(rows: &[CodeRow]) -> Table {
        let mut ends: Vec<(CodeKey, bool, usize)> =
            Vec::with_capacity(rows.len().saturating_mul(2));
        for (index, row) in rows.iter().enumerate() {
            let (from, to) = row.pattern.interval();
            ends.push((from, true, index));
            ends.push((to, false, index));
        }
        ends.sort_unstable();
        let mut table = Table::default();
        let mut open = BTreeSet::new();
        for cut in ends.chunk_by(|a, b| a.0.bytes == b.0.bytes) {
            for (_, opens, index) in cut {
                if *opens {
                    open.insert(*index)
                } else {
                    open.remove(index)
                };
            }
            let Some((key, _, _)) = cut.first() else { continue };
            table.heads.push(key.head());
            table.cuts.push(*key);
            table.pieces.push(Piece::of(open.iter().filter_map(|index| rows.get(*index))));
        }
        table
    }

    /// What is said of a code; `None` if no row names it, or `not` rows cancel all that do.
    pub(super) fn look_up(&self, code: &CodeKey, date: Option<Date>) -> Option<Hits> {
        let head = code.head();
        let below = self.heads.partition_point(|other| *other < head);
        // Few cuts share their first eight bytes with a code: these are stepped through.
        let level = self.heads.iter().zip(&self.cuts).skip(below);
        let level = level.take_while(|(h, cut)| **h == head && cut.bytes <= code.bytes).count();
        let piece = below.saturating_add(level).checked_sub(1)?;
        match self.pieces.get(piece)? {
            Piece::Unnamed => None,
            Piece::Says(hits) => Some(*hits),
            Piece::ByDate(rows) => union(surviving(rows.iter(), date).map(|(_, hits)| hits)),
        }
    }
}

impl Piece {
    fn of<'r>(rows: impl Iterator<Item = &'r CodeRow> + Clone) -> Piece {
        if rows.clone().any(|row| row.from.is_some() || row.until.is_some()) {
            return Piece::ByDate(rows.cloned().collect());
        }
        union(surviving(rows, None).map(|(_, hits)| hits)).map_or(Piece::Unnamed, Piece::Says)
    }
}
