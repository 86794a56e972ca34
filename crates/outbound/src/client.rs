//! The client itself.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use http::{HeaderMap, header};
use reqwest::{ClientBuilder, redirect};

use crate::{
    Address, AddressClass, AddressPolicy, CertificateAuthorities, ClientCertificate, Limits,
    Lookup, OutboundError, Request, Response, StreamingResponse, SystemLookup, USER_AGENT,
    proxy::Proxies, resolver::FilteringResolver,
};

/// How long the TCP and TLS handshakes may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The most header lines of a response.
const MAX_HEADERS: usize = 100;

/// An HTTP client under one [`AddressPolicy`]. Made once and shared; a clone shares its
/// connections.
#[derive(Clone)]
pub struct OutboundClient(Arc<Inner>);

struct Inner {
    clients: LazyLock<Result<Clients, OutboundError>, MakeClients>,
    policy: Arc<AddressPolicy>,
    limits: Limits,
}

type MakeClients = Box<dyn FnOnce() -> Result<Clients, OutboundError> + Send>;

/// The clients of the HTTP library.
struct Clients {
    direct: reqwest::Client,
    proxied: Option<(Proxies, reqwest::Client)>,
}

/// How a client is made.
pub struct Builder {
    policy: AddressPolicy,
    limits: Limits,
    authorities: CertificateAuthorities,
    certificate: Option<ClientCertificate>,
    lookup: Arc<dyn Lookup>,
    proxies: Option<Proxies>,
}

impl Builder {
    /// Other bounds than [`Limits::default`].
    #[must_use]
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Trusts these certificate authorities besides the system's.
    #[must_use]
    pub fn authorities(self, authorities: CertificateAuthorities) -> Self {
        Self { authorities, ..self }
    }

    /// Presents this certificate to every server that asks for one. Such a client is for servers
    /// that may know who it is, and for no others.
    #[must_use]
    pub fn certificate(self, certificate: Option<ClientCertificate>) -> Self {
        Self { certificate, ..self }
    }

    /// Resolves names by another resolver than the system's.
    #[must_use]
    pub fn lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, ..self }
    }

    /// Takes the proxies from these variables instead of the process's environment. A loopback host
    /// is always asked directly.
    #[must_use]
    pub fn proxies(self, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        Self { proxies: Proxies::read(variable), ..self }
    }

    /// Makes the client. An error if TLS cannot be set up, or a proxy is not a URL.
    pub fn build(self) -> Result<OutboundClient, OutboundError> {
        let client = self.on_first_use();
        client.clients()?;
        Ok(client)
    }

    /// The same, with the certificates read and everything else set up at the first request: for a
    /// program that may never send one. What cannot be set up is the error of each request.
    #[must_use]
    pub fn on_first_use(self) -> OutboundClient {
        let Self { policy, limits, authorities, certificate, lookup, proxies } = self;
        let policy = Arc::new(policy);
        let resolver = FilteringResolver { policy: Arc::clone(&policy), lookup };
        let start = move || bounded(&authorities, certificate.as_ref());
        let make: MakeClients = Box::new(move || Clients::new(start, resolver, proxies));
        OutboundClient(Arc::new(Inner { clients: LazyLock::new(make), policy, limits }))
    }
}

impl Clients {
    fn new(
        start: impl Fn() -> ClientBuilder,
        resolver: FilteringResolver,
        of_environment: Option<Proxies>,
    ) -> Result<Self, OutboundError> {
        let direct = start().no_proxy().dns_resolver(Arc::new(resolver)).build();
        let direct = direct.map_err(|error| OutboundError::setup(&error))?;
        let proxied = of_environment.map(|proxies| {
            let client = proxies.used_by(start().no_proxy());
            let client = client.and_then(ClientBuilder::build);
            client.map(|client| (proxies, client)).map_err(|error| OutboundError::setup(&error))
        });
        Ok(Self { direct, proxied: proxied.transpose()? })
    }
}

fn bounded(
    authorities: &CertificateAuthorities,
    certificate: Option<&ClientCertificate>,
) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_max_headers(MAX_HEADERS)
        .referer(false)
        .redirect(redirect::Policy::none());
    let builder = authorities.trusted_by(builder);
    match certificate {
        Some(certificate) => certificate.presented_by(builder),
        None => builder,
    }
}

