//! A document of a provider that is fetched when it is needed, and kept.
//!
//! 1. It is fetched by one request at a time; the others wait for that one. The fetch goes on when
//!    the browser that caused it goes away.
//! 2. After a fetch, none begins for 10 s, whatever came of it.
//! 3. What could not be renewed is used for a day longer.

use std::{future::Future, sync::Arc, time::Duration};

use auth_core::{Clock, NumericDate};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::fault::ProviderFault;

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a document is used that could not be renewed.
const OUTAGE: Duration = Duration::from_hours(24);

/// A document.
pub(crate) struct Kept<T> {
    what: &'static str,
    state: Arc<Mutex<State<T>>>,
}

struct State<T> {
    value: Option<Value<T>>,
    asked: Option<NumericDate>,
}

struct Value<T> {
    document: Arc<T>,
    fetched: NumericDate,
    lifetime: Duration,
}

impl<T: Send + Sync + 'static> Kept<T> {
    /// None yet. `what` names it in faults.
    pub(crate) fn new(what: &'static str) -> Self {
        Self { what, state: Arc::new(Mutex::new(State { value: None, asked: None })) }
    }

    /// The document, fetched if need be. A fetch says how long its result may be kept.
    pub(crate) async fn get<F>(&self, clock: &Arc<dyn Clock>, fetch: F) -> Fetched<T>
    where
        F: Future<Output = Result<(T, Duration), ProviderFault>> + Send + 'static,
    {
        let state = Arc::clone(&self.state).lock_owned().await;
        let now = clock.now();
        if let Some(fresh) = state.value.as_ref().filter(|value| value.is_fresh(now)) {
            return Ok(Arc::clone(&fresh.document));
        }
        if state.is_paused(now) {
            return state.usable(now).ok_or(ProviderFault::Pause(self.what));
        }
        fetch_into(state, clock, fetch).await
    }

    /// The document again, for a caller whom `seen` does not help: a newer one that has come since,
    /// or that comes now. `None` if there is none.
    pub(crate) async fn newer_than<F>(
        &self,
        seen: &Arc<T>,
        clock: &Arc<dyn Clock>,
        fetch: F,
    ) -> Option<Arc<T>>
    where
        F: Future<Output = Result<(T, Duration), ProviderFault>> + Send + 'static,
    {
        let state = Arc::clone(&self.state).lock_owned().await;
        let now = clock.now();
        let newer = state.usable(now).filter(|value| !Arc::ptr_eq(value, seen));
        if newer.is_some() || state.is_paused(now) {
            return newer;
        }
        let fetched = fetch_into(state, clock, fetch).await.ok();
        fetched.filter(|value| !Arc::ptr_eq(value, seen))
    }
}

/// A document, or why there is none.
type Fetched<T> = Result<Arc<T>, ProviderFault>;

async fn fetch_into<T, F>(
    mut state: OwnedMutexGuard<State<T>>,
    clock: &Arc<dyn Clock>,
    fetch: F,
) -> Fetched<T>
where
    T: Send + Sync + 'static,
    F: Future<Output = Result<(T, Duration), ProviderFault>> + Send + 'static,
{
    let clock = Arc::clone(clock);
    // On its own: a browser that goes away must not leave a fetch behind that never counts.
    let task = tokio::spawn(async move {
        let fetched = fetch.await;
        let now = clock.now();
        state.asked = Some(now);
        match fetched {
            Ok((value, lifetime)) => {
                let value = Arc::new(value);
                state.value = Some(Value { document: Arc::clone(&value), fetched: now, lifetime });
                Ok(value)
            }
            Err(fault) => match state.usable(now) {
                Some(old) => {
                    let fault = &fault as &dyn std::error::Error;
                    tracing::warn!(fault, "What is known of a provider cannot be renewed");
                    Ok(old)
                }
                None => Err(fault),
            },
        }
    });
    task.await.unwrap_or(Err(ProviderFault::Interrupted))
}

impl<T> Value<T> {
    fn is_fresh(&self, now: NumericDate) -> bool {
        self.fetched <= now && now.since(self.fetched) < self.lifetime
    }
}

impl<T> State<T> {
    /// A clock that was set back ends the pause: it could last indefinitely otherwise.
    fn is_paused(&self, now: NumericDate) -> bool {
        self.asked.is_some_and(|asked| asked <= now && now.since(asked) < PAUSE)
    }

