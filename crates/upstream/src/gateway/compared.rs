//! Whether a connection was compared with what is accepted now.
//!
//! A connection is compared when it begins. The comparison holds until something is accepted, and
//! where a connection can outlive its server (over HTTP), until the server was lost or was not
//! available to the connection's caller, and for five minutes at most: it may have been started
//! anew in between, as another version. What it offers is asked for again then, before the next
//! call of the connection.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::listing::{compare, offered};
use crate::{
    CallContext,
    calls::Connection,
    catalog::{Catalog, ListBounds, OfferedError},
    link::Reachability,
};

/// How long a comparison holds where a connection can outlive its server.
const HOLDS: Duration = Duration::from_mins(5);

/// A connection that was compared.
pub(super) struct Compared {
    connection: Connection,
    catalog: Arc<Catalog>,
    /// Where a connection can outlive its server.
    reachability: Option<Reachability>,
    /// On what the last comparison that succeeded rests.
    basis: RwLock<Basis>,
    /// Held by who compares. The last comparison, if it failed: when it began, and why.
    comparing: Mutex<Option<(Instant, Arc<OfferedError>)>>,
}

/// On what a comparison rests.
#[derive(Debug, Clone, Copy)]
struct Basis {
    /// Of the catalog.
    revision: u64,
    /// How often the server was not available to the connection's caller.
    outages: u64,
    /// How often the server had been lost, and when this was known; `None` if a connection ends
    /// with its server.
    losses: Option<(u64, Instant)>,
}

impl Basis {
    fn now(
        connection: &Connection,
        catalog: &Catalog,
        reachability: Option<&Reachability>,
    ) -> Self {
        let losses = reachability.map(|it| (it.losses(), Instant::now()));
        Self { revision: catalog.revision(), outages: connection.outages(), losses }
    }

    /// Whether what rests on it holds at another one, which is later.
    fn holds(self, later: Self) -> bool {
        let same_server = match (self.losses, later.losses) {
            (Some((losses, at)), Some((now, then))) => losses == now && then - at < HOLDS,
            _ => true,
        };
        self.revision == later.revision && self.outages == later.outages && same_server
    }
}

impl Compared {
    /// Compares `connection` with `catalog` from now on.
    pub(super) async fn begin(
        connection: Connection,
        catalog: Arc<Catalog>,
        reachability: Option<Reachability>,
    ) -> Result<Arc<Self>, OfferedError> {
        let basis = Basis::now(&connection, &catalog, reachability.as_ref());
        compare(&connection, &catalog).await?;
        let (basis, comparing) = (RwLock::new(basis), Mutex::default());
        Ok(Arc::new(Self { connection, catalog, reachability, basis, comparing }))
    }

    fn now(&self) -> Basis {
        Basis::now(&self.connection, &self.catalog, self.reachability.as_ref())
    }

    fn holds(&self, later: Basis) -> bool {
        self.basis.read().unwrap_or_else(PoisonError::into_inner).holds(later)
    }

