//! Who we are to the issuer.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use clap::ValueEnum;

use super::{LoginError, discovered::Facts};
use crate::store::Client;

/// The longest secret or JWT that is read from a file.
const MAX_SECRET: u64 = 64 * 1024;

/// What the user says of who we are. Without any of it, we register ourselves.
#[derive(Clone, Default)]
pub(crate) struct Identity {
    /// A client that is registered already.
    pub(crate) client_id: Option<String>,
    /// Its secret.
    pub(crate) client_secret: Option<String>,
    /// Where our document lies (client id metadata document).
    pub(crate) document: Option<String>,
    /// Where the browser must come back to.
    pub(crate) redirect_port: Option<u16>,
    /// What that place is called.
    pub(crate) redirect_host: RedirectHost,
    /// Whether the user knows that the issuer has PKCE, though it does not say so.
    pub(crate) assume_pkce: bool,
}

/// What this machine is called in the address that the browser comes back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum RedirectHost {
    /// As RFC 8252 §7.3 has it
    #[default]
    #[value(name = "127.0.0.1")]
    Address,
    /// For issuers that compare, and have this name
    #[value(name = "localhost")]
    Name,
}

impl RedirectHost {
    /// As it stands in the address.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Address => "127.0.0.1",
            Self::Name => "localhost",
        }
    }
}

impl Identity {
    /// The client that the user names, or whose document the user names where the issuer reads such.
    pub(super) fn client(&self, facts: &Facts) -> Option<Client> {
        if let Some(id) = &self.client_id {
            return Some(Client::new(id, self.client_secret.clone()));
        }
        let document = self.document.as_ref()?;
        facts.says("client_id_metadata_document_supported").then(|| Client::new(document, None))
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
