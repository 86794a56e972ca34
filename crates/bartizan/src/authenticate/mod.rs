//! From a token to the principal behind it: the port, and the issuers whose tokens are accepted.

mod cache;
#[cfg(feature = "discovery")]
mod issuer;
pub(crate) mod memory;
mod pace;
mod port;
mod token;
mod users;

#[cfg(feature = "discovery")]
pub use issuer::{
    Address, AddressError, CertificateAuthorities, FetchError, FetchFault, IntrospectWhen,
    Introspection, IssuerClient, IssuerStatus, Issuers, IssuersError, Keyring, Location,
    OutboundError, Preset, Trust, UnknownPresetError,
};
pub(crate) use port::Credentials;
pub use port::{
    Authenticate, AuthenticateError, InvalidToken, PeerAddress, Presented, VerifyToken,
};
pub use token::TokenAuthenticator;
pub use users::{
    MemoryUser, MemoryUsers, NewUser, Provisioning, UserAuthenticator, UserLookup, UserRecord,
    Users,
};
