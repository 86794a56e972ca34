//! The commands, one file each.

pub(crate) mod config;
mod context;
pub(crate) mod init;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod tokens;
pub(crate) mod users;
