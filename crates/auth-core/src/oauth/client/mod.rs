//! Clients: what they say about themselves, and how they prove who they are.

mod auth_method;
mod authentication;
mod document;
mod grant_type;
mod metadata;
mod name;
mod registration;

pub use auth_method::{AuthMethod, UnknownAuthMethodError};
pub use authentication::{
    CLIENT_ASSERTION_TYPE, ClientAssertion, ClientCredential, PresentedClient,
};
pub use document::{
    DocumentError, MAX_DOCUMENT_BYTES, MetadataUrl, MetadataUrlError, parse_document,
};
pub use grant_type::{GrantType, UnknownGrantTypeError};
pub use metadata::{ClientKeys, ClientMetadata};
pub use name::ClientName;
pub use registration::{MAX_REGISTRATION_BYTES, Registration, parse_registration};
