//! Keys in files, which change while the server runs: a key is added, an old one taken out.
//!
//! 1. A file is looked at every second, and read when it is another than it was.
//! 2. A file that cannot be read, or has no usable key, changes nothing: the keys that were known serve
//!    on, and the log says why. Whoever wants a key to count no more writes a set without it.
//! 3. Requests that are under way go on with what they had.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use auth_core::{Issuer, IssuerKeys};
use mcp_guard::Issuers;
use tokio_util::sync::CancellationToken;

const LOOK: Duration = Duration::from_secs(1);

/// What tells one state of a file from another.
type Mark = Option<(SystemTime, u64, u64)>;

/// Keeps the keys of `files` as the files have them, until `stop` is cancelled.
pub(crate) async fn keep_fresh(
    files: Vec<(Issuer, PathBuf)>,
    issuers: Issuers,
    stop: CancellationToken,
) {
    // Nothing is known of what was read at start but that it was before now: each is read once more.
    let mut watched: Vec<(Issuer, PathBuf, Mark)> =
        files.into_iter().map(|(issuer, path)| (issuer, path, None)).collect();
    if watched.is_empty() {
        return;
    }
    loop {
        for (issuer, path, seen) in &mut watched {
            let mark = mark(path);
            if mark != *seen {
                let is_first = seen.is_none();
                *seen = mark;
                renew(issuer, path, &issuers, is_first);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => return,
        }
    }
}

fn mark(path: &Path) -> Mark {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn renew(issuer: &Issuer, path: &Path, issuers: &Issuers, is_first: bool) {
    let name = path.display();
    match settings::verifying_keys_in(path.to_path_buf()) {
        Err(fault) => {
            tracing::warn!(%issuer, %fault, "The keys of {name} cannot be read: the old ones serve on");
        }
        Ok(found) => {
            if !is_first {
                for (place, fault) in &found.unusable {
                    tracing::warn!(%issuer, place, %fault, "A key of {name} cannot be used");
                }
                let count = found.keys.iter().count();
                tracing::info!(%issuer, count, "The keys of {name} were read anew");
            }
            issuers.replace_keys(IssuerKeys::new(issuer.clone(), found.keys));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_core::{AccessToken, Algorithm, TrustedIssuer};
    use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};

    use super::*;

    #[test]
    fn a_file_that_changes_changes_the_keys_and_a_bad_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("public.pem");
        let (old, new) = (TestKey::generate(Algorithm::EdDsa), TestKey::generate(Algorithm::EdDsa));
        let issuer: Issuer = ISSUER.parse().unwrap();
        let keys = [old.verifying()].into_iter().collect();
        let trust = TrustedIssuer::new(issuer.clone(), keys).into();
        let clock = ManualClock::at(NOW);
        let issuers = Issuers::new(RESOURCE.parse().unwrap(), clock, [trust]).unwrap();
        let issuers = Arc::new(issuers);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let is_good = |key: &TestKey| {
            let token: AccessToken = Forge::valid(key).sign(key).parse().unwrap();
            runtime.block_on(issuers.verify(&token)).is_ok()
        };
        assert!(is_good(&old) && !is_good(&new));

        assert_eq!(mark(&path), None);
        renew(&issuer, &path, &issuers, false);
        assert!(is_good(&old), "a file that is not there changes nothing");
        fs::write(&path, "no key").unwrap();
        let nonsense = mark(&path);
        renew(&issuer, &path, &issuers, false);
        assert!(is_good(&old), "nor does one without a key");
        fs::write(&path, new.public_pem().unwrap()).unwrap();
        assert_ne!(mark(&path), nonsense);
        renew(&issuer, &path, &issuers, false);
        assert!(is_good(&new) && !is_good(&old));
    }
}
