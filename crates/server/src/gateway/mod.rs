//! MCP servers behind the guard: what each offers, the policy and the lock file that say what of it
//! may be used, and how a first run suggests both.
//!
//! 1. A first run lists what the server offers and writes a policy and a lock file. Nothing may be
//!    used until the policy was accepted (`--accept`), or edited: the gateway does not start.
//! 2. A later run does not start while something that is offered has no rule.
//! 3. What has changed since it was accepted, and what is new, is hidden and denied. The gateway
//!    starts, and says so.
//! 4. What cannot have a rule, and names that could be taken for another one, are never accepted.
//!
//! **Invariant:** a definition gets into the lock file by the operator's command alone.

mod connect;
pub(crate) mod files;
mod limits;
mod mint;
mod open;
mod prepare;
mod remote;
mod report;
mod review;
mod suggestion;
pub(crate) mod watch;

pub(crate) use self::{
    connect::{ListingError, Patience, listed},
    files::{UpstreamFiles, policy_of, read_lock},
    limits::GatewayLimits,
    open::{SharedParts, open},
    prepare::{Ready, patience, prepare, prepare_with},
    report::{review_json, shown_review, write_changes},
    review::Review,
};
