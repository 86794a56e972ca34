//! The README and the documents: links lead somewhere, configuration can be read, each command is
//! one that the programs accept, and the README and the recipes work as they are printed.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

#[path = "../common/binaries.rs"]
mod binaries;
mod commands;
mod connect;
mod links;
mod pages;
mod readme;
mod recipes;
mod recording;
mod shell;
mod syntax;
mod words;
