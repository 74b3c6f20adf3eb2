//! Codes and words of a stretch that repeats which say nothing, wherever it comes: they stand in
//! bytes that are always the same, so it is known once for all that to judge them again adds
//! nothing to any record. They are not written down. What holds a scalar of any text stays.

use super::learnt::{Object, does};
use crate::engine::document::tape::NodeId;
use crate::engine::saying::Saying;
use crate::engine::sites::{Site, Words};

#[cfg(test)]
mod tests;

/// What tells them in one stretch.
pub(super) struct Quiet<'a> {
    pub(super) saying: Saying<'a>,
    /// Its scalars of any text.
    pub(super) open: &'a [u32],
}

impl Quiet<'_> {
    /// An object that has ended in the stretch; as no code, if it is a quiet one.
    pub(super) fn without_code(&self, object: Object) -> Object {
        let clinical = object.does & does::CLINICAL != 0;
        if object.is_code()
            && self.is_fixed(object.id)
            && self.saying.is_quiet_code(object.id, clinical)
        {
            return Object { does: object.does | does::NO_CODE, ..object };
        }
        object
    }

    /// Whether words of the stretch are quiet.
    pub(super) fn is_quiet(&self, site: Site<Words>) -> bool {
        self.is_fixed(site.node) && self.saying.is_quiet_text(site)
    }

    /// Whether all of a value is the same wherever the stretch comes.
    fn is_fixed(&self, id: NodeId) -> bool {
        let next = self.saying.doc.get(id).map(|node| node.next);
        next.is_some_and(|next| !self.open.iter().any(|open| (id.0..next).contains(open)))
    }
}
