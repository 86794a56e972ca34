//! Signing in through another identity provider.
mod config;
mod preset;

pub use config::{ProviderConfigError, ProviderKind, SignInProvider, UnknownUsers};
pub use preset::{ProviderPreset, UnknownProviderPresetError};
