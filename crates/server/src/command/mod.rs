//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod context;
pub(crate) mod gateway;
pub(crate) mod grants;
pub(crate) mod init;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod run;
mod serve;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod upstreams;
pub(crate) mod users;
