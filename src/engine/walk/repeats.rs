//! What a walk finds in stretches that repeat. The parser tells where several nodes in a row are
//! the same as in bodies before, but for the texts in blanks; what a walk notes there is the same,
//! too, as long as the containers around are in the same [`Context`]: it is written down once and
//! then copied. Several of them in a row, with one scalar of any text between each two, are one
//! stretch once they have come often. What says nothing ([`super::quiet`]) is not written down.
//! Stretches with places at which it depends on more are walked each time.
//!
//! [`Context`]: super::learnt::Context

use super::is_wordy;
use super::learnt::{Around, ContextId, Object};
use super::writing::Writing;
use crate::engine::document::read::Document;
use crate::engine::document::tape::{Kind, NodeId, Numbering, Repeat, SeamId};
use crate::engine::saying::Saying;
use crate::engine::sites::{NOWHERE, Site, Sites, Words};

/// BOUNDED: what is written down; all is forgotten when there is more.
const FINDS_MAX: usize = 8_192;
const PARTS_MAX: usize = 65_536;
/// Containers that one stretch may end.
pub(super) const LEVELS_MAX: usize = 6;
/// So often a stretch is tried that had to be walked.
const TRIES_MAX: u8 = 4;
/// Repeats in one stretch.
const LENGTH_MAX: usize = 24;
/// Stretches that are one repeat longer than one.
const LONGER_MAX: u8 = 8;
/// So many times the same has come behind a stretch before it becomes part of it.
const TIMES: u8 = 3;

/// What a stretch does in one container that is open before it, the innermost first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// As [`Around`] has it.
    pub(super) context: ContextId,
    /// What its members tell, as [`Around::seen`].
    pub(super) seen: u32,
}

/// A node that something refers to: one of the stretch by its place from the first of it, or by
/// the level of which it is the container ([`OF_LEVEL`]) or the concept ([`CONCEPT`]).
pub(super) type Mention = u32;
pub(super) const OF_LEVEL: u32 = 1 << 30;
pub(super) const CONCEPT: u32 = 1 << 29;

/// A part of one of the lists.
pub(super) type Part = (usize, usize);

/// What comes behind a stretch: a scalar, and a repeat.
type Behind = (Kind, SeamId);

/// What is found in one stretch in one context.
#[derive(Clone, Copy, Debug)]
struct Find {
    /// The last repeat of it, and what is before that; of one repeat alone the scalar is of none.
    last: Behind,
    context: ContextId,
    /// Another that begins as this one does, from 1 on.
    sibling: usize,
    /// Those that are one repeat longer, likewise, and how many there are.
    longer: usize,
    many: u8,
    /// What came behind it last, and how often in a row.
    behind: (Behind, u8),
    /// What is found; else how often it was tried in vain.
    found: Result<Found, u8>,
}

/// Parts of the lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) levels: Part,
    pub(super) words: Part,
    pub(super) others: Part,
    pub(super) required: Part,
    pub(super) objects: Part,
    pub(super) opened: Part,
    /// The outcome that is expected behind it.
    pub(super) expected: usize,
}

/// All that was found, of one parser's memory.
#[derive(Debug, Default)]
pub(in crate::engine) struct Repeats {
    numbering: Numbering,
    /// By seam, from 1 on: the last of the finds of one repeat.
    by_seam: Vec<usize>,
    finds: Vec<Find>,
    pub(super) lists: Lists,
    /// How many stretches were copied, and repeats in them.
    #[cfg(test)]
    pub(super) copied: (usize, usize),
}

/// What finds are made of.
#[derive(Debug, Default)]
pub(super) struct Lists {
    pub(super) levels: Vec<Level>,
    /// Some are words only if the text that stands there looks like it.
    pub(super) words: Vec<(Site<Words>, bool)>,
    pub(super) others: Vec<Site>,
    pub(super) required: Vec<u32>,
    pub(super) objects: Vec<Object>,
    pub(super) opened: Vec<Around>,
}

/// What a stretch is walked with, and leaves changed.
pub(super) struct Stage<'s> {
    pub(super) doc: Document<'s>,
    pub(super) sites: &'s mut Sites,
    pub(super) outer: &'s mut Vec<Around>,
    pub(super) objects: &'s mut Vec<Object>,
}

/// What is to be done where a stretch begins.
pub(super) enum Step {
    /// That many repeats are done with.
    Copied { repeats: usize, expected: usize },
    /// They are to be walked, and what is found is to be written down.
    Write { find: usize, repeats: usize },
    /// It is to be walked.
    Walk,
}

