//! What leaves is the same bytes, wherever they are put.

use crate::engine::document::pieces::Pieces;
use crate::engine::document::source::place;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_body_becomes_what_leaves_of_it(
        came in proptest::collection::vec(any::<u8>(), 0..64),
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
