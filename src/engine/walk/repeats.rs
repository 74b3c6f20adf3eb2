//! What a walk finds in stretches that repeat. The parser tells where several nodes in a row are
//! the same as in bodies before, values and all; what a walk notes there is the same, too, as
//! long as the containers around are in the same [`Context`]: it is written down once and then
//! copied. Stretches with places at which it depends on more are walked each time.
//!
//! [`Context`]: super::learnt::Context

use super::learnt::{Around, ContextId, Object};
use crate::engine::document::tape::{Node, NodeId, Numbering, Repeat, SeamId};
use crate::engine::sites::{NOWHERE, Site, Sites, Words};

/// BOUNDED: what is written down; all is forgotten when there is more.
const FINDS_MAX: usize = 8_192;
const PARTS_MAX: usize = 65_536;
/// Containers that one stretch may end.
const LEVELS_MAX: usize = 5;
/// So often a stretch is tried that had to be walked.
const TRIES_MAX: u8 = 4;

/// What a stretch does in one container that is open before it, the innermost first.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// As [`Around`] has it.
    context: ContextId,
    /// What its members tell, as [`Around::seen`].
    seen: u32,
}

/// A node that something refers to: one of the stretch by its place from the first of it, or by
/// the level of which it is the container ([`OF_LEVEL`]) or the concept ([`CONCEPT`]).
type Mention = u32;
const OF_LEVEL: u32 = 1 << 30;
const CONCEPT: u32 = 1 << 29;

/// A part of one of the lists.
type Part = (usize, usize);

/// What is found in one stretch in one context.
#[derive(Clone, Copy, Debug)]
struct Find {
    seam: SeamId,
    context: ContextId,
    /// The next of the same seam, from 1 on.
    next: usize,
    /// Whether it is known; else how often it was tried in vain.
    known: Result<(), u8>,
    levels: Part,
    words: Part,
    others: Part,
    required: Part,
    objects: Part,
    opened: Part,
    /// The outcome that is expected behind it.
    expected: usize,
}

/// All that was found, of one parser's memory.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    numbering: Numbering,
    /// By seam, from 1 on: the last of its finds.
    by_seam: Vec<usize>,
    finds: Vec<Find>,
    levels: Vec<Level>,
    words: Vec<Site<Words>>,
    others: Vec<Site>,
    required: Vec<u32>,
    objects: Vec<Object>,
    opened: Vec<Around>,
}

/// What a stretch is walked with, and leaves changed.
pub(super) struct Stage<'s> {
    pub(super) nodes: &'s [Node],
    pub(super) sites: &'s mut Sites,
    pub(super) outer: &'s mut Vec<Around>,
    pub(super) objects: &'s mut Vec<Object>,
}

/// A stretch that is being walked and written down.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) repeat: Repeat,
    /// Which find it will be.
    find: usize,
    /// What is in the containers that were open before it, and how many are left of those.
    levels: Vec<Level>,
    containers: Vec<Around>,
    floor: usize,
    required: Vec<u32>,
    before: [usize; 3],
    /// It depended on more.
    spoiled: bool,
}

impl Writing {
    /// What the key of a node tells the container around it.
    #[inline]
    pub(super) fn see(&mut self, seen: u32, depth: usize) {
        if depth == self.floor
            && let Some(level) = self.levels.last_mut()
        {
            level.seen |= seen;
        }
    }

    /// A container ends, that many deep, and this one is around it.
    pub(super) fn leave(&mut self, depth: usize, outer: &Around) {
        if depth == self.floor {
            self.floor = self.floor.saturating_sub(1);
            self.levels.push(Level { context: outer.context, seen: 0 });
            self.containers.push(*outer);
        }
    }

    pub(super) fn require(&mut self, node: NodeId) {
        self.required.push(node.0.wrapping_sub(self.repeat.first));
    }

    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// How a node is written down; nothing if it is elsewhere.
    fn mention(&self, node: u32) -> Option<Mention> {
        if node == NOWHERE {
            return Some(NOWHERE);
        }
        if let Some(place) = node.checked_sub(self.repeat.first) {
            return Some(place);
        }
        let mut levels = (0..).zip(&self.containers);
        levels.find_map(|(level, container)| match node {
            _ if node == container.id.0 => Some(OF_LEVEL | level),
            _ if node == container.concept => Some(OF_LEVEL | CONCEPT | level),
            _ => None,
        })
    }
}

