//! HTTP servers behind the gateway, most of which misbehave.

mod callers;
mod client;
mod credentials;
mod failures;
mod gateway;
mod links;
mod lists;
mod messages;
mod refused;
mod secrecy;
mod server;
mod sessions;
mod skills;
mod sse;
mod support;
mod tls;
