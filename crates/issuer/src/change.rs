//! What users, clients and identity providers change here, for one who records it: sign-ins,
//! credentials, grants, tokens, registrations, users that are added and their roles.
//!
//! 1. A change is reported once it was made.
//! 2. While it could not be recorded, nothing that changes something is begun: it is answered with
//!    503 ([`ChangeObserver::can_record`]).
//! 3. No report has a password, a code, a token or a secret: tokens are named by their ids (`jti`).

use auth_core::{ClientId, openid::ProviderName};
use directory::UserName;

/// Takes note of changes. It is called while a request waits, so it must not wait itself.
pub trait ChangeObserver: Send + Sync + 'static {
    /// Whether a change could be recorded now.
    fn can_record(&self) -> bool;

    /// Takes note of a change.
    fn observe(&self, change: &Change<'_>);
}

/// One change.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Change<'a> {
    /// Who made it.
    pub by: ChangedBy<'a>,
    /// What was done.
    pub kind: ChangeKind,
    /// To what: a subject, a client, a grant or the id of a token.
    pub object: Option<&'a str>,
    /// How: the method of a sign-in, the client, resource and scopes of a grant.
    pub detail: Option<&'a str>,
}

/// Who makes a change.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum ChangedBy<'a> {
    /// A user, in a browser.
    User(&'a UserName),
    /// A client.
    Client(&'a ClientId),
    /// An identity provider that vouches for a user, or a platform for a workload, by its name in
    /// the configuration.
    Provider(&'a ProviderName),
    /// Someone without a credential.
    Anyone,
}

/// Defines the kinds with their names.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum ChangeKind {
            $($(#[$doc])* $kind,)*
        }

        impl ChangeKind {
            /// As it is recorded.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A session began. The detail is the method.
    SignedIn = "sign-in",
    /// The session of a browser ended.
    SignedOut = "sign-out",
    /// One session of the user, or all others, were ended.
    SessionsEnded = "sessions end",
    /// A password was set.
    PasswordSet = "password set",
    /// A second factor was set up.
    SecondFactorSet = "second-factor set",
    /// It was turned off.
    SecondFactorRemoved = "second-factor off",
    /// New recovery codes were made.
    RecoveryCodesRenewed = "recovery-codes new",
    /// A user allowed a client access.
    AccessAllowed = "access allow",
    /// A user declined it.
    AccessDeclined = "access decline",
    /// A user allowed a device access.
    DeviceAllowed = "device allow",
    /// A user declined it.
    DeviceDeclined = "device decline",
    /// A grant ended, with its tokens.
    GrantEnded = "grant end",
    /// An access token was issued.
    TokenIssued = "token issue",
    /// An access token was revoked.
    TokenRevoked = "token revoke",
    /// A client registered itself.
    ClientRegistered = "client register",
    /// A user was added. The detail is its roles. This and the next two have the names of the
    /// commands with which an operator does the same.
    UserAdded = "users add",
    /// A user was given a role, which is the detail.
    RoleGranted = "users grant",
    /// A role, the detail, was taken from a user.
    RoleRevoked = "users revoke-role",
}
