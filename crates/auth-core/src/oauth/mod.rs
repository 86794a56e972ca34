//! The rules of an OAuth 2.1 authorization server: what its requests and answers are, and what
//! follows from them.
//!
//! Bytes, the time and random numbers go in; values and decisions come out. Nothing here opens a
//! socket, knows a user or stores anything.
//!
//! | what | module | source |
//! |---|---|---|
//! | parameters of a request | `form` | RFC 6749 appendix B |
//! | error codes | `error` | RFC 6749, 7009, 7591, 8628, 8707 |
//! | codes, refresh tokens, secrets | `opaque` | RFC 6749 appendix A |
//! | proof key | `pkce` | RFC 7636 |
//! | redirect URIs | `redirect_uri` | OAuth 2.1 §2.3, RFC 8252 |
//! | protected resources | `target` | RFC 8707 |
//! | clients and their authentication | `client` | RFC 7591, 7521; metadata documents |
//! | assertions: signature and claims | `assertion` | RFC 7523; MCP enterprise-managed authorization |
//! | authorization endpoint | `authorization` | RFC 6749 §4.1.1, §4.1.2; RFC 9207 |
//! | life of an authorization code | `code` | OAuth 2.1 §4.1.3 |
//! | token endpoint, introspection, revocation | `token` | RFC 6749 §4, §5, §6; RFC 7662; RFC 7009 |
//! | life of a refresh token family | `refresh` | OAuth 2.1 §4.3, RFC 9700 §4.14 |
//! | device grant | `device` | RFC 8628 |
//! | metadata | `server_metadata` | RFC 8414 |

mod assertion;
mod authorization;
mod client;
mod code;
mod device;
mod error;
mod form;
mod opaque;
mod pkce;
mod redirect_uri;
mod refresh;
mod server_metadata;
mod target;
mod token;

pub use assertion::{
    AssertionError, ID_JAG_TYPE, IdJag, IdJagContext, SingleUse, UnverifiedAssertion,
    VerifiedAssertion, Workload, WorkloadContext, check_client_assertion, check_id_jag,
    check_workload,
};
pub use authorization::{
    Authorization, AuthorizationRequest, AuthorizationResponse, PageError, Prompt, RedirectedError,
    RequestError, State, StateError,
};
pub use client::{
    AuthMethod, CLIENT_ASSERTION_TYPE, ClientAssertion, ClientCredential, ClientKeys,
    ClientMetadata, ClientName, DocumentError, GrantType, MAX_DOCUMENT_BYTES,
    MAX_REGISTRATION_BYTES, MetadataUrl, MetadataUrlError, PresentedClient, Registration,
    UnknownAuthMethodError, UnknownGrantTypeError, parse_document, parse_registration,
};
pub use code::{CODE_LIFETIME, CodeDecision, CodeState, StoredCode};
pub use device::{
    DeviceAuthorization, DeviceAuthorizationRequest, DeviceState, POLL_INTERVAL, PollDecision,
    Polling, UserCode, UserCodeError,
};
pub use error::{ErrorCode, OAuthError};
pub use form::{Form, FormError, MAX_FORM_BYTES, MAX_PARAMETERS, encode};
pub use opaque::{
    AuthorizationCode, ClientSecret, DeviceCode, OpaqueError, RefreshToken, SecretDigest,
};
pub use pkce::{CodeChallenge, CodeVerifier, PkceError, S256};
pub use redirect_uri::{RedirectTarget, RedirectUri, RedirectUriError};
pub use refresh::{REFRESH_GRACE, RefreshDecision, RefreshFamily, RefreshGrant, Rotation};
pub use server_metadata::{ServerFeatures, ServerMetadata};
pub use target::names_resource;
pub use token::{
    AccessTokenRequest, AccessTokenResponse, Assertion, Grant, IntrospectionRequest,
    OFFLINE_ACCESS, RevocationRequest, TokenDescription, TokenTypeHint,
};
