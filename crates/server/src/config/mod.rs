//! The configuration: settings, issuers and the policy, checked before anything starts.

pub(crate) mod bounds;
pub(crate) mod issuers;
pub(crate) mod limits_store;
pub(crate) mod local_issuer;
mod origins;
pub(crate) mod policy_file;
pub(crate) mod provisioning;
pub(crate) mod settings;
pub(crate) mod traces;
pub(crate) mod transport;
pub(crate) mod upstreams;
