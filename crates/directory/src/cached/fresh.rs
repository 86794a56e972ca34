//! Keeping fresh what is held, and writing down what was seen.

use std::{
    error::Error as _,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{CachedDirectory, Inner, record, snapshot::Snapshot};
use crate::{DirectoryError, Store, Watch};

/// How long the database may take to tell what has changed. (To read all of it may take longer;
/// meanwhile what is known gets older, and is not used beyond its bound.)
const CHANGES_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait before a database is asked again that did not answer.
const RETRY: Duration = Duration::from_millis(250);

/// How often it is written down who was seen.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// How many users are written down at once.
const WRITE_AT_ONCE: usize = 1000;

/// How often the database is tidied up.
const PRUNE_EVERY: Duration = Duration::from_hours(1);

/// How long to wait before that is tried again after it failed.
const PRUNE_AGAIN: Duration = Duration::from_mins(1);

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
) -> Result<(Snapshot, Cursor), DirectoryError> {
    let loaded = store.load(max).await?;
    let cursor = Cursor { position: loaded.position, is_lost: false };
    Ok((Snapshot::new(loaded, max), cursor))
}

impl<S: Store> CachedDirectory<S> {
    /// Keeps what is known fresh and writes down who was seen, for as long as it is polled.
    pub async fn keep_fresh(&self) {
        tokio::join!(
            Box::pin(self.follow()),
            Box::pin(self.write_now_and_then()),
            Box::pin(self.prune_now_and_then())
        );
    }

    async fn follow(&self) {
        loop {
            // The watch begins before the question: what changes in between is reported by both.
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
        match self.0.read_changes(&mut cursor).await {
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
            self.write_last_seen().await;
        }
    }

    /// Writes down all who were seen; what cannot be written waits for the next time.
    pub(super) async fn write_last_seen(&self) {
        loop {
            let taken = self.0.last_seen.take(WRITE_AT_ONCE);
            if taken.is_empty() {
                return;
            }
            let written = self.store().write_last_seen(&taken).await;
            record(&self.0.writing, &written, self.0.settings.clock.now());
            if written.is_err() {
                self.0.last_seen.put_back(taken);
                return;
            }
        }
    }

    async fn prune_now_and_then(&self) {
        loop {
            sleep(if self.prune().await { PRUNE_EVERY } else { PRUNE_AGAIN }).await;
        }
    }

    /// Tidies up; `false` if that failed.
    pub(super) async fn prune(&self) -> bool {
        let now = self.0.settings.clock.now();
        let pruned = self.store().prune(now).await;
        record(&self.0.pruning, &pruned, now);
        pruned.is_ok()
    }
}

impl<S: Store> Inner<S> {
    async fn read_changes(&self, cursor: &mut Cursor) -> Result<(), DirectoryError> {
        let max = self.settings.max_in_memory;
        if !cursor.is_lost {
            let changes = timeout(CHANGES_TIMEOUT, self.store.changes_since(cursor.position)).await;
            let late = |_| DirectoryError::Unavailable {
                place: "behind the users in memory".into(),
                source: "it took too long to say what has changed".into(),
            };
            if let Some(changes) = changes.map_err(late)?? {
                cursor.position = changes.position;
                let snapshot = self.snapshot.load();
                snapshot.apply(changes);
                if !snapshot.is_over(max) {
                    return Ok(());
                }
            }
        }
        let (snapshot, read) = load(&self.store, max).await?;
        self.snapshot.store(snapshot.into());
        *cursor = read;
        Ok(())
    }

    /// How long ago the database was last asked with success.
    pub(super) fn age(&self) -> Duration {
        let confirmed = Duration::from_millis(self.confirmed.load(Ordering::Acquire));
        self.began.elapsed().saturating_sub(confirmed)
    }

    /// Whether what is known may still serve.
    pub(super) fn check(&self) -> Result<(), DirectoryError> {
        let age = self.age();
        if age <= self.settings.max_age {
            return Ok(());
        }
        Err(DirectoryError::Stale { for_secs: age.as_secs() })
    }

    fn confirm(&self, asked: Instant) {
        let age = asked.saturating_duration_since(self.began).as_millis();
        self.confirmed.fetch_max(u64::try_from(age).unwrap_or(u64::MAX), Ordering::AcqRel);
        let away = self.unavailable_since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if away.is_some() {
            tracing::info!("The user database answers again");
        }
    }

    fn failed(&self, fault: &DirectoryError) {
        let mut away = self.unavailable_since.lock().unwrap_or_else(PoisonError::into_inner);
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

#[cfg(test)]
mod tests {
    use auth_core::{Issuer, NumericDate};
    use testkit::ManualClock;

    use super::*;
    use crate::{CacheSettings, Directory, Edit, NewUser, RevokedToken, SqliteDirectory, Stamp};

    const NOW: i64 = 1_800_000_000;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    #[tokio::test]
    async fn background_work_that_fails_is_named_until_it_succeeds() {
        let clock = ManualClock::at(NOW);
        let store = SqliteDirectory::open("sqlite::memory:").await.unwrap();
        let settings = CacheSettings {
            max_in_memory: 10,
            max_age: Duration::from_mins(1),
            clock: clock.clone(),
        };
        let cached = CachedDirectory::load(store, settings).await.unwrap();
        let issuer: Issuer = "https://issuer.example".parse().unwrap();
        let stamp = Stamp::new("a test", at(NOW));
        let new = NewUser {
            issuer: issuer.clone(),
            subject: "alice".parse().unwrap(),
            display_name: String::new(),
            roles: ["user".parse().unwrap()].into(),
        };
        cached.add(new, &stamp).await.unwrap();
        let ended = RevokedToken {
            issuer: issuer.clone(),
            token_id: "t".parse().unwrap(),
            expires_at: Some(at(NOW - 7200)),
        };
        let _ = cached.edit(Edit::RevokeToken(ended), &stamp).await.unwrap();
        let alice = cached.find(&issuer, &"alice".parse().unwrap()).await.unwrap().unwrap();
        cached.touch(&alice, at(NOW));
        let sql = async |statements: &'static str| {
            sqlx::raw_sql(statements).execute(cached.store().pool()).await.unwrap();
        };
        sql("CREATE TRIGGER a BEFORE UPDATE ON users BEGIN SELECT RAISE(ROLLBACK, 'full'); END; \
             CREATE TRIGGER b BEFORE DELETE ON revoked_tokens \
                BEGIN SELECT RAISE(ROLLBACK, 'full'); END")
        .await;
        assert_eq!(cached.failing(), []);
        for _ in 0..2 {
            cached.write_last_seen().await;
            assert!(!cached.prune().await);
            let failing = cached.failing();
            let jobs = failing.iter().map(|it| (it.job.as_str(), it.since));
            let jobs: Vec<_> = jobs.collect();
            let named =
                ["writing down when users were last seen", "removing expired roles and tokens"];
            assert_eq!(jobs, named.map(|job| (job, at(NOW))));
            clock.advance(Duration::from_secs(10));
        }
        sql("DROP TRIGGER a; DROP TRIGGER b").await;
        cached.write_last_seen().await;
        assert!(cached.prune().await);
        assert_eq!(cached.failing(), []);
        let alice = cached.store().find(&issuer, &"alice".parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(alice.last_seen_at(), Some(at(NOW)), "what could not be written was kept");
        assert_eq!(cached.revoked_tokens().await.unwrap(), []);
    }
}
