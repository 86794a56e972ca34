//! A URL that may be asked, as far as its text shows.
//!
//! 1. `https`, or `http` to a loopback host.
//! 2. No user, no password, no fragment.

use std::{fmt, net::IpAddr, str::FromStr};

use auth_core::is_loopback_host;
use url::{Host, Url};

use super::AddressClass;

/// The longest URL, in bytes.
const MAX_LENGTH: usize = 2048;

/// A URL that may be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an absolute `http` or `https` URL of at most 2048 bytes.
    #[error("not an absolute https URL")]
    NotAnUrl,
    /// Plain HTTP to another host than a loopback one.
    #[error("plain http is for loopback hosts only: use https")]
    NotHttps,
    /// A user, a password or a fragment.
    #[error("the URL has a user, a password or a fragment")]
    ExtraParts,
    /// A loopback address, where the policy does not allow one.
    #[error("a loopback address")]
    Loopback,
    /// A private address, where the policy does not allow one.
    #[error("a private address")]
    Private,
    /// A link-local address, where the policy does not allow one.
    #[error("a link-local address")]
    LinkLocal,
    /// An address that no server has.
    #[error("a reserved address")]
    Reserved,
}

impl Address {
    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The host without brackets, for example `login.example` or `::1`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Whether the host is this machine, by [`is_loopback_host`].
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(self.host())
    }

    /// The class of the host, if its text shows it: an IP address, or a loopback name.
    #[must_use]
    pub fn class(&self) -> Option<AddressClass> {
        match self.0.host()? {
            Host::Domain(name) => is_loopback_host(name).then_some(AddressClass::Loopback),
            Host::Ipv4(address) => Some(AddressClass::of(IpAddr::V4(address))),
            Host::Ipv6(address) => Some(AddressClass::of(IpAddr::V6(address))),
        }
    }

    /// The URL without its query, which may hold a secret: for messages.
    #[must_use]
    pub fn without_query(&self) -> String {
        let mut shown = self.0.clone();
        shown.set_query(None);
        shown.into()
    }
}

impl TryFrom<Url> for Address {
    type Error = AddressError;

    fn try_from(url: Url) -> Result<Self, AddressError> {
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        if !is_web || url.as_str().len() > MAX_LENGTH {
            return Err(AddressError::NotAnUrl);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(AddressError::ExtraParts);
        }
        let address = Self(url);
        if address.0.scheme() == "http" && !address.is_loopback() {
            return Err(AddressError::NotHttps);
        }
        Ok(address)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_LENGTH {
            return Err(AddressError::NotAnUrl);
        }
        Url::parse(text).map_err(|_| AddressError::NotAnUrl)?.try_into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.without_query())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_hosts_may_be_asked() {
        let fault = |text: &str| text.parse::<Address>().unwrap_err();
        for fine in [
            "https://login.example/a?b=c",
            "http://127.0.0.1:1/a",
            "http://127.9.9.9/a",
            "http://localhost/a",
            "http://LOCALHOST./a",
            "http://a.localhost/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(fine.parse::<Address>().is_ok(), "{fine}");
        }
        for plain in [
            "http://login.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://0.0.0.0/",
            "http://[::]/",
        ] {
            assert_eq!(fault(plain), AddressError::NotHttps, "{plain}");
        }
        for extra in ["https://u@a.example/", "https://:p@a.example/", "https://a.example/#f"] {
            assert_eq!(fault(extra), AddressError::ExtraParts, "{extra}");
        }
        for other in ["a.example", "ftp://a.example/", "file:///etc/passwd", "/keys", "", "https:"]
        {
            assert_eq!(fault(other), AddressError::NotAnUrl, "{other}");
        }
        let long = format!("https://a.example/{}", "a".repeat(MAX_LENGTH));
        assert_eq!(fault(&long), AddressError::NotAnUrl);
    }

    #[test]
    fn no_query_is_shown_where_it_must_not_be() {
        let address: Address = "https://a.example/x?code=secret".parse().unwrap();
        assert_eq!(address.without_query(), "https://a.example/x");
    }
}
