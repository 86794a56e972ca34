//! The tools: one file each, with its input and output, independent of MCP and of the caller's
//! token.

pub(crate) mod get_time;
pub(crate) mod whoami;
