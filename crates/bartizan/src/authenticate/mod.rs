//! From a token to the principal behind it: the port, and the issuers whose tokens are accepted.

mod cache;
#[cfg(feature = "discovery")]
mod issuer;
mod port;
mod signature_rate_limit;
mod token;
pub(crate) mod token_cache;
mod users;

#[cfg(feature = "discovery")]
pub use issuer::{
    Address, AddressError, CertificateAuthorities, FetchError, FetchFault, IntrospectWhen,
    Introspection, IssuerClient, IssuerStatus, Issuers, IssuersError, Keyring, Location,
    OutboundError, Preset, Trust, UnknownPresetError,
};
pub(crate) use port::Credentials;
pub use port::{
    Authenticate, AuthenticateError, ClientCertificate, InvalidTokenError, PeerAddress, Presented,
    VerifyToken,
};
pub use token::TokenAuthenticator;
pub use token_cache::TokenCacheUse;
pub use users::{
    MemoryUser, MemoryUsers, NewUser, Provisioning, UserAuthenticator, UserLookup, UserRecord,
    Users,
};
