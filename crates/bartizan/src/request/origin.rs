//! From where: `Host` and `Origin`, against DNS rebinding (MCP transports, security warning).
//!
//! 1. `Host` names this server: the resource's host, or one that was allowed; on loopback any
//!    loopback name. The port does not matter: what is rebound is a name.
//! 2. `Origin`, if a browser sends it, is the resource's own, or one that was allowed; on loopback
//!    any loopback origin. `null` is not one.
//!
//! 3. Pages of an origin that is let in may read the answers ([`cors`](crate::request::cors)).
//!
//! Most requests write the resource's own `host:port` and no `Origin`: that is judged once, at the
//! start.

use std::collections::BTreeSet;

use auth_core::{ResourceUri, display::excerpt};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, uri::Authority};

/// Why a request is refused before anything else of it is looked at.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct OriginError {
    pub(crate) fault: OriginFault,
    /// For the operator alone.
    #[source]
    facts: OriginFacts,
}

/// Which header is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginFault {
    #[error("the Host header is missing, repeated or does not name this server")]
    Host,
    #[error("the Origin header does not name an allowed origin")]
    Origin,
}

impl OriginFault {
    /// The header's name.
    pub(crate) const fn header(self) -> HeaderName {
        match self {
            Self::Host => header::HOST,
            Self::Origin => header::ORIGIN,
        }
    }
}

/// What came, what would have been accepted, and what accepts it.
#[derive(Debug, thiserror::Error)]
#[error("found {found}, expected {expected}: {remedy}")]
pub(crate) struct OriginFacts {
    /// The caller's text, escaped.
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) remedy: String,
}

/// What an operator does to let a refused host or origin in.
#[derive(Debug, Clone)]
struct Remedies {
    host: String,
    origin: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Origins {
    /// The resource's own authority, as clients write it; it passes rule 1.
    own: String,
    hosts: BTreeSet<String>,
    pages: BTreeSet<String>,
    loopback: bool,
    remedies: Remedies,
}

impl Origins {
    pub(crate) fn of(resource: &ResourceUri) -> Self {
        let origin = resource.origin();
        let own = origin.split_once("://").map(|(_, own)| own).and_then(|own| own.parse().ok());
        let own = own.filter(|own| name(own).is_some_and(|host| host == resource.host()));
        Self {
            own: own.map(|own| own.to_string()).unwrap_or_default(),
            hosts: BTreeSet::from([resource.host().to_owned()]),
            pages: BTreeSet::from([origin]),
            loopback: resource.is_loopback(),
            remedies: Remedies {
                host: "if clients use that name: make it the resource's, or `Guard::allow_host`"
                    .into(),
                origin: "if its pages may call: `Guard::allow_origin`".into(),
            },
        }
    }

    pub(crate) fn remedies(&mut self, host: &str, origin: &str) {
        self.remedies = Remedies { host: host.to_owned(), origin: origin.to_owned() };
    }

    pub(crate) fn allow_host(&mut self, host: &str) {
        self.hosts.insert(host.to_ascii_lowercase());
    }

    pub(crate) fn allow_origin(&mut self, origin: &str) {
        self.pages.insert(origin.to_ascii_lowercase());
    }

    pub(crate) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), OriginError> {
        self.judge(headers, uri).map_err(|fault| self.error(fault, headers, uri))
    }

    fn judge(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), OriginFault> {
        if !self.is_own(headers, uri) {
            let host = host(headers, uri).ok_or(OriginFault::Host)?;
            let ours = self.hosts.contains(&host) || (self.loopback && is_loopback(&host));
            if !ours {
                return Err(OriginFault::Host);
            }
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return Ok(());
        };
        let origin = origin.to_str().map_err(|_| OriginFault::Origin)?.to_ascii_lowercase();
        let allowed =
            self.pages.contains(&origin) || (self.loopback && is_loopback_origin(&origin));
        if allowed && origins.next().is_none() { Ok(()) } else { Err(OriginFault::Origin) }
    }