impl Repeats {
    /// For a body with that numbering.
    pub(in crate::engine) fn prepare(&mut self, numbering: &Numbering) {
        if self.is_full() || !self.numbering.is(numbering) {
            *self = Repeats { numbering: numbering.clone(), ..Repeats::default() };
        }
    }

    fn is_full(&self) -> bool {
        let Lists { words, others, required, objects, .. } = &self.lists;
        let parts = [words.len(), others.len(), required.len(), objects.len()];
        self.finds.len() >= FINDS_MAX || parts.iter().any(|part| *part >= PARTS_MAX)
    }

    #[inline]
    fn among(&self, mut next: usize, is_it: impl Fn(&Find) -> bool) -> Option<usize> {
        loop {
            let at = next.checked_sub(1)?;
            let find = self.finds.get(at)?;
            if is_it(find) {
                return Some(at);
            }
            next = find.sibling;
        }
    }

    /// Does what was done before at the longest stretch known that begins in `inner` with the
    /// first of these repeats, or says what is to be done. None may reach `end`.
    #[inline]
    pub(super) fn step(
        &mut self,
        ahead: &[Repeat],
        end: u32,
        inner: &mut Around,
        on: &mut Stage<'_>,
    ) -> Step {
        let Some(first) = ahead.first() else { return Step::Walk };
        let root = self.by_seam.get(place(first.seam)).copied().unwrap_or(0);
        let Some(mut at) = self.among(root, |find| find.context == inner.context) else {
            self.meet(first.seam, inner.context);
            return Step::Walk;
        };
        let mut repeats = 1;
        let mut last = first;
        let behind = loop {
            let behind = ahead
                .get(repeats)
                .filter(|next| next.first == last.behind.wrapping_add(1) && next.behind < end);
            let behind = behind.and_then(|next| Some((next, on.doc.get(NodeId(last.behind))?)));
            let Some((next, scalar)) = behind else { break None };
            let behind = (scalar.kind, next.seam);
            let longer = self.finds.get(at).map_or(0, |find| find.longer);
            match self.among(longer, |find| find.last == behind) {
                Some(longer) if self.is_known(longer) => (at, last) = (longer, next),
                longer => break Some((behind, longer)),
            }
            repeats += 1;
        };
        let Some(find) = self.finds.get(at) else { return Step::Walk };
        let Ok(found) = find.found else {
            return if self.may_try(at) { Step::Write { find: at, repeats } } else { Step::Walk };
        };
        if let Some((behind, longer)) = behind
            && repeats < LENGTH_MAX
            && let Some(find) = self.one_longer(at, behind, longer)
        {
            return Step::Write { find, repeats: repeats + 1 };
        }
        match self.lists.copy(&found, first.first, inner, on) {
            Some(()) => {
                #[cfg(test)]
                {
                    self.copied = (self.copied.0 + 1, self.copied.1 + repeats);
                }
                Step::Copied { repeats, expected: found.expected }
            }
            None => Step::Walk,
        }
    }

    fn is_known(&self, at: usize) -> bool {
        self.finds.get(at).is_some_and(|find| find.found.is_ok())
    }

    fn may_try(&self, at: usize) -> bool {
        self.finds.get(at).is_some_and(|find| find.found.is_err_and(|tries| tries < TRIES_MAX))
    }

    /// Notes a stretch of one repeat that was never met in that context. The next time it is
    /// written down.
    #[cold]
    fn meet(&mut self, seam: SeamId, context: ContextId) {
        if self.is_full() {
            return;
        }
        let at = place(seam);
        if self.by_seam.len() <= at {
            self.by_seam.resize(at.saturating_add(1), 0);
        }
        let sibling = self.by_seam.get(at).copied().unwrap_or(0);
        let find = self.add((Kind::Null, seam), context, sibling);
        if let Some(last) = self.by_seam.get_mut(at) {
            *last = find.saturating_add(1);
        }
    }

    fn add(&mut self, last: Behind, context: ContextId, sibling: usize) -> usize {
        let behind = ((Kind::Null, 0), 0);
        self.finds.push(Find { last, context, sibling, longer: 0, many: 0, behind, found: Err(0) });
        self.finds.len().saturating_sub(1)
    }

