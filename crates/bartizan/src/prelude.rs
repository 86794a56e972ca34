//! What a protected server needs: `use bartizan::prelude::*`.

pub use auth_core::{
    Action, Audience, Clock, Issuer, KeySet, Permit, Policy, Principal, ResourceUri, RoleName,
    Scope, ScopeSet, Subject, SystemClock, TokenVerifier, TrustedIssuer, VerifyingKey,
};

#[cfg(feature = "toml")]
pub use crate::policy_from_toml;
pub use crate::{
    Authenticate, Caller, Guard, MemoryUsers, Presented, TokenAuthenticator, UserAuthenticator,
};
#[cfg(feature = "rmcp")]
pub use crate::{CatchPanic, Offers, Permitted};
#[cfg(feature = "discovery")]
pub use crate::{IssuerClient, Issuers, Preset};
