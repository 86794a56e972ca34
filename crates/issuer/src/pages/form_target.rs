//! Where a form may lead, as a source of the content security policy (CSP level 3 §2.3.1, §6.4.2).
//!
//! 1. A browser checks `form-action` against the address of the form and against every redirect
//!    that follows, so a consent page names the place of the redirect URI.
//! 2. A website is named by its origin, a program on this computer by its origin with the port, a
//!    private-use scheme by the scheme.
//! 3. A source cannot have an IPv6 address. For `[::1]` it names the port, of any host with plain
//!    `http`; without a port, plain `http`.

use std::fmt;

use auth_core::oauth::{RedirectTarget, RedirectUri};

/// A place outside where a form may lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormTarget(String);

impl From<&RedirectUri> for FormTarget {
    fn from(uri: &RedirectUri) -> Self {
        let (scheme, rest) = uri.as_str().split_once(':').unwrap_or_default();
        let rest = rest.trim_start_matches("//");
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        Self(match uri.target() {
            RedirectTarget::PrivateUse(scheme) => format!("{scheme}:"),
            RedirectTarget::Web(_) => format!("{scheme}://{authority}"),
            RedirectTarget::Loopback(_) => match authority.strip_prefix("[::1]") {
                None => format!("{scheme}://{authority}"),
                Some("" | ":") => format!("{scheme}:"),
                Some(port) => format!("{scheme}://*{port}"),
            },
        })
    }
}

impl fmt::Display for FormTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_redirect_uri_has_its_source() {
        for (uri, source) in [
            ("https://claude.ai/api/mcp/auth_callback", "https://claude.ai"),
            ("https://a.example:8443/cb?x=1", "https://a.example:8443"),
            ("https://a.example?x=/", "https://a.example"),
            ("http://127.0.0.1:49152/callback", "http://127.0.0.1:49152"),
            ("http://localhost/callback", "http://localhost"),
            ("http://[::1]:3000/cb", "http://*:3000"),
            ("http://[::1]/cb", "http:"),
            ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor:"),
            ("com.example.app:/callback", "com.example.app:"),
        ] {
            let uri: RedirectUri = uri.parse().unwrap();
            assert_eq!(FormTarget::from(&uri).to_string(), source);
        }
    }
}
