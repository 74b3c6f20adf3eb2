//! What records are called and what references point at: without base, `_history` and fragment.

use std::borrow::Cow;
use std::ops::Range;

/// What a reference says it points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'t> {
    /// `#id`: inside the record.
    Inside,
    /// `Type/id`, or a `urn:`, which tells no type.
    Named {
        /// The type, if the reference tells one.
        kind: Option<&'t str>,
        /// As records are named.
        name: &'t str,
    },
    /// `Type?search`: names nothing that can be in sight.
    Searched {
        /// The type.
        kind: &'t str,
    },
    /// Nothing that can be read.
    Unreadable,
}

/// Reads a reference: relative, absolute, `urn:`, `#id`, conditional (FHIR R4 2.3.0).
pub(crate) fn target(reference: &str) -> Target<'_> {
    let is_bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = reference.as_bytes();
    let is_trimmed = is_bare(bytes.first()) && is_bare(bytes.last());
    let reference = if is_trimmed { reference } else { reference.trim() };
    if reference.starts_with('#') {
        return Target::Inside;
    }
    if reference.starts_with("urn:") {
        return Target::Named { kind: None, name: reference };
    }
    let end = memchr::memchr3(b'?', b'#', b'|', reference.as_bytes());
    let (mut path, after) =
        end.and_then(|end| reference.split_at_checked(end)).unwrap_or((reference, ""));
    if after.starts_with('?') {
        let kind = path.rsplit('/').next().unwrap_or_default();
        return if is_type(kind) { Target::Searched { kind } } else { Target::Unreadable };
    }
    // From the end, by bytes: this is asked for every reference of every record.
    let (mut before, mut id) = last_segment(path);
    let (earlier, mut kind) = last_segment(before);
    if kind == "_history" {
        path = earlier;
        (before, id) = last_segment(path);
        (_, kind) = last_segment(before);
    }
    if id.is_empty() || !is_type(kind) {
        return Target::Unreadable;
    }
    let from = before.len().saturating_sub(kind.len());
    Target::Named { kind: Some(kind), name: path.get(from..).unwrap_or_default() }
}

/// What stands before the last `/` and after it; a path without one is all after it.
#[inline]
fn last_segment(path: &str) -> (&str, &str) {
    match memchr::memrchr(b'/', path.as_bytes()) {
        Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
        None => ("", path),
    }
}

fn is_type(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A text without the UUID that it ends in, if it is one token: random digits spell words now and
/// then (`cadc`, a counsellor of addicts), and every visit has some.
pub(crate) fn without_uuid(text: &str) -> &str {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    const CHARACTERS: usize = 36;
    let split = text.len().checked_sub(CHARACTERS).and_then(|at| text.split_at_checked(at));
    let Some((before, uuid)) = split else { return text };
    let groups = uuid
        .split('-')
        .map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    let apart = before.ends_with(|last: char| last.is_ascii_alphanumeric());
    let token = !before.contains(char::is_whitespace);
    if token && !apart && groups.eq(GROUPS.map(Some)) { before } else { text }
}

/// Names differ towards their ends, so these are what is compared first. Equal hashes cost time
/// only: the names themselves are compared then.
pub(crate) fn hash(name: &str) -> u64 {
    let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    let (before, last) = match name.as_bytes().split_last_chunk::<8>() {
        Some((before, last)) => (before, u64::from_le_bytes(*last)),
        None => (&[][..], word(name.as_bytes())),
    };
    let earlier = before.last_chunk::<8>().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    let mixed = last.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ earlier.rotate_left(29);
    mixed.wrapping_mul(0xC2B2_AE3D_27D4_EB4F)
}

/// The records of a body by name. One name may be borne by several.
#[derive(Debug, Default)]
pub(crate) struct Names<'t> {
    /// With their hashes, sorted; the record at the same place bears it.
    names: Vec<(u64, Cow<'t, str>)>,
    bearers: Vec<usize>,
}

impl<'t> Names<'t> {
    /// Of records and what each is called.
    pub(crate) fn of(called: Vec<(Cow<'t, str>, usize)>) -> Names<'t> {
        let hashed = called.into_iter().map(|(text, record)| ((hash(&text), text), record));
        let mut hashed: Vec<((u64, Cow<'t, str>), usize)> = hashed.collect();
        hashed.sort_unstable();
        hashed.dedup();
        let (names, bearers) = hashed.into_iter().unzip();
        Names { names, bearers }
    }

    /// Where the bearers of a name stand; for [`Names::at`].
    pub(crate) fn find(&self, name: &str) -> Range<usize> {
        let hash = hash(name);
        let first =
            self.names.partition_point(|(known, text)| (*known, text.as_ref()) < (hash, name));
        let rest = self.names.get(first..).unwrap_or_default();
        let same = rest.iter().take_while(|(known, text)| *known == hash && text == name);
        first..first.saturating_add(same.count())
    }

    /// The records there.
    pub(crate) fn at(&self, range: &Range<usize>) -> &[usize] {
        self.bearers.get(range.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, target, without_uuid};

    #[test]
    fn references_are_compared_without_base_and_history() {
        for written in [
            "Patient/p-1",
            "https://members.example/fhir/Patient/p-1",
            "Patient/p-1/_history/3",
            "http://x/Patient/p-1/_history/3#f",
            " Patient/p-1 ",
        ] {
            let expected = Target::Named { kind: Some("Patient"), name: "Patient/p-1" };
            assert_eq!(target(written), expected, "{written}");
        }
        assert_eq!(target("#x"), Target::Inside);
        assert_eq!(
            target("Practitioner?identifier=x|1"),
            Target::Searched { kind: "Practitioner" }
        );
        for written in ["p-1", "Patient/p-1/_history/3/4", "Patient/", "/p-1", "_history/3", ""] {
            assert_eq!(target(written), Target::Unreadable, "{written}");
        }
        assert_eq!(target("patient/p-1"), Target::Unreadable);
    }

    #[test]
    fn a_uuid_has_no_words() {
        for (text, left) in [
            ("urn:uuid:ae0397f8-cadc-4000-ad78-6212bb82de4b", "urn:uuid:"),
            ("Observation/AE0397F8-CADC-4000-AD78-6212BB82DE4B", "Observation/"),
            ("ae0397f8-cadc-4000-ad78-6212bb82de4b", ""),
            ("Organization/psychiatry-cadc", "Organization/psychiatry-cadc"),
            (
                "seen by cadc ae0397f8-cadc-4000-ad78-6212bb82de4b",
                "seen by cadc ae0397f8-cadc-4000-ad78-6212bb82de4b",
            ),
            ("xae0397f8-cadc-4000-ad78-6212bb82de4b", "xae0397f8-cadc-4000-ad78-6212bb82de4b"),
            ("ae0397f8-cadc-4000-ad78-6212bb82de4é", "ae0397f8-cadc-4000-ad78-6212bb82de4é"),
        ] {
            assert_eq!(without_uuid(text), left);
        }
    }
}
