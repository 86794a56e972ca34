//! The configuration of the three programs: environment variables, `.env`, `bartizan.toml`, keys.
//!
//! 1. The environment beats `.env`, which beats `bartizan.toml`, which beats the default; flags,
//!    which each program has of its own, beat all four. An empty value counts as not set.
//! 2. The variables are the ones in [`Variable`]; `.env.example` lists exactly them. Besides them
//!    there are those that a configuration file names as the place of a secret, and the process's
//!    own [`Surrounding`]s.
//! 3. Secrets come from here, never from the command line, and are never printed.
//! 4. Files with secrets are written with mode 0600, whole or not at all, and read only if no other
//!    user may read them: [`mod@secret_file`].
//! 5. No file is read without a bound, and a pipe in the place of one holds nothing up:
//!    [`regular_file`].

mod config_file;
mod env_file;
mod environment;
mod form;
pub mod key_folder;
mod keys;
mod log_directives;
mod plain_http;
mod reader;
pub mod regular_file;
pub mod secret_file;
mod setting;
mod settling;
mod sign_in;
mod surroundings;
mod upstream;

pub use config_file::{CONFIG_FILE, ConfigFile, has_password, line_of};
pub use env_file::{EnvFile, EnvFileError};
pub use environment::{Environment, Origin};
pub use form::{IssuerUrlError, ListenAddressError, check_listen_address, issuer_url};
pub use keys::{
    KeySettingError, KeySource, VerifyingKeys, fresh_secret, secret_file, signing_key,
    verifying_keys, verifying_keys_in, verifying_secret,
};
pub use log_directives::log_directives;
pub use plain_http::PlainHttp;
pub use reader::Reader;
pub use secret_file::{InsecurePermissionsError, SecretFileError};
pub use setting::{
    Program, Setting, Shape, Variable, env_example, is_similar, reference, schema, similar,
};
pub use settling::Settling;
pub use sign_in::{RegistrationBounds, SignInMode, SignInSettings, is_on_origin_of};
pub use surroundings::Surrounding;
pub use upstream::{ServedUpstream, upstream_policy, upstream_resource};
