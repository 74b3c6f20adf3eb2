//! How many are under way: to let others go first takes time, and is worth it only where there
//! are some. Wrong for a moment does no harm.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Those who are under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd(Arc<AtomicUsize>);

impl Crowd {
    /// One more, for as long as the result lives.
    pub(crate) fn join(&self) -> Joined {
        self.0.fetch_add(1, Ordering::Relaxed);
        Joined(self.clone())
    }

    /// Lets others go first, if there are some besides the caller.
    pub(crate) async fn let_others_go(&self) {
        if self.0.load(Ordering::Relaxed) > 1 {
            tokio::task::yield_now().await;
        }
    }
}

/// One of a crowd.
#[derive(Debug)]
pub(crate) struct Joined(Crowd);

impl Drop for Joined {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Crowd;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[test]
    fn who_is_alone_waits_for_nobody() {
        let crowd = Crowd::default();
        let goes_on = || {
            let mut context = Context::from_waker(Waker::noop());
            pin!(crowd.let_others_go()).poll(&mut context).is_ready()
        };
        let one = crowd.join();
        assert!(goes_on());
        let other = crowd.clone().join();
        assert!(!goes_on());
        drop(other);
        assert!(goes_on());
        drop(one);
    }
}