impl Repeats {
    /// Whether what is known is of that numbering.
    pub(super) fn is_of(&self, numbering: &Numbering) -> bool {
        self.numbering.is(numbering)
    }

    /// For a body with that numbering.
    pub(super) fn prepare(&mut self, numbering: &Numbering) {
        if self.is_full() || !self.is_of(numbering) {
            *self = Repeats { numbering: numbering.clone(), ..Repeats::default() };
        }
    }

    fn is_full(&self) -> bool {
        let parts = [self.words.len(), self.others.len(), self.required.len(), self.objects.len()];
        self.finds.len() >= FINDS_MAX || parts.iter().any(|part| *part >= PARTS_MAX)
    }

    #[inline]
    fn find(&self, seam: SeamId, context: ContextId) -> Option<usize> {
        let mut next = *self.by_seam.get(place(seam))?;
        loop {
            let at = next.checked_sub(1)?;
            let find = self.finds.get(at)?;
            if find.context == context {
                return Some(at);
            }
            next = find.next;
        }
    }

    /// Does what was done before at a stretch that begins in `inner`, and gives back the outcome
    /// that is expected behind it; or says how it is to be walked.
    #[inline]
    pub(super) fn replay(
        &self,
        repeat: Repeat,
        inner: &mut Around,
        on: &mut Stage<'_>,
    ) -> Result<usize, Walked> {
        let Some(at) = self.find(repeat.seam, inner.context) else {
            return Err(if self.is_full() { Walked::Only } else { Walked::AndWritten });
        };
        let find = self.finds.get(at).ok_or(Walked::Only)?;
        match find.known {
            Ok(()) => {}
            Err(tries) if tries < TRIES_MAX => return Err(Walked::AndWritten),
            Err(_) => return Err(Walked::Only),
        }
        let levels = part(&self.levels, find.levels);
        if on.outer.len() < levels.len().saturating_sub(1) {
            return Err(Walked::Only);
        }
        let mut mentions = [[NOWHERE; 2]; LEVELS_MAX];
        let around = std::iter::once(&*inner).chain(on.outer.iter().rev());
        for ((level, container), mention) in levels.iter().zip(around).zip(&mut mentions) {
            if level.context != container.context {
                return Err(Walked::Only);
            }
            *mention = [container.id.0, container.concept];
        }
        let to = Mentioned { first: repeat.first, levels: mentions };
        for (number, level) in levels.iter().enumerate() {
            if number > 0 {
                if let Some(object) = on.objects.get_mut(inner.object) {
                    object.seen = inner.seen;
                }
                *inner = on.outer.pop().ok_or(Walked::Only)?;
            }
            inner.seen |= level.seen;
        }
        self.copy(find, &to, on);
        let objects = on.objects.len();
        for object in part(&self.objects, find.objects) {
            let (id, concept) = (to.node(object.id), to.of(object.concept));
            on.objects.push(Object { id, concept, ..*object });
        }
        for opened in part(&self.opened, find.opened) {
            let (id, concept) = (to.node(opened.id), to.of(opened.concept));
            let end = on.nodes.get(place(id.0)).map_or(id.0, |node| node.next);
            // One that is no object has none, and so many there are not.
            let object = opened.object.saturating_add(objects);
            on.outer.push(*inner);
            *inner = Around { id, end, concept, object, ..*opened };
        }
        Ok(find.expected)
    }

    #[inline]
    fn copy(&self, find: &Find, to: &Mentioned, on: &mut Stage<'_>) {
        for site in part(&self.words, find.words) {
            on.sites.words.push(Site { node: to.node(site.node), ..*site });
        }
        for site in part(&self.others, find.others) {
            let (node, with) = (to.node(site.node), to.of(site.with));
            on.sites.others.push(Site { node, with, what: site.what });
        }
        for node in part(&self.required, find.required) {
            let node = to.first.wrapping_add(*node);
            if let Some(required) = on.sites.required.get_mut(place(node)) {
                *required = true;
            }
        }
    }

