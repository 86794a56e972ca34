//! The client that we are to the issuer.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{LoginError, discovered::IssuerInfo, redirect::RedirectHost};
use crate::store::Client;

/// The longest secret or JWT that is read from a file.
const MAX_SECRET: u64 = 64 * 1024;

/// What the user says about the client. Without any of it, we register one.
#[derive(Clone, Default)]
pub(crate) struct Identity {
    /// A client that is registered already.
    pub(crate) client_id: Option<String>,
    /// Its secret.
    pub(crate) client_secret: Option<String>,
    /// The URL of a client ID metadata document.
    pub(crate) document: Option<String>,
    /// The port of the redirect URI.
    pub(crate) redirect_port: Option<u16>,
    /// The host of the redirect URI.
    pub(crate) redirect_host: RedirectHost,
    /// Whether the user knows that the issuer has PKCE, though it does not say so.
    pub(crate) assume_pkce: bool,
}

impl Identity {
    /// The client that the user names, or whose document the user names where the issuer reads
    /// such.
    pub(super) fn client(&self, info: &IssuerInfo) -> Option<Client> {
        if let Some(id) = &self.client_id {
            return Some(Client::new(id, self.client_secret.clone()));
        }
        let document = self.document.as_ref()?;
        info.flag("client_id_metadata_document_supported").then(|| Client::new(document, None))
    }
}

/// A secret from a file, with the white space around it taken off; `-` is stdin.
pub(crate) fn read_secret(path: &Path) -> Result<String, LoginError> {
    let fault = |fault| LoginError::File(path.to_owned(), fault);
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().take(MAX_SECRET).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_SECRET).read_to_string(&mut text))
    };
    read.map_err(fault)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(fault(io::Error::new(io::ErrorKind::InvalidData, "it is empty")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_what_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, " hush \n").unwrap();
        assert_eq!(read_secret(&path).unwrap(), "hush");
        std::fs::write(&path, "\n").unwrap();
        assert!(read_secret(&path).is_err());
    }
}
