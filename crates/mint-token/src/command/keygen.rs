//! `keygen`: generates a key, writes it to a file, and prints its name.

use std::path::PathBuf;

use auth_core::{Algorithm, KeyError, display::quoted};
use serde_json::json;
use settings::key_folder::{KeyGenerationError, PrivateKey, write_new};
use terminal::{OutputFormat, Program};

use crate::{
    Exit, World,
    args::{KeyFormat, KeygenArgs},
    output,
};

#[derive(Debug, thiserror::Error)]
enum KeygenError {
    #[error("{0}")]
    Usage(&'static str),
    #[error("{0}: {1}. An existing file is never replaced: choose another --out")]
    Write(PathBuf, std::io::Error),
    #[error(transparent)]
    Generation(#[from] KeyGenerationError),
    #[error(transparent)]
    Unusable(#[from] KeyError),
}

/// Runs the verb.
pub(crate) fn run(args: &KeygenArgs, world: &mut World<'_>) -> Exit {
    match make(args, world) {
        Ok(text) => output::to_out(&text, world),
        Err(fault) => {
            output::error(&fault, world);
            match fault {
                KeygenError::Usage(_) => Exit::Usage,
                _ => Exit::Failed,
            }
        }
    }
}

fn make(args: &KeygenArgs, world: &World<'_>) -> Result<String, KeygenError> {
    let needs_jwk = args.alg == Algorithm::Hs256 || args.kid.is_some();
    let format = match args.format {
        Some(KeyFormat::Pem) if needs_jwk => {
            return Err(KeygenError::Usage(
                "PEM has no place for a secret (HS256) or a kid: leave --format out, or --kid",
            ));
        }
        Some(format) => format,
        None if needs_jwk => KeyFormat::Jwk,
        None => KeyFormat::Pem,
    };
    let key = PrivateKey::generate(args.alg)?;
    let signing = key.signing()?;
    let id = args.kid.as_ref().or(signing.id()).ok_or(KeyGenerationError)?.clone();
    let text = match format {
        KeyFormat::Jwk => key.jwk(&id)?,
        KeyFormat::Pem => key.pem(),
    };
    let name = if format == KeyFormat::Pem { "key.pem" } else { "key.json" };
    let path = args.out.clone().unwrap_or_else(|| name.into());
    write_new(&path, &text).map_err(|error| KeygenError::Write(path.clone(), error))?;

    let public = signing.verifying_key()?.with_id(id.clone()).to_jwk();
    Ok(match args.output {
        OutputFormat::Json => {
            let all = json!({
                "kid": id.as_str(),
                "algorithm": args.alg.name(),
                "file": path.to_string_lossy(),
                "public": public,
            });
            format!("{all}\n")
        }
        OutputFormat::Text => {
            let file = quoted(&path.to_string_lossy());
            let command = world.invocation.command(Program::MintToken, &format!("--key {file}"));
            let rows = [
                ("Key", format!("{id} ({})", args.alg)),
                ("File", format!("{}, mode 0600", path.display())),
                ("Use", format!("{command}, or JWT_KEY_FILE={file}")),
            ];
            output::rows(&rows, world.out_columns)
        }
    })
}
