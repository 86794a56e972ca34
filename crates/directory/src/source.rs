//! What a database must do beyond answering, so that [`CachedDirectory`](crate::CachedDirectory)
//! can answer from memory.

use std::{future::Future, sync::Arc};

use auth_core::{Issuer, NumericDate, TokenId};

use crate::{Directory, DirectoryError, RevokedToken, User, UserName};

/// A directory that reports what has changed, from whichever process.
///
/// Changes are numbered, and their numbers become visible in order: who has read up to one has
/// missed none before it.
pub trait Store: Directory {
    /// How it is waited for changes.
    type Watch: Watch;

    /// All that is known; of users or tokens that are more than `max`, nothing but that they are.
    fn load(&self, max: usize) -> impl Future<Output = Result<Loaded, DirectoryError>> + Send;

    /// What has changed after the number `since`; `None` if that is too much or too long ago to
    /// tell, or if the database is not the one that gave that number: [`load`](Self::load) again
    /// then.
    fn changes_since(
        &self,
        since: i64,
    ) -> impl Future<Output = Result<Option<ChangeSet>, DirectoryError>> + Send;

    /// Begins to watch: what changes from now on ends [`Watch::changed`].
    fn watch(&self) -> impl Future<Output = Result<Self::Watch, DirectoryError>> + Send;

    /// Writes down when users last called. Users who are gone are passed over.
    fn write_last_seen(
        &self,
        seen: &[(UserName, NumericDate)],
    ) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Forgets tokens that have ended by themselves, and old numbers.
    fn prune(&self, now: NumericDate) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Ends all connections once their work is done. Every question after that is an error.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Waits for changes.
pub trait Watch: Send {
    /// Comes back when something may have changed, and every now and then; an error says that it is
    /// not known any more whether anything has.
    fn changed(&mut self) -> impl Future<Output = Result<(), DirectoryError>> + Send;
}

/// All that is known, with the number of the last change in it.
#[derive(Debug)]
pub struct Loaded {
    /// The number of the last change.
    pub position: i64,
    /// All users; `None` if there are too many.
    pub users: Option<Vec<Arc<User>>>,
    /// All revoked tokens; `None` if there are too many.
    pub revoked: Option<Vec<RevokedToken>>,
}

/// Who and what has changed, as it is now.
#[derive(Debug)]
pub struct ChangeSet {
    /// The number of the last change.
    pub position: i64,
    /// Users; `None` is one who is gone.
    pub users: Vec<(UserName, Option<Arc<User>>)>,
    /// Tokens, and whether they are revoked now.
    pub tokens: Vec<((Issuer, TokenId), bool)>,
}
