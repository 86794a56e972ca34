//! Which server process is whose: started when it is needed, ended when it is not.
//!
//! 1. **One for each owner** by default ([`Instances`]). A server over stdio cannot say which call
//!    a question or a log line belongs to, and may keep what one caller gave it. So a server that
//!    is shared shows one caller what another one has.
//! 2. **Started once.** Callers that need the same one wait for one start.
//! 3. **Bounded** ([`Bounds`]): in total, for each owner, and how many are starting. When there is
//!    no room, the one that no one has used for longest is ended. One that is in use is never
//!    ended for another.
//! 4. **Ended when idle**: after [`PoolConfig::idle`] without a [`Lease`].
//! 5. **Restarted with backoff** ([`Backoff`]). The first restart is immediate. Failures of one
//!    owner's server do not delay another's.
//!
//! **Invariant:** a connection is only given to the [`Key`] for which it was made.

mod backoff;
mod bounds;
mod error;
mod instances;
mod lease;
mod start;
mod turns;
mod usage;

use std::{
    collections::HashMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use backoff::Backoff;
pub use bounds::{Bounds, BoundsConfig, Slot};
pub use error::PoolError;
pub use instances::{Instances, Key};
pub use lease::Lease;
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use self::{
    backoff::History,
    lease::Outcome,
    turns::Turns,
    usage::{Usage, Used},
};
use crate::link::{ClosedError, Link, Reachability};

/// Where connections come from.
pub trait Source: Send + Sync + 'static {
    /// Whether the server sees on whose behalf a message is. Then no connection is shared.
    fn is_per_caller(&self) -> bool {
        false
    }

    /// Whether the server can be reached, where a connection can outlive its server: over HTTP.
    fn reachability(&self) -> Option<Reachability> {
        None
    }

    /// Opens a new connection. The source keeps `slot` until all that belongs to the connection
    /// has ended, and closes it when the connection does.
    fn open(&self, slot: Slot) -> impl Future<Output = Result<Link, ClosedError>> + Send;
}

/// How one upstream's servers are started and ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Who shares a server. Default: [`Instances::PerOwner`].
    pub instances: Instances,
    /// How long a server is kept that no one uses. Default: 10 minutes.
    pub idle: Duration,
    /// How long a start may take, from the program to the end of the handshake. Default: 60
    /// seconds, as `npx` and `uvx` may have to download the server.
    pub start_timeout: Duration,
    /// How many may be starting at the same time. Default: 4.
    pub max_starting: usize,
    /// How long a caller waits for room, or for a restart; it is refused at once if that would
    /// take longer. Default: 5 seconds.
    pub patience: Duration,
    /// How long it takes until a server that failed is started again.
    pub backoff: Backoff,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            instances: Instances::default(),
            idle: Duration::from_mins(10),
            start_timeout: Duration::from_mins(1),
            max_starting: 4,
            patience: Duration::from_secs(5),
            backoff: Backoff::default(),
        }
    }
}

/// The servers of one upstream, each with its connection `C`. Cheap to clone: it is one pool.
pub struct Pool<S, C>(Arc<Inner<S, C>>);

struct Inner<S, C> {
    source: S,
    config: PoolConfig,
    bounds: Bounds,
    starting: Semaphore,
    turns: Turns,
    entries: Mutex<Entries<C>>,
}

struct Entries<C> {
    running: HashMap<Key, Entry<C>>,
    history: History,
}

/// A server that runs, or is being started.
struct Entry<C> {
    usage: Arc<Usage>,
    started: watch::Receiver<Outcome<C>>,
}

impl<S: Source, C: Send + Sync + 'static> Pool<S, C> {
    /// A pool without a server. `bounds` are those of all upstreams together.
    pub fn new(source: S, config: PoolConfig, bounds: Bounds) -> Self {
        let entries = Entries { running: HashMap::new(), history: History::default() };
        Self(Arc::new(Inner {
            source,
            starting: Semaphore::new(config.max_starting.max(1)),
            turns: Turns::default(),
            config,
            bounds,
            entries: Mutex::new(entries),
        }))
    }

    /// How it is configured.
    #[must_use]
    pub fn config(&self) -> &PoolConfig {
        &self.0.config
    }

    /// The connection of `key`. If there is none, one is opened and `handshake` makes it ready.
    ///
    /// A start goes on if this future is dropped, since others may wait for it.
    pub async fn get<H, F, E>(&self, key: &Key, handshake: H) -> Result<Lease<C>, PoolError>
    where
        H: FnOnce(Link) -> F + Send + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let (mut started, used) = self.entry(key, handshake)?;
        let outcome = match started.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            // The runtime is at its end.
            Err(_) => None,
        };
        outcome.unwrap_or(Err(PoolError::Ended)).map(|instance| Lease::new(instance, used))
    }

    /// The entry of `key`, used from now on. A new one begins to start.
    fn entry<H, F, E>(
        &self,
        key: &Key,
        handshake: H,
    ) -> Result<(watch::Receiver<Outcome<C>>, Used), PoolError>
    where
        H: FnOnce(Link) -> F + Send + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let mut entries = self.0.entries();
        let entry = entries.running.get(key);
        if let Some((entry, used)) = entry.and_then(|it| Some((it, it.usage.begin()?))) {
            return Ok((entry.started.clone(), used));
        }
        let now = Instant::now();
        let not_before = entries.history.not_before(key).filter(|time| *time > now);
        if let Some(wait) = not_before.map(|time| time - now)
            && wait > self.0.config.patience
        {
            return Err(PoolError::Backoff(wait));
        }
        let usage = Usage::new(key.owner().cloned());
        let used = usage.begin().ok_or(PoolError::Ended)?;
        let (tell, started) = watch::channel(None);
        let start = start::Start { pool: Arc::clone(&self.0), key: key.clone(), usage, not_before };
        entries.running.insert(
            key.clone(),
            Entry { usage: Arc::clone(&start.usage), started: started.clone() },
        );
        drop(entries);
        tokio::spawn(start.run(tell, handshake));
        Ok((started, used))
    }

    /// Ends the server of `key` as soon as no one uses it; the next [`Self::get`] starts a new one.
    pub fn end(&self, key: &Key) {
        if let Some(entry) = self.0.entries().running.remove(key) {
            entry.usage.end();
        }
    }

    /// How many there are, starting ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.entries().running.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<S, C> Pool<S, C> {
    /// Ends all servers as soon as no one uses them.
    pub fn end_all(&self) {
        self.0.entries().running.drain().for_each(|(_, entry)| entry.usage.end());
    }
}

impl<S, C> Inner<S, C> {
    fn entries(&self) -> MutexGuard<'_, Entries<C>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, C> Clone for Pool<S, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, C> fmt::Debug for Pool<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("config", &self.0.config).finish_non_exhaustive()
    }
}
