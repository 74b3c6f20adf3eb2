//! Names of code systems as they are compared: URIs, OIDs, keys.
//!
//! Bodies spell one URI in many ways. Compared are names without outer white space, without
//! `|version`, without `http://`, `https://` or `urn:oid:`, without a final slash, in lower case.

use super::systems::SystemId;

/// Longest name of a system, bytes. The longest published ones are under 150; a longer name is an
/// unknown system.
pub(super) const NAME_BYTES_MAX: usize = 512;

/// The name as it is compared; `None` if nothing is left of it or it is too long.
pub(super) fn comparable<'b>(name: &str, buffer: &'b mut [u8; NAME_BYTES_MAX]) -> Option<&'b [u8]> {
    let name = name.split('|').next()?.trim();
    lower_case(without_scheme(name).trim_end_matches('/'), buffer)
}

/// A name of `systems.csv` as it is compared, and whether it is the start of names (`uri*`).
pub(super) fn declared_name(name: &str) -> Option<(Vec<u8>, bool)> {
    let mut buffer = [0; NAME_BYTES_MAX];
    match name.strip_suffix('*') {
        // The final slash of a prefix tells `…/variables/x` from `…/variables-old`.
        Some(prefix) if prefix.contains(['*', '|']) => None,
        Some(prefix) => Some((lower_case(without_scheme(prefix), &mut buffer)?.to_vec(), true)),
        None if name.contains('*') => None,
        None => Some((comparable(name, &mut buffer)?.to_vec(), false)),
    }
}

fn without_scheme(name: &str) -> &str {
    for scheme in ["http://", "https://", "urn:oid:"] {
        if let Some((start, rest)) = name.split_at_checked(scheme.len())
            && start.eq_ignore_ascii_case(scheme)
        {
            return rest;
        }
    }
    name
}

fn lower_case<'b>(name: &str, buffer: &'b mut [u8; NAME_BYTES_MAX]) -> Option<&'b [u8]> {
    let lower = buffer.get_mut(..name.len()).filter(|lower| !lower.is_empty())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    Some(lower)
}

/// Names found by their exact bytes. Nearly every code of a body names its system in the very
/// spelling that `systems.csv` declares, and there are as many look-ups as codes.
#[derive(Debug, Default)]
pub(super) struct Spellings {
    /// A power of two, at least twice as many as names; an empty slot ends a search.
    slots: Vec<Option<(Box<str>, SystemId)>>,
}

impl Spellings {
    /// A table of these names; of equal ones the first counts.
    pub(super) fn of(names: impl Iterator<Item = (Box<str>, SystemId)>) -> Spellings {
        let names: Vec<_> = names.collect();
        let size = names.len().saturating_mul(2).next_power_of_two();
        let mut spellings = Spellings { slots: vec![None; size] };
        for (name, id) in names {
            let free = spellings.probe(name.as_bytes()).find(|place| {
                let slot = spellings.slots.get(*place);
                slot.is_some_and(|slot| slot.as_ref().is_none_or(|(other, _)| *other == name))
            });
            if let Some(slot) = free.and_then(|place| spellings.slots.get_mut(place)) {
                slot.get_or_insert((name, id));
            }
        }
        spellings
    }

    /// The system declared under exactly these bytes.
    pub(super) fn find(&self, name: &[u8]) -> Option<SystemId> {
        for place in self.probe(name) {
            let (other, id) = self.slots.get(place)?.as_ref()?;
            if other.as_bytes() == name {
                return Some(*id);
            }
        }
        None
    }

    /// The slots where a name may be, in the order of the search.
    fn probe(&self, name: &[u8]) -> impl Iterator<Item = usize> + use<> {
        let size = self.slots.len();
        let mask = size.wrapping_sub(1);
        // URIs differ at their end and in their length.
        let end = match name.last_chunk::<8>() {
            Some(end) => u64::from_le_bytes(*end),
            None => name.iter().fold(0, |end, byte| (end << 8) | u64::from(*byte)),
        };
        let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
        let mixed = (end ^ length.rotate_left(57)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let first = usize::try_from(mixed).unwrap_or_default();
        (0..size).map(move |step| first.wrapping_add(step) & mask)
    }
}