    fn usable(&self, now: NumericDate) -> Option<Arc<T>> {
        let value = self.value.as_ref()?;
        let is_usable = now.since(value.fetched) < value.lifetime + OUTAGE;
        is_usable.then(|| Arc::clone(&value.document))
    }
}

impl<T> std::fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept({})", self.what)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use testkit::ManualClock;

    use super::*;

    const LIFETIME: Duration = Duration::from_mins(10);

    struct Source {
        clock: Arc<ManualClock>,
        count: Arc<AtomicU32>,
    }

    impl Source {
        fn new() -> Self {
            Self { clock: ManualClock::at(testkit::NOW), count: Arc::default() }
        }

        fn clock(&self) -> Arc<dyn Clock> {
            Arc::clone(&self.clock) as Arc<dyn Clock>
        }

        fn fetch(
            &self,
            works: bool,
        ) -> impl Future<Output = Result<(u32, Duration), ProviderFault>> + use<> {
            let count = Arc::clone(&self.count);
            async move {
                tokio::task::yield_now().await;
                let count = count.fetch_add(1, Ordering::SeqCst) + 1;
                if works { Ok((count, LIFETIME)) } else { Err(ProviderFault::Keys) }
            }
        }

        fn advance(&self, secs: u64) {
            self.clock.advance(Duration::from_secs(secs));
        }
    }

    #[tokio::test]
    async fn one_fetch_serves_all_while_it_is_fresh() {
        let (source, kept) = (Source::new(), Kept::new("it"));
        let clock = source.clock();
        let (one, two) = tokio::join!(
            kept.get(&clock, source.fetch(true)),
            kept.get(&clock, source.fetch(true))
        );
        assert_eq!((*one.unwrap(), *two.unwrap()), (1, 1));
        source.advance(599);
        assert_eq!(*kept.get(&clock, source.fetch(true)).await.unwrap(), 1);
        source.advance(1);
        assert_eq!(*kept.get(&clock, source.fetch(true)).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn a_failure_is_not_repeated_at_once_and_an_old_document_serves_for_a_day() {
        let (source, kept) = (Source::new(), Kept::new("it"));
        let clock = source.clock();
        assert!(matches!(kept.get(&clock, source.fetch(false)).await, Err(ProviderFault::Keys)));
        let again = kept.get(&clock, source.fetch(true)).await;
        assert!(matches!(again, Err(ProviderFault::Pause("it"))));
        source.advance(10);
        assert_eq!(*kept.get(&clock, source.fetch(true)).await.unwrap(), 2);
        source.advance(600);
        assert_eq!(*kept.get(&clock, source.fetch(false)).await.unwrap(), 2);
        source.advance(24 * 3600);
        assert!(kept.get(&clock, source.fetch(false)).await.is_err());
    }

    #[tokio::test]
    async fn a_newer_document_is_fetched_once_in_ten_seconds() {
        let (source, kept) = (Source::new(), Kept::new("it"));
        let clock = source.clock();
        let first = kept.get(&clock, source.fetch(true)).await.unwrap();
        assert!(kept.newer_than(&first, &clock, source.fetch(true)).await.is_none());
        source.advance(10);
        let second = kept.newer_than(&first, &clock, source.fetch(true)).await.unwrap();
        assert_eq!(*second, 2);
        // A caller that saw the first gets the second without a fetch.
        assert_eq!(*kept.newer_than(&first, &clock, source.fetch(true)).await.unwrap(), 2);
        source.advance(10);
        assert!(kept.newer_than(&second, &clock, source.fetch(false)).await.is_none());
    }

    #[tokio::test]
    async fn a_fetch_goes_on_without_the_browser_that_caused_it() {
        let (source, kept) = (Source::new(), Kept::new("it"));
        let clock = source.clock();
        {
            let abandoned = kept.get(&clock, source.fetch(true));
            tokio::pin!(abandoned);
            // Polled once, so that the fetch begins, and dropped.
            assert!(poll_once(&mut abandoned).await.is_none());
        }
        assert_eq!(*kept.get(&clock, source.fetch(true)).await.unwrap(), 1);
    }

    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
