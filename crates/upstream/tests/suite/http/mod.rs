//! HTTP servers behind the gateway, most of which misbehave.

mod credentials;
mod pass;
mod secrecy;
mod server;
mod support;
mod tls;