    /// The stretch that is one repeat longer, if it is time to write it down.
    #[inline]
    fn one_longer(&mut self, at: usize, behind: Behind, longer: Option<usize>) -> Option<usize> {
        if let Some(longer) = longer {
            return self.may_try(longer).then_some(longer);
        }
        let find = self.finds.get_mut(at)?;
        let (last, times) = &mut find.behind;
        *times = if *last == behind { times.saturating_add(1) } else { 1 };
        *last = behind;
        if *times < TIMES || find.many >= LONGER_MAX {
            return None;
        }
        let (context, sibling) = (find.context, find.longer);
        if self.is_full() {
            return None;
        }
        let new = self.add(behind, context, sibling);
        let find = self.finds.get_mut(at)?;
        find.longer = new.saturating_add(1);
        find.many += 1;
        Some(new)
    }

    /// The end of a stretch has come that was written down.
    #[cold]
    pub(super) fn written(
        &mut self,
        writing: &Writing,
        inner: &Around,
        on: &Stage<'_>,
        saying: Saying<'_>,
        expected: usize,
    ) {
        let found = writing.found(inner, on, saying, &mut self.lists);
        let Some(find) = self.finds.get_mut(writing.find) else { return };
        find.found = match found {
            Some(found) => Ok(Found { expected, ..found }),
            None => Err(find.found.err().unwrap_or(0).saturating_add(1)),
        };
    }
}

impl Lists {
    /// Notes what was found in a stretch that begins there; nothing if it is in other contexts.
    #[inline]
    fn copy(
        &self,
        found: &Found,
        first: u32,
        inner: &mut Around,
        on: &mut Stage<'_>,
    ) -> Option<()> {
        let to = self.leave(found, first, inner, on)?;
        for (site, always) in part(&self.words, found.words) {
            let node = to.node(site.node);
            let is_wordy = || on.doc.get(node).is_some_and(|at| is_wordy(on.doc.json, at));
            if *always || is_wordy() {
                on.sites.words.push(Site { node, ..*site });
            }
        }
        for site in part(&self.others, found.others) {
            let (node, with) = (to.node(site.node), to.of(site.with));
            on.sites.others.push(Site { node, with, what: site.what });
        }
        for node in part(&self.required, found.required) {
            let node = to.first.wrapping_add(*node);
            on.sites.required.mark(NodeId(node));
        }
        let objects = on.objects.len();
        for object in part(&self.objects, found.objects) {
            let (id, concept) = (to.node(object.id), to.of(object.concept));
            on.objects.push(Object { id, concept, ..*object });
        }
        for opened in part(&self.opened, found.opened) {
            let (id, concept) = (to.node(opened.id), to.of(opened.concept));
            let end = on.doc.get(id).map_or(id.0, |node| node.next);
            // One that is no object has none, and so many there are not.
            let object = opened.object.saturating_add(objects);
            on.outer.push(*inner);
            *inner = Around { id, end, concept, object, ..*opened };
        }
        Some(())
    }

    /// Leaves the containers that end in the stretch.
    #[inline]
    fn leave(
        &self,
        found: &Found,
        first: u32,
        inner: &mut Around,
        on: &mut Stage<'_>,
    ) -> Option<Mentioned> {
        let levels = part(&self.levels, found.levels);
        let mut to = Mentioned { first, levels: [[NOWHERE; 2]; LEVELS_MAX] };
        let mut around = std::iter::once(&*inner).chain(on.outer.iter().rev());
        for (level, mentioned) in levels.iter().zip(&mut to.levels) {
            let container = around.next().filter(|one| one.context == level.context)?;
            *mentioned = [container.id.0, container.concept];
        }
        for (number, level) in levels.iter().enumerate() {
            if number > 0 {
                if let Some(object) = on.objects.get_mut(inner.object) {
                    object.seen = inner.seen;
                }
                *inner = on.outer.pop()?;
            }
            inner.seen |= level.seen;
        }
        Some(to)
    }
}

/// What mentions mean at one place.
struct Mentioned {
    first: u32,
    /// Container and concept of each level.
    levels: [[u32; 2]; LEVELS_MAX],
}

impl Mentioned {
    #[inline]
    fn node(&self, of: NodeId) -> NodeId {
        NodeId(of.0.wrapping_add(self.first))
    }

    #[inline]
    fn of(&self, mention: Mention) -> u32 {
        if mention == NOWHERE {
            return NOWHERE;
        }
        if mention & OF_LEVEL == 0 {
            return mention.wrapping_add(self.first);
        }
        let level = self.levels.get(place(mention & (CONCEPT - 1))).copied();
        let [container, concept] = level.unwrap_or([NOWHERE; 2]);
        if mention & CONCEPT == 0 { container } else { concept }
    }
}

fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

#[inline]
fn part<T>(all: &[T], of: Part) -> &[T] {
    all.get(of.0..of.1).unwrap_or_default()
}
