//! The tools: one file each, which knows its input and output and nothing of MCP or of who is calling.

pub(crate) mod get_time;
pub(crate) mod whoami;
