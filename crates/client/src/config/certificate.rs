//! The client's own certificate, for servers that ask for one (RFC 8705).
//!
//! 1. A flag beats the environment. A file that `--env-file` names counts as the environment. The
//!    `.env` of the current folder names no certificate: its author must not choose what the user
//!    presents.
//! 2. The key is in the file of the certificate, unless another file is named.
//! 3. A file with a private key is not read if other users may read it.

use std::path::{Path, PathBuf};

use auth_core::display::quoted;
use outbound::{ClientCertificate, ClientCertificateError};
use settings::{
    Environment, SecretFileError, Variable,
    secret_file::{read, read_unchecked},
};

use crate::{failure::Failure, tls::OwnCertificate};

/// Why there is no client certificate. No variant shows a byte of the key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// A variable in the `.env` of the current folder.
    #[error("{0} is in .env of this folder, which names no client certificate")]
    FromFolder(&'static str),
    /// A key, and no certificate.
    #[error("{0} names a key, and there is no client certificate")]
    KeyAlone(&'static str),
    /// A file cannot be read.
    #[error("{source_name}: {fault}")]
    File {
        /// The flag or the variable that names it.
        source_name: &'static str,
        /// What is wrong with it. It names the file.
        fault: SecretFileError,
    },
    /// What is in the files cannot be used.
    #[error("{source_name} {}: {fault}", path.display())]
    Content {
        /// The flag or the variable that names the file.
        source_name: &'static str,
        /// The file at fault.
        path: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
        /// What is wrong.
        fault: ClientCertificateError,
    },
}

/// A file, and the flag or the variable that names it.
type Named = (&'static str, PathBuf);

/// The certificate that is named, if one is. `names_file` says whether the user named the file of
/// the environment.
pub(super) fn certificate(
    flags: (Option<PathBuf>, Option<PathBuf>),
    names_file: bool,
    environment: &Environment,
) -> Result<Option<OwnCertificate>, CertificateError> {
    let named =
        |flag: Option<PathBuf>, option, variable| match (flag, environment.set_value(variable)) {
            (Some(path), _) => Ok(Some((option, path))),
            (None, Some(_)) if !names_file && environment.is_from_file(variable) => {
                Err(CertificateError::FromFolder(variable.name()))
            }
            (None, Some(path)) => Ok(Some((variable.name(), PathBuf::from(path)))),
            (None, None) => Ok(None),
        };
    let own = named(flags.0, "--client-cert", Variable::McpClientCertificateFile)?;
    let key = named(flags.1, "--client-key", Variable::McpClientKeyFile)?;
    match (own, key) {
        (None, None) => Ok(None),
        (None, Some((source_name, _))) => Err(CertificateError::KeyAlone(source_name)),
        (Some(own), key) => loaded(&own, key.as_ref().unwrap_or(&own)).map(Some),
    }
}

fn loaded(own: &Named, key: &Named) -> Result<OwnCertificate, CertificateError> {
    let file = |named: &Named, read: fn(&Path) -> Result<_, SecretFileError>| {
        let (source_name, path) = named;
        read(path).map_err(|fault| CertificateError::File { source_name, fault })
    };
    let (chain, key_text) = (file(own, read_unchecked)?, file(key, read)?);
    let certificate = ClientCertificate::from_pem(chain.as_bytes(), &key_text);
    let certificate = certificate.map_err(|fault| {
        let (source_name, path) = if fault.is_of_key() { key } else { own };
        let (path, certificate) = (path.clone(), own.1.clone());
        CertificateError::Content { source_name, path, certificate, fault }
    })?;
    Ok(OwnCertificate { path: own.1.clone(), certificate })
}

impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        let failure = Self::usage(&error.to_string());
        match hint(&error) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// What to do about it, where the error does not say.
fn hint(error: &CertificateError) -> Option<String> {
    let (path, certificate, fault) = match error {
        CertificateError::FromFolder(name) => {
            return Some(format!(
                "if you want it, name it: --client-cert, {name} in the environment, or \
                 --env-file .env"
            ));
        }
        CertificateError::KeyAlone(_) => {
            return Some("--client-cert FILE names the certificate of this key".to_owned());
        }
        // It may be a certificate alone, which everyone may read.
        CertificateError::File { source_name, fault: SecretFileError::InsecurePermissions(_) }
            if matches!(*source_name, "--client-cert" | "MCP_CLIENT_CERTIFICATE_FILE") =>
        {
            return Some(
                "the private key is looked for in it: if that is in another file, name it with \
                 --client-key"
                    .to_owned(),
            );
        }
        CertificateError::File { .. } => return None,
        CertificateError::Content { path, certificate, fault, .. } => (path, certificate, fault),
    };
    let shell = |path: &Path| quoted(&path.to_string_lossy());
    Some(match fault {
        ClientCertificateError::Syntax
        | ClientCertificateError::NoCertificate
        | ClientCertificateError::Malformed => {
            "the file has the client's own certificate first, then those of the authorities \
             between it and the root"
                .to_owned()
        }
        ClientCertificateError::NoKey if path == certificate => {
            "--client-key FILE names the file of its private key".to_owned()
        }
        ClientCertificateError::NoKey | ClientCertificateError::Key => {
            "name the file of the private key that the certificate was made with".to_owned()
        }
        ClientCertificateError::Encrypted => format!(
            "decrypt it into a file of your own: `(umask 077; openssl pkey -in {} -out key.pem)`",
            shell(path)
        ),
        ClientCertificateError::KeyMismatch => format!(
            "`openssl x509 -in {} -noout -pubkey` prints the public key of the certificate, and \
             `openssl pkey -in {} -pubout` that of the private key",
            shell(certificate),
            shell(path)
        ),
    })
}
