//! What the values of some settings look like, for every program that reads them.

use auth_core::{InvalidNameError, Issuer};

/// Why a text is no address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListenAddressError {
    /// A port, with or without a colon before it.
    #[error("there is no host: write 127.0.0.1:{0} for this machine alone, or 0.0.0.0:{0}")]
    NoHost(u16),
    /// There is no port.
    #[error("write host:port, for example 127.0.0.1:8000")]
    NoPort,
}

/// Why a text does not name the issuer of an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssuerUrlError {
    /// It is no issuer at all.
    #[error(transparent)]
    Name(#[from] InvalidNameError),
    /// It is one (RFC 7519 §4.1.1), but no URL (RFC 8414 §2), so nothing can be found there.
    #[error("this is not a URL")]
    NotUrl,
}

/// Whether a server can listen on `text`: a host or an address, a colon, and a port. The host is
/// not looked up.
pub fn check_listen_address(text: &str) -> Result<(), ListenAddressError> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    match (host, port.parse()) {
        (_, Err(_)) => Err(ListenAddressError::NoPort),
        ("", Ok(port)) => Err(ListenAddressError::NoHost(port)),
        (_, Ok(_)) => Ok(()),
    }
}

/// The issuer of this installation, which signs with its keys. Other issuers may have names that
/// are no URLs.
pub fn issuer_url(text: &str) -> Result<Issuer, IssuerUrlError> {
    let issuer: Issuer = text.parse()?;
    let is_url = text.split_once("://").is_some_and(|(scheme, rest)| {
        let has_form = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(has_form)
            && !rest.is_empty()
    });
    if is_url { Ok(issuer) } else { Err(IssuerUrlError::NotUrl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_listen_on_has_a_host_and_a_port() {
        for good in ["127.0.0.1:8000", "[::1]:8000", "localhost:0", "0.0.0.0:65535"] {
            assert_eq!(check_listen_address(good), Ok(()), "{good}");
        }
        for port in ["8001", ":8001"] {
            assert_eq!(check_listen_address(port), Err(ListenAddressError::NoHost(8001)), "{port}");
        }
        for bad in ["", "localhost", "127.0.0.1", "localhost:", "localhost:http", "h:65536"] {
            assert_eq!(check_listen_address(bad), Err(ListenAddressError::NoPort), "{bad}");
        }
    }

    #[test]
    fn the_issuer_of_an_installation_is_a_url() {
        for good in ["http://localhost:8000", "https://login.example/realms/a/"] {
            assert_eq!(issuer_url(good).unwrap().as_str(), good);
        }
        for bad in ["foo", "localhost:8000", "https://", "://a", "1://a", "a b://c"] {
            assert_eq!(issuer_url(bad), Err(IssuerUrlError::NotUrl), "{bad}");
        }
        assert_eq!(issuer_url(""), Err(IssuerUrlError::Name(InvalidNameError::Empty)));
    }
}
