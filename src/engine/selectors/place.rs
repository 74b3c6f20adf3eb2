//! Places in an array: indices and slices (RFC 9535 sections 2.3.3 and 2.3.4).

use crate::engine::document::read::Document;
use crate::engine::document::tape::NodeId;
use std::cmp::Ordering;

/// Whether an element has that index; from the end if negative.
pub(super) fn is_index(at: usize, wanted: i64, doc: Document<'_>, parent: NodeId) -> bool {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    if wanted >= 0 {
        return at == wanted;
    }
    let length = i64::try_from(doc.children(parent).count()).unwrap_or(i64::MAX);
    at == length.saturating_add(wanted)
}

/// Whether an element is in that slice.
pub(super) fn in_slice(
    at: usize,
    (start, end, step): (Option<i64>, Option<i64>, Option<i64>),
    doc: Document<'_>,
    parent: NodeId,
) -> bool {
    let length = i64::try_from(doc.children(parent).count()).unwrap_or(i64::MAX);
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    let step = step.unwrap_or(1);
    let normal = |bound: i64| if bound >= 0 { bound } else { length.saturating_add(bound) };
    match step.cmp(&0) {
        Ordering::Greater => {
            let lower = normal(start.unwrap_or(0)).clamp(0, length);
            let upper = normal(end.unwrap_or(length)).clamp(0, length);
            at >= lower && at < upper && at.saturating_sub(lower).checked_rem(step) == Some(0)
        }
        Ordering::Less => {
            let last = length.saturating_sub(1);
            let upper = start.map_or(last, normal).clamp(-1, last);
            let lower = end.map_or(-1, normal).clamp(-1, last);
            let back = upper.saturating_sub(at).checked_rem(step.saturating_neg());
            at <= upper && at > lower && back == Some(0)
        }
        Ordering::Equal => false,
    }
}
