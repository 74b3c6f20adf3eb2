//! Where records begin and end, as whoever walks over them tells: no seam grows from one into the
//! next, so that all of a seam is of one record or of none.

use super::seams::{LOST, PathId, Seam, Seams};

impl Seams {
    /// Records begin at values of that path. If that was not known all seams are forgotten, which
    /// may have grown from one record into the next: nothing more could be told of those.
    pub(super) fn begin_records(&mut self, path: PathId) {
        let Some(root) = self.paths.get_mut(usize::from(path)) else { return };
        if path == LOST || std::mem::replace(&mut root.is_root, true) {
            return;
        }
        self.forget();
    }

    fn is_root(&self, path: PathId) -> bool {
        self.paths.get(usize::from(path)).is_some_and(|path| path.is_root)
    }

    /// Whether a record begins in a seam.
    pub(super) fn begins_record(&self, seam: &Seam) -> bool {
        self.nodes(seam).iter().any(|node| self.is_root(node.path))
    }

    /// Whether a record ends in a seam, behind a value of that path.
    pub(super) fn ends_record(&self, after: PathId, seam: &Seam) -> bool {
        let around = |at: &PathId| self.paths.get(usize::from(*at)).map(|path| path.parent);
        let closed = self.levels(seam).len().saturating_sub(1);
        std::iter::successors(around(&after), around).take(closed).any(|path| self.is_root(path))
    }
}