    /// Begins to write down what is found in a stretch.
    #[cold]
    pub(super) fn write(&mut self, repeat: Repeat, inner: &Around, on: &Stage<'_>) -> Writing {
        let find = self.find(repeat.seam, inner.context).unwrap_or_else(|| {
            let seam = place(repeat.seam);
            if self.by_seam.len() <= seam {
                self.by_seam.resize(seam.saturating_add(1), 0);
            }
            let none = (0, 0);
            let last = self.by_seam.get_mut(seam);
            let number = self.finds.len().saturating_add(1);
            self.finds.push(Find {
                seam: repeat.seam,
                context: inner.context,
                next: last.map_or(0, |last| std::mem::replace(last, number)),
                known: Err(0),
                levels: none,
                words: none,
                others: none,
                required: none,
                objects: none,
                opened: none,
                expected: 0,
            });
            number.saturating_sub(1)
        });
        Writing {
            repeat,
            find,
            levels: vec![Level { context: inner.context, seen: 0 }],
            containers: vec![*inner],
            floor: on.outer.len(),
            required: Vec::new(),
            before: [on.sites.words.len(), on.sites.others.len(), on.objects.len()],
            spoiled: false,
        }
    }

    /// The end of a stretch has come.
    #[cold]
    pub(super) fn written(
        &mut self,
        writing: &Writing,
        inner: &Around,
        on: &Stage<'_>,
        expected: usize,
    ) {
        let taken = self.take(writing, inner, on);
        let Some(find) = self.finds.get_mut(writing.find) else { return };
        match taken {
            Some(taken) => {
                let (seam, context, next) = (find.seam, find.context, find.next);
                *find = Find { seam, context, next, expected, ..taken };
            }
            None => find.known = Err(find.known.err().unwrap_or(0).saturating_add(1)),
        }
    }

    fn take(&mut self, writing: &Writing, inner: &Around, on: &Stage<'_>) -> Option<Find> {
        if writing.spoiled || writing.levels.len() > LEVELS_MAX {
            return None;
        }
        let first = writing.repeat.first;
        let mention = |node: u32| writing.mention(node);
        let place_of = |node: NodeId| Some(NodeId(node.0.checked_sub(first)?));
        let [words, others, objects] = writing.before;
        let words = on.sites.words.get(words..)?.iter().map(|site| {
            Some(Site { node: place_of(site.node)?, ..*site })
        });
        let words: Vec<Site<Words>> = words.collect::<Option<_>>()?;
        let others = on.sites.others.get(others..)?.iter().map(|site| {
            Some(Site { node: place_of(site.node)?, with: mention(site.with)?, ..*site })
        });
        let others: Vec<Site> = others.collect::<Option<_>>()?;
        let open = on.outer.get(writing.floor..)?.iter().chain([inner]).skip(1);
        let mut opened: Vec<Around> = open.copied().collect();
        let mut kept: Vec<Object> = Vec::new();
        for (at, object) in on.objects.iter().enumerate().skip(objects) {
            let open = opened.iter_mut().find(|around| around.object == at);
            // Of one that has ended it is known whether it is anything.
            if open.is_none() && !object.is_something() {
                continue;
            }
            if let Some(around) = open {
                around.object = kept.len();
            }
            let (id, concept) = (place_of(object.id)?, mention(object.concept)?);
            kept.push(Object { id, concept, ..*object });
        }
        for around in &mut opened {
            (around.id, around.concept) = (place_of(around.id)?, mention(around.concept)?);
        }
        Some(Find {
            seam: 0,
            context: 0,
            next: 0,
            known: Ok(()),
            levels: append(&mut self.levels, &writing.levels),
            words: append(&mut self.words, &words),
            others: append(&mut self.others, &others),
            required: append(&mut self.required, &writing.required),
            objects: append(&mut self.objects, &kept),
            opened: append(&mut self.opened, &opened),
            expected: 0,
        })
    }
}

/// How a stretch is walked of which it is not known what is found there.
pub(super) enum Walked {
    Only,
    /// … and what is found is written down.
    AndWritten,
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

fn append<T: Copy>(all: &mut Vec<T>, more: &[T]) -> Part {
    let first = all.len();
    all.extend_from_slice(more);
    (first, all.len())
}
