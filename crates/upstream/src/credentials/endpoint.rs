//! The token endpoint of an authorization server, and how the gateway authenticates there (RFC 6749
//! §2.3.1, §3.2).

use std::{fmt, str::FromStr};

use auth_core::oauth::encode;
use outbound::{
    Address, AddressError, AddressPolicy, CertificateAuthorities, OutboundClient, Request,
};
use secrecy::ExposeSecret;

use super::{
    error::{CredentialError, TokenEndpointError},
    secret_file::SecretFile,
    token::UpstreamToken,
};

/// Where the gateway's secret is in a request to a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecretMethod {
    /// In the `Authorization` header (`client_secret_basic`).
    #[default]
    Basic,
    /// In the body (`client_secret_post`).
    Post,
}

/// The URL of a token endpoint, which the operator has named: `https`, or `http` to a loopback
/// host. It is shown without its query.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenEndpointUrl(Address);

/// Why a text is no URL of a token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct TokenEndpointUrlError(#[from] AddressError);

impl FromStr for TokenEndpointUrl {
    type Err = TokenEndpointUrlError;

    fn from_str(text: &str) -> Result<Self, TokenEndpointUrlError> {
        let address: Address = text.parse()?;
        AddressPolicy::named_by_operator().check(&address)?;
        Ok(Self(address))
    }
}

impl fmt::Display for TokenEndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.without_query())
    }
}

impl fmt::Debug for TokenEndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenEndpointUrl({self})")
    }
}

/// A token endpoint, and the gateway as a client of it.
#[derive(Debug)]
pub struct TokenEndpoint {
    client: OutboundClient,
    address: Address,
    id: String,
    secret: SecretFile,
    method: SecretMethod,
}

impl TokenEndpoint {
    /// The endpoint at `url`, for the client `id`. Its certificate is verified by the system's
    /// authorities and by `authorities`.
    #[must_use]
    pub fn new(
        url: TokenEndpointUrl,
        authorities: CertificateAuthorities,
        id: String,
        secret: SecretFile,
    ) -> Self {
        let client = OutboundClient::builder(AddressPolicy::named_by_operator());
        let client = client.authorities(authorities).on_first_use();
        Self { client, address: url.0, id, secret, method: SecretMethod::default() }
    }

    /// The same with another method.
    #[must_use]
    pub fn method(self, method: SecretMethod) -> Self {
        Self { method, ..self }
    }

    /// Asks for a token.
    pub(super) async fn ask(
        &self,
        mut pairs: Vec<(&str, &str)>,
    ) -> Result<UpstreamToken, CredentialError> {
        let secret = self.secret.get().await?;
        let secret = secret.expose_secret();
        let request = Request::post(self.address.clone());
        let request = match self.method {
            // Both are form-encoded before (RFC 6749 §2.3.1).
            SecretMethod::Basic => request.basic(&encoded(&self.id), &encoded(secret)).form(&pairs),
            SecretMethod::Post => {
                pairs.extend([("client_id", self.id.as_str()), ("client_secret", secret)]);
                request.form(&pairs)
            }
        };
        let response = self.client.send(request).await.map_err(TokenEndpointError::from)?;
        Ok(UpstreamToken::read(&response)?)
    }
}

fn encoded(text: &str) -> String {
    // The value of a parameter without a name.
    encode([("", text)]).trim_start_matches('=').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_form_encoded() {
        assert_eq!(encoded("a:b c%=="), "a%3Ab%20c%25%3D%3D");
        assert_eq!(encoded("=a"), "%3Da");
    }
}
