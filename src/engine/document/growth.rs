//! How seams grow. Most scalars of a record are the same in every record: systems, displays,
//! kinds. Where a seam, the same scalar and the same next seam have come several times, they are
//! remembered as one longer seam, and so on: what is written alike is then compared at memory
//! speed and copied, whatever stands in it. Where the scalar is another each time, but always as
//! long, the longer seam has a blank for it ([`super::blanks`]).

use super::blanks::Blank;
use super::offsets::{AROUND, Offsets, moved};
use super::seams::{NONE, Seam, Seams};
use super::source::{Source, place};
use super::steps::{Left, Level, Steps};
use super::tape::{Node, SeamId};

/// BOUNDED: longer seams that begin with one.
pub(super) const LONGER_MAX: usize = 6;
/// … that were ever made of it: where scalars only seem to be the same, no more are tried.
const TRIED_MAX: u8 = 24;
/// … with a blank next.
const BLANKS_TRIED_MAX: u8 = 12;
/// So often there was no room for one before all is forgotten, and what comes now is learnt.
const REFUSED_MAX: u32 = 1_024;
/// BOUNDED: bytes of a grown seam, and of a scalar in it.
const GROWN_BYTES_MAX: usize = 4_096;
const SCALAR_BYTES_MAX: u32 = 256;
/// So many times it has come before it is believed to come again.
const TIMES: u64 = 3;
/// … where only its kind and length are the same: what is always the same is noticed first.
const TIMES_AS_LONG: u64 = 6;
/// A longer seam is let go when it stands there less than once in so many times.
const WORTH_OF_ONE: u8 = 6;
const WORTH_AT_FIRST: u8 = 12;
const WORTH_MAX: u8 = 60;

/// What was seen of a seam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    /// What followed it last.
    pub(super) likely: SeamId,
    /// Longer ones that begin with it, as many as there are.
    pub(super) longer: [SeamId; LONGER_MAX],
    tried: u8,
    blanks_tried: u8,
    /// Of a grown one; see [`WORTH_OF_ONE`].
    worth: u8,
}

impl Default for Habit {
    fn default() -> Habit {
        Habit {
            likely: NONE,
            longer: [NONE; LONGER_MAX],
            tried: 0,
            blanks_tried: 0,
            worth: WORTH_AT_FIRST,
        }
    }
}

/// How often a seam, a scalar and a seam have come one after the other: in the low bits how
/// often, in the others a hash of what. What comes rarely is overwritten.
#[derive(Debug, Default)]
pub(super) struct Evidence(Vec<u64>);

const PLACES: usize = 4_096;
const COUNT: u64 = 7;

impl Evidence {
    /// Nothing yet.
    pub(super) fn begun() -> Evidence {
        Evidence(vec![0; PLACES])
    }

    /// How often it has come now.
    #[inline]
    fn add(&mut self, hash: u64) -> u64 {
        let at = usize::try_from(hash >> (64 - PLACES.trailing_zeros())).unwrap_or(0);
        let Some(slot) = self.0.get_mut(at) else { return 0 };
        let what = hash & !COUNT;
        *slot = if *slot & !COUNT == what {
            (*slot & COUNT).wrapping_add(1).min(COUNT) | what
        } else {
            what | 1
        };
        *slot & COUNT
    }
}

/// A seam that was followed in the document: where it begins, and the first place in the tape
/// that it fills.
#[derive(Clone, Copy)]
pub(super) struct Followed {
    pub(super) seam: SeamId,
    pub(super) by: Offsets,
}

