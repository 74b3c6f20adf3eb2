//! Places in an array: indices and slices (RFC 9535 sections 2.3.3 and 2.3.4).

use crate::engine::document::tape::{NodeId, Tape};

/// Whether an element has that index; from the end if negative.
pub(super) fn is_index(at: usize, wanted: i64, tape: &Tape, parent: NodeId) -> bool {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    if wanted >= 0 {
        return at == wanted;
    }
    let length = i64::try_from(tape.children(parent).count()).unwrap_or(i64::MAX);
    at == length.saturating_add(wanted)
}

/// Whether an element is in that slice.
pub(super) fn in_slice(
    at: usize,
    (start, end, step): (Option<i64>, Option<i64>, Option<i64>),
    tape: &Tape,
    parent: NodeId,
) -> bool {
    let length = i64::try_from(tape.children(parent).count()).unwrap_or(i64::MAX);
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    let normal = |bound: i64| if bound >= 0 { bound } else { length.saturating_add(bound) };
    if step > 0 {
        let lower = normal(start.unwrap_or(0)).clamp(0, length);
        let upper = normal(end.unwrap_or(length)).clamp(0, length);
        at >= lower && at < upper && at.saturating_sub(lower).checked_rem(step) == Some(0)
    } else if step < 0 {
        let last = length.saturating_sub(1);
        let upper = start.map_or(last, normal).clamp(-1, last);
        let lower = end.map_or(-1, normal).clamp(-1, last);
        at <= upper
            && at > lower
            && upper.saturating_sub(at).checked_rem(step.saturating_neg()) == Some(0)
    } else {
        false
    }
}
