//! What is kept is bounded in bytes.

use super::{BYTES_MAX, Lendable, Lending};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Default)]
struct List(Vec<u8>);

impl Lendable for List {
    fn keeps(&self) -> usize {
        self.0.capacity()
    }
}

#[test]
fn what_is_kept_is_bounded_in_bytes() {
    let lending = Lending::<List>::default();
    let list = |bytes| List(Vec::with_capacity(bytes));
    for bytes in [BYTES_MAX / 2, BYTES_MAX / 2 + 1, BYTES_MAX / 4] {
        lending.give_back(list(bytes));
    }
    // The second found no room; what was taken makes some.
    assert_eq!(lending.take().keeps(), BYTES_MAX / 4);
    lending.give_back(list(BYTES_MAX / 3));
    let kept = [lending.take(), lending.take(), lending.take()].map(|list| list.keeps());
    assert_eq!(kept, [BYTES_MAX / 3, BYTES_MAX / 2, 0]);
}

#[test]
fn what_a_panic_left_half_done_is_not_lent_again() {
    let lending = Lending::<List>::default();
    let half_done = || {
        let mut list = lending.lend();
        list.0.push(1);
        assert!(list.0.is_empty(), "in the middle of it");
    };
    catch_unwind(AssertUnwindSafe(half_done)).unwrap_err();
    assert_eq!(lending.lend().0, [0; 0]);
    lending.lend().0.push(2);
    assert_eq!(lending.lend().0, [2]);
}