    /// The fault with what the operator has to know.
    fn error(&self, fault: OriginFault, headers: &HeaderMap, uri: &Uri) -> OriginError {
        let (known, any, remedy) = match fault {
            OriginFault::Host => (&self.hosts, "any name", &self.remedies.host),
            OriginFault::Origin => (&self.pages, "any origin", &self.remedies.origin),
        };
        let values = headers.get_all(fault.header()).iter();
        let mut found: Vec<_> = values.map(|it| String::from_utf8_lossy(it.as_bytes())).collect();
        let target = uri.authority().filter(|_| fault == OriginFault::Host);
        found.extend(target.map(|it| it.as_str().into()));
        let mut expected: Vec<&str> = known.iter().map(String::as_str).collect();
        let local = format!("{any} of loopback");
        expected.extend(self.loopback.then_some(local.as_str()));
        let facts = OriginFacts {
            found: if found.is_empty() { "nothing".into() } else { excerpt(&found.join(", ")) },
            expected: expected.join(", "),
            remedy: remedy.clone(),
        };
        OriginError { fault, facts }
    }

    /// The page's origin, if the request says that it comes from one that is let in.
    pub(crate) fn page(&self, headers: &HeaderMap, uri: &Uri) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.check(headers, uri).is_ok().then(|| origin.clone())
    }

    /// Whether the request names one host, and byte for byte as the resource does.
    fn is_own(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let mut values = headers.get_all(header::HOST).iter();
        let (first, second) = (values.next(), values.next());
        let is_own = first.is_some_and(|value| value.as_bytes() == self.own.as_bytes());
        is_own && !self.own.is_empty() && second.is_none() && uri.authority().is_none()
    }
}

/// The one host that the request names, in lower case, without port and brackets.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut values = headers.get_all(header::HOST).iter();
    // An absolute target (and HTTP/2's `:authority`) names a host too; both must be the same.
    let target = uri.authority().map(name);
    match (values.next(), values.next()) {
        (Some(value), None) => {
            let named = name(&value.to_str().ok()?.parse().ok()?)?;
            if target.is_none_or(|target| target.as_ref() == Some(&named)) {
                Some(named)
            } else {
                None
            }
        }
        (None, _) => target?,
        (Some(_), Some(_)) => None,
    }
}

