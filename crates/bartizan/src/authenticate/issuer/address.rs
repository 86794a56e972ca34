//! Where an issuer may be asked.
//!
//! 1. `https`, or `http` to a loopback address.
//! 2. No user, no password, no fragment.
//! 3. What stands in a document of an issuer elsewhere does not lead to this machine: it would make
//!    the server ask its own neighbours (RFC 9728 §7.7).

use std::{fmt, str::FromStr};

use reqwest::Url;

/// An address that may be asked.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Why an address may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not an absolute `http` or `https` URL.
    #[error("not an absolute https URL")]
    NotAnUrl,
    /// Plain http to elsewhere.
    #[error("plain http is for this machine only: use https")]
    NotHttps,
    /// A user, a password or a fragment.
    #[error("the URL has a user, a password or a fragment")]
    ExtraParts,
    /// Rule 3.
    #[error("an issuer elsewhere names an address on this machine")]
    Loopback,
}

impl Address {
    /// An address out of a document of the issuer at `issuer`.
    pub(crate) fn from_document(text: &str, issuer: &Self) -> Result<Self, AddressError> {
        let address: Self = text.parse()?;
        if address.is_loopback() && !issuer.is_loopback() {
            return Err(AddressError::Loopback);
        }
        Ok(address)
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// Whether the host is this very machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        // A name like `localhost` by rule 2 of RFC 6761 §6.3 is this machine too.
        let name = self.0.domain().map(|name| name.trim_end_matches('.'));
        let named = name.is_some_and(|name| name == "localhost" || name.ends_with(".localhost"));
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let ip = host.parse::<std::net::IpAddr>();
        named || ip.is_ok_and(|ip| ip.to_canonical().is_loopback() || ip.is_unspecified())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let url = Url::parse(text).map_err(|_| AddressError::NotAnUrl)?;
        let address = match url.scheme() {
            "http" | "https" => Self(url),
            _ => return Err(AddressError::NotAnUrl),
        };
        let url = address.url();
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(AddressError::ExtraParts);
        }
        if url.scheme() == "http" && !address.is_loopback() {
            return Err(AddressError::NotHttps);
        }
        Ok(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine_may_be_asked() {
        let fault = |text: &str| text.parse::<Address>().unwrap_err();
        for fine in [
            "https://login.example/a?b=c",
            "http://127.0.0.1:1/a",
            "http://localhost/a",
            "http://a.localhost/",
            "http://[::1]:1/",
        ] {
            assert!(fine.parse::<Address>().is_ok(), "{fine}");
        }
        for plain in ["http://login.example/", "http://10.0.0.1/", "http://localhost.example/"] {
            assert_eq!(fault(plain), AddressError::NotHttps, "{plain}");
        }
        for extra in ["https://u@a.example/", "https://:p@a.example/", "https://a.example/#f"] {
            assert_eq!(fault(extra), AddressError::ExtraParts, "{extra}");
        }
        for other in ["a.example", "ftp://a.example/", "file:///etc/passwd", ""] {
            assert_eq!(fault(other), AddressError::NotAnUrl, "{other}");
        }
    }

    #[test]
    fn a_document_from_elsewhere_never_leads_here() {
        let (here, there): (Address, Address) =
            ("http://127.0.0.1:1/".parse().unwrap(), "https://login.example/".parse().unwrap());
        for address in [
            "https://127.0.0.1/k",
            "https://127.8.8.8/k",
            "https://localhost/k",
            "https://LOCALHOST./k",
            "https://[::1]/k",
            "https://[::ffff:127.0.0.1]/k",
            "https://0.0.0.0/k",
            "https://[::]/k",
            "http://127.0.0.1/k",
        ] {
            let from = |issuer| Address::from_document(address, issuer);
            assert_eq!(from(&there), Err(AddressError::Loopback), "{address}");
            assert!(from(&here).is_ok(), "{address}");
        }
        let keys = "https://keys.example/k";
        assert!(Address::from_document(keys, &there).is_ok());
        assert!(Address::from_document(keys, &here).is_ok());
        let plain = Address::from_document("http://keys.example/k", &here);
        assert_eq!(plain, Err(AddressError::NotHttps));
    }
}
