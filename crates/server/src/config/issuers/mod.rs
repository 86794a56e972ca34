//! The sections `[issuers."…"]` of `issuers.toml` and `bartizan.toml`: TOML in, trusted issuers
//! out.
//!
//! 1. A section is one issuer, named by its `iss`. What it does not set, its `preset` sets, else
//!    RFC 9068.
//! 2. No secret is in the file: it names the variable or the file that holds one.
//! 3. An unknown member is an error. All errors of all sections are reported together.
//! 4. Relative paths start at the file's own folder.

mod context;
mod entry;
mod file;
mod schema;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::entry::{IntrospectionConfig, IssuerConfig};
pub(crate) use self::{
    entry::trusts,
    file::{check_opaque, load, load_from_config},
    schema::section_schema,
};

/// The longest time for which keys are used that cannot be fetched or read again.
const MAX_OUTAGE_HOURS: u64 = 168;
const MAX_OUTAGE: Duration = Duration::from_hours(MAX_OUTAGE_HOURS);
