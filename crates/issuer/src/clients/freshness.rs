//! For how long what a client publishes is remembered (RFC 9111 §5.2.2).
//!
//! As long as `Cache-Control` says, within [`MIN_FRESH`] and [`MAX_FRESH`]; without one for
//! [`DEFAULT_FRESH`].

use std::time::Duration;

use http::{HeaderMap, header};

const MIN_FRESH: Duration = Duration::from_mins(1);
const DEFAULT_FRESH: Duration = Duration::from_mins(10);
pub(super) const MAX_FRESH: Duration = Duration::from_hours(24);

/// For how long a response may be remembered.
pub(super) fn freshness(headers: &HeaderMap) -> Duration {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let mut fresh = None;
    for directive in texts.flat_map(|text| text.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return MIN_FRESH,
            "max-age" => {
                let secs = value.trim().trim_matches('"').parse().ok();
                fresh = fresh.or(secs.map(Duration::from_secs));
            }
            _ => {}
        }
    }
    fresh.unwrap_or(DEFAULT_FRESH).clamp(MIN_FRESH, MAX_FRESH)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_published_is_remembered_within_bounds() {
        for (value, secs) in [
            ("max-age=300", 300),
            ("public, Max-Age=\"300\"", 300),
            ("max-age=0", 60),
            ("max-age=31536000", 86400),
            ("no-store, max-age=300", 60),
            ("max-age=300, no-cache", 60),
            ("max-age=x", 600),
            ("private", 600),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
            assert_eq!(freshness(&headers).as_secs(), secs, "{value}");
        }
        assert_eq!(freshness(&HeaderMap::new()), DEFAULT_FRESH);
    }
}
