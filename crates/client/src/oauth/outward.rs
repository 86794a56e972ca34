//! The way to every address that a server names, rather than the user.
//!
//! 1. `https`, or `http` to this machine when the MCP server is on this machine too.
//! 2. Public addresses, and the server's own host, where the user sent us. A server on this machine may name
//!    this machine; one at a private address, or `--allow-private`, may name private ones. Link-local and other reserved addresses, where clouds
//!    keep credentials, are never asked (MCP security best practices, "Server-Side Request Forgery").
//! 3. What a name resolves to is judged at the moment of connecting, so it cannot change in between.
//! 4. No redirect is followed, an answer is read up to 1 MiB, and all of it takes 30 seconds at most.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, StatusCode, header};
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};

use crate::{endpoint::Endpoint, tls::Authorities};

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BODY: usize = 1024 * 1024;

/// How far away an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Distance {
    Public,
    Private,
    Loopback,
    /// Link-local, unspecified, multicast, reserved: no server of anybody's.
    Reserved,
}

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Not a URL, or neither http nor https.
    #[error("{0} is no web address")]
    NoAddress(String),
    /// Plain http to another machine, or from a remote server to this one.
    #[error("{0} is not https")]
    NotHttps(String),
    /// A private address.
    #[error("{0} is at a private address")]
    Private(String),
    /// This machine.
    #[error("{0} is this machine, and the server is not")]
    Loopback(String),
    /// Link-local and the like.
    #[error("{0} is at a reserved address")]
    Reserved(String),
}

/// Which addresses may be asked.
#[derive(Debug, Clone)]
struct Reach {
    /// The server's own host.
    own: String,
    loopback: bool,
    private: bool,
}

impl Reach {
    /// Judges a host that is so far away; `what` is for the message.
    fn judge(&self, host: &str, distance: Distance, what: &str) -> Result<(), Refused> {
        match distance {
            _ if host == self.own => Ok(()),
            Distance::Public => Ok(()),
            Distance::Loopback if self.loopback => Ok(()),
            Distance::Private if self.private => Ok(()),
            Distance::Loopback => Err(Refused::Loopback(what.to_owned())),
            Distance::Private => Err(Refused::Private(what.to_owned())),
            Distance::Reserved => Err(Refused::Reserved(what.to_owned())),
        }
    }
}

/// An HTTP client that goes where it may.
#[derive(Debug, Clone)]
pub(crate) struct Outward {
    client: reqwest::Client,
    reach: Reach,
}

/// An answer, read to the end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutwardError {
    /// It was not asked.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It did not answer.
    #[error("{0}")]
    Http(String),
    /// It answered with too much.
    #[error("the answer is longer than {MAX_BODY} bytes")]
    TooLong,
}

impl Outward {
    /// A client for what the server at `endpoint` names.
    pub(crate) fn new(
        endpoint: &Endpoint,
        allow_private: bool,
        authorities: &Authorities,
    ) -> reqwest::Result<Self> {
        let own = endpoint.host().trim_matches(['[', ']']).to_owned();
        let of_server = own.parse().map(distance);
        let reach = Reach {
            own,
            loopback: endpoint.is_loopback(),
            private: allow_private || of_server == Ok(Distance::Private),
        };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .dns_resolver(Arc::new(Names(reach.clone())));
        if endpoint.is_loopback() {
            builder = builder.no_proxy();
        }
        Ok(Self { client: authorities.trusted_by(builder).build()?, reach })
    }

    /// The client, for rmcp. What it is given must have been through [`Outward::check`].
    pub(crate) fn client(&self) -> reqwest::Client {
        self.client.clone()
    }

    /// Whether private addresses may be asked.
    pub(crate) fn reaches_private(&self) -> bool {
        self.reach.private
    }

    /// Whether an address may be asked, as far as its text tells.
    pub(crate) fn check(&self, text: &str) -> Result<Url, Refused> {
        let url = Url::parse(text).map_err(|_| Refused::NoAddress(text.to_owned()))?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let distance = match host.parse::<IpAddr>() {
            Ok(address) => distance(address),
            Err(_) if host == "localhost" || host.ends_with(".localhost") => Distance::Loopback,
            Err(_) => Distance::Public,
        };
        match url.scheme() {
            "https" => {}
            "http" if distance == Distance::Loopback => {}
            "http" => return Err(Refused::NotHttps(text.to_owned())),
            _ => return Err(Refused::NoAddress(text.to_owned())),
        }
        self.reach.judge(&host, distance, text)?;
        Ok(url)
    }

    /// Asks for a document.
    pub(crate) async fn fetch(&self, url: &str) -> Result<Reply, OutwardError> {
        let url = self.check(url)?;
        self.send(self.client.get(url).header(header::ACCEPT, "application/json")).await
    }

