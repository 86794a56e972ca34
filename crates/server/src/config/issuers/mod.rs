//! The issuers' file: TOML in, trusted issuers out.
//!
//! 1. A section is one issuer, named by its `iss`. What it does not say, its `preset` says, else RFC 9068.
//! 2. No secret stands in the file: it names the variable or the file that holds one.
//! 3. A member that nobody knows is a fault. All faults of all sections are told together.
//! 4. Paths in the file begin at the file's own folder.

mod context;
mod entry;
mod file;
mod schema;
mod secret;
mod section;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::entry::{IntrospectionConfig, IssuerConfig};
pub(crate) use self::{
    entry::trusts,
    file::{check_opaque, load, load_from_config},
    schema::section_schema,
};

/// How long keys may serve at most that cannot be fetched or read again.
pub(crate) const MAX_OUTAGE_HOURS: u64 = 168;
const MAX_OUTAGE: Duration = Duration::from_hours(MAX_OUTAGE_HOURS);
