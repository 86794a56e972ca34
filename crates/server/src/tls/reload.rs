//! The files of TLS among those that are read again while the server runs.

use tls_setup::{CertificateFiles, ClientsFile, TextError, TlsTexts};

use crate::reload::{Applied, ReloadError, Source};

impl Source for CertificateFiles {
    type Content = Result<TlsTexts, TextError>;

    fn label(&self) -> String {
        "TLS certificate".into()
    }

    fn read(&mut self, _: bool) -> Self::Content {
        Self::read(self)
    }

    fn apply(&mut self, content: &Self::Content) -> Result<Applied, ReloadError> {
        Ok(applied(Self::apply(self, content)?))
    }
}

impl Source for ClientsFile {
    type Content = Result<Vec<u8>, TextError>;

    fn label(&self) -> String {
        "certificate authorities of clients".into()
    }

    fn read(&mut self, _: bool) -> Self::Content {
        Self::read(self)
    }

    fn apply(&mut self, content: &Self::Content) -> Result<Applied, ReloadError> {
        Ok(applied(Self::apply(self, content)?))
    }
}

const fn applied(is_new: bool) -> Applied {
    if is_new { Applied::Changed } else { Applied::Same }
}
