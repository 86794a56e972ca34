//! The secrets and key files that a section names.

use std::path::Path;

use settings::{Environment, KeySettingError};
use zeroize::Zeroizing;

use crate::Section;

/// The secret that `secret_env` or `secret_file` names.
pub fn secret(
    section: &mut Section,
    environment: &Environment,
    folder: &Path,
) -> Option<Zeroizing<String>> {
    let secret = match (section.text("secret_env"), section.text("secret_file")) {
        (Some(name), None) => match environment.secret_named(&name) {
            Some(secret) => Zeroizing::new(secret.to_owned()),
            None => return section.none(format!("secret_env: {name} is not set")),
        },
        (None, Some(file)) => match settings::secret_file(&folder.join(&file)) {
            Ok(secret) => secret,
            Err(fault) => {
                return section.none(format!("secret_file {file:?}: {}", describe(&fault)));
            }
        },
        _ => return section.none("write one of secret_env and secret_file"),
    };
    if secret.is_empty() { section.none("the secret is empty") } else { Some(secret) }
}

/// The error of a key or a secret, without the names of variables that do not concern a section.
#[must_use]
pub fn describe(fault: &KeySettingError) -> String {
    match fault {
        KeySettingError::Placeholder => "a placeholder: put in a real one".into(),
        KeySettingError::NotBase64Url => {
            "it begins with base64url: but what follows is not base64url".into()
        }
        KeySettingError::Secret(fault) | KeySettingError::Key { fault, .. } => fault.to_string(),
        KeySettingError::Unreadable { reason, .. } => reason.clone(),
        KeySettingError::NoUsableKeys { reason, .. } => {
            format!("the set has no key that can be used: {reason}")
        }
        KeySettingError::InsecurePermissions { path } => {
            format!("others may read it. Run `chmod 600 {}`", path.display())
        }
        KeySettingError::Missing | KeySettingError::Both => fault.to_string(),
    }
}
