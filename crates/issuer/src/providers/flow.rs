//! A sign-in between the way to the provider and the way back.
//!
//! ```text
//! cookie = "bartizan_provider_" 8*8CHAR "=" sealed     ; the first 8 characters of state
//! sealed = request "." time "." tag                    ; see seal.rs
//! state  = 43*43CHAR                                   ; 256 random bits as base64url
//! ```
//!
//! 1. The seal is over the browser's cookie, the provider, the state, the request and the time: an
//!    answer of another provider or for another browser finds nothing.
//! 2. The nonce and the PKCE verifier are derived from the state by the key of the seal. No one but
//!    this installation knows them before it sends them.
//! 3. The state is used once, on whichever node.
//! 4. A browser has at most four such cookies: several clients may open the sign-in page at once.
//!    One more removes the oldest.
//! 5. A request of more than 3000 bytes is refused: browsers keep no larger cookies.

use std::{fmt::Write as _, time::Duration};

use auth_core::{
    TokenId, base64url,
    oauth::{CodeVerifier, SingleUse},
};
use http::{HeaderMap, HeaderValue, header};

use super::provider::{Bindings, Provider};
use crate::{
    AuthorizationServer, IssuerConfig,
    random::random,
    respond::Unavailable,
    seal::LIFETIME,
    sign_in::{Browser, cookie},
};

/// The name of the cookie, before the state's characters.
const COOKIE: &str = "bartizan_provider_";
/// How many characters of the state are in the name of the cookie.
const NAMED: usize = 8;
/// The most cookies of one browser.
const MAX_COOKIES: usize = 4;
/// The longest request that is carried, in bytes.
const MAX_REQUEST: usize = 3000;

/// A sign-in that is under way.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) bindings: Bindings,
    /// What the person came for: as in the form of the sign-in page.
    pub(super) request: String,
}

/// A request that no cookie can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestTooLong;

impl Flow {
    /// Begins a sign-in; the answer must have these headers.
    pub(super) fn begin(
        server: &AuthorizationServer,
        headers: &HeaderMap,
        browser: &Browser,
        provider: &Provider,
        request: &str,
    ) -> Result<Result<(Self, Vec<HeaderValue>), RequestTooLong>, Unavailable> {
        let payload = escaped(request);
        if payload.len() > MAX_REQUEST {
            return Ok(Err(RequestTooLong));
        }
        let state = base64url::encode(random::<32>()?);
        let context = context(browser, provider, &state);
        let sealed = server.seal().seal(PURPOSE, &context, &payload, server.now());
        let config = server.config();
        let mut cookies = surplus(config, headers);
        cookies.push(set_cookie(config, named(&state), &sealed, LIFETIME));
        let bindings = bindings(server, provider, state);
        Ok(Ok((Self { bindings, request: request.to_owned() }, cookies)))
    }

    /// The sign-in that this browser began with this state at this provider.
    pub(super) fn find(
        server: &AuthorizationServer,
        headers: &HeaderMap,
        browser: &Browser,
        provider: &Provider,
        state: &str,
    ) -> Option<Self> {
        if browser.is_new || base64url::decode(state).ok()?.len() != 32 {
            return None;
        }
        let mut found = all(server.config(), headers).filter(|(name, _)| *name == named(state));
        let (Some((_, sealed)), None) = (found.next(), found.next()) else { return None };
        let context = context(browser, provider, state);
        let payload = server.seal().open(PURPOSE, &context, sealed, server.now())?;
        let request = unescaped(payload)?;
        Some(Self { bindings: bindings(server, provider, state.to_owned()), request })
    }

    /// Uses it; `false` if it was used before.
    pub(super) async fn take(
        &self,
        server: &AuthorizationServer,
        provider: &Provider,
    ) -> Result<bool, Unavailable> {
        let id: TokenId = match self.bindings.state.parse() {
            Ok(id) => id,
            Err(_) => return Ok(false),
        };
        let single_use = SingleUse { id, until: server.now().plus(LIFETIME) };
        let kind = format!("sign-in:{}", provider.config.name);
        Ok(server.store().use_assertion(&kind, &single_use).await?)
    }

    /// The header that removes its cookie.
    pub(super) fn clear(&self, server: &AuthorizationServer) -> HeaderValue {
        set_cookie(server.config(), named(&self.bindings.state), "", Duration::ZERO)
    }
}

/// What the seal and the derived values are for.
const PURPOSE: &str = "sign-in provider";

fn context(browser: &Browser, provider: &Provider, state: &str) -> String {
    format!("{}\0{}\0{state}", browser.id, provider.config.name)
}

fn bindings(server: &AuthorizationServer, provider: &Provider, state: String) -> Bindings {
    let context = format!("{}\0{state}", provider.config.name);
    let issuer = server.config().issuer.as_str().trim_end_matches('/');
    Bindings {
        nonce: base64url::encode(server.seal().derive("sign-in nonce", &context)),
        verifier: CodeVerifier::from_random(server.seal().derive("sign-in verifier", &context)),
        redirect_uri: format!("{issuer}/sign-in/callback/{}", provider.config.name),
        state,
    }
}

