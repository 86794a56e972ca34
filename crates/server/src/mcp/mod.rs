//! The MCP server behind the guard: its tools, its sessions, and how a call reaches it.

pub(crate) mod server;
pub(crate) mod service;
pub(crate) mod sessions;
pub(crate) mod tools;
