//! Work that outlasts whoever waits for it. hyper drops what serves a connection that is closed,
//! and neither a request nor its audit entry may end there: it is done where it is waited for, and
//! goes on in a task of its own from where it was dropped.

use super::refusal::Refusal;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// Work until it is done.
pub(super) struct Outlasting<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T: Send + 'static> Outlasting<T> {
    pub(super) fn new(work: impl Future<Output = T> + Send + 'static) -> Outlasting<T> {
        Outlasting { work: Some(Box::pin(work)) }
    }
}

/// What the work made. A panic in it is a fault of ours, and of one request only.
impl<T: Send + 'static> Future for Outlasting<T> {
    type Output = Result<T, Refusal>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, Refusal>> {
        let Some(work) = &mut self.work else { return Poll::Ready(Err(Refusal::Fault)) };
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        let done = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(done)) => Ok(done),
            Err(_) => Err(Refusal::Fault),
        };
        self.work = None;
        Poll::Ready(done)
    }
}

impl<T: Send + 'static> Drop for Outlasting<T> {
    fn drop(&mut self) {
        // Without a runtime the process is ending, and nothing can leave any more.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

impl<T: Send + 'static> fmt::Debug for Outlasting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlasting").finish_non_exhaustive()
    }
}
