//! Where one JSON value ends, as its bytes come. What stands in it is not looked at: the bytes
//! that this takes for a value are parsed strictly afterwards, and if they are one whole value,
//! then no reader of JSON can see it end elsewhere.

/// A value of which some bytes have come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    /// Brackets that are open.
    depth: usize,
    in_string: bool,
    /// The byte before was a backslash that escapes.
    escaped: bool,
    /// A number or word: ends before what cannot stand in one.
    scalar: bool,
}

impl Extent {
    /// Before a value that begins with this byte; `None` if none does.
    pub(super) fn beginning_with(byte: u8) -> Option<Extent> {
        match byte {
            b'{' | b'[' | b'"' => Some(Extent::default()),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                Some(Extent { scalar: true, ..Extent::default() })
            }
            _ => None,
        }
    }

    /// Takes bytes up to the value's end: how many are its own, and whether it has ended. `None`
    /// if it is nested deeper than `depth_max`.
    pub(super) fn advance(&mut self, bytes: &[u8], depth_max: usize) -> Option<(usize, bool)> {
        let mut at = 0usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.scalar {
                let end = rest.iter().position(|byte| ends_scalar(*byte));
                return Some((at.saturating_add(end.unwrap_or(rest.len())), end.is_some()));
            }
            if self.escaped {
                self.escaped = false;
                at = at.saturating_add(1);
                continue;
            }
            let found = if self.in_string {
                memchr::memchr2(b'"', b'\\', rest)
            } else {
                rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))
            };
            let Some(found) = found else { return Some((bytes.len(), false)) };
            at = at.saturating_add(found).saturating_add(1);
            match rest.get(found) {
                Some(b'\\') => self.escaped = true,
                Some(b'"') => self.in_string = !self.in_string,
                Some(b'{' | b'[') => self.depth = self.depth.saturating_add(1),
                _ => self.depth = self.depth.saturating_sub(1),
            }
            if self.depth > depth_max {
                return None;
            }
            if self.depth == 0 && !self.in_string {
                return Some((at, true));
            }
        }
        Some((bytes.len(), false))
    }
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
}
