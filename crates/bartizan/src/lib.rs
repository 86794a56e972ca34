//! Protects an MCP server: a [tower](https://docs.rs/tower) layer that lets a request through only
//! when its token is valid, its user is known, and both hold the scope that this very tool,
//! resource or prompt needs. A guard cannot be built while something that the server offers has no
//! rule.
//!
//! # Protect your own rmcp server
//!
//! The counter below is any rmcp server; what follows is all that protection takes.
//!
//! ```no_run
#![doc = include_str!("../examples/counter.rs")]
//! ```
//!
//! # The way of a request
//!
//! | | step | refusal |
//! |---|---|---|
//! | 1 | `Host` and `Origin` ([`Guard::allow_host`], [`Guard::allow_origin`]); a preflight is answered here | 403 |
//! | 2 | exactly one bearer token, in the header; it is taken out here | 401 without an error code; 400 `invalid_request` |
//! | 3 | [`Authenticate`]: token → principal | 401 `invalid_token`; 403; 503 |
//! | 4 | the body: bounded in size, time, and memory that others need too; and read strictly | 405; 413; 503; 408; 400 |
//! | 5 | `Mcp-Method` and `Mcp-Name` may only agree with the body | 400 |
//! | 6 | no more requests than the caller and its client may send ([`LimitsDocument`](auth_core::LimitsDocument)) | 429 |
//! | 7 | where a [`Recorder`] must record the decision, it has room for it | 503 |
//! | 8 | [`Policy::decide`](auth_core::Policy::decide) on the body alone | 403, with every scope that is needed |
//! | 9 | the names of sessions, events and tasks are the caller's own | 404; a JSON-RPC error |
//! | 10 | no more calls under way than the caller, and all callers, may have ([`Guard::max_calls`]); the rate of the rule ([`RateLimit`](auth_core::RateLimit)) | 429; 503 |
//! | 11 | no more streams at once than a caller may have ([`Guard::max_streams`]) | 429 |
//! | 12 | the inner service, with a [`Caller`] in the request's extensions | |
//! | 13 | its answer: lists and notifications are filtered, streams end when the caller may not go on | |
//!
//! # Invariants
//!
//! 1. No byte of the body is read before step 3 has passed, unless the policy calls something
//!    public. The body of a request that is refused before is discarded, up to a bound, so that the
//!    connection can go on.
//! 2. The inner service gets exactly the bytes that were judged, and never the token or its proof.
//! 3. The answer never depends on which check of the token failed.
//! 4. A panic of the inner service is the answer to its own request, and ends nothing else (for
//!    rmcp's handlers: `CatchPanic`).
//! 5. Rates are counted by the guard itself, and for several nodes together by a [`BudgetStore`]
//!    if there is one ([`Guard::budget_store`]): what the guard refuses asks no store, and a store
//!    that does not answer lifts no limit.
//! 6. A request is judged by one set of rules ([`Rules`]) from beginning to end.

mod answer;
mod authenticate;
mod caller;
mod catch_panic;
mod guard;
mod metadata;
mod observer;
mod ownership;
#[cfg(feature = "toml")]
mod policy_toml;
pub mod prelude;
mod rate;
mod request;
mod request_id;
mod response;
#[cfg(feature = "rmcp")]
mod rmcp;
mod rules;
mod service;

pub use answer::guarded_body::GuardedBody;
/// The core: tokens, keys, claims and policies. Its types are in this crate's signatures.
pub use auth_core;
#[cfg(feature = "discovery")]
pub use authenticate::{
    Address, AddressError, CertificateAuthorities, FetchError, FetchFault, IntrospectWhen,
    Introspection, IssuerClient, IssuerStatus, Issuers, IssuersError, Keyring, Location,
    OutboundError, Preset, Trust, UnknownPresetError,
};
pub use authenticate::{
    Authenticate, AuthenticateError, ClientCertificate, InvalidTokenError, MemoryUser, MemoryUsers,
    NewUser, PeerAddress, Presented, Provisioning, TokenAuthenticator, TokenCacheUse,
    UserAuthenticator, UserLookup, UserRecord, Users, VerifyToken,
};
pub use caller::Caller;
#[cfg(feature = "rmcp")]
pub use catch_panic::CatchPanic;
pub use guard::{Guard, GuardUsage};
pub use metadata::MetadataService;
pub use observer::{
    AnswerFailure, AuditEvent, Completion, Details, LogObserver, MessageFacts, NoRoomError,
    Observer, Operation, Outcome, Received, Recorder, RefusalKind, Room, Tracer,
};
#[cfg(feature = "toml")]
pub use policy_toml::{PolicyTomlError, policy_from_toml};
pub use rate::{BudgetAnswer, BudgetId, BudgetStore, SpentRates};
pub use request::message::{MessageError, action_of};
pub use request_id::RequestId;
pub use response::EndpointError;
#[cfg(feature = "rmcp")]
pub use rmcp::{Offers, Permitted};
pub use rules::{Limits, MissingRulesError, Rules, RulesHandle};
pub use service::{GuardLayer, GuardService};
