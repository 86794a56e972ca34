//! Keeping fresh what is held, and writing down what was seen.

use std::{
    error::Error as _,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{Inner, Live, held::View};
use crate::{DirectoryError, Store, Watch};

/// How long the database may take to tell what has changed. (To read all of it may take longer; meanwhile
/// what is known gets older, and is not used beyond its bound.)
const NEWS_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before a database is asked again that did not answer.
const RETRY: Duration = Duration::from_millis(250);

/// How often it is written down who was seen.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// How many users are written down at once.
const WRITE_AT_ONCE: usize = 1000;

/// How often the database is tidied up.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// What was read last.
#[derive(Debug)]
pub(super) struct Cursor {
    position: i64,
    /// Whether all must be read again.
    is_lost: bool,
}

pub(super) async fn load<S: Store>(
    store: &S,
    max: usize,
) -> Result<(View, Cursor), DirectoryError> {
    let loaded = store.load(max).await?;
    let cursor = Cursor { position: loaded.position, is_lost: false };
    Ok((View::new(loaded, max), cursor))
}

impl<S: Store> Live<S> {
    /// Keeps what is known fresh and writes down who was seen, for as long as it is polled.
    pub async fn keep_fresh(&self) {
        tokio::join!(self.follow(), self.write_now_and_then(), self.prune_now_and_then());
    }

    async fn follow(&self) {
        loop {
            // The watch begins before the question: what changes in between is told by both.
            match self.store().watch().await {
                Ok(mut watch) => {
                    while self.refresh().await {
                        if let Err(fault) = watch.changed().await {
                            self.0.failed(&fault);
                            break;
                        }
                    }
                }
                Err(fault) => self.0.failed(&fault),
            }
            // The database that is there next may be an older copy.
            self.0.cursor.lock().await.is_lost = true;
            sleep(RETRY).await;
        }
    }

    /// Reads what has changed; `false` if the database could not be asked.
    pub(super) async fn refresh(&self) -> bool {
        let mut cursor = self.0.cursor.lock().await;
        let asked = Instant::now();
        match self.0.read_news(&mut cursor).await {
            Ok(()) => {
                self.0.confirm(asked);
                true
            }
            Err(fault) => {
                self.0.failed(&fault);
                false
            }
        }
    }

    async fn write_now_and_then(&self) {
        loop {
            sleep(WRITE_EVERY).await;
            self.write_seen().await;
        }
    }

    /// Writes down all who were seen; what cannot be written waits for the next time.
    pub(super) async fn write_seen(&self) {
        loop {
            let taken = self.0.seen.take(WRITE_AT_ONCE);
            if taken.is_empty() {
                return;
            }
            if let Err(fault) = self.store().write_seen(&taken).await {
                tracing::debug!(%fault, "Who was seen could not be written down");
                self.0.seen.put_back(taken);
                return;
            }
        }
    }

    async fn prune_now_and_then(&self) {
        loop {
            if let Err(fault) = self.store().prune(self.0.settings.clock.now()).await {
                tracing::debug!(%fault, "The user database could not be tidied up");
            }
            sleep(PRUNE_EVERY).await;
        }
    }
}

impl<S: Store> Inner<S> {
    async fn read_news(&self, cursor: &mut Cursor) -> Result<(), DirectoryError> {
        let max = self.settings.max_in_memory;
        if !cursor.is_lost {
            let news = timeout(NEWS_TIMEOUT, self.store.news(cursor.position)).await;
            let late = |_| DirectoryError::Unavailable {
                place: "behind the users in memory".into(),
                source: "it took too long to say what has changed".into(),
            };
            if let Some(news) = news.map_err(late)?? {
                cursor.position = news.position;
                let view = self.view.load();
                view.take(news);
                if !view.is_over(max) {
                    return Ok(());
                }
            }
        }
        let (view, read) = load(&self.store, max).await?;
        self.view.store(view.into());
        *cursor = read;
        Ok(())
    }

    /// Whether what is known may still serve.
    pub(super) fn check(&self) -> Result<(), DirectoryError> {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::Acquire));
        let age = self.began.elapsed().saturating_sub(confirmed);
        if age <= self.settings.max_age {
            return Ok(());
        }
        Err(DirectoryError::Stale { for_secs: age.as_secs() })
    }

    fn confirm(&self, asked: Instant) {
        let age = asked.saturating_duration_since(self.began).as_millis();
        self.confirmed.fetch_max(u64::try_from(age).unwrap_or(u64::MAX), Ordering::AcqRel);
        let away = self.away_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if away.is_some() {
            tracing::info!("The user database answers again");
        }
    }

    fn failed(&self, fault: &DirectoryError) {
        let mut away = self.away_since.lock().unwrap_or_else(PoisonError::into_inner);
        if away.is_none() {
            *away = Some(self.settings.clock.now());
            let for_secs = self.settings.max_age.as_secs();
            tracing::warn!(
                %fault, reason = fault.source(),
                "The user database cannot be asked: what is known serves for {for_secs} s"
            );
        }
    }
}
