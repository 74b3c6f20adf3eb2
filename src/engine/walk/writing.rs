//! A stretch that is being walked and written down: see [`super::repeats`].

use super::learnt::{Around, Object};
use super::quiet::Quiet;
use super::repeats::{CONCEPT, Found, LEVELS_MAX, Level, Lists, Mention, OF_LEVEL, Part, Stage};
use crate::engine::document::scan;
use crate::engine::document::tape::{Node, NodeId, Repeat};
use crate::engine::saying::Saying;
use crate::engine::sites::{NOWHERE, Site, Words};

/// What is noted of it besides what a walk notes.
#[derive(Debug)]
pub(super) struct Writing {
    /// Which find it will be.
    pub(super) find: usize,
    first: u32,
    pub(super) behind: u32,
    /// The scalars in it of any text: between its repeats, and in their blanks.
    open: Vec<u32>,
    /// Those of them that are words if they look like it.
    if_wordy: Vec<Site<Words>>,
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
    /// Nothing yet, of a stretch of these repeats.
    pub(super) fn begin(
        find: usize,
        repeats: &[Repeat],
        parser: &scan::Memory,
        inner: &Around,
        on: &Stage<'_>,
    ) -> Option<Writing> {
        let (first, last) = (repeats.first()?, repeats.last()?);
        let between = repeats.iter().map(|repeat| repeat.behind);
        let blanks = repeats.iter().flat_map(|repeat| parser.blanks(*repeat).map(|node| node.0));
        Some(Writing {
            find,
            first: first.first,
            behind: last.behind,
            open: between.chain(blanks).collect(),
            if_wordy: Vec::new(),
            levels: vec![Level { context: inner.context, seen: 0 }],
            containers: vec![*inner],
            floor: on.outer.len(),
            required: Vec::new(),
            before: [on.sites.words.len(), on.sites.others.len(), on.objects.len()],
            spoiled: false,
        })
    }

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

    /// FHIR demands a node.
    pub(super) fn require(&mut self, node: NodeId) {
        self.required.push(node.0.wrapping_sub(self.first));
    }

    /// Words stand there if its text looks like it.
    pub(super) fn note_if_wordy(&mut self, site: Site<Words>) {
        if self.is_open(site.node) {
            self.if_wordy.push(site);
        }
    }

    /// Whether it is a scalar of any text.
    pub(super) fn is_open(&self, node: NodeId) -> bool {
        self.open.contains(&node.0)
    }

    /// Whether all of a value stands in the stretch.
    pub(super) fn has_all_of(&self, id: NodeId, node: &Node) -> bool {
        self.first <= id.0 && node.next <= self.behind
    }

    /// What is found depends on more than is told of repeats.
    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// How a node is written down; nothing if it is elsewhere.
    fn mention(&self, node: u32) -> Option<Mention> {
        if node == NOWHERE {
            return Some(NOWHERE);
        }
        if let Some(place) = node.checked_sub(self.first) {
            return Some(place);
        }
        let mut levels = (0..).zip(&self.containers);
        levels.find_map(|(level, container)| match node {
            _ if node == container.id.0 => Some(OF_LEVEL | level),
            _ if node == container.concept => Some(OF_LEVEL | CONCEPT | level),
            _ => None,
        })
    }

    fn place(&self, node: NodeId) -> Option<NodeId> {
        node.0.checked_sub(self.first).map(NodeId)
    }

    /// All of it but what is quiet, added to the lists; nothing if it would not be the same
    /// elsewhere.
    pub(super) fn found(
        &self,
        inner: &Around,
        on: &Stage<'_>,
        saying: Saying<'_>,
        lists: &mut Lists,
    ) -> Option<Found> {
        if self.spoiled || self.levels.len() > LEVELS_MAX {
            return None;
        }
        let [words, others, objects] = self.before;
        let quiet = Quiet { saying, open: &self.open };
        let words = on.sites.words.get(words..)?.iter();
        let always = words.filter(|site| !self.if_wordy.contains(site) && !quiet.is_quiet(**site));
        let words =
            always.map(|site| (site, true)).chain(self.if_wordy.iter().map(|site| (site, false)));
        let words = words
            .map(|(site, always)| Some((Site { node: self.place(site.node)?, ..*site }, always)));
        let mut words: Vec<_> = words.collect::<Option<_>>()?;
        words.sort_by_key(|(site, _)| site.node);
        let others = on.sites.others.get(others..)?.iter().map(|site| {
            Some(Site { node: self.place(site.node)?, with: self.mention(site.with)?, ..*site })
        });
        let others: Vec<_> = others.collect::<Option<_>>()?;
        let open = on.outer.get(self.floor..)?.iter().chain([inner]).skip(1);
        let mut opened: Vec<Around> = open.copied().collect();
        let mut kept: Vec<Object> = Vec::new();
        for (at, object) in on.objects.iter().enumerate().skip(objects) {
            let object = match opened.iter_mut().find(|around| around.object == at) {
                Some(around) => {
                    around.object = kept.len();
                    *object
                }
                // Of one that has ended it is known whether it is anything.
                None => match quiet.without_code(*object) {
                    object if object.is_something() => object,
                    _ => continue,
                },
            };
            let (id, concept) = (self.place(object.id)?, self.mention(object.concept)?);
            kept.push(Object { id, concept, ..object });
        }
        for around in &mut opened {
            (around.id, around.concept) = (self.place(around.id)?, self.mention(around.concept)?);
        }
        Some(Found {
            levels: append(&mut lists.levels, &self.levels),
            words: append(&mut lists.words, &words),
            others: append(&mut lists.others, &others),
            required: append(&mut lists.required, &self.required),
            objects: append(&mut lists.objects, &kept),
            opened: append(&mut lists.opened, &opened),
            expected: 0,
        })
    }
}

fn append<T: Copy>(all: &mut Vec<T>, more: &[T]) -> Part {
    let first = all.len();
    all.extend_from_slice(more);
    (first, all.len())
}
