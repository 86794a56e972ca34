//! Signing in through another identity provider: the rules of a relying party (OpenID Connect Core
//! 1.0) and, for GitHub, of a client of OAuth 2.0 that asks who its user is.
//!
//! Bytes, keys and the time go in; values come out. Nothing here opens a socket or stores anything.
//!
//! | what | module | source |
//! |---|---|---|
//! | names of providers and of their users here | `name` | – |
//! | request to the provider | `authorization` | OpenID Connect Core §3.1.2.1, RFC 7636 |
//! | its answer through the browser | `callback` | RFC 6749 §4.1.2, RFC 9207 |
//! | its answer at the token endpoint | `token_response` | OpenID Connect Core §3.1.3.3 |
//! | ID token | `id_token` | OpenID Connect Core §3.1.3.7, RFC 8725 |
//! | claims of a user, more claims of the same user | `claims` | OpenID Connect Core §5.1, §5.3 |
//! | users of GitHub | `github` | GitHub's REST API |
//! | who may sign in, and with which roles | `rules` | – |
//!
//! The states of a sign-in are types, each made by the step before it:
//!
//! ```text
//! SignInRequest ──browser──► Callback ──check──► ProviderCode ──token endpoint──► TokenResponse
//! TokenResponse ──verify_id_token──► UserClaims ──AdmissionRules──► ProviderIdentity
//! ```
//!
//! **Invariant:** an [`ProviderIdentity`] exists only for claims that the provider signed for this
//! client and this sign-in, or sent over a connection to itself, and that the rules admit.

mod authorization;
mod callback;
mod claims;
mod github;
mod id_token;
mod name;
mod rules;
mod token_response;

pub use authorization::{RESERVED_PARAMETERS, SignInRequest};
pub use callback::{Callback, CallbackContext, CallbackError, ProviderCode, ProviderRefusal};
pub use claims::{UserClaims, UserInfoError};
pub use github::{GitHubError, GitHubUser};
pub use id_token::{ExpectedIdToken, IdTokenError, MAX_ID_TOKEN_BYTES, verify_id_token};
pub use name::{InvalidProviderNameError, ProviderName};
pub use rules::{
    AdmissionRules, NotAdmittedError, ProviderIdentity, RequiredClaim, RoleMapping,
    RoleMappingError, admit,
};
pub use token_response::{TokenResponse, TokenResponseError};