    /// Compares it again, on behalf of a caller, if the last comparison does not hold any more.
    /// Callers that wait for one comparison share its outcome.
    pub(super) async fn confirm(&self, context: &CallContext) -> Result<(), Arc<OfferedError>> {
        if self.holds(self.now()) {
            return Ok(());
        }
        let asked = Instant::now();
        let mut failure = self.comparing.lock().await;
        let basis = self.now();
        // No call is passed on over a connection that has ended.
        if self.holds(basis) || self.connection.is_closed() {
            return Ok(());
        }
        if let Some((began, error)) = &*failure
            && *began >= asked
        {
            return Err(Arc::clone(error));
        }
        let began = Instant::now();
        let connection = self.connection.of(&context.without_scopes());
        match offered(&connection, &ListBounds::default()).await {
            Ok(offered) => {
                self.catalog.learn(&offered.definitions);
                *self.basis.write().unwrap_or_else(PoisonError::into_inner) = basis;
                *failure = None;
                Ok(())
            }
            Err(error) => {
                let cause: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    upstream = self.catalog.name(),
                    error = cause,
                    "The server does not say what it offers: calls are refused until it does"
                );
                let error = Arc::new(error);
                *failure = Some((began, Arc::clone(&error)));
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use auth_core::ScopeSet;
    use serde_json::{Value, json};
    use tokio::{sync::mpsc, time::advance};

    use super::*;
    use crate::{
        calls::CallLimits,
        catalog::Pins,
        era::{Wanted, connect},
        link::{Incoming, Link, Outgoing},
    };

    /// How often a server was asked for its tools, and whether it says them.
    #[derive(Default)]
    struct Asked {
        times: AtomicUsize,
        is_broken: AtomicBool,
    }

    /// A server that lists tools alone.
    fn server(asked: Arc<Asked>) -> Link {
        let (sender, mut outgoing) = mpsc::channel::<Outgoing>(8);
        let (incoming, receiver) = mpsc::channel(8);
        tokio::spawn(async move {
            while let Some(sent) = outgoing.recv().await {
                let message: Value = serde_json::from_slice(&sent.message).unwrap();
                let is_list = message["method"] == "tools/list";
                asked.times.fetch_add(is_list.into(), Ordering::SeqCst);
                let error = |code| json!({ "error": { "code": code, "message": "" } });
                let mut answer = match message["method"].as_str() {
                    Some("initialize") => json!({ "result": {
                        "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                    } }),
                    Some("tools/list") if asked.is_broken.load(Ordering::SeqCst) => error(-32603),
                    Some("tools/list") => json!({ "result": { "tools": [] } }),
                    _ => error(-32601),
                };
                if let Some(id) = message.get("id") {
                    answer["jsonrpc"] = "2.0".into();
                    answer["id"] = id.clone();
                    let message = answer.to_string().into();
                    incoming.send(Incoming::Message { message, during: None }).await.unwrap();
                }
            }
        });
        Link { sender, receiver }
    }

    async fn compared(asked: &Arc<Asked>, reachability: Option<Reachability>) -> Arc<Compared> {
        let (limits, timeout) = (CallLimits::default(), Duration::from_secs(5));
        let link = server(Arc::clone(asked));
        let (connection, _) = connect(link, Wanted::Old, limits, timeout).await.unwrap();
        let catalog = Arc::new(Catalog::new("notes", Pins::default()));
        Compared::begin(connection, catalog, reachability).await.unwrap()
    }

    fn caller() -> CallContext {
        CallContext::new(None, ScopeSet::empty())
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_over_http_is_compared_every_five_minutes_of_use_and_a_process_once() {
        let (asked, reachability) = (Arc::<Asked>::default(), Reachability::default());
        let http = compared(&asked, Some(reachability.clone())).await;
        let times = || asked.times.swap(0, Ordering::SeqCst);
        assert_eq!(times(), 1);
        advance(HOLDS.saturating_sub(Duration::from_millis(1))).await;
        http.confirm(&caller()).await.unwrap();
        assert_eq!(times(), 0);
        advance(Duration::from_millis(1)).await;
        for expected in [1, 0] {
            http.confirm(&caller()).await.unwrap();
            assert_eq!(times(), expected);
        }
        reachability.interrupted();
        for expected in [1, 0] {
            http.confirm(&caller()).await.unwrap();
            assert_eq!(times(), expected);
        }
        let process = compared(&asked, None).await;
        assert_eq!(times(), 1);
        advance(HOLDS * 10).await;
        process.confirm(&caller()).await.unwrap();
        assert_eq!(times(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn callers_that_wait_for_a_comparison_share_its_failure_and_the_next_one_tries_again() {
        let (asked, reachability) = (Arc::<Asked>::default(), Reachability::default());
        let compared = compared(&asked, Some(reachability.clone())).await;
        reachability.interrupted();
        asked.is_broken.store(true, Ordering::SeqCst);
        asked.times.store(0, Ordering::SeqCst);
        let caller = caller();
        let all = tokio::join!(
            compared.confirm(&caller),
            compared.confirm(&caller),
            compared.confirm(&caller)
        );
        assert!(all.0.is_err() && all.1.is_err() && all.2.is_err());
        assert_eq!(asked.times.load(Ordering::SeqCst), 1);
        asked.is_broken.store(false, Ordering::SeqCst);
        advance(Duration::from_millis(1)).await;
        compared.confirm(&caller).await.unwrap();
        assert_eq!(asked.times.load(Ordering::SeqCst), 2);
    }
}
