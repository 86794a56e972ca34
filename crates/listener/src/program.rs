//! What the listener has to know of the program.

use std::net::IpAddr;

use axum::http::Extensions;

/// What the listener has to know of the program.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Adds the address that a request comes from to its extensions: that of the connection, or
    /// what a trusted proxy names.
    pub note_address: fn(&mut Extensions, IpAddr),
    /// Whether a path is that of a health check, which is answered also while all else is refused.
    pub is_health_check: fn(&str) -> bool,
}
