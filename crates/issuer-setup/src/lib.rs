//! The authorization server as the settings describe it, for each program that runs one: `server`
//! in its own process, and `mint-token serve` alone.
//!
//! 1. The settings are those of [`settings::SignInSettings`], and the [`sections`] of
//!    `bartizan.toml`.
//! 2. Its keys are those of a folder, which it sees change ([`FolderWatch`]). Nodes of one
//!    directory sign with the same keys ([`KeyAgreement`]).
//! 3. What is over is removed in the background ([`OpenIssuer::prune`]).
//!
//! **Invariant:** nothing here listens, or decides about a call.

mod authorities;
mod check;
mod error;
mod folder;
mod nodes;
mod opened;
mod roles;
pub mod secret;
mod section;
pub mod sections;

pub use self::{
    authorities::authorities,
    check::check,
    error::SetupError,
    folder::FolderWatch,
    nodes::KeyAgreement,
    opened::{IssuerSetup, KEY_ALGORITHM, OpenIssuer},
    roles::default_roles,
    section::Section,
    sections::ProviderSections,
};
