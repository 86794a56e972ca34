//! A panic in a tool ends its call, and nothing else.

use std::{
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

/// The output of `future`; `None` if it panics. What it was doing is dropped, and what it shares
/// with others must bear that: a mutex that it held is poisoned.
pub(crate) async fn catch_panic<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

#[cfg(feature = "rmcp")]
mod handler;
#[cfg(feature = "rmcp")]
pub use self::handler::CatchPanic;
