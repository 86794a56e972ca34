//! The redirect URI on this machine (RFC 8252 §7.3), and the parameters of the URL that comes back.

use clap::ValueEnum;
use url::Url;

/// The path of the page.
pub(super) const PATH: &str = "/callback";

/// The name of this machine in the redirect URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum RedirectHost {
    /// As RFC 8252 §7.3 recommends
    #[default]
    #[value(name = "127.0.0.1")]
    Address,
    /// For issuers that compare the URI, and have this name
    #[value(name = "localhost")]
    Name,
}

impl RedirectHost {
    /// The host in the URI.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Address => "127.0.0.1",
            Self::Name => "localhost",
        }
    }
}

/// The redirect URI at a port.
pub(super) fn redirect_uri(host: &str, port: u16) -> String {
    format!("http://{host}:{port}{PATH}")
}

/// One parameter of a URL.
pub(super) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
