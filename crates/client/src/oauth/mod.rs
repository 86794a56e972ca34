//! How the client comes by a token, through rmcp's `auth` module.
//!
//! 1. What the server and its issuer name is asked by [`Outward`] only, and judged before it is used.
//! 2. The issuer's metadata must be about that issuer, the resource's about that resource (RFC 8414 §3.3,
//!    RFC 9728 §3.3): rmcp's checks, as are PKCE, `state`, `resource` (RFC 8707) and `iss` (RFC 9207).
//! 3. We are, in this order: the client that the user names; the client whose document the user names,
//!    where the issuer reads such; the client that we were at this issuer before; a new one that we
//!    register. Never the client of another issuer.
//! 4. Nobody's secret is on the command line.

mod browser;
mod code;
mod device;
mod discovered;
mod error;
mod exchange;
mod identity;
mod loopback;
mod machine;
mod outward;
mod renew;

use std::time::Duration;

pub(crate) use browser::Browser;
pub(crate) use code::{Answering, by_code};
pub(crate) use device::by_device;
pub(crate) use discovered::Discovered;
pub(crate) use error::LoginError;
pub(crate) use exchange::{Enterprise, by_enterprise, by_workload};
pub(crate) use identity::{Identity, read_secret};
pub(crate) use machine::by_client_credentials;
pub(crate) use outward::{Outward, Refused, Reply};
pub(crate) use renew::renew;

/// How long a person may take to sign in.
const SIGN_IN_TIME: Duration = Duration::from_mins(5);
/// What we call ourselves.
const CLIENT_NAME: &str = "MCP command line client";
