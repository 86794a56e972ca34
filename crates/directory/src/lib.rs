//! The users of a protected MCP server: who they are, whether they may act, which roles they have.
//!
//! A user is known by the pair of `iss` and `sub` (RFC 7519 §4.1.1, §4.1.2; OpenID Connect Core
//! §5.7): a subject alone identifies no user, since another issuer may give the same one to
//! another user.
//!
//! # Rules
//!
//! 1. Not found is `Ok(None)`; an `Err` says that the directory could not be asked. The two are
//!    never mixed: an outage must not look like an unknown user, nor like a known one.
//! 2. A [`SqliteDirectory`] and a [`PostgresDirectory`] ask the database each time: a change counts
//!    for the next [`find`](Directory::find), whichever process made it. [`CachedDirectory`]
//!    answers from memory, and sees a change within a second.
//! 3. A change says what it met ([`EditOutcome`]): done, already so, or no such user. What was done
//!    is written down with who did it and when ([`ChangeRecord`]), in the same transaction.
//! 4. A disabled user keeps its roles; a removed one loses them.
//! 5. Every change, and every list of changes, is whole or not made at all.
//! 6. What is revoked stays so: a token never becomes good again, nor do those that a user had when
//!    all of them were revoked, or when the user was removed.
//!
//! **Invariant:** [`Directory::find`] gives a user only if the store holds it now (with
//! [`CachedDirectory`]: held it when it was last asked, which is never longer ago than its bound),
//! as it is given.
//!
//! # Example
//!
//! ```
//! use auth_core::{Issuer, NumericDate, RoleName, Subject};
//! use directory::{
//!     AnyDirectory, Directory, Edit, EditOutcome, NewUser, Stamp, UserName, UserStatus,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // Also `sqlite://path/to/file.db` and `postgres://user@host/database`.
//! let directory = AnyDirectory::open("sqlite::memory:").await?;
//! let issuer: Issuer = "https://issuer.example".parse()?;
//! let alice: Subject = "alice".parse()?;
//! let reader: RoleName = "reader".parse()?;
//! let stamp = Stamp::new("an example", NumericDate::from_secs(1_800_000_000)?);
//!
//! let new = NewUser {
//!     issuer: issuer.clone(),
//!     subject: alice.clone(),
//!     display_name: "Alice".into(),
//!     roles: [reader.clone()].into(),
//! };
//! directory.add(new, &stamp).await?;
//! let name = UserName::new(&issuer, &alice);
//! let again = Edit::Grant(name.clone(), reader.clone(), None);
//! assert_eq!(directory.edit(again, &stamp).await?, EditOutcome::Unchanged);
//! let disable = Edit::SetStatus(name, UserStatus::Disabled);
//! assert_eq!(directory.edit(disable, &stamp).await?, EditOutcome::Changed);
//!
//! let user = directory.find(&issuer, &alice).await?.ok_or("no such user")?;
//! assert!(!user.is_active() && user.roles().contains(&reader));
//! assert_eq!(directory.find(&issuer, &"bob".parse()?).await?, None);
//! directory.close().await;
//! # Ok(()) }
//! ```

mod any;
mod audit;
pub mod authorization;
mod cached;
mod changing;
mod detached;
mod edit;
mod error;
mod memory;
mod migrations;
mod postgres;
mod sessions;
mod source;
mod sql;
mod sqlite;
mod user;

use std::{future::Future, sync::Arc, time::Duration};

use auth_core::{Issuer, JobFailure, Leeway, NumericDate, Subject, TokenId};

pub use any::{AnyDirectory, AnyWatch};
pub use audit::{AuditRow, AuditSearch, AuditTable, AuditTableError, Before, by_user};
pub use cached::{CacheSettings, CachedDirectory};
pub use detached::{DetachedChanges, DetachedChangesError};
pub use edit::{ChangeRecord, Edit, EditOutcome, RevokedToken, Stamp, UserName};
pub use error::{DirectoryError, Source};
pub use memory::MemoryDirectory;
pub use postgres::{PostgresDirectory, PostgresWatch};
pub use sessions::Shared;
pub use source::{ChangeSet, Loaded, Store, Watch};
pub use sqlite::{SqliteDirectory, SqliteWatch};
pub use user::{NewUser, UnknownStatusError, User, UserStatus};

/// The user's `valid_from` after all its tokens were revoked at `revoked`: tokens with an earlier
/// `iat` are revoked.
///
/// The issuer's clock may be ahead by `leeway`, which is what its tokens are verified with, and
/// dates are whole seconds. So a token that was issued before the revocation may have an `iat` up
/// to that much later.
#[must_use]
pub fn valid_from_after(revoked: NumericDate, leeway: Leeway) -> NumericDate {
    revoked.plus(leeway.duration() + Duration::from_secs(1))
}

/// The same for a user who was removed, and is added again: the leeway of its issuer is not known.
pub(crate) fn valid_from_after_removal(removed: NumericDate) -> NumericDate {
    valid_from_after(removed, Leeway::default())
}

/// Where users are kept.
pub trait Directory: Send + Sync + 'static {
    /// The user that `issuer` calls `subject`; `None` if there is none.
    fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<Arc<User>>, DirectoryError>> + Send;

    /// All users, by issuer and subject, in the order of their bytes.
    fn list(&self) -> impl Future<Output = Result<Vec<User>, DirectoryError>> + Send;

    /// Makes all of `edits` or, at the first that is an error, none. The answers stand in their
    /// order; what was [`EditOutcome::Changed`] is written down.
    fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> impl Future<Output = Result<Vec<EditOutcome>, DirectoryError>> + Send;

    /// Whether this one token was revoked.
    fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> impl Future<Output = Result<bool, DirectoryError>> + Send;

    /// All tokens that were revoked one by one and are still remembered, in order.
    fn revoked_tokens(
        &self,
    ) -> impl Future<Output = Result<Vec<RevokedToken>, DirectoryError>> + Send;

    /// The last `limit` changes that were made, the newest first.
    fn record(
        &self,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ChangeRecord>, DirectoryError>> + Send;

    /// The last `limit` changes of this user, the newest first; also those of one who is removed.
    fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ChangeRecord>, DirectoryError>> + Send;

    /// Whether users can be found now: asks the store itself, where it is asked for each of them.
    fn ping(&self) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Since when the store could not be asked, if answers come from memory now.
    fn unavailable_since(&self) -> Option<NumericDate> {
        None
    }

    /// How old answers are at most: how long ago the store was last asked with success. `None` if
    /// it is asked for each of them.
    fn age(&self) -> Option<Duration> {
        None
    }

    /// The work in the background that fails now.
    fn failing(&self) -> Vec<JobFailure> {
        Vec::new()
    }

    /// Records that `user` called at `now`. Does not wait for the store.
    fn touch(&self, _user: &User, _now: NumericDate) {}

    /// Makes one change.
    fn edit(
        &self,
        edit: Edit,
        stamp: &Stamp,
    ) -> impl Future<Output = Result<EditOutcome, DirectoryError>> + Send {
        async move {
            let changes = self.apply(vec![edit], stamp).await?;
            Ok(changes.first().copied().unwrap_or(EditOutcome::Unchanged))
        }
    }

    /// Adds an active user that begins now. [`DirectoryError::Exists`] if there is one by these
    /// names, which stays as it is.
    fn add(
        &self,
        user: NewUser,
        stamp: &Stamp,
    ) -> impl Future<Output = Result<(), DirectoryError>> + Send {
        async move { self.edit(Edit::Add(user), stamp).await.map(|_| ()) }
    }
}
