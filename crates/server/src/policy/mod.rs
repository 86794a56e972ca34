//! What a policy allows, and what changes between two: for the command line and for the log.

pub(crate) mod access_matrix;
pub(crate) mod changes;
