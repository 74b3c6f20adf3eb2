//! Names of requests: 128 random bits in hex. They tell nobody how many requests there are.

use crate::audit::to_hex;
use crate::dial::provider;
use std::cell::RefCell;

/// Bits of one name, bytes, and names whose bits are asked for at once: a generator that is safe
/// for keys has much to do for each call, however little is asked.
const BYTES: usize = 16;
const AT_ONCE: usize = 32;

thread_local! {
    /// Bits that no name has yet.
    static UNUSED: RefCell<Vec<[u8; BYTES]>> = const { RefCell::new(Vec::new()) };
}

/// A new name; empty if there are no random numbers.
pub(super) fn new() -> String {
    let bits = UNUSED.try_with(|unused| {
        let mut unused = unused.try_borrow_mut().ok()?;
        if unused.is_empty() {
            let mut bits = [0; BYTES * AT_ONCE];
            provider().secure_random.fill(&mut bits).ok()?;
            unused.extend(bits.as_chunks().0);
        }
        unused.pop()
    });
    bits.ok().flatten().map(|bits| to_hex(&bits)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, new};
    use std::collections::BTreeSet;

    #[test]
    fn no_two_requests_have_one_name() {
        let one_thread = || (0..3 * AT_ONCE).map(|_| new()).collect::<Vec<_>>();
        let other = std::thread::spawn(one_thread);
        let names: BTreeSet<String> =
            one_thread().into_iter().chain(other.join().unwrap_or_default()).collect();
        assert_eq!(names.len(), 6 * AT_ONCE);
        assert!(names.iter().all(|name| name.len() == 32));
    }
}
