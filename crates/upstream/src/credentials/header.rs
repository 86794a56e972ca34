//! A header whose value is in a secret file, for example `Authorization: Bearer …` or `X-Api-Key`.

use http::{HeaderName, HeaderValue, header};
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::{
    error::{CredentialError, HeaderNameError},
    secret_file::SecretFile,
};
use crate::http::SentHeaders;

/// A header whose value is in a secret file.
#[derive(Debug)]
pub struct HeaderFile {
    name: HeaderName,
    prefix: String,
    file: SecretFile,
}

impl HeaderFile {
    /// The header `name` with `prefix` and the secret as its value. The prefix is for example
    /// `Bearer ` with its space, or empty.
    pub fn new(
        name: &str,
        prefix: impl Into<String>,
        file: SecretFile,
    ) -> Result<Self, HeaderNameError> {
        Ok(Self { name: own_name(name)?, prefix: prefix.into(), file })
    }

    /// An error if no secret can be in the header `name`.
    pub fn check_name(name: &str) -> Result<(), HeaderNameError> {
        own_name(name).map(drop)
    }

    pub(super) async fn get(&self) -> Result<(HeaderName, HeaderValue), CredentialError> {
        let secret = self.file.get().await?;
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return Err(CredentialError::NotAHeader);
        }
        let text = Zeroizing::new(format!("{}{secret}", self.prefix));
        let mut value = HeaderValue::from_str(&text).map_err(|_| CredentialError::NotAHeader)?;
        value.set_sensitive(true);
        Ok((self.name.clone(), value))
    }
}

/// The name of a header that the operator's configuration fills.
pub(super) fn own_name(text: &str) -> Result<HeaderName, HeaderNameError> {
    let name = HeaderName::from_bytes(text.as_bytes()).map_err(|_| HeaderNameError::Syntax)?;
    let is_of_http = [
        header::HOST,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
        header::EXPECT,
        header::ACCEPT_ENCODING,
        header::USER_AGENT,
    ]
    .contains(&name);
    if is_of_http || SentHeaders::is_of_links(&name) {
        return Err(HeaderNameError::Reserved(name.as_str().to_owned()));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_callers_fill_holds_no_secret_and_no_identity() {
        for fine in ["Authorization", "X-Api-Key", "x-forwarded-user", "Cookie"] {
            assert!(own_name(fine).is_ok(), "{fine}");
        }
        for reserved in ["Host", "mcp-session-id", "Mcp-Param-User", "Mcp-Name", "Connection"] {
            let expected = HeaderNameError::Reserved(reserved.to_ascii_lowercase());
            assert_eq!(own_name(reserved), Err(expected));
        }
        for none in ["", "a b", "a:", "é"] {
            assert_eq!(own_name(none), Err(HeaderNameError::Syntax), "{none}");
        }
    }
}
