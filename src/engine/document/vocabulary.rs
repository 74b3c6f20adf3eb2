//! The keys that a policy set can ask for, as numbers: looked up once per key while parsing.

use super::keys::{Fingerprint, HELD};
use super::tape::Numbering;
use std::collections::BTreeSet;

/// A name was sent on from this place of the table.
const SENT_ON: u16 = 0x8000;

/// The keys that a policy set can ask for, numbered from 1. Keys are compared after unescaping.
#[derive(Debug, Default)]
pub struct Vocabulary {
    names: Vec<Box<str>>,
    /// By number; number 0 is no name.
    prints: Vec<Fingerprint>,
    /// Numbers by the high bits of the hash, on to the next place when taken; 0 is free. The
    /// highest bit tells that a name was sent on from here. A power of two of places, at most a
    /// quarter of them taken.
    table: Vec<u16>,
    shift: u32,
    /// By what parsers know that their memory is of documents with these keys.
    pub(super) numbering: Numbering,
}

impl Vocabulary {
    /// The most names there can be. Those beyond would be looked for in vain: whoever builds a
    /// vocabulary from files refuses more.
    pub const MOST: usize = 32_767;

    /// Numbers the names from 1 in the order given; doubles keep their first number.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n str>) -> Vocabulary {
        let mut seen = BTreeSet::new();
        let mut unique: Vec<Box<str>> =
            names.into_iter().filter(|name| seen.insert(*name)).map(Box::from).collect();
        unique.truncate(Vocabulary::MOST);
        let size = unique.len().saturating_mul(4).next_power_of_two().max(64);
        let prints = unique.iter().map(|name| Fingerprint::of(name));
        let prints: Vec<_> = std::iter::once(Fingerprint::OF_NONE).chain(prints).collect();
        let mut vocabulary = Vocabulary {
            prints,
            names: unique,
            table: vec![0; size],
            numbering: Numbering::begun(),
            shift: size.leading_zeros().saturating_add(1).saturating_add(64 - usize::BITS),
        };
        for number in 1..vocabulary.prints.len() {
            let print = vocabulary.prints.get(number).copied().unwrap_or_default();
            let mut slot = vocabulary.slot(print);
            while let Some(taken) = vocabulary.table.get_mut(slot).filter(|taken| **taken != 0) {
                *taken |= SENT_ON;
                slot = slot.wrapping_add(1) & size.wrapping_sub(1);
            }
            if let Some(place) = vocabulary.table.get_mut(slot) {
                *place = u16::try_from(number).unwrap_or(0);
            }
        }
        vocabulary
    }

    #[inline]
    fn slot(&self, print: Fingerprint) -> usize {
        usize::try_from(print.hash() >> (self.shift & 63)).unwrap_or(0)
    }

    /// The number of a name, 0 if it has none.
    pub fn number(&self, name: &str) -> u16 {
        self.number_of(Fingerprint::of(name), || name.as_bytes())
    }

    /// The number of the name with this fingerprint; `name` is asked only where that leaves a
    /// doubt.
    #[inline]
    pub(super) fn number_of<'n>(&self, print: Fingerprint, name: impl Fn() -> &'n [u8]) -> u16 {
        let mut slot = self.slot(print);
        loop {
            let place = self.table.get(slot).copied().unwrap_or(0);
            let number = place & !SENT_ON;
            let found = self.prints.get(usize::from(number)).copied().unwrap_or_default();
            let same = found.is(print)
                && (print.length <= HELD
                    || self.name(number).is_some_and(|found| found.as_bytes() == name()));
            if same {
                return number;
            }
            if place & SENT_ON == 0 {
                return 0;
            }
            slot = slot.wrapping_add(1) & self.table.len().wrapping_sub(1);
        }
    }

    /// The name of a number.
    pub fn name(&self, number: u16) -> Option<&str> {
        self.names.get(usize::from(number).checked_sub(1)?).map(AsRef::as_ref)
    }

    /// How many names.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}
