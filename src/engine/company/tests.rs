//! What tuples give.

use super::*;

/// How many keys a tuple of two parts gives with so many values in each, or that it is too many.
fn keys(first: usize, second: usize) -> Option<usize> {
    let kind = Kind { tuples: vec![2], ..Kind::default() };
    let part = |part: u8, count: usize| (0..count).map(move |value| (0, part, value));
    let mut parts: Vec<(u8, u8, usize)> = part(1, second).chain(part(0, first)).collect();
    parts.extend_from_within(..);
    let mut told = 0;
    tuples(&kind, &mut parts, |_| told += 1).then_some(told)
}

/// BOUNDED: values that come again count once, and what is too much is told as that.
#[test]
fn tuples_are_all_there_or_too_many() {
    for (first, second, expected) in [
        (0, 3, Some(0)),
        (1, 1, Some(1)),
        (1, 4096, Some(4096)),
        (1, 4097, None),
        (16, 16, Some(256)),
        (16, 17, None),
        (2, 129, None),
    ] {
        assert_eq!(keys(first, second), expected, "{first} and {second}");
    }
}
