//! `keygen`: makes a key, writes it to a file, and tells what it is called.

use std::path::PathBuf;

use auth_core::{Algorithm, KeyError};
use serde_json::json;

use crate::{
    Exit, World,
    args::{Format, KeyFormat, KeygenArgs},
    keys::{KeyFault, NoKey, PrivateKey, passphrase, write_new},
    output,
};

#[derive(Debug, thiserror::Error)]
enum KeygenError {
    #[error("{0}")]
    Usage(&'static str),
    #[error(transparent)]
    Passphrase(KeyFault),
    #[error("{0}: {1}. A key is never written over: choose another --out")]
    Write(PathBuf, std::io::Error),
    #[error(transparent)]
    NoKey(#[from] NoKey),
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
                KeygenError::Usage(_) | KeygenError::Passphrase(_) => Exit::Usage,
                _ => Exit::Failed,
            }
        }
    }
}

fn make(args: &KeygenArgs, world: &mut World<'_>) -> Result<String, KeygenError> {
    let needs_jwk = args.alg == Algorithm::Hs256 || args.kid.is_some();
    let is_encrypted = args.encrypt || args.passphrase_file.is_some();
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
    if is_encrypted && format == KeyFormat::Jwk {
        return Err(KeygenError::Usage(
            "only PEM (PKCS#8) can have a passphrase: no HS256, no --kid and no --format jwk with --encrypt",
        ));
    }
    let passphrase = if is_encrypted {
        let found = passphrase(args.passphrase_file.as_deref(), true, world);
        Some(found.map_err(KeygenError::Passphrase)?)
    } else {
        None
    };
    let key = PrivateKey::generate(args.alg)?;
    let signing = key.signing()?;
    let id = args.kid.as_ref().or(signing.id()).ok_or(NoKey)?.clone();
    let text = match (format, passphrase) {
        (KeyFormat::Jwk, _) => key.jwk(&id)?,
        (KeyFormat::Pem, None) => key.pem(),
        (KeyFormat::Pem, Some(passphrase)) => {
            key.encrypted_pem(passphrase.as_bytes(), world.random)?
        }
    };
    let name = if format == KeyFormat::Pem { "key.pem" } else { "key.json" };
    let path = args.out.clone().unwrap_or_else(|| name.into());
    write_new(&path, &text).map_err(|error| KeygenError::Write(path.clone(), error))?;

    let public = signing.verifying_key()?.with_id(id.clone()).to_jwk();
    Ok(match args.output {
        Format::Json => {
            let all = json!({
                "kid": id.as_str(),
                "algorithm": args.alg.name(),
                "file": path.to_string_lossy(),
                "encrypted": is_encrypted,
                "public": public,
            });
            format!("{all}\n")
        }
        Format::Text => {
            let how = if is_encrypted { ", behind the passphrase" } else { "" };
            output::rows(&[
                ("Key", format!("{} ({})", id, args.alg)),
                ("File", format!("{}, mode 0600{how}", path.display())),
                ("Use", format!("mint-token --key {0}, or JWT_KEY_FILE={0}", path.display())),
            ])
        }
    })
}
