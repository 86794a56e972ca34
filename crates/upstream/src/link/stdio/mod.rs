//! The connection to a child process: one JSON-RPC message in each line of its stdin and stdout
//! (MCP 2025-11-25 and 2026-07-28, Transports, "stdio").
//!
//! 1. A line end within a message to the server is replaced by a space. In JSON it can only be
//!    white space there, and a line more would be a message that no one has judged.
//! 2. A line of more than [`ChildLimits::max_message`] bytes is discarded as it comes and reported
//!    with the call that it answers. The server goes on.
//! 3. What cannot be a message is reported and logged. After [`ChildLimits::max_garbage`] of it
//!    without a message in between the server is ended.
//! 4. The queues to and from the server are bounded. A server that writes faster than it is read
//!    waits; one that does not read for [`ChildLimits::write_timeout`] is ended.
//! 5. When the process ends, what it had written still arrives, then [`Incoming::Closed`] at once.
//! 6. A server that uses more than [`ChildLimits::max_memory`] is ended.
//! 7. When the connection ends, the process is ended with its whole group: its stdin is closed,
//!    then SIGTERM, then SIGKILL ([MCP, "Lifecycle", "Shutdown"][shutdown]).
//!
//! [`ChildLimits::max_message`]: crate::child::ChildLimits::max_message
//! [`ChildLimits::max_memory`]: crate::child::ChildLimits::max_memory
//! [`ChildLimits::max_garbage`]: crate::child::ChildLimits::max_garbage
//! [`ChildLimits::write_timeout`]: crate::child::ChildLimits::write_timeout
//! [`Incoming::Closed`]: crate::link::Incoming::Closed
//! [shutdown]: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#stdio

#[cfg(unix)]
mod answered;
#[cfg(unix)]
mod lines;
mod open;
#[cfg(unix)]
mod reader;
mod source;
#[cfg(unix)]
mod supervise;
#[cfg(unix)]
mod writer;

pub use open::open;
pub use source::StdioServer;
