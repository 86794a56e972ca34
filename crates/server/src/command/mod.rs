//! The verbs, one file each.

pub(crate) mod directory;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod tokens;
pub(crate) mod users;
