//! How the client obtains a token. rmcp's `auth` module finds the issuer; what is asked there, and
//! how its answers are read, is ours.
//!
//! 1. What the server and its issuer name is asked by [`Outward`] only, and judged before it is
//!    used.
//! 2. The issuer's metadata must be about that issuer (RFC 8414 §3.3), the resource's about the
//!    server's very URL (RFC 9728 §3.3), and the issuer must say that it has PKCE (MCP).
//! 3. We are, in this order: the client that the user names; the client whose document the user
//!    names, where the issuer reads such; the client that we were at this issuer before; a new one
//!    that we register. Never the client of another issuer.
//! 4. No secret is on the command line.

mod answer;
mod authorization;
mod browser;
mod client_auth;
mod code;
mod device;
mod discovered;
mod discovery;
mod error;
mod exchange;
mod identity;
mod loopback;
mod machine;
mod named;
mod outward;
mod recorder;
mod redirect;
mod register;
mod renew;
mod revoke;

use std::time::Duration;

pub(crate) use browser::Browser;
pub(crate) use code::{Before, Callback, authorization_code};
pub(crate) use device::{DEVICE_ENDPOINT, ShowCode, device_code, print_code};
pub(crate) use discovered::{Discovered, Exceptions};
pub(crate) use error::LoginError;
pub(crate) use exchange::{Enterprise, enterprise, workload};
pub(crate) use identity::{Identity, read_secret};
pub(crate) use machine::client_credentials;
pub(crate) use named::{KnownServer, known_server};
pub(crate) use outward::{Outward, RefusedAddressError, Reply};
pub(crate) use redirect::RedirectHost;
pub(crate) use renew::{Renewal, renew};
pub(crate) use revoke::revoke;

/// How long a person may take to sign in.
const SIGN_IN_TIME: Duration = Duration::from_mins(5);
/// What we call ourselves.
const CLIENT_NAME: &str = "MCP command line client";
