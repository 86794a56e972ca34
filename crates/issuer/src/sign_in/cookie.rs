//! The cookies of the authorization server (RFC 6265, draft-ietf-httpbis-rfc6265bis).
//!
//! 1. Every cookie is `HttpOnly`, `SameSite=Lax` and for the path of the issuer. Over TLS it is
//!    `Secure` and has the prefix `__Host-`, or `__Secure-` if the issuer has a path.
//! 2. Two cookies of one name are none: another host of the domain, or another path, has set one.
//! 3. A value of another form than ours is none.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

use crate::IssuerConfig;

/// The longest value that is read, in bytes.
const MAX_VALUE_BYTES: usize = 128;

/// A cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// A random name of the browser: tokens of forms are bound to it.
    Browser,
    /// The token of a session.
    Session,
    /// The proof that a user has signed in at this browser before.
    Known,
    /// That the user declined a client a minute ago.
    Declined,
}

impl Cookie {
    fn plain_name(self) -> &'static str {
        match self {
            Self::Browser => "bartizan_browser",
            Self::Session => "bartizan_session",
            Self::Known => "bartizan_known",
            Self::Declined => "bartizan_declined",
        }
    }

    /// Its value in the headers of a request, if it is there once and has our characters.
    pub(crate) fn read<'a>(self, config: &IssuerConfig, headers: &'a HeaderMap) -> Option<&'a str> {
        let (prefix, plain) = (prefix(config), self.plain_name());
        let pairs = headers
            .get_all(header::COOKIE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii));
        let mut values = pairs.filter_map(|pair| {
            let rest = pair.strip_prefix(prefix.as_bytes())?.strip_prefix(plain.as_bytes())?;
            rest.strip_prefix(b"=")
        });
        let value = std::str::from_utf8(values.next()?).ok()?;
        let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_whole = (1..=MAX_VALUE_BYTES).contains(&value.len()) && value.bytes().all(is_ours);
        (values.next().is_none() && is_whole).then_some(value)
    }

    /// The header that sets it for `max_age`.
    pub(crate) fn set(self, config: &IssuerConfig, value: &str, max_age: Duration) -> HeaderValue {
        set(config, self.plain_name(), value, max_age)
    }

    /// The header that removes it.
    pub(super) fn clear(self, config: &IssuerConfig) -> HeaderValue {
        self.set(config, "", Duration::ZERO)
    }
}

/// The header that sets the cookie of this name, which our prefix comes before, for `max_age`.
pub(crate) fn set(
    config: &IssuerConfig,
    name: &str,
    value: &str,
    max_age: Duration,
) -> HeaderValue {
    let path = match config.base_path() {
        "" => "/",
        path => path,
    };
    let secure = if config.is_https() { "; Secure" } else { "" };
    let (prefix, age) = (prefix(config), max_age.as_secs());
    let text = format!(
        "{prefix}{name}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"
    );
    // Names and values are ours. The path of an issuer is a part of a URL, so it has visible
    // characters only.
    let mut set = HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    set.set_sensitive(true);
    set
}

/// What the names of our cookies begin with (rule 1).
pub(crate) fn prefix(config: &IssuerConfig) -> &'static str {
    match (config.is_https(), config.base_path().is_empty()) {
        (true, true) => "__Host-",
        (true, false) => "__Secure-",
        (false, _) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(issuer: &str) -> IssuerConfig {
        IssuerConfig::new(issuer.parse().unwrap(), Vec::new())
    }

    fn read(config: &IssuerConfig, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        Cookie::Session.read(config, &headers).map(str::to_owned)
    }

    #[test]
    fn a_cookie_is_read_if_it_is_there_once() {
        let http = config("http://localhost:8000");
        for lines in [
            &["bartizan_session=a-_.Z9"][..],
            &["a=b; bartizan_session=a-_.Z9;c=d"],
            &["a=b", "bartizan_session=a-_.Z9", "bartizan_sessions=c; xbartizan_session=d"],
        ] {
            assert_eq!(read(&http, lines).as_deref(), Some("a-_.Z9"), "{lines:?}");
        }
        for lines in [
            &[][..],
            &["bartizan_session"],
            &["bartizan_session="],
            &["bartizan_session=\"a\""],
            &["bartizan_session=a b"],
            &["bartizan_session=é"],
            &["BARTIZAN_SESSION=a"],
            &["__Host-bartizan_session=a"],
            &["bartizan_session=a; bartizan_session=a"],
            &["bartizan_session=a", "bartizan_session=b"],
            &["bartizan_session=a; bartizan_session="],
            &[&format!("bartizan_session={}", "a".repeat(129))],
        ] {
            assert_eq!(read(&http, lines), None, "{lines:?}");
        }
        let https = config("https://as.example");
        assert_eq!(read(&https, &["__Host-bartizan_session=a"]).as_deref(), Some("a"));
        assert_eq!(read(&https, &["bartizan_session=a"]), None);
        let path = config("https://as.example/auth");
        assert_eq!(read(&path, &["__Secure-bartizan_session=a"]).as_deref(), Some("a"));
        assert_eq!(read(&path, &["__Host-bartizan_session=a"]), None);
    }

    #[test]
    fn a_cookie_is_set_with_every_attribute() {
        for (issuer, set) in [
            (
                "http://localhost:8000",
                "bartizan_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
            ),
            (
                "https://as.example",
                "__Host-bartizan_session=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                "https://as.example/auth",
                "__Secure-bartizan_session=v; Path=/auth; Max-Age=60; HttpOnly; SameSite=Lax; \
                 Secure",
            ),
        ] {
            let header = Cookie::Session.set(&config(issuer), "v", Duration::from_mins(1));
            assert_eq!(header.to_str().unwrap(), set);
            assert!(header.is_sensitive());
        }
        let clear = Cookie::Browser.clear(&config("http://localhost:8000"));
        assert!(clear.to_str().unwrap().starts_with("bartizan_browser=; Path=/; Max-Age=0;"));
    }
}
