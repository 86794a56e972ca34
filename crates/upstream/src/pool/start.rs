//! One server, from its start to its end.

use std::{error::Error, sync::Arc};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Inner, Key, PoolError, Source,
    lease::{Instance, Outcome},
    usage::{Over, Usage},
};
use crate::link::Link;

/// A server that is to be started.
pub(super) struct Start<S, C> {
    pub(super) pool: Arc<Inner<S, C>>,
    pub(super) key: Key,
    pub(super) usage: Arc<Usage>,
    /// When; `None`: at once.
    pub(super) not_before: Option<Instant>,
}

impl<S: Source, C: Send + Sync + 'static> Start<S, C> {
    /// Starts it, sends the outcome to all who wait, and keeps it until it is over.
    pub(super) async fn run<H, F, E>(self, outcome: watch::Sender<Outcome<C>>, handshake: H)
    where
        H: FnOnce(Link) -> F + Send + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        if let Some(time) = self.not_before {
            sleep_until(time).await;
        }
        let started = self.start(handshake).await;
        let began = Instant::now();
        let failed = match started {
            Ok(connection) => {
                let instance = Arc::new(Instance { connection });
                outcome.send_replace(Some(Ok(Arc::clone(&instance))));
                let over = self.usage.over(self.pool.config.idle).await;
                drop(instance);
                over == Over::Closed
            }
            Err(error) => {
                // Before anyone who gets the error comes again.
                self.forget(error.is_failure(), began);
                outcome.send_replace(Some(Err(error)));
                return;
            }
        };
        self.forget(failed, began);
        // The last connection but those of leases: with it the server ends.
        drop(outcome);
    }

    async fn start<H, F, E>(&self, handshake: H) -> Result<C, PoolError>
    where
        H: FnOnce(Link) -> F + Send + 'static,
        F: Future<Output = Result<C, E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>> + Send + 'static,
    {
        let config = &self.pool.config;
        let within = config.start_timeout;
        // One start of each user at a time, so that no user fills the queue of all.
        let turn = self.usage.holder().map(|holder| self.pool.turns.of(holder));
        let _turn = match turn {
            Some(turn) => {
                let turn = timeout(within, turn.acquire_owned()).await;
                Some(turn.map_err(|_| PoolError::OwnerFull)?.map_err(|_| PoolError::Ended)?)
            }
            None => None,
        };
        // Waiting for others to start is no fault of this one.
        let queue = timeout(within, self.pool.starting.acquire()).await;
        let _starting = queue.map_err(|_| PoolError::Full)?.map_err(|_| PoolError::Ended)?;
        let slot = self.pool.bounds.take(&self.usage, config.patience).await?;
        let start = async {
            let opened = self.pool.source.open(slot).await;
            let link = opened.map_err(|error| PoolError::NotStarted(Arc::new(error)))?;
            handshake(link).await.map_err(|error| {
                let error: Box<dyn Error + Send + Sync> = error.into();
                PoolError::Handshake(error.into())
            })
        };
        timeout(within, start).await.unwrap_or(Err(PoolError::TooSlow(within)))
    }

    /// The next caller starts a new one.
    fn forget(&self, is_failed: bool, began: Instant) {
        let mut random = [0; 4];
        // Without chance the delay is the shortest of its range.
        let _ = getrandom::fill(&mut random);
        let mut entries = self.pool.entries();
        let is_this = |usage: &Arc<Usage>| Arc::ptr_eq(usage, &self.usage);
        if entries.running.get(&self.key).is_some_and(|entry| is_this(&entry.usage)) {
            entries.running.remove(&self.key);
        }
        let (ran, backoff) = (began.elapsed(), self.pool.config.backoff);
        if is_failed {
            entries.history.failed(&self.key, ran, backoff, u32::from_ne_bytes(random));
        } else {
            entries.history.succeeded(&self.key, ran, backoff);
        }
    }
}
