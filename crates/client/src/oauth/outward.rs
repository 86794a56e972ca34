//! The client for every address that a server names, rather than the user.
//!
//! 1. Public addresses, and the server's own host, where the user sent us. A server on this machine
//!    may name this machine. One at a private address, or `--allow-private`, allows private ones.
//!    The rest is [`outbound`]'s.
//! 2. A response takes 30 seconds at most: issuers can be slow to wake up.

use std::time::Duration;

use outbound::{
    Address, AddressClass, AddressError, AddressPolicy, CertificateAuthorities, Limits,
    OutboundClient, OutboundError, Request, transport,
};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};
use url::{Origin, Url};

pub(crate) use outbound::Response as Reply;

use crate::{endpoint::Endpoint, tls::Tls};

const TIMEOUT: Duration = Duration::from_secs(30);

/// An address that is not asked, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{address}: {fault}")]
pub(crate) struct RefusedAddressError {
    /// The address as it was named.
    pub(crate) address: String,
    /// Why it is not asked.
    pub(crate) fault: AddressError,
}

/// The client for what one server names.
#[derive(Debug, Clone)]
pub(crate) struct Outward {
    client: OutboundClient,
    /// The client that presents a certificate, and the only origin that it asks.
    presenting: Option<(Origin, OutboundClient)>,
    authorities: CertificateAuthorities,
}

impl Outward {
    /// A client for what the server at `endpoint` names.
    pub(crate) fn new(
        endpoint: &Endpoint,
        allow_private: bool,
        tls: Tls<'_>,
    ) -> Result<Self, OutboundError> {
        let authorities = tls.authorities;
        let host = endpoint.host().trim_matches(['[', ']']);
        let is_private = host.parse().map(AddressClass::of) == Ok(AddressClass::Private);
        let policy = AddressPolicy::public_only()
            .and_private(allow_private || is_private)
            .and_loopback(endpoint.is_loopback())
            .and_host(host);
        let builder = || {
            OutboundClient::builder(policy.clone())
                .limits(Limits::default().time(TIMEOUT))
                .authorities(authorities.clone())
        };
        let presenting = tls.certificate.filter(|_| endpoint.is_https()).map(|certificate| {
            let client = builder().certificate(Some(certificate.clone())).on_first_use();
            (endpoint.url().origin(), client)
        });
        Ok(Self { client: builder().build()?, presenting, authorities: authorities.clone() })
    }

    async fn send(&self, request: Request) -> Result<Reply, OutboundError> {
        let client = match &self.presenting {
            Some((origin, client)) if request.address().url().origin() == *origin => client,
            _ => &self.client,
        };
        client.send(request).await
    }

    /// Whether private addresses may be asked.
    pub(crate) fn reaches_private(&self) -> bool {
        self.client.policy().allows_private()
    }

    /// A client under the same policy for rmcp, where it takes no other.
    /// `server` is the MCP server.
    pub(crate) fn library_client(
        &self,
        server: &Url,
    ) -> Result<transport::HttpClient, OutboundError> {
        let limits = Limits::default().time(TIMEOUT);
        transport::oauth_client(server, self.client.policy().clone(), &self.authorities, limits)
    }

    /// Whether an address may be asked, as far as its text shows.
    pub(crate) fn check(&self, text: &str) -> Result<Address, RefusedAddressError> {
        let refused = |fault| RefusedAddressError { address: text.to_owned(), fault };
        let address: Address = text.parse().map_err(refused)?;
        self.client.policy().check(&address).map_err(refused)?;
        Ok(address)
    }

    /// Asks for a document.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Reply, OutboundError> {
        self.send(Request::get(self.client.check(url)?)).await
    }

    /// Sends a form, as a token request is one; `basic` is a client's name and secret.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<Reply, OutboundError> {
        let request = Request::post(self.client.check(url)?).form(form);
        let request = match basic {
            Some((name, secret)) => request.basic(name, secret),
            None => request,
        };
        self.send(request).await
    }

    /// Sends a document, as a client that registers does.
    pub(crate) async fn post_json(
        &self,
        url: &str,
        document: &serde_json::Value,
    ) -> Result<Reply, OutboundError> {
        self.send(Request::post(self.client.check(url)?).json(document)).await
    }

    /// Sends a request that rmcp made.
    pub(super) async fn send_as(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<Reply, OutboundError> {
        self.send(Request::from_http(request)?).await
    }
}

/// For rmcp's own exchanges that take such a client.
impl OAuthHttpClient for Outward {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let reply = self.send_as(request.request).await?;
            let mut response = http::Response::new(reply.body);
            *response.status_mut() = reply.status;
            *response.headers_mut() = reply.headers;
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outward(endpoint: &str, allow_private: bool) -> Outward {
        let endpoint = Endpoint::parse(endpoint).unwrap();
        let authorities = CertificateAuthorities::default();
        let tls = Tls { authorities: &authorities, certificate: None };
        Outward::new(&endpoint, allow_private, tls).unwrap()
    }

    #[test]
    fn a_remote_server_names_public_addresses_over_https_only() {
        let remote = outward("https://mcp.example/mcp", false);
        let fault = |text: &str| remote.check(text).unwrap_err().fault;
        for fine in ["https://as.example/token", "https://8.8.8.8/", "https://[2606:4700::1]/"] {
            assert!(remote.check(fine).is_ok(), "{fine}");
        }
        for text in ["http://as.example/", "http://8.8.8.8/"] {
            assert_eq!(fault(text), AddressError::NotHttps, "{text}");
        }
        for text in ["https://10.0.0.1/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/"] {
            assert_eq!(fault(text), AddressError::Private, "{text}");
        }
        for text in
            ["https://localhost/", "https://a.localhost/", "http://127.0.0.1:1/", "https://[::1]/"]
        {
            assert_eq!(fault(text), AddressError::Loopback, "{text}");
        }
        for text in ["https://169.254.169.254/latest", "https://[fe80::1]/"] {
            assert_eq!(fault(text), AddressError::LinkLocal, "{text}");
        }
        for text in ["https://0.0.0.0/", "https://[::]/", "https://[2001:db8::1]/"] {
            assert_eq!(fault(text), AddressError::Reserved, "{text}");
        }
        for text in ["https://u:p@as.example/", "https://as.example/#x"] {
            assert_eq!(fault(text), AddressError::ExtraParts, "{text}");
        }
        for text in ["file:///etc/passwd", "javascript:alert(1)", "x"] {
            assert_eq!(fault(text), AddressError::NotAnUrl, "{text}");
        }
    }

    #[test]
    fn private_addresses_need_a_flag_and_link_local_ones_are_never_asked() {
        let allowed = outward("https://mcp.example/mcp", true);
        assert!(allowed.check("https://10.0.0.1/").is_ok());
        assert!(allowed.check("https://localhost/").is_err());
        assert!(allowed.check("https://169.254.169.254/").is_err());
        let near = outward("https://192.168.0.9/mcp", false);
        assert!(near.check("https://10.0.0.1/").is_ok());
        assert!(near.check("https://localhost/").is_err());
        let here = outward("http://localhost:1/mcp", false);
        assert!(here.check("http://127.0.0.1:2/").is_ok());
        assert!(here.check("https://10.0.0.1/").is_err());
        assert!(here.check("https://169.254.169.254/").is_err());
    }
}
