//! What the listener has to know of the program.

use std::net::IpAddr;

use axum::http::Extensions;

/// The SHA-256 of a client's certificate in DER (RFC 8705 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CertificateThumbprint(pub [u8; 32]);

/// What the listener has to know of the program.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Adds the address that a request comes from to its extensions: that of the connection, or
    /// what a trusted proxy names.
    pub note_address: fn(&mut Extensions, IpAddr),
    /// Adds the certificate of the client to the extensions of a request: one that was verified in
    /// the handshake of its connection.
    pub note_certificate: fn(&mut Extensions, CertificateThumbprint),
    /// Whether a path is that of a health check, which is answered also while all else is refused.
    pub is_health_check: fn(&str) -> bool,
}
