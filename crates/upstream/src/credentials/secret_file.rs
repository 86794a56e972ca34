//! A secret in a file, which is read again while the program runs.
//!
//! 1. The file is read at most once a second, when the secret is needed.
//! 2. While it cannot be read, the last text that could is used.
//! 3. One line end after the secret is not part of it.

use std::{
    error::Error,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use secrecy::SecretString;
use tokio::time::Instant;
use tracing::warn;
use zeroize::Zeroizing;

use super::error::CredentialError;

/// How old what was read may be.
const FRESH: Duration = Duration::from_secs(1);

/// Reads a file with a secret, and checks who else may read it.
pub type ReadSecret = fn(&Path) -> Result<Zeroizing<String>, Box<dyn Error + Send + Sync>>;

/// A secret in a file. A clone shares what was read.
#[derive(Clone)]
pub struct SecretFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    read: ReadSecret,
    last: Mutex<Last>,
}

#[derive(Clone, Default)]
struct Last {
    secret: Option<SecretString>,
    read_at: Option<Instant>,
}

impl SecretFile {
    /// The secret in the file at `path`. It is read with `read` when it is first needed.
    #[must_use]
    pub fn new(path: PathBuf, read: ReadSecret) -> Self {
        Self(Arc::new(Inner { path, read, last: Mutex::default() }))
    }

    /// The secret.
    pub(super) async fn get(&self) -> Result<SecretString, CredentialError> {
        let last = self.last();
        let is_fresh = last.read_at.is_some_and(|at| at.elapsed() < FRESH);
        if let Some(secret) = last.secret.clone().filter(|_| is_fresh) {
            return Ok(secret);
        }
        let inner = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || (inner.read)(&inner.path));
        let read = read.await.map_err(|error| CredentialError::Secret(error.into()))?;
        let secret = match (read, last.secret) {
            (Ok(text), _) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                SecretString::from(text.strip_suffix('\r').unwrap_or(text))
            }
            (Err(error), Some(secret)) => {
                let path = self.0.path.display();
                warn!(%path, error = &*error as &dyn Error, "the last secret is used");
                secret
            }
            (Err(error), None) => return Err(CredentialError::Secret(error)),
        };
        let last = Last { secret: Some(secret.clone()), read_at: Some(Instant::now()) };
        *self.0.last.lock().unwrap_or_else(PoisonError::into_inner) = last;
        Ok(secret)
    }

    fn last(&self) -> Last {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Shows the path alone.
impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretFile({})", self.0.path.display())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use secrecy::ExposeSecret;
    use tokio::time::advance;

    use super::*;

    fn read(path: &Path) -> Result<Zeroizing<String>, Box<dyn Error + Send + Sync>> {
        Ok(Zeroizing::new(fs::read_to_string(path)?))
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let file = SecretFile::new(path.clone(), read);
        assert!(matches!(file.get().await, Err(CredentialError::Secret(_))));
        fs::write(&path, " one\r\n").unwrap();
        assert_eq!(file.get().await.unwrap().expose_secret(), " one");
        fs::write(&path, "two\n\n").unwrap();
        assert_eq!(file.get().await.unwrap().expose_secret(), " one");
        advance(FRESH).await;
        assert_eq!(file.get().await.unwrap().expose_secret(), "two\n");
        fs::remove_file(&path).unwrap();
        advance(FRESH).await;
        assert_eq!(file.get().await.unwrap().expose_secret(), "two\n");
        assert!(!format!("{file:?}").contains("two"));
    }
}
