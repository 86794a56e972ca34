//! The flags of the verbs that look after keys: `keygen`, `jwks`, `rotate`.

use std::path::PathBuf;

use auth_core::{Algorithm, KeyId};
use clap::{Args, ValueEnum};

use super::{Format, algorithm};
use crate::ttl::Ttl;

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
    /// What the key signs with.
    #[arg(long, value_name = "ALG", value_parser = algorithm(), default_value = "EdDSA")]
    pub(crate) alg: Algorithm,

    /// What the key is called [default: its RFC 7638 thumbprint]. Needs a JWK, as PEM has no place for it.
    #[arg(long, value_name = "KID")]
    pub(crate) kid: Option<KeyId>,

    /// How it is written [default: pem; jwk for HS256 and with --kid].
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(crate) format: Option<KeyFormat>,

    /// Where it is written, with mode 0600; nothing is written over [default: key.pem or key.json].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Encrypt it with a passphrase (PKCS#8, PBES2): asked for, unless a file has it.
    #[arg(long)]
    pub(crate) encrypt: bool,

    /// The file with the passphrase, mode 0600.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// How it is told to standard output. The key itself is never shown.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,
}

/// What `jwks` publishes.
#[derive(Debug, Args)]
pub(crate) struct JwksArgs {
    /// A folder with keys: PEM and JWK files, private or public. Of private ones the public half is taken.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,

    /// Where the set is written, whole or not at all [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// The file with the passphrase of keys that have one, mode 0600.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// What `rotate` does.
#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The folder of the keys; made if it is not there. `--key FOLDER` signs with the key that is
    /// active, and `JWT_KEY_FILE=FOLDER/jwks.json` lets a server know them all.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,

    /// What the new key signs with.
    #[arg(long, value_name = "ALG", value_parser = algorithm(), default_value = "EdDSA")]
    pub(crate) alg: Algorithm,

    /// How long servers may go on with a key set that they have: so long the new key waits.
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub(crate) cache: Ttl,

    /// How long tokens live at most: so long the old key stays published after it last signed.
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(crate) max_ttl: Ttl,

    /// Print the plan, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// How the plan is written to standard output.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) output: Format,
}
