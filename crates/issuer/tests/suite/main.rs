//! The endpoints, as clients and browsers see them.

#[path = "../common/mod.rs"]
mod common;

mod authorize;
mod documents;
mod introspect;
mod metadata;
mod refresh;
mod register;
mod revoke;
mod sign_in;
mod token;
mod website;
