//! Who we are to the issuer.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::LoginError;

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