impl OutboundClient {
    /// A client under this policy, with the default bounds, the system's authorities and resolver,
    /// and the proxies of the process's environment.
    #[must_use]
    pub fn builder(policy: AddressPolicy) -> Builder {
        Builder {
            policy,
            limits: Limits::default(),
            authorities: CertificateAuthorities::default(),
            certificate: None,
            lookup: Arc::new(SystemLookup),
            proxies: Proxies::of_process(),
        }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &AddressPolicy {
        &self.0.policy
    }

    /// Reads a URL that the policy allows, as far as its text shows.
    pub fn check(&self, text: &str) -> Result<Address, OutboundError> {
        let address: Address = text.parse()?;
        self.0.policy.check(&address)?;
        Ok(address)
    }

    /// Sends a request, and reads its response to the end. Any status is a response.
    pub async fn send(&self, request: Request) -> Result<Response, OutboundError> {
        let limits = self.0.limits;
        let whole = async { self.start(request).await?.whole(limits.body).await };
        let read = tokio::time::timeout(limits.time, whole).await;
        read.unwrap_or(Err(OutboundError::Timeout(limits.time)))
    }

    /// Sends a request, and reads the head of its response. The bound on time ends there.
    pub async fn stream(&self, request: Request) -> Result<StreamingResponse, OutboundError> {
        let time = self.0.limits.time;
        let head = tokio::time::timeout(time, self.start(request)).await;
        head.unwrap_or(Err(OutboundError::Timeout(time)))
    }

    async fn start(&self, request: Request) -> Result<StreamingResponse, OutboundError> {
        let Request { method, address, headers, body } = request;
        self.0.policy.check(&address)?;
        let (client, is_proxied) = self.route(&address)?;
        let call = client.request(method, address.url().clone()).headers(headers).body(body);
        let inner = call.send().await?;
        let headers = inner.headers().clone();
        check_head(&headers, self.0.limits.head)?;
        let peer = inner.remote_addr().filter(|_| !is_proxied);
        let source = source(&address, peer);
        Ok(StreamingResponse { status: inner.status(), headers, source, inner })
    }

    /// The client for an address, and whether it takes a proxy.
    fn route(&self, address: &Address) -> Result<(&reqwest::Client, bool), OutboundError> {
        let clients = self.clients()?;
        Ok(match &clients.proxied {
            Some((proxies, client))
                if !address.is_loopback() && proxies.serve(address.url().as_str()) =>
            {
                (client, true)
            }
            _ => (&clients.direct, false),
        })
    }

    fn clients(&self) -> Result<&Clients, OutboundError> {
        self.0.clients.as_ref().map_err(Clone::clone)
    }
}

/// The class of the address that a response came from. A proxy's own address says nothing about it.
fn source(address: &Address, peer: Option<SocketAddr>) -> AddressClass {
    match peer {
        Some(peer) => AddressClass::of(peer.ip()),
        None => address.class().unwrap_or(AddressClass::Public),
    }
}

fn check_head(headers: &HeaderMap, max: usize) -> Result<(), OutboundError> {
    let lines = headers.iter().map(|(name, value)| name.as_str().len() + value.len());
    if lines.sum::<usize>() > max {
        return Err(OutboundError::HeadTooLarge(max));
    }
    let codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_coded = codings.into_iter().any(|coding| coding != "identity");
    if is_coded { Err(OutboundError::ContentCoding) } else { Ok(()) }
}

impl fmt::Debug for OutboundClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboundClient({:?}, {:?})", self.0.policy, self.0.limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_through_a_proxy_is_public_unless_the_url_says_otherwise() {
        let source = |url: &str, peer: Option<&str>| {
            source(&url.parse().unwrap(), peer.map(|peer| peer.parse().unwrap()))
        };
        assert_eq!(source("https://login.example/", None), AddressClass::Public);
        assert_eq!(source("https://10.0.0.1/", None), AddressClass::Private);
        assert_eq!(source("https://login.example/", Some("10.0.0.1:443")), AddressClass::Private);
        assert_eq!(source("https://login.example/", Some("8.8.8.8:443")), AddressClass::Public);
    }

    #[test]
    fn which_client_takes_a_request_depends_on_the_environment() {
        let url = "http://10.1.1.1:3128";
        let variables = |name: &str| match name {
            "https_proxy" => Some(url.to_owned()),
            "no_proxy" => Some("corp.example".to_owned()),
            _ => None,
        };
        let builder = OutboundClient::builder(AddressPolicy::named_by_operator());
        let client = builder.proxies(&variables).build().unwrap();
        let is_proxied = |url: &str| client.route(&url.parse().unwrap()).unwrap().1;
        assert!(is_proxied("https://login.example/"));
        for direct in ["https://login.corp.example/", "https://localhost/", "https://127.0.0.1/"] {
            assert!(!is_proxied(direct), "{direct}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_set_up_is_an_error_at_once_or_of_the_first_request() {
        let variables = |name: &str| (name == "https_proxy").then(|| "http://[::x]".to_owned());
        let builder = || {
            let builder = OutboundClient::builder(AddressPolicy::named_by_operator());
            builder.proxies(&variables)
        };
        let Err(at_once) = builder().build() else { panic!("a proxy that is no URL") };
        assert!(matches!(at_once, OutboundError::Setup(_)));
        let later = builder().on_first_use();
        let request = || Request::get("https://login.example/".parse().unwrap());
        for _ in 0..2 {
            assert_eq!(later.send(request()).await.err(), Some(at_once.clone()));
        }
    }
}
