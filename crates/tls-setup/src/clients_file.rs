//! The file with the authorities of clients, read again by itself: where the certificate is from no
//! file.

use std::path::PathBuf;

use listener::ClientAuthorities;

use crate::{
    error::TlsFileError,
    files::{TextError, authorities, text},
    in_force::InForce,
};

/// Authorities of clients, and the file that they were read from.
#[derive(Debug, Clone)]
pub struct LoadedClients {
    path: PathBuf,
    authorities: ClientAuthorities,
}

/// The authorities of clients in force, and the file that they are from.
#[derive(Debug)]
pub struct ClientsFile {
    loaded: LoadedClients,
    in_force: InForce,
}

impl LoadedClients {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    ///
    /// [`TlsFileError`] if it cannot be read, or has no authority that can be used.
    pub fn read(path: PathBuf) -> Result<Self, TlsFileError> {
        let authorities = authorities(&path, &text(&path)?)?;
        Ok(Self { path, authorities })
    }
}

impl ClientsFile {
    /// Puts what was `loaded` in force.
    ///
    /// # Errors
    ///
    /// [`TlsFileError`] if TLS cannot be set up with it.
    pub fn new(loaded: LoadedClients, in_force: InForce) -> Result<Self, TlsFileError> {
        let own = Self { loaded, in_force };
        own.put(&own.loaded.authorities)?;
        Ok(own)
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`TextError`] if it cannot be read.
    pub fn read(&self) -> Result<Vec<u8>, TextError> {
        text(&self.loaded.path)
    }

    /// Checks what was read, and puts it in force. `true` if it differs from what was.
    ///
    /// # Errors
    ///
    /// [`TlsFileError`] if it cannot be used. Then what was in force stays so.
    pub fn apply(&mut self, content: &Result<Vec<u8>, TextError>) -> Result<bool, TlsFileError> {
        let text = content.as_ref().map_err(|error| TlsFileError::from(error.clone()))?;
        let new = authorities(&self.loaded.path, text)?;
        if new == self.loaded.authorities {
            return Ok(false);
        }
        self.put(&new)?;
        self.loaded.authorities = new;
        Ok(true)
    }

    fn put(&self, clients: &ClientAuthorities) -> Result<(), TlsFileError> {
        let put = self.in_force.put_clients(Some(clients));
        put.map_err(|source| TlsFileError::Invalid { path: self.loaded.path.clone(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::made::Made;

    #[test]
    fn new_authorities_are_in_force_and_bad_ones_are_not() {
        let (made, other) = (Made::new(), Made::new());
        let path = made.path("ca.pem");
        let missing = LoadedClients::read(path.clone()).unwrap_err();
        assert_eq!(missing.reason(), "it cannot be read");
        fs::copy(&made.files.certificate, &path).unwrap();
        let loaded = LoadedClients::read(path.clone()).unwrap();
        let mut file = ClientsFile::new(loaded, InForce::default()).unwrap();
        let mut look = || {
            let content = file.read();
            file.apply(&content).map_err(|error| error.reason())
        };
        assert_eq!(look(), Ok(false));
        fs::copy(&other.files.certificate, &path).unwrap();
        assert_eq!(look(), Ok(true));
        assert_eq!(look(), Ok(false));
        fs::write(&path, "nothing").unwrap();
        assert_eq!(look(), Err("it is invalid"));
        fs::remove_file(&path).unwrap();
        assert_eq!(look(), Err("it cannot be read"));
    }

    #[test]
    fn a_folder_a_device_and_a_long_file_are_not_read() {
        let made = Made::new();
        let long = made.path("long.pem");
        fs::write(&long, vec![b' '; 1024 * 1024 + 1]).unwrap();
        for (path, said) in [
            (made.path(""), "this is no file"),
            ("/dev/null".into(), "this is no file"),
            (long, "this file is too long"),
        ] {
            let fault = LoadedClients::read(path).unwrap_err().to_string();
            assert!(fault.ends_with(said), "{fault}");
        }
    }
}
