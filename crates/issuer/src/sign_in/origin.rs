//! Whether a form was sent by one of our own pages (Fetch metadata; Fetch §3.2, `Origin`).
//!
//! 1. A request with `Sec-Fetch-Site` is from our pages if that is `same-origin`.
//! 2. One without it, and with an `Origin`, is if that is our origin. Our pages send no referrer,
//!    so browsers send `Origin: null` with their forms: that decides nothing.
//! 3. One with neither is judged by the token in the form alone, as every request is besides.

use http::{HeaderMap, header};

use crate::IssuerConfig;

/// Whether the headers permit that one of our own pages sent this.
pub(crate) fn may_be_ours(config: &IssuerConfig, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    match headers.get(header::ORIGIN) {
        None => true,
        Some(origin) if origin == "null" => true,
        Some(origin) => origin.as_bytes() == own_origin(config).as_bytes(),
    }
}

/// The issuer without its path.
fn own_origin(config: &IssuerConfig) -> &str {
    let url = config.issuer.as_str().trim_end_matches('/');
    url.strip_suffix(config.base_path()).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn other_origins_are_refused() {
        let config = IssuerConfig::new("https://as.example/auth/".parse().unwrap(), Vec::new());
        for (site, origin, expected) in [
            (None, None, true),
            (None, Some("null"), true),
            (None, Some("https://as.example"), true),
            (None, Some("https://as.example/auth"), false),
            (None, Some("http://as.example"), false),
            (None, Some("https://as.example:8443"), false),
            (None, Some("https://evil.example"), false),
            (None, Some(""), false),
            (Some("same-origin"), Some("null"), true),
            (Some("same-origin"), None, true),
            (Some("same-site"), Some("https://as.example"), false),
            (Some("cross-site"), None, false),
            (Some("none"), None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(may_be_ours(&config, &headers), expected, "{site:?} {origin:?}");
        }
    }
}
