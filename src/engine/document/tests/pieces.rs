//! What leaves is the same bytes, wherever they are put.

use crate::engine::document::pieces::Pieces;
use crate::engine::document::source::place;
use bytes::Bytes;
use proptest::prelude::*;

#[test]
fn what_leaves_stays_where_the_body_was_and_takes_no_more_room() {
    let came: Vec<u8> = (0..100).collect();
    let before = came.as_ptr();
    let mut out = Pieces::default();
    out.ours(b"head");
    out.span(10, 90);
    let leaves = [b"head", &came[10..90]].concat();
    let kept = out.keep(came.clone());
    assert_eq!(kept, leaves);
    let kept = out.keep(came);
    assert_eq!((kept.len(), kept.as_ptr()), (84, before.wrapping_add(6)), "not moved at all");

    // Ours would run over what is still to be moved.
    let mut longer = Pieces::default();
    longer.ours(b"a head that is longer");
    longer.span(10, 90);
    let came: Vec<u8> = (0..100).collect();
    assert_eq!(longer.keep(came.clone()), [b"a head that is longer", &came[10..90]].concat());

    let room = |kept: Bytes| Vec::from(kept).capacity();
    let mut grown = Vec::with_capacity(4_000);
    grown.extend([b'.'; 1_000]);
    assert!(room(out.keep(grown.clone())) <= 2 * out.len(), "most of it goes");
    let mut all = Pieces::default();
    all.span(0, 1_000);
    assert!(room(all.keep(grown)) <= 1_000, "it came without a length");
}

#[test]
fn text_of_ours_that_stands_there_anyway_moves_nothing() {
    let came = br#"{"total":2,"entry":[{"a":1},{"a":2}],"more":[]}"#.to_vec();
    let before = came.as_ptr();
    let mut out = Pieces::default();
    for (ours, (start, end)) in [("{\"entry\":[{", (21, 26)), ("},{", (29, 34)), ("}]", (0, 0))] {
        out.ours(ours.as_bytes());
        out.span(start, end);
    }
    out.ours(b"}");
    let kept = out.keep(came);
    assert_eq!(&kept[..], br#"{"entry":[{"a":1},{"a":2}]}"#);
    assert_eq!(kept.as_ptr(), before.wrapping_add(10));
}

proptest! {
    #[test]
    fn a_body_becomes_what_leaves_of_it(
        came in proptest::collection::vec(prop_oneof![Just(b'o'), any::<u8>()], 0..64),
        pieces in proptest::collection::vec((any::<bool>(), 0_u32..64, 0_u32..24), 0..8),
        in_order in any::<bool>(),
    ) {
        let end = u32::try_from(came.len()).unwrap();
        let (mut out, mut expected, mut at) = (Pieces::default(), Vec::new(), 0);
        for (is_ours, start, length) in pieces {
            if is_ours {
                let text = vec![b'o'; place(length)];
                out.ours(&text);
                expected.extend(text);
            } else {
                let start = if in_order { at + start % 8 } else { start }.min(end);
                at = (start + length).min(end);
                out.span(start, at);
                expected.extend_from_slice(&came[place(start)..place(at)]);
            }
        }
        prop_assert_eq!(out.len(), expected.len());
        prop_assert_eq!(out.is_empty(), expected.is_empty());
        prop_assert_eq!(&out.of(&came), &expected);
        prop_assert_eq!(out.keep(came), expected);
    }
}