/// The host of `host[:port]`; `None` if it is anything else.
fn name(authority: &Authority) -> Option<String> {
    let host = authority.host();
    let rest = authority.as_str().strip_prefix(host)?;
    // Not by `Authority::port`, which looks for the last colon and not for what precedes it.
    let is_port =
        |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let port_is_clean = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    let bare = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(ip) => ip.parse::<std::net::Ipv6Addr>().is_ok().then_some(ip)?,
        None => host,
    };
    port_is_clean.then(|| bare.to_ascii_lowercase())
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_loopback_origin(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let authority = authority.and_then(|text| text.parse::<Authority>().ok());
    authority.and_then(|authority| name(&authority)).is_some_and(|host| is_loopback(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(origins: &Origins, pairs: &[(&str, &str)]) -> Result<(), OriginFault> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        origins.check(&headers, &Uri::from_static("/mcp")).map_err(|error| error.fault)
    }

    #[test]
    fn a_public_server_answers_to_its_own_name_only() {
        let mut origins = Origins::of(&"https://mcp.example/mcp".parse().unwrap());
        for good in ["mcp.example", "MCP.example:8443", "mcp.example:443"] {
            assert_eq!(check(&origins, &[("host", good)]), Ok(()), "{good}");
        }
        for bad in ["evil.example", "mcp.example.evil.example", "localhost", "u@mcp.example", "a b"]
        {
            assert_eq!(check(&origins, &[("host", bad)]), Err(OriginFault::Host), "{bad}");
        }
        assert_eq!(check(&origins, &[]), Err(OriginFault::Host));
        let twice = [("host", "mcp.example"), ("host", "mcp.example")];
        assert_eq!(check(&origins, &twice), Err(OriginFault::Host));
        origins.allow_host("Other.example");
        assert_eq!(check(&origins, &[("host", "other.example")]), Ok(()));
    }

    #[test]
    fn origins_are_ours_or_allowed() {
        let mut origins = Origins::of(&"https://mcp.example/mcp".parse().unwrap());
        let with = |origins: &Origins, origin| {
            check(origins, &[("host", "mcp.example"), ("origin", origin)])
        };
        assert_eq!(with(&origins, "https://mcp.example"), Ok(()));
        for bad in ["null", "http://mcp.example", "https://evil.example", "http://localhost:1", ""]
        {
            assert_eq!(with(&origins, bad), Err(OriginFault::Origin), "{bad}");
        }
        origins.allow_origin("https://App.example");
        assert_eq!(with(&origins, "https://app.example"), Ok(()));
        let twice = [
            ("host", "mcp.example"),
            ("origin", "https://mcp.example"),
            ("origin", "https://evil.example"),
        ];
        assert_eq!(check(&origins, &twice), Err(OriginFault::Origin));
    }

    #[test]
    fn loopback_knows_its_own_names() {
        let origins = Origins::of(&"http://localhost:8000/mcp".parse().unwrap());
        for host in ["localhost:1", "127.0.0.1:8000", "[::1]:8000", "127.9.9.9"] {
            assert_eq!(check(&origins, &[("host", host)]), Ok(()), "{host}");
        }
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "localhost:evil",
            "localhost:99999",
            "localhost:",
            "[localhost]",
            "[127.0.0.1]",
            "[::1]8:000",
            "[::1]evil:80",
            "[::1]:80:80",
        ] {
            assert_eq!(check(&origins, &[("host", host)]), Err(OriginFault::Host), "{host}");
        }
        let with = |origin| check(&origins, &[("host", "localhost"), ("origin", origin)]);
        for origin in ["http://localhost:6274", "http://127.0.0.1", "https://[::1]:1"] {
            assert_eq!(with(origin), Ok(()), "{origin}");
        }
        for origin in [
            "http://evil.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://evil@localhost",
            "file://localhost",
            "http://localhost:evil",
            "http://[localhost]",
            "null",
        ] {
            assert_eq!(with(origin), Err(OriginFault::Origin), "{origin}");
        }
    }

    #[test]
    fn a_target_that_names_a_host_must_name_the_same() {
        let origins = Origins::of(&"http://localhost:8000/mcp".parse().unwrap());
        let with = |target: &'static str, host: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(host.map(|host| (header::HOST, host.parse().unwrap())));
            origins.check(&headers, &Uri::from_static(target)).map_err(|error| error.fault)
        };
        assert_eq!(with("http://localhost:8000/mcp", Some("localhost:8000")), Ok(()));
        assert_eq!(with("http://localhost:8000/mcp", None), Ok(()));
        for (target, host) in [
            ("http://evil.example/mcp", Some("localhost:8000")),
            ("http://localhost:8000/mcp", Some("evil.example")),
            ("http://evil.example/mcp", None),
        ] {
            assert_eq!(with(target, host), Err(OriginFault::Host), "{target} {host:?}");
        }
    }

    #[test]
    fn the_operator_is_told_what_came_and_what_is_accepted() {
        let mut origins = Origins::of(&"http://localhost:8000/mcp".parse().unwrap());
        origins.remedies("set HOST", "set ORIGIN");
        let facts = |origins: &Origins, pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            origins.check(&headers, &Uri::from_static("/mcp")).unwrap_err().facts.to_string()
        };
        let hosts = "expected localhost, any name of loopback: set HOST";
        assert_eq!(facts(&origins, &[]), format!("found nothing, {hosts}"));
        for (host, found) in [("evil.example:80", "evil.example:80"), ("a\u{202e}b", "a\\u{202e}b")]
        {
            assert_eq!(facts(&origins, &[("host", host)]), format!("found {found}, {hosts}"));
        }
        let twice = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(facts(&origins, &twice), format!("found localhost, evil.example, {hosts}"));
        assert_eq!(
            facts(&origins, &[("host", "localhost"), ("origin", "https://evil.example")]),
            "found https://evil.example, expected http://localhost:8000, any origin of loopback: \
             set ORIGIN"
        );
        let long = "x".repeat(5000);
        assert!(facts(&origins, &[("host", &long)]).len() < 500);
    }
}
