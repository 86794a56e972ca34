//! The section `[audit]`: off unless a file is named.

use std::{fs, path::Path};

use audit_log::AuditConfig;
use auth_core::{Algorithm, SigningKey};
use directory::AuditTable;
use secrecy::SecretString;
use settings::{Environment, Reader, Variable, secret_file};

/// Settings that mean nothing without the file.
const OF_THE_FILE: [Variable; 5] = [
    Variable::AuditKeyFile,
    Variable::AuditRotateMib,
    Variable::AuditKeepFiles,
    Variable::AuditCheckpointRecords,
    Variable::AuditStdout,
];

/// Files with other contents.
const OTHER_FILES: [Variable; 6] = [
    Variable::AuditKeyFile,
    Variable::PolicyFile,
    Variable::IssuersFile,
    Variable::JwtKeyFile,
    Variable::TlsCertificateFile,
    Variable::TlsKeyFile,
];

/// What the settings say of the audit log of a program that runs until it is stopped.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// Where records are written, and how.
    pub log: AuditConfig,
    /// The URL of the database into which they are copied.
    pub database: Option<SecretString>,
}

impl AuditSettings {
    /// What the settings say; `None` if there is no audit log, or if something is wrong, which is
    /// added to `faults`.
    pub fn resolve(environment: &Environment, faults: &mut Vec<String>) -> Option<Self> {
        let log = log_config(environment, faults);
        let database = database(environment, faults);
        Some(Self { log: log?, database })
    }
}

/// The log alone, without its copy; `None` if there is none, or if something is wrong, which is
/// added to `faults`.
pub fn log_config(environment: &Environment, faults: &mut Vec<String>) -> Option<AuditConfig> {
    let Some(file) = environment.get(Variable::AuditFile) else {
        let is_set = |variable: &Variable| {
            environment.set_value(*variable).is_some_and(|value| value != "off")
        };
        for unused in OF_THE_FILE.into_iter().filter(is_set) {
            let label = environment.label(unused);
            faults.push(format!("{label}: set AUDIT_FILE, too: without it there is no log"));
        }
        return None;
    };
    if let Err(fault) = check_file(file, environment) {
        faults.push(format!("{} {file}: {fault}", environment.label(Variable::AuditFile)));
    }
    let mut reader = Reader::new(environment, faults);
    let max_mib = reader.number(Variable::AuditRotateMib);
    let max_full_files = reader.optional_count(Variable::AuditKeepFiles);
    let checkpoint_records = reader.number(Variable::AuditCheckpointRecords);
    let is_copied = reader.is_on(Variable::AuditStdout);
    let read = |path: &str| read_key(path.as_ref()).map_err(|fault| format!(" {path}: {fault}"));
    let key = environment.get(Variable::AuditKeyFile).map(read);
    let missing = ": set a private key that signs the log, too".to_owned();
    let key = key.unwrap_or(Err(missing)).map_err(|fault| {
        faults.push(format!("{}{fault}", environment.label(Variable::AuditKeyFile)));
    });
    Some(AuditConfig {
        file: file.into(),
        key: key.ok()?,
        node: node(),
        max_bytes: max_mib?.saturating_mul(1024 * 1024),
        max_full_files,
        checkpoint_records: checkpoint_records?,
        is_copied: is_copied?,
    })
}

/// Whether a log can be at `file`: where something else is, its contents would be taken for records
/// that were changed.
fn check_file(file: &str, environment: &Environment) -> Result<(), String> {
    let is_it = |variable: &Variable| environment.get(*variable) == Some(file);
    if let Some(other) = OTHER_FILES.into_iter().find(is_it) {
        return Err(format!("this is the file of {}: name another", environment.label(other)));
    }
    let folder = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(format!("there is no folder {}: make it first", folder.display()));
    }
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => Err("this is no regular file: name another".to_owned()),
        _ => Ok(()),
    }
}

/// The database into which the log is copied; `None` if there is none, or if something is wrong,
/// which is added to `faults`.
fn database(environment: &Environment, faults: &mut Vec<String>) -> Option<SecretString> {
    let url = environment.get(Variable::AuditDatabaseUrl)?;
    let label = environment.label(Variable::AuditDatabaseUrl);
    if environment.get(Variable::AuditFile).is_none() {
        faults.push(format!("{label}: set AUDIT_FILE, too: the file is what is copied"));
    }
    if let Err(fault) = AuditTable::check(url) {
        faults.push(format!("{label}: {fault}"));
    }
    Some(url.into())
}

/// What this node is called.
pub(crate) fn node() -> String {
    whoami::hostname().unwrap_or_else(|_| "?".into())
}

/// A private key with a public half, by which others can check what it signed.
fn read_key(path: &Path) -> Result<SigningKey, String> {
    // Errors of the file name it, and so does the caller.
    let text = secret_file::read(path).map_err(|error| error.to_string())?;
    let key = if text.trim_start().starts_with('{') {
        SigningKey::from_jwk(&text)
    } else {
        SigningKey::from_pem(&text)
    };
    let key = key.map_err(|error| error.to_string())?;
    if key.algorithm() == Algorithm::Hs256 {
        return Err("a secret has no public half: use a private key, ES256 for example".into());
    }
    Ok(key)
}
