//! The HTTP client under rmcp's own transport, which takes one of the HTTP library's. Nothing else
//! needs the library's types.
//!
//! 1. A redirect is an error that names where it would have gone: it would take the token, or the
//!    call, somewhere else.
//! 2. A loopback host is asked directly, and its name is not looked up.
//! 3. Root certificates are loaded for `https` only: that takes longer than a whole call to
//!    localhost.
//! 4. A client certificate is presented to the MCP server alone, over `https`.
//! 5. There is no bound on the time of a response: it may be a stream. rmcp bounds the size of a
//!    message.

use std::sync::Arc;

use reqwest::redirect::Policy;
pub use reqwest::{
    Client as HttpClient, Error as HttpError, RequestBuilder, Response as HttpResponse,
};
use url::Url;

use crate::{
    AddressPolicy, CertificateAuthorities, ClientCertificate, Limits, OutboundError,
    RefusedRedirect, SystemLookup, USER_AGENT, client::CONNECT_TIMEOUT,
    resolver::FilteringResolver,
};

/// The client for the MCP server that the user named. `server` may be plain HTTP to any host: then
/// the caller sends no token.
pub fn client(
    server: &Url,
    authorities: &CertificateAuthorities,
    certificate: Option<&ClientCertificate>,
) -> Result<HttpClient, OutboundError> {
    let policy = Arc::new(AddressPolicy::named_by_operator());
    let lookup = Arc::new(SystemLookup);
    let mut builder = HttpClient::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .referer(false)
        .dns_resolver(Arc::new(FilteringResolver { policy, lookup }))
        .redirect(Policy::custom(|attempt| {
            let status = attempt.status().as_u16();
            let mut location = attempt.url().clone();
            // What may be secret is not shown.
            location.set_query(None);
            location.set_fragment(None);
            let location = location.to_string();
            attempt.error(RefusedRedirect { status, location })
        }));
    if server.scheme() == "https" {
        builder = authorities.trusted_by(builder.https_only(true));
        if let Some(certificate) = certificate {
            builder = certificate.presented_by(builder);
        }
    } else {
        builder = builder.tls_certs_only([]);
    }
    if server.host_str().is_some_and(auth_core::is_loopback_host) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| OutboundError::setup(&error))
}

/// The client for rmcp's own OAuth requests, under the policy of ours. For URLs that were checked:
/// rmcp checks those that it finds. It bounds the body itself. `server` is the MCP server: requests
/// about one on this machine take no proxy.
pub fn oauth_client(
    server: &Url,
    policy: AddressPolicy,
    authorities: &CertificateAuthorities,
    limits: Limits,
) -> Result<HttpClient, OutboundError> {
    let (policy, lookup) = (Arc::new(policy), Arc::new(SystemLookup));
    let builder = HttpClient::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(limits.time)
        .referer(false)
        .dns_resolver(Arc::new(FilteringResolver { policy, lookup }))
        .redirect(Policy::none());
    let builder = match server.host_str() {
        Some(host) if auth_core::is_loopback_host(host) => builder.no_proxy(),
        _ => builder,
    };
    authorities.trusted_by(builder).build().map_err(|error| OutboundError::setup(&error))
}
