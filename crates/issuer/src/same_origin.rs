//! Whether a form comes from a page of ours: a second lock behind the sealed token of each form.
//!
//! 1. `Sec-Fetch-Site`, which scripts cannot set, has to be `same-origin` if it is there (Fetch
//!    Metadata §2.3).
//! 2. `Origin` has to be ours if it is there (RFC 6454 §7). It is `null` on forms of our own pages:
//!    their referrer policy is `no-referrer` (Fetch §3.1).

use http::{HeaderMap, header};

use crate::IssuerConfig;

/// Whether nothing says that the request comes from elsewhere.
pub(crate) fn permits(config: &IssuerConfig, headers: &HeaderMap) -> bool {
    let is = |name: &str, allowed: &[&str]| {
        headers.get_all(name).iter().all(|value| allowed.iter().any(|it| value == it))
    };
    is("sec-fetch-site", &["same-origin"])
        && is(header::ORIGIN.as_str(), &[origin(config.issuer.as_str()), "null"])
}

/// Scheme, host and port of a URL.
pub(crate) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let rest = url.get(start..).unwrap_or_default();
    let end = rest.find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    url.get(..end).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_form_of_another_origin_is_refused() {
        let config = IssuerConfig::new("https://as.example/auth".parse().unwrap(), Vec::new());
        for (name, value, expected) in [
            ("origin", "https://as.example", true),
            ("origin", "null", true),
            ("origin", "https://as.example:444", false),
            ("origin", "http://as.example", false),
            ("origin", "https://as.example.evil.example", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
            ("sec-fetch-site", "none", false),
            ("x-other", "anything", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(permits(&config, &headers), expected, "{name}: {value}");
        }
        let mut headers = HeaderMap::new();
        headers.append("origin", HeaderValue::from_static("https://as.example"));
        headers.append("origin", HeaderValue::from_static("https://evil.example"));
        assert!(!permits(&config, &headers));
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin("https://as.example:8443/a?b"), "https://as.example:8443");
        assert_eq!(origin("http://[::1]:8000"), "http://[::1]:8000");
        assert_eq!(origin("https://as.example?a=/"), "https://as.example");
    }
}