    /// Sends a form, as a token request is one; `basic` is a client's name and secret.
    pub(crate) async fn post(
        &self,
        url: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<Reply, OutwardError> {
        let url = self.check(url)?;
        let mut body =
            Url::parse("form:").map_err(|error| OutwardError::Http(error.to_string()))?;
        body.query_pairs_mut().extend_pairs(form);
        let mut request = self
            .client
            .post(url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        if let Some((name, secret)) = basic {
            request = request.basic_auth(name, Some(secret));
        }
        self.send(request).await
    }

    /// Sends a document, as a client that registers does.
    pub(crate) async fn post_json(
        &self,
        url: &str,
        document: &serde_json::Value,
    ) -> Result<Reply, OutwardError> {
        let url = self.check(url)?;
        let request = self
            .client
            .post(url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(document.to_string());
        self.send(request).await
    }

    /// Sends a request that rmcp made.
    pub(super) async fn send_as(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<Reply, OutwardError> {
        self.check(&request.uri().to_string())?;
        let (parts, body) = request.into_parts();
        let request = self
            .client
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body);
        self.send(request).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Reply, OutwardError> {
        let failed = |error: reqwest::Error| OutwardError::Http(innermost(&error));
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(OutwardError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
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

impl Reply {
    /// After how many seconds to ask again, if it says so in seconds (RFC 9110 §10.2.3).
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
    }

    /// The body, if it is JSON.
    pub(crate) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// Resolves names and leaves out what may not be asked.
struct Names(Reach);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut refused = None;
            let mut allowed: Vec<SocketAddr> = Vec::new();
            for address in found {
                match reach.judge(&name, distance(address.ip()), &name) {
                    Ok(()) => allowed.push(address),
                    Err(fault) => refused = Some(fault),
                }
            }
            match refused {
                Some(fault) if allowed.is_empty() => Err(fault.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

fn distance(address: IpAddr) -> Distance {
    match address.to_canonical() {
        IpAddr::V4(address) => distance_v4(address),
        IpAddr::V6(address) => distance_v6(address),
    }
}

fn distance_v4(address: Ipv4Addr) -> Distance {
    let [a, b, c, _] = address.octets();
    if address.is_loopback() {
        Distance::Loopback
    } else if address.is_private() || (a == 100 && (64..128).contains(&b)) {
        Distance::Private
    } else if address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && matches!(b, 18 | 19))
    {
        Distance::Reserved
    } else {
        Distance::Public
    }
}

fn distance_v6(address: Ipv6Addr) -> Distance {
    if address.is_loopback() {
        return Distance::Loopback;
    }
    if address.is_unique_local() {
        return Distance::Private;
    }
    match address.segments() {
        // NAT64 and 6to4: an IPv4 address in other clothes.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            distance_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        // Teredo, and what is for documents.
        [0x2001, 0 | 0xdb8, ..] => Distance::Reserved,
        // Global unicast.
        [first, ..] if first & 0xe000 == 0x2000 => Distance::Public,
        _ => Distance::Reserved,
    }
}

/// The innermost cause: `Connection refused`, not three layers of "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outward(endpoint: &str, allow_private: bool) -> Outward {
        let endpoint = Endpoint::parse(endpoint).unwrap();
        Outward::new(&endpoint, allow_private, &Authorities::default()).unwrap()
    }

    #[test]
    fn a_remote_server_names_public_addresses_over_https_only() {
        let remote = outward("https://mcp.example/mcp", false);
        for fine in ["https://as.example/token", "https://8.8.8.8/", "https://[2606:4700::1]/"] {
            assert!(remote.check(fine).is_ok(), "{fine}");
        }
        for text in ["http://as.example/", "http://8.8.8.8/"] {
            assert_eq!(remote.check(text), Err(Refused::NotHttps(text.into())));
        }
        for text in [
            "https://10.0.0.1/",
            "https://192.168.1.1/",
            "https://[fd00::1]/",
            "https://100.64.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
            "https://[2002:a00:1::]/",
        ] {
            assert_eq!(remote.check(text), Err(Refused::Private(text.into())), "{text}");
        }
        for text in
            ["https://localhost/", "https://a.localhost/", "http://127.0.0.1:1/", "https://[::1]/"]
        {
            assert_eq!(remote.check(text), Err(Refused::Loopback(text.into())), "{text}");
        }
        for text in [
            "https://169.254.169.254/latest",
            "https://0.0.0.0/",
            "https://[fe80::1]/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::]/",
            "https://[2001:db8::1]/",
            "https://198.18.0.1/",
            "https://192.0.0.8/",
        ] {
            assert_eq!(remote.check(text), Err(Refused::Reserved(text.into())), "{text}");
        }
        for text in ["file:///etc/passwd", "javascript:alert(1)", "x"] {
            assert_eq!(remote.check(text), Err(Refused::NoAddress(text.into())), "{text}");
        }
    }

    #[test]
    fn private_addresses_are_for_those_who_allow_them_and_link_local_ones_for_nobody() {
        let allowed = outward("https://mcp.example/mcp", true);
        assert!(allowed.check("https://10.0.0.1/").is_ok());
        assert!(allowed.check("https://localhost/").is_err());
        assert!(allowed.check("https://169.254.169.254/").is_err());
        let near = outward("https://192.168.0.9/mcp", false);
        assert!(near.check("https://10.0.0.1/").is_ok());
        let here = outward("http://localhost:1/mcp", false);
        assert!(here.check("http://127.0.0.1:2/").is_ok());
        assert!(here.check("https://10.0.0.1/").is_err());
        assert!(here.check("https://169.254.169.254/").is_err());
    }

    fn reach(loopback: bool, private: bool) -> Reach {
        Reach { own: "mcp.example".to_owned(), loopback, private }
    }

    #[test]
    fn the_servers_own_host_is_where_the_user_sent_us() {
        let reach = reach(false, false);
        assert!(reach.judge("mcp.example", Distance::Private, "").is_ok());
        assert!(reach.judge("as.example", Distance::Private, "").is_err());
    }

    #[tokio::test]
    async fn what_a_name_resolves_to_is_judged_too() {
        let names = Names(reach(false, true));
        let Err(fault) = names.resolve("localhost".parse().unwrap()).await else {
            panic!("localhost was resolved");
        };
        assert_eq!(fault.downcast_ref(), Some(&Refused::Loopback("localhost".into())));
        let names = Names(reach(true, false));
        assert!(names.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
