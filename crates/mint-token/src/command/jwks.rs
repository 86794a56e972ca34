//! `jwks`: the public key set of a folder of keys.

use std::{collections::BTreeMap, fs, path::PathBuf};

use auth_core::{Jwk, display};
use serde_json::json;
use settings::{key_folder::public_keys, secret_file};

use crate::{Exit, World, args::JwksArgs, output};

/// Runs the verb.
pub(crate) fn run(args: &JwksArgs, world: &mut World<'_>) -> Exit {
    let files = match files(args) {
        Ok(files) => files,
        Err(fault) => {
            output::error(&format!("{}: {fault}", args.folder.display()), world);
            return Exit::Usage;
        }
    };
    // By name, so that a key that is there twice, private and public, is in the set once.
    let mut set: BTreeMap<String, Jwk> = BTreeMap::new();
    let mut is_whole = true;
    for file in files {
        match public_keys(&file) {
            Err(fault) => {
                output::error(&fault, world);
                is_whole = false;
            }
            Ok(keys) => {
                for key in keys {
                    match (key.id(), key.to_jwk()) {
                        (Some(id), Some(jwk)) => drop(set.insert(id.to_string(), jwk)),
                        _ => output::note(
                            &format!(
                                "{}: a secret has no public half, and is left out",
                                file.display()
                            ),
                            world,
                        ),
                    }
                }
            }
        }
    }
    if !is_whole {
        return Exit::Usage;
    }
    if set.is_empty() {
        output::error(&format!("{}: no key", args.folder.display()), world);
        return Exit::Usage;
    }
    let keys: Vec<_> = set.into_values().collect();
    let json = format!("{:#}\n", json!({ "keys": keys }));
    let text = display::escape_json(&json);
    match &args.out {
        None => output::to_out(&text, world),
        Some(path) => match secret_file::write_public(path, &text) {
            Ok(()) => {
                output::to_out(&format!("{} keys in {}\n", keys.len(), path.display()), world)
            }
            Err(fault) => {
                output::error(&format!("{}: {fault}", path.display()), world);
                Exit::Failed
            }
        },
    }
}

/// The files that look like keys, in order, without the set itself and the dates of a rotation.
fn files(args: &JwksArgs) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(&args.folder)? {
        let path = entry?.path();
        let extension = path.extension().and_then(|it| it.to_str());
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        let is_key = matches!(extension, Some("pem" | "json" | "jwk"));
        if is_key && !["jwks.json", "rotation.json"].contains(&name) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
