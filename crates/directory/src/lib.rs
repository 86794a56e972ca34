//! The users of a protected MCP server: who they are, whether they may act, which roles they have.
//!
//! A user is known by the pair of `iss` and `sub` (RFC 7519 §4.1.1, §4.1.2; OpenID Connect Core §5.7):
//! a subject alone names nobody, since another issuer may give the same one to somebody else.
//!
//! # Rules
//!
//! 1. Not found is `Ok(None)`; an `Err` says that the directory could not be asked. The two are never
//!    mixed: an outage must not look like an unknown user, nor like a known one.
//! 2. Nothing is cached. A change counts for the next [`find`](Directory::find), whichever process
//!    made it.
//! 3. A change says what it met ([`Change`]): done, already so, or no such user.
//! 4. A disabled user keeps its roles; a removed one loses them.
//! 5. Every change is whole or not made at all.
//! 6. What is revoked stays so: a token never becomes good again, nor do those that a user had when all of
//!    them were revoked, unless the user is removed, which forgets it.
//!
//! **Invariant:** [`Directory::find`] gives a user only if the store holds it now, as it is given.
//!
//! # Example
//!
//! ```
//! use auth_core::{Issuer, NumericDate, RoleName, Subject, TokenId};
//! use directory::{Change, Directory, NewUser, SqliteDirectory, UserStatus};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = SqliteDirectory::open("sqlite::memory:").await?;
//! let issuer: Issuer = "https://issuer.example".parse()?;
//! let alice: Subject = "alice".parse()?;
//! let reader: RoleName = "reader".parse()?;
//!
//! let new = NewUser {
//!     issuer: issuer.clone(),
//!     subject: alice.clone(),
//!     display_name: "Alice".into(),
//!     roles: [reader.clone()].into(),
//! };
//! directory.add(new, NumericDate::from_secs(1_800_000_000)?).await?;
//! assert_eq!(directory.grant(&issuer, &alice, &reader).await?, Change::AlreadySo);
//! directory.set_status(&issuer, &alice, UserStatus::Disabled).await?;
//!
//! let user = directory.find(&issuer, &alice).await?.ok_or("no such user")?;
//! assert!(!user.is_active() && user.roles().contains(&reader));
//! assert_eq!(directory.find(&issuer, &"bob".parse()?).await?, None);
//! directory.close().await;
//! # Ok(()) }
//! ```

mod error;
mod memory;
mod sqlite;
mod user;

use std::{future::Future, time::Duration};

use auth_core::{Issuer, NumericDate, RoleName, Subject, TokenId};

pub use error::{DirectoryError, Source};
pub use memory::MemoryDirectory;
pub use sqlite::SqliteDirectory;
pub use user::{NewUser, UnknownStatus, User, UserStatus};

/// Dates are whole seconds, and a token may be issued in the very second in which the user's tokens are
/// revoked: good are those from the next one on.
const SECOND: Duration = Duration::from_secs(1);

/// Where users are kept.
pub trait Directory: Send + Sync + 'static {
    /// The user that `issuer` calls `subject`; `None` if there is none.
    fn find(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> impl Future<Output = Result<Option<User>, DirectoryError>> + Send;

    /// All users, by issuer and subject, in the order of their bytes.
    fn list(&self) -> impl Future<Output = Result<Vec<User>, DirectoryError>> + Send;

    /// Adds an active user that begins at `now`. [`DirectoryError::Exists`] if there is one by these
    /// names, which stays as it is.
    fn add(
        &self,
        user: NewUser,
        now: NumericDate,
    ) -> impl Future<Output = Result<(), DirectoryError>> + Send;

    /// Lets a user act, or keeps it from acting. Its roles stay.
    fn set_status(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        status: UserStatus,
    ) -> impl Future<Output = Result<Change, DirectoryError>> + Send;

    /// Removes a user and its roles. Never [`Change::AlreadySo`].
    fn remove(
        &self,
        issuer: &Issuer,
        subject: &Subject,
    ) -> impl Future<Output = Result<Change, DirectoryError>> + Send;

    /// Gives a user a role. Whether the policy knows the role is not asked here.
    fn grant(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> impl Future<Output = Result<Change, DirectoryError>> + Send;

    /// Takes a role from a user.
    fn revoke_role(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> impl Future<Output = Result<Change, DirectoryError>> + Send;

    /// Makes all tokens of a user void that were issued up to and including the second `now`.
    fn revoke_tokens(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        now: NumericDate,
    ) -> impl Future<Output = Result<Change, DirectoryError>> + Send;

    /// Makes one token void, whoever its user is. Never [`Change::NoSuchUser`].
    fn revoke_token(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
        now: NumericDate,
    ) -> impl Future<Output = Result<Change, DirectoryError>> + Send;

    /// Whether this one token was made void.
    fn is_revoked(
        &self,
        issuer: &Issuer,
        token_id: &TokenId,
    ) -> impl Future<Output = Result<bool, DirectoryError>> + Send;

    /// Whether users can be found now: asks the store itself.
    fn ping(&self) -> impl Future<Output = Result<(), DirectoryError>> + Send;
}

/// What a change met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Change {
    /// It was made.
    Done,
    /// Nothing was to be done.
    AlreadySo,
    /// There is no such user, and nothing was done.
    NoSuchUser,
}

impl Change {
    /// [`Done`](Self::Done) if a user that is there was changed, [`AlreadySo`](Self::AlreadySo) if not.
    const fn made(changed: bool) -> Self {
        if changed { Self::Done } else { Self::AlreadySo }
    }
}
