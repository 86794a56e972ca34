//! The rules of an OAuth 2.1 authorization server: what its requests and answers are, and what follows
//! from them.
//!
//! Bytes, the time and random numbers go in; values and decisions come out. Nothing here opens a socket,
//! knows a user or stores anything.
//!
//! | what | module | source |
//! |---|---|---|
//! | parameters of a request | `form` | RFC 6749 appendix B |
//! | error codes | `error` | RFC 6749, 7009, 7591, 8628, 8707 |
//! | codes, refresh tokens, secrets | `opaque` | RFC 6749 appendix A |
//! | proof key | `pkce` | RFC 7636 |
//! | redirect URIs | `redirect_uri` | OAuth 2.1, RFC 8252 |

mod error;
mod form;
mod opaque;
mod pkce;
mod redirect_uri;

pub use error::{ErrorCode, OAuthError};
pub use form::{Form, FormError, MAX_FORM_BYTES, MAX_PARAMETERS, encode};
pub use opaque::{
    AuthorizationCode, ClientSecret, DeviceCode, OpaqueError, RefreshToken, SecretDigest,
};
pub use pkce::{CodeChallenge, CodeVerifier, PkceError, S256};
pub use redirect_uri::{RedirectTarget, RedirectUri, RedirectUriError};
