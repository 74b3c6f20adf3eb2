//! Every record that a unit test judges is walked twice: what was written down of stretches that
//! repeat is what is found without it.

use super::Walk;
use crate::engine::sites::Noted;

/// What was noted before a record.
pub(super) struct Before {
    noted: Noted,
    required: Vec<bool>,
}

impl Before {
    pub(super) fn of(walk: &Walk<'_>) -> Before {
        Before { noted: walk.sites.so_far(), required: walk.sites.required.clone() }
    }
}

/// Whether a walk that knows of no repeats notes the same.
pub(super) fn same_without_repeats(
    walk: &mut Walk<'_>,
    before: Before,
    again: impl FnOnce(&mut Walk<'_>),
) {
    let Before { noted: before, required } = before;
    let taken = walk.sites.taken_since(&before);
    let required = std::mem::replace(&mut walk.sites.required, required);
    again(walk);
    assert_eq!(taken, walk.sites.copied_since(&before), "what stands in a record");
    assert_eq!(required, walk.sites.required, "what FHIR demands");
}
