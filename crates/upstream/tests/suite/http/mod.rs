//! HTTP servers behind the gateway, most of which misbehave.

mod callers;
mod credentials;
mod failures;
mod gateway;
mod links;
mod lists;
mod pass;
mod secrecy;
mod server;
mod sessions;
mod sse;
mod support;
mod tls;
