//! Answers from memory, kept fresh from the database that they come from.
//!
//! 1. All users and revoked tokens are held in memory, up to a number; of more, those that were
//!    asked for last. Readers take no lock that a change could hold.
//! 2. A change is seen within a second, from whichever process: the database reports that something
//!    has changed ([`Watch`](crate::Watch)), and what has changed is read again.
//! 3. While the database cannot be asked, what is known serves for a bounded time; then everything
//!    is an error ([`DirectoryError::Stale`]). What is not known is an error at once.
//! 4. After an outage all is read again: notifications may be lost, and the database may be an
//!    older copy.
//! 5. When users were last seen is written down in the background, at most once a minute for each,
//!    and all of it when the directory is closed. What cannot be written is tried again, and
//!    reported ([`JobFailure`]).
//!
//! **Invariant:** an answer is what the database held at a moment that is not longer ago than
//! `max_age`.

mod fresh;
mod last_seen;
mod snapshot;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use arc_swap::ArcSwap;
use auth_core::{
    Clock, FailureChange, Issuer, JobFailure, JobHealth, NumericDate, Subject, TokenId,
};
use tokio::time::Instant;

use self::{
    fresh::Cursor,
    last_seen::LastSeenQueue,
    snapshot::{Lookup, Snapshot},
};
use crate::{
    ChangeRecord, Directory, DirectoryError, Edit, EditOutcome, RevokedToken, Stamp, Store, User,
    UserName,
};

/// How a [`CachedDirectory`] behaves.
#[derive(Debug, Clone)]
pub struct CacheSettings {
    /// How many users, and how many revoked tokens, are held in memory at most.
    pub max_in_memory: usize,
    /// How long what is known serves while the database cannot be asked.
    pub max_age: Duration,
    /// What time it is, for saying since when.
    pub clock: Arc<dyn Clock>,
}

/// A directory that answers from memory. Its clones are the same directory.
#[derive(Debug)]
pub struct CachedDirectory<S>(Arc<Inner<S>>);

#[derive(Debug)]
struct Inner<S> {
    store: S,
    settings: CacheSettings,
    snapshot: ArcSwap<Snapshot>,
    /// What was read last; held while more is read, so that only one task does.
    cursor: tokio::sync::Mutex<Cursor>,
    began: Instant,
    /// When the database was last asked with success: milliseconds after `began`.
    confirmed: AtomicU64,
    unavailable_since: Mutex<Option<NumericDate>>,
    last_seen: LastSeenQueue,
    writing: JobHealth,
    pruning: JobHealth,
}

impl<S> Clone for CachedDirectory<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Store> CachedDirectory<S> {
    /// Reads all that `store` holds. It stays as fresh as it is now until
    /// [`keep_fresh`](Self::keep_fresh) runs.
    pub async fn load(store: S, settings: CacheSettings) -> Result<Self, DirectoryError> {
        let began = Instant::now();
        let (snapshot, cursor) = fresh::load(&store, settings.max_in_memory).await?;
        Ok(Self(Arc::new(Inner {
            store,
            settings,
            snapshot: ArcSwap::from_pointee(snapshot),
            cursor: tokio::sync::Mutex::new(cursor),
            began,
            confirmed: AtomicU64::new(0),
            unavailable_since: Mutex::new(None),
            last_seen: LastSeenQueue::default(),
            writing: JobHealth::new("writing down when users were last seen"),
            pruning: JobHealth::new("removing expired roles and tokens"),
        })))
    }

    /// Writes down what is still to be written, and closes the database.
    pub async fn close(&self) {
        self.write_last_seen().await;
        self.0.store.close().await;
    }

    /// The database behind it.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.0.store
    }

    /// Whether there is no user. It is not known of a directory that is too large for memory, which
    /// is not.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.snapshot.load().is_empty()
    }

    /// How many users are held in memory now.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.snapshot.load().users.len()
    }
}

impl<S: Store> Directory for CachedDirectory<S> {
    async fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        self.0.check()?;
        let answer = self.0.snapshot.load().user(issuer, subject);
        match answer {
            Lookup::Found(user) => return Ok(Some(user)),
            Lookup::Absent => return Ok(None),
            Lookup::Unknown => {}
        }
        let snapshot = self.0.snapshot.load_full();
        let epoch = snapshot.begin_read();
        // On the heap: what a database needs is large, and would be carried along by every request.
        let user = Box::pin(self.0.store.find(issuer, subject)).await?;
        snapshot.learn_user(&epoch, issuer, subject, user.as_ref());
        Ok(user)
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        self.0.store.list().await
    }

    /// Counts here as soon as it is made, and so does a user whom another process has added before.
    async fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> Result<Vec<EditOutcome>, DirectoryError> {
        let changes = self.0.store.apply(edits, stamp).await;
        if matches!(changes, Ok(_) | Err(DirectoryError::Exists { .. })) {
            self.refresh().await;
        }
        changes
    }

    async fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> Result<bool, DirectoryError> {
        self.0.check()?;
        let known = self.0.snapshot.load().is_revoked(issuer, token_id);
        if let Some(known) = known {
            return Ok(known);
        }
        let snapshot = self.0.snapshot.load_full();
        let epoch = snapshot.begin_read();
        let revoked = self.0.store.is_revoked(issuer, token_id).await?;
        snapshot.learn_token(&epoch, issuer, token_id, revoked);
        Ok(revoked)
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        self.0.store.revoked_tokens().await
    }

    async fn record(&self, limit: u32) -> Result<Vec<ChangeRecord>, DirectoryError> {
        self.0.store.record(limit).await
    }

    async fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, DirectoryError> {
        self.0.store.record_of(user, limit).await
    }

    /// Whether what is known is fresh enough to answer.
    async fn ping(&self) -> Result<(), DirectoryError> {
        self.0.check()
    }

    fn unavailable_since(&self) -> Option<NumericDate> {
        *self.0.unavailable_since.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn age(&self) -> Option<Duration> {
        Some(self.0.age())
    }

    fn failing(&self) -> Vec<JobFailure> {
        [&self.0.writing, &self.0.pruning].into_iter().filter_map(JobHealth::failure).collect()
    }

    fn touch(&self, user: &User, now: NumericDate) {
        if user.touch(now) {
            self.0.last_seen.push(user, now);
        }
    }
}

/// Records how a job ended. The log has one line when it begins to fail, and one when it works
/// again.
fn record(health: &JobHealth, result: &Result<(), DirectoryError>, now: NumericDate) {
    let job = health.job();
    match result {
        Ok(()) => {
            if health.succeeded() {
                tracing::info!("The user database: {job} works again");
            }
        }
        Err(fault) => {
            if health.failed(fault, now) == FailureChange::Began {
                let reason = std::error::Error::source(fault);
                tracing::warn!(%fault, reason, "The user database: {job} fails");
            }
        }
    }
}
