//! TLS, HTTP/2 and client certificates over real connections.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod client_certificates;
mod floods;
mod handshakes;
mod http2;
mod replaced;
mod world;