/// The part of the state that is in the name of the cookie. It is base64url.
fn named(state: &str) -> &str {
    state.get(..NAMED).unwrap_or_default()
}

/// Those cookies of the request that must go before one more is set: all but the newest three.
fn surplus(config: &IssuerConfig, headers: &HeaderMap) -> Vec<HeaderValue> {
    let time = |sealed: &str| -> i64 {
        let mut parts = sealed.rsplit('.').skip(1);
        parts.next().and_then(|time| time.parse().ok()).unwrap_or(0)
    };
    let mut there: Vec<_> =
        all(config, headers).map(|(name, sealed)| (time(sealed), name)).collect();
    there.sort_unstable();
    let count = (there.len() + 1).saturating_sub(MAX_COOKIES);
    there
        .into_iter()
        .take(count)
        .map(|(_, name)| set_cookie(config, name, "", Duration::ZERO))
        .collect()
}

/// The cookies of sign-ins: the part of the name that differs, and the value.
fn all<'a>(
    config: &IssuerConfig,
    headers: &'a HeaderMap,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let prefix = format!("{}{COOKIE}", cookie::prefix(config));
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.filter_map(move |(name, value)| {
        let name = name.trim().strip_prefix(&prefix)?;
        let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_named = name.len() == NAMED && name.bytes().all(is_ours);
        is_named.then(|| (name, value.trim()))
    })
}

fn set_cookie(config: &IssuerConfig, name: &str, value: &str, max_age: Duration) -> HeaderValue {
    cookie::set(config, &format!("{COOKIE}{name}"), value, max_age)
}

/// A request without characters that a cookie cannot have (RFC 6265 §4.1.1), and without dots,
/// which the seal uses.
fn escaped(request: &str) -> String {
    let mut text = String::with_capacity(request.len());
    for byte in request.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'&'
            | b'='
            | b'+'
            | b'~'
            | b'*' => text.push(char::from(byte)),
            b'%' => text.push('!'),
            other => {
                let _ = write!(text, "${other:02x}");
            }
        }
    }
    text
}

/// What [`escaped`] was given.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'!' => b'%',
            b'$' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_carried_byte_for_byte() {
        for request in
            ["", "a=b&c=d%20e%2Ff&redirect_uri=http://127.0.0.1:4000/cb?x=1", "!$%.;,\" \\é\n"]
        {
            let text = escaped(request);
            assert!(!text.contains(['.', ';', ',', '"', ' ', '\\', '\n']) && text.is_ascii());
            assert_eq!(unescaped(&text).as_deref(), Some(request));
        }
        for bad in ["$", "$4", "$zz", "$ff"] {
            assert_eq!(unescaped(bad), None, "{bad}");
        }
    }

    fn config(issuer: &str) -> IssuerConfig {
        IssuerConfig::new(issuer.parse().unwrap(), Vec::new())
    }

    fn headers(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::try_from(cookies).unwrap())])
    }

    #[test]
    fn cookies_have_every_attribute_and_only_ours_are_read() {
        for (issuer, expected) in [
            (
                "http://localhost:8000",
                "bartizan_provider_abcdefgh=v; Path=/; Max-Age=600; HttpOnly; SameSite=Lax",
            ),
            (
                "https://as.example",
                "__Host-bartizan_provider_abcdefgh=v; Path=/; Max-Age=600; HttpOnly; \
                 SameSite=Lax; Secure",
            ),
            (
                "https://as.example/auth",
                "__Secure-bartizan_provider_abcdefgh=v; Path=/auth; Max-Age=600; HttpOnly; \
                 SameSite=Lax; Secure",
            ),
        ] {
            let set = set_cookie(&config(issuer), "abcdefgh", "v", LIFETIME);
            assert_eq!(set.to_str().unwrap(), expected);
            assert!(set.is_sensitive());
            let (pair, _) = expected.split_once(';').unwrap();
            let (found, headers) = (config(issuer), headers(&format!("a=b; {pair}")));
            assert_eq!(all(&found, &headers).collect::<Vec<_>>(), [("abcdefgh", "v")]);
        }
        let https = config("https://as.example");
        let plain = headers("bartizan_provider_abcdefgh=v; __Host-bartizan_provider_abc=v");
        assert_eq!(all(&https, &plain).count(), 0);
    }

    #[test]
    fn a_browser_keeps_the_newest_four() {
        let config = config("http://localhost:8000");
        let cookies: Vec<_> = [5, 3, 9, 1, 7]
            .iter()
            .map(|time| format!("bartizan_provider_aaaaaaa{time}=x.{time}.tag"))
            .collect();
        let gone = |count: usize| -> Vec<String> {
            let gone = surplus(&config, &headers(&cookies[..count].join("; ")));
            let name = |it: &HeaderValue| it.to_str().unwrap()[COOKIE.len()..][..NAMED].to_owned();
            gone.iter().map(name).collect()
        };
        assert_eq!(gone(3), [""; 0]);
        assert_eq!(gone(4), ["aaaaaaa1"]);
        assert_eq!(gone(5), ["aaaaaaa1", "aaaaaaa3"]);
    }
}
