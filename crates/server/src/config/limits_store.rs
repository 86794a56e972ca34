//! Where several nodes count rates together: `LIMITS_STORE`. It is not asked here: it may be away
//! when a server starts.

use limits_store::{StoreAddress, StoreTls};
use settings::{Environment, Variable, secret_file};

/// A store, and whose certificates it may have.
#[derive(Debug, Clone)]
pub(crate) struct LimitsStoreConfig {
    pub(crate) address: StoreAddress,
    pub(crate) tls: Option<StoreTls>,
}

impl LimitsStoreConfig {
    /// The store that the settings name. No fault has a part of its URL, which may have a password.
    pub(crate) fn resolve(environment: &Environment, faults: &mut Vec<String>) -> Option<Self> {
        let label = environment.label(Variable::LimitsStore);
        let file_label = environment.label(Variable::LimitsStorePasswordFile);
        let file = environment.get(Variable::LimitsStorePasswordFile);
        let Some(text) = environment.get(Variable::LimitsStore) else {
            if file.is_some() {
                faults.push(format!("{file_label} is the password of LIMITS_STORE: set that, too"));
            }
            return None;
        };
        let mut address: StoreAddress =
            text.parse().map_err(|fault| faults.push(format!("{label}: {fault}"))).ok()?;
        if let Some(path) = file {
            if address.has_password() {
                faults.push(format!("{label} has a password, and {file_label} another: keep one"));
            }
            match secret_file::read(path.as_ref()) {
                Ok(text) if text.trim_end().is_empty() => {
                    faults.push(format!("{file_label} {path}: there is no password in it"));
                }
                Ok(text) => address = address.with_password(&text.trim_end().into()),
                Err(fault) => faults.push(format!("{file_label} {fault}")),
            }
        }
        let tls = address.is_tls().then(|| tls(environment, faults)).flatten();
        Some(Self { address, tls })
    }
}

/// The system's authorities, and that of `CA_FILE`.
fn tls(environment: &Environment, faults: &mut Vec<String>) -> Option<StoreTls> {
    let path = environment.set_value(Variable::CaFile);
    // One that cannot be read is reported with the issuers.
    let pem = path.and_then(|path| environment.read(path.as_ref()).ok());
    let tls = StoreTls::new(pem.as_deref());
    tls.map_err(|fault| faults.push(format!("CA_FILE: {fault}"))).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn resolve(pairs: &[(&str, &str)]) -> Result<Option<LimitsStoreConfig>, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut faults = Vec::new();
        let found = LimitsStoreConfig::resolve(&Environment::from_pairs(pairs), &mut faults);
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    #[test]
    fn there_is_a_store_if_one_is_named() {
        assert!(resolve(&[]).unwrap().is_none());
        let found = resolve(&[("LIMITS_STORE", "redis://:hush@cache.internal")]).unwrap().unwrap();
        assert!(found.address.has_password() && found.tls.is_none());
        assert!(!format!("{found:?}").contains("hush"));
        let found = resolve(&[("LIMITS_STORE", "rediss://cache.internal")]).unwrap().unwrap();
        assert!(found.tls.is_some());
    }

    #[test]
    fn what_is_no_address_is_a_fault_that_does_not_quote_it() {
        let faults = resolve(&[("LIMITS_STORE", "hush:hush")]).unwrap_err();
        assert_eq!(
            faults,
            ["LIMITS_STORE: write redis://HOST:6379, or rediss://HOST:6379 for TLS"]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_password_is_in_a_file_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let file = path.to_str().unwrap();
        let with =
            |url: &str| resolve(&[("LIMITS_STORE", url), ("LIMITS_STORE_PASSWORD_FILE", file)]);
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        fs::write(&path, "hush\n").unwrap();
        mode(0o644);
        assert!(with("redis://cache").unwrap_err()[0].contains("chmod 600"));
        mode(0o600);
        assert!(with("redis://cache").unwrap().unwrap().address.has_password());
        let both = with("redis://:other@cache").unwrap_err();
        assert_eq!(
            both,
            ["LIMITS_STORE has a password, and LIMITS_STORE_PASSWORD_FILE another: keep one"]
        );
        fs::write(&path, "\n").unwrap();
        assert!(with("redis://cache").unwrap_err()[0].contains("no password in it"));
        let alone = resolve(&[("LIMITS_STORE_PASSWORD_FILE", file)]).unwrap_err();
        assert!(alone[0].contains("set that, too"), "{alone:?}");
    }
}
