//! The program with a certificate of its own: what clients get, and what becomes of new files.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod acme;
mod certificates;
mod plain_http;
mod replaced;
mod served;
mod world;