impl Seams {
    /// Notes that one seam followed another, with that scalar between; the two may grow together.
    #[inline]
    pub(super) fn note_next(
        &mut self,
        source: Source<'_>,
        one: Followed,
        next: Followed,
        scalar: &Node,
    ) {
        if next.seam == NONE {
            return;
        }
        let Some(habit) = self.habits.get_mut(place(one.seam.wrapping_sub(1))) else { return };
        habit.likely = next.seam;
        let length = scalar.end.wrapping_sub(scalar.start);
        if length > SCALAR_BYTES_MAX {
            return;
        }
        let (may_be_same, may_be_blank) =
            (habit.tried < TRIED_MAX, habit.blanks_tried < BLANKS_TRIED_MAX);
        let pair = u64::from(one.seam) << 32 | u64::from(next.seam);
        let (first, last) = (source.word(scalar.start), source.word(scalar.end.wrapping_sub(8)));
        let alike = (pair ^ u64::from(length) << 20).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hash = first.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29) ^ last;
        let same = (alike ^ hash).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        if may_be_same && self.evidence.add(same) == TIMES {
            self.grow(source, one, next, scalar, None);
        } else if may_be_blank
            && let Some(blank) = Blank::of(scalar, next.by.first.wrapping_sub(1))
            && self.evidence.add(alike) == TIMES_AS_LONG
        {
            self.grow(source, one, next, scalar, Some(blank));
        }
    }

    /// Notes whether a longer seam stood where it was looked for.
    #[inline]
    pub(super) fn note_use(&mut self, of: SeamId, longer: SeamId, stands: bool) {
        let Some(habit) = self.habits.get_mut(place(longer.wrapping_sub(1))) else { return };
        if stands {
            habit.worth = habit.worth.saturating_add(WORTH_OF_ONE).min(WORTH_MAX);
        } else {
            habit.worth = habit.worth.saturating_sub(1);
            if habit.worth == 0 {
                self.let_go(of, longer);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn let_go(&mut self, of: SeamId, longer: SeamId) {
        let Some(habit) = self.habits.get_mut(place(of.wrapping_sub(1))) else { return };
        let mut kept = [NONE; LONGER_MAX];
        let others = habit.longer.iter().filter(|one| **one != longer && **one != NONE);
        for (slot, other) in kept.iter_mut().zip(others) {
            *slot = *other;
        }
        habit.longer = kept;
    }

    #[cold]
    #[inline(never)]
    fn grow(
        &mut self,
        source: Source<'_>,
        one: Followed,
        next: Followed,
        scalar: &Node,
        blank: Option<Blank>,
    ) {
        let Some(habit) = self.habits.get(place(one.seam.wrapping_sub(1))).copied() else { return };
        let Some(free) = habit.longer.iter().position(|longer| *longer == NONE) else { return };
        let (Some(first), Some(second)) = (self.seam(one.seam), self.seam(next.seam)) else {
            return;
        };
        let begins = self.begins_record(first) || self.begins_record(second);
        if begins || self.ends_record(scalar.path, second) {
            return;
        }
        let back = one.by.back();
        let behind = next.by.base.wrapping_add(second.length);
        let bytes = source.bytes().get(place(one.by.base)..place(behind)).unwrap_or_default();
        if bytes.len() > GROWN_BYTES_MAX {
            return;
        }
        // Between them the scalar moves to where it is in the grown seam, as does the next seam.
        let inner = Node { parent: AROUND, ..moved(scalar, back) };
        let by = Offsets {
            base: next.by.base.wrapping_add(back.base),
            first: next.by.first.wrapping_add(back.first),
        };
        let mut joint = Joint { steps: self.steps_copied(first), complete: true };
        joint.push(inner);
        joint.steps.blanks.extend(blank.map(|blank| blank.moved(back)));
        joint.append(self, second, by);
        let last = moved(&second.scalar, by);
        if !joint.complete {
            return;
        }
        if !self.has_room(bytes.len(), &joint.steps, 2) {
            self.refuse();
            return;
        }
        let id = self.add(bytes, &joint.steps, last, NONE);
        if let Some(habit) = self.habits.get_mut(place(one.seam.wrapping_sub(1))) {
            let tried = if blank.is_some() { &mut habit.blanks_tried } else { &mut habit.tried };
            *tried = tried.saturating_add(1);
            if let Some(slot) = habit.longer.get_mut(free) {
                *slot = id;
            }
        }
    }

    fn refuse(&mut self) {
        self.refused = self.refused.saturating_add(1);
        self.full |= self.refused > REFUSED_MAX;
    }

    fn steps_copied(&self, seam: &Seam) -> Steps {
        Steps {
            nodes: self.nodes(seam).to_vec(),
            levels: self.levels(seam).to_vec(),
            left: self.left(seam).to_vec(),
            blanks: self.blanks(seam).to_vec(),
            deepest: seam.deepest,
        }
    }
}

/// The steps of a seam to which those of another are added.
struct Joint {
    steps: Steps,
    /// Whether nothing in it has to be looked at again: a key that may have come twice does.
    complete: bool,
}

impl Joint {
    /// A node in the innermost container.
    fn push(&mut self, node: Node) {
        let parent = match (node.parent, self.steps.left.last()) {
            (AROUND, Some(left)) => left.node,
            (parent, _) => parent,
        };
        self.steps.nodes.push(Node { parent, ..node });
        if let Some(level) = self.steps.levels.last_mut() {
            level.nodes += 1;
        }
    }

    fn append(&mut self, seams: &Seams, seam: &Seam, by: Offsets) {
        let above = self.depth();
        let mut nodes = seams.nodes(seam);
        for level in seams.levels(seam) {
            self.meet(level.bits);
            let (here, later) = nodes.split_at_checked(level.nodes).unwrap_or_default();
            for node in here {
                self.push(moved(node, by));
            }
            nodes = later;
            if level.end != 0 {
                self.close(level.end.wrapping_add(by.base));
            }
        }
        let left = seams.left(seam).iter();
        self.steps.left.extend(
            left.map(|left| Left { node: left.node.wrapping_add(by.first), bits: left.bits }),
        );
        let blanks = seams.blanks(seam).iter().map(|blank| blank.moved(by));
        self.steps.blanks.extend(blanks);
        self.steps.deepest = self.steps.deepest.max(above + seam.deepest);
    }

    /// How many more brackets are open at its end than before it.
    fn depth(&self) -> isize {
        let closed = self.steps.levels.len().cast_signed() - 1;
        self.steps.left.len().cast_signed() - closed
    }

    /// Keys come in the innermost container.
    fn meet(&mut self, more: u64) {
        let bits = match self.steps.left.last_mut() {
            Some(left) => Some(&mut left.bits),
            None => self.steps.levels.last_mut().map(|level| &mut level.bits),
        };
        let Some(bits) = bits else { return };
        self.complete &= *bits & more == 0;
        *bits |= more;
    }

    /// The innermost container ends there.
    fn close(&mut self, end: u32) {
        let next = u32::try_from(self.steps.nodes.len()).unwrap_or(u32::MAX);
        if let Some(left) = self.steps.left.pop() {
            if let Some(node) = self.steps.nodes.get_mut(place(left.node)) {
                (node.end, node.next) = (end, next);
            }
            return;
        }
        if let Some(level) = self.steps.levels.last_mut() {
            level.end = end;
        }
        self.steps.levels.push(Level::default());
    }
}
