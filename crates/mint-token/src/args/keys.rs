//! The flags of the verbs that manage keys: `keygen`, `jwks`, `rotate`.

use std::{path::PathBuf, time::Duration};

use auth_core::{Algorithm, KeyId};
use clap::{Args, ValueEnum};
use terminal::OutputFormat;

use super::{algorithm, whole_seconds};

/// How a private key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyFormat {
    /// PKCS#8 in PEM.
    Pem,
    /// JWK (RFC 7517).
    Jwk,
}

/// What `keygen` makes.
#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// The algorithm that the key signs with.
    #[arg(long, value_name = "ALG", value_parser = algorithm(), default_value = "EdDSA")]
    pub(crate) alg: Algorithm,

    /// The key's name (kid) [default: its RFC 7638 thumbprint]. Needs a JWK, as PEM has no place
    /// for it.
    #[arg(long, value_name = "KID")]
    pub(crate) kid: Option<KeyId>,

    /// How it is written [default: pem; jwk for HS256 and with --kid].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) format: Option<KeyFormat>,

    /// The file, made with mode 0600; an existing file is never replaced [default: key.pem or
    /// key.json].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// How the result is printed. The key itself is never shown.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// What `jwks` publishes.
#[derive(Debug, Args)]
pub(crate) struct JwksArgs {
    /// A folder with keys: PEM and JWK files, private or public. The public half of private ones is
    /// published.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,

    /// The file for the set, replaced as a whole [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// What `rotate` does.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The folder of the keys; made if it does not exist. `--key FOLDER` signs with the active key,
    /// and `JWT_KEY_FILE=FOLDER/jwks.json` makes a server accept them all.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,

    /// The algorithm of the new key [default: that of the newest key; EdDSA for the first].
    #[arg(long, value_name = "ALG", value_parser = algorithm())]
    pub(crate) alg: Option<Algorithm>,

    /// How long servers may cache a key set: the new key becomes active after that.
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds, default_value = "15m")]
    pub(crate) cache: Duration,

    /// How long tokens are valid at most: the old key stays published for that long after it last
    /// signed.
    #[arg(long, value_name = "DURATION", value_parser = whole_seconds, default_value = "24h")]
    pub(crate) max_ttl: Duration,

    /// Print the plan, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// How the plan is written to standard output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: OutputFormat,
}
