//! Redirect URIs: which ones a client may register, and when a presented one is a registered one
//! (OAuth 2.1 §2.3, §4.1.3; RFC 8252 §7, §8.3, §8.4; RFC 9700 §4.1.3).
//!
//! ```text
//! redirect-uri = web / loopback / private-use
//! web          = "https://" host [ ":" port ] path
//! loopback     = "http://" ( "127.0.0.1" / "[::1]" / "localhost" ) [ ":" port ] path
//! private-use  = scheme ":/" *( pchar / "/" / "?" )
//! path         = [ "/" *( pchar / "/" ) ] [ "?" *( pchar / "/" / "?" ) ]     ; RFC 3986 §3.3
//! ```
//!
//! 1. No fragment, no user information, no dot segment (plain or percent-encoded), at most 2048
//!    bytes.
//! 2. A host is written as a browser writes it: in lower case, and an address in its one form.
//! 3. Plain `http` is for the three loopback hosts.
//! 4. A private-use scheme is in lower case and none that a browser, a mail program or an operating
//!    system gives a meaning (`javascript`, `data`, `file`, `ms-…`).
//! 5. A presented URI is equal to a registered one byte for byte; of loopback URIs, the port may
//!    differ. Each loopback host matches itself only.
//!
//! **Invariant:** a [`RedirectUri`] is safe as the value of a `Location` header.

use std::{fmt, ops::Range, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// The longest redirect URI, in bytes.
const MAX_BYTES: usize = 2048;

/// The hosts for which plain `http` is permitted (RFC 8252 §7.3; `localhost` because most clients
/// use it). They are compared as texts, so they are fewer than those of
/// [`is_loopback_host`](crate::is_loopback_host).
const LOOPBACK_HOSTS: [&str; 3] = ["127.0.0.1", "[::1]", "localhost"];

/// Schemes that are not private-use ones: a browser or an operating system acts on them by itself.
const REFUSED_SCHEMES: [&str; 38] = [
    "about",
    "android-app",
    "blob",
    "chrome",
    "chrome-extension",
    "cid",
    "content",
    "data",
    "facetime",
    "file",
    "filesystem",
    "ftp",
    "ftps",
    "geo",
    "gopher",
    "http",
    "https",
    "intent",
    "jar",
    "javascript",
    "ldap",
    "livescript",
    "mailto",
    "mhtml",
    "mid",
    "resource",
    "search-ms",
    "sftp",
    "shell",
    "sip",
    "smb",
    "sms",
    "ssh",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
];

/// Prefixes of such schemes: protocol handlers of Windows, extensions of browsers, secure
/// websockets.
const REFUSED_PREFIXES: [&str; 4] = ["ms-", "moz-", "safari-", "wss"];

/// A redirect URI that may be registered and redirected to.
///
/// ```
/// use auth_core::oauth::RedirectUri;
///
/// let registered: RedirectUri = "http://localhost/callback".parse()?;
/// assert!(registered.permits(&"http://localhost:49152/callback".parse()?));
/// assert!(!registered.permits(&"http://127.0.0.1:49152/callback".parse()?));
/// assert!("javascript:alert(1)".parse::<RedirectUri>().is_err());
/// # Ok::<(), auth_core::oauth::RedirectUriError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RedirectUri {
    text: String,
    target: Target,
}

/// Where a redirect URI leads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Target {
    /// The place of the host.
    Web(Range<usize>),
    /// The places of the host, and of the port with its colon, which may be empty.
    Loopback(Range<usize>, Range<usize>),
    PrivateUse,
}

/// Where a redirect URI leads, for the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectTarget<'a> {
    /// A website: its host.
    Web(&'a str),
    /// A program on the user's machine: its host, one of the three loopback names.
    Loopback(&'a str),
    /// A program that has claimed this scheme (RFC 8252 §7.1).
    PrivateUse(&'a str),
}

/// Why a text is not a usable redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Longer than 2048 bytes.
    #[error("a redirect URI has at most {MAX_BYTES} bytes")]
    TooLong,
    /// A character that RFC 3986 does not allow there, or a `%` without two hexadecimal digits.
    #[error("a redirect URI has only the characters of RFC 3986")]
    Character,
    /// Not an absolute URI with a path or an authority.
    #[error("a redirect URI is absolute: a scheme in lower case, then `:/` or `://`")]
    NotAbsolute,
    /// A `#`.
    #[error("a redirect URI has no fragment")]
    Fragment,
    /// A user or a password before the host.
    #[error("a redirect URI has no user information")]
    UserInfo,
    /// A scheme that is not for redirects.
    #[error("the scheme {0:?} is not permitted in a redirect URI")]
    Scheme(String),
    /// Plain `http` to another host than the loopback ones.
    #[error("plain http is for 127.0.0.1, [::1] and localhost only: use https")]
    NotLoopback,
    /// No host, or a host or port that a browser would write differently.
    #[error("the host is missing or not written in its canonical form")]
    Host,
    /// Not a number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A segment `.` or `..`, plain or percent-encoded.
    #[error("a redirect URI has no dot segments")]
    DotSegment,
}

impl RedirectUri {
    /// The URI's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it leads.
    #[must_use]
    pub fn target(&self) -> RedirectTarget<'_> {
        let part = |range: &Range<usize>| self.text.get(range.clone()).unwrap_or_default();
        match &self.target {
            Target::Web(host) => RedirectTarget::Web(part(host)),
            Target::Loopback(host, _) => RedirectTarget::Loopback(part(host)),
            Target::PrivateUse => {
                RedirectTarget::PrivateUse(self.text.split(':').next().unwrap_or_default())
            }
        }
    }

    /// Whether `presented` may be redirected to, if `self` is registered (rule 5).
    #[must_use]
    pub fn permits(&self, presented: &Self) -> bool {
        match (&self.target, &presented.target) {
            (Target::Loopback(_, own), Target::Loopback(_, other)) => {
                self.text.get(..own.start) == presented.text.get(..other.start)
                    && self.text.get(own.end..) == presented.text.get(other.end..)
            }
            _ => self.text == presented.text,
        }
    }

    /// This URI with `query`, which is form-encoded, added to the query that it has (RFC 6749
    /// §4.1.2).
    #[must_use]
    pub fn with_query(&self, query: &str) -> String {
        let separator = match self.text.split_once('?') {
            None => "?",
            Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{self}{separator}{query}")
    }
}

impl FromStr for RedirectUri {
    type Err = RedirectUriError;

    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        if text.len() > MAX_BYTES {
            return Err(RedirectUriError::TooLong);
        }
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !has_uri_characters(text) {
            return Err(RedirectUriError::Character);
        }
        let (scheme, rest) = text.split_once(':').ok_or(RedirectUriError::NotAbsolute)?;
        if !is_scheme(scheme) {
            return Err(RedirectUriError::NotAbsolute);
        }
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find(['/', '?']).unwrap_or(rest.len());
                let (authority, path) = rest.split_at(end);
                (Some(authority), path)
            }
            None => (None, rest),
        };
        if authority.is_some_and(|authority| authority.contains('@')) {
            return Err(RedirectUriError::UserInfo);
        }
        if path.contains(['[', ']']) {
            return Err(RedirectUriError::Character);
        }
        if has_dot_segment(path) {
            return Err(RedirectUriError::DotSegment);
        }
        let target = match scheme {
            "http" | "https" => web_target(text, scheme, authority)?,
            _ if is_refused(scheme) => return Err(RedirectUriError::Scheme(scheme.to_owned())),
            _ if !rest.starts_with('/') => return Err(RedirectUriError::NotAbsolute),
            _ => private_use_target(text)?,
        };
        Ok(Self { text: text.to_owned(), target })
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for RedirectUri {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for RedirectUri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The target of an `http` or `https` URI.
fn web_target(
    text: &str,
    scheme: &str,
    authority: Option<&str>,
) -> Result<Target, RedirectUriError> {
    let authority = authority.ok_or(RedirectUriError::NotAbsolute)?;
    // The colon of a port is the one after the brackets of an IPv6 address.
    let host_end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(host_end);
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        return Err(RedirectUriError::Port);
    }
    let start = scheme.len() + "://".len();
    let host_range = start..start + host.len();
    if scheme == "http" {
        if !LOOPBACK_HOSTS.contains(&host) {
            return Err(RedirectUriError::NotLoopback);
        }
        let port_range = host_range.end..start + authority.len();
        return Ok(Target::Loopback(host_range, port_range));
    }
    // The URL parser of browsers decides what the host is; any other spelling of it is refused.
    let parsed = Url::parse(text).map_err(|_| RedirectUriError::Host)?;
    if host.is_empty() || parsed.host_str() != Some(host) {
        return Err(RedirectUriError::Host);
    }
    Ok(Target::Web(host_range))
}

/// The target of a URI with a private-use scheme, which a browser has to read as it is written.
fn private_use_target(text: &str) -> Result<Target, RedirectUriError> {
    match Url::parse(text) {
        Ok(url) if url.as_str() == text => Ok(Target::PrivateUse),
        _ => Err(RedirectUriError::Host),
    }
}

/// RFC 3986 §3.1, in lower case. One letter would be a drive of Windows.
fn is_scheme(scheme: &str) -> bool {
    scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
        })
}

fn is_refused(scheme: &str) -> bool {
    REFUSED_SCHEMES.contains(&scheme)
        || REFUSED_PREFIXES.iter().any(|prefix| scheme.starts_with(prefix))
}

fn is_port(digits: &str) -> bool {
    !digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse::<u16>().is_ok()
}

/// Whether all characters are reserved or unreserved ones of RFC 3986 §2, or well-formed escapes.
pub(super) fn has_uri_characters(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_good = match byte {
            b'%' => {
                let mut is_digit = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
                is_digit() && is_digit()
            }
            b'!' | b'#' | b'$' | b'&'..=b';' | b'=' | b'?' | b'@' | b'[' | b']' | b'_' | b'~' => {
                true
            }
            _ => byte.is_ascii_alphanumeric(),
        };
        if !is_good {
            return false;
        }
    }
    true
}

/// Whether a segment of the path is `.` or `..` for a browser, which reads `%2e` as a dot.
pub(super) fn has_dot_segment(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> RedirectUri {
        text.parse().unwrap()
    }

    fn fault(text: &str) -> RedirectUriError {
        text.parse::<RedirectUri>().unwrap_err()
    }

    /// What clients register (`chatgpt.com`, `claude.ai`, Cursor, VS Code and others).
    const REAL: [&str; 13] = [
        "https://chatgpt.com/connector_platform_oauth_redirect",
        "https://claude.ai/api/mcp/auth_callback",
        "https://vscode.dev/redirect",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "https://as.example:8443/cb?tenant=1",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "vscode://dynamicauthprovider/redirect",
        "com.example.app:/oauth2redirect/example-provider",
        "http://127.0.0.1/",
        "http://127.0.0.1:33418/",
        "http://localhost:19876/mcp/oauth/callback",
        "http://[::1]:1/cb",
        "http://localhost",
    ];

    #[test]
    fn real_redirect_uris_are_read_and_permit_themselves() {
        for text in REAL {
            assert_eq!(uri(text).as_str(), text);
            for other in REAL {
                let is_vscode = text.starts_with("http://127") && other.starts_with("http://127");
                assert_eq!(uri(text).permits(&uri(other)), text == other || is_vscode, "{other}");
            }
        }
        assert_eq!(uri(REAL[0]).target(), RedirectTarget::Web("chatgpt.com"));
        assert_eq!(uri(REAL[4]).target(), RedirectTarget::Web("as.example"));
        assert_eq!(uri(REAL[5]).target(), RedirectTarget::PrivateUse("cursor"));
        assert_eq!(uri(REAL[7]).target(), RedirectTarget::PrivateUse("com.example.app"));
        assert_eq!(uri(REAL[11]).target(), RedirectTarget::Loopback("[::1]"));
    }

    #[test]
    fn a_loopback_uri_permits_any_port_and_nothing_else() {
        for host in LOOPBACK_HOSTS {
            for registered in ["", ":80", ":33418"] {
                for presented in ["", ":1", ":80", ":65535"] {
                    let registered = uri(&format!("http://{host}{registered}/callback?x=1"));
                    let presented = uri(&format!("http://{host}{presented}/callback?x=1"));
                    assert!(registered.permits(&presented), "{presented}");
                }
            }
        }
        let registered = uri("http://localhost:1/callback");
        for near_miss in [
            "http://127.0.0.1:1/callback",
            "http://[::1]:1/callback",
            "http://localhost:1/Callback",
            "http://localhost:1/callback/",
            "http://localhost:1/callback/x",
            "http://localhost:1/",
            "http://localhost:1",
            "http://localhost:1/callback?",
            "http://localhost:1/callback?x=1",
            "http://localhost:1/%63allback",
            "http://localhost:1//callback",
            "https://localhost:1/callback",
        ] {
            assert!(!registered.permits(&uri(near_miss)), "{near_miss}");
        }
    }

    #[test]
    fn other_uris_are_compared_byte_for_byte() {
        for (registered, near_misses) in [
            (
                "https://client.example/cb",
                &[
                    "https://client.example/CB",
                    "https://client.example/cb/",
                    "https://client.example/cb?",
                    "https://client.example/cb?a",
                    "https://client.example/cb%20",
                    "https://client.example/c%62",
                    "https://client.example:443/cb",
                    "https://client.example:8443/cb",
                    "https://www.client.example/cb",
                    "https://client.example.evil.example/cb",
                    "https://evil.example/cb",
                    "https://client.example",
                    "https://client.example/*",
                ][..],
            ),
            (
                "app://host/cb",
                &[
                    "app://host:1/cb",
                    "app:/host/cb",
                    "app:///cb",
                    "apps://host/cb",
                    "app://host/cb/",
                ],
            ),
            ("https://localhost:1/cb", &["https://localhost:2/cb", "http://localhost:1/cb"]),
            // No patterns: a star is a character like any other.
            ("https://client.example/*", &["https://client.example/cb", "https://client.example/"]),
        ] {
            assert!(uri(registered).permits(&uri(registered)));
            for near_miss in near_misses {
                assert!(!uri(registered).permits(&uri(near_miss)), "{near_miss}");
            }
        }
    }

    #[test]
    fn what_must_not_be_redirected_to_is_refused() {
        use RedirectUriError as E;
        let scheme = |name: &str| E::Scheme(name.to_owned());
        for (text, expected) in [
            ("", E::NotAbsolute),
            ("/callback", E::NotAbsolute),
            ("//client.example/cb", E::NotAbsolute),
            ("client.example/cb", E::NotAbsolute),
            ("app", E::NotAbsolute),
            ("app:", E::NotAbsolute),
            ("app:cb", E::NotAbsolute),
            ("c:/cb", E::NotAbsolute),
            ("1a:/cb", E::NotAbsolute),
            ("App:/cb", E::NotAbsolute),
            ("HTTPS://client.example/cb", E::NotAbsolute),
            ("JavaScript:alert(1)", E::NotAbsolute),
            ("javascript:alert(1)", scheme("javascript")),
            ("javascript://client.example/%0Aalert(1)", scheme("javascript")),
            ("data:text/html,x", scheme("data")),
            ("data:/x", scheme("data")),
            ("vbscript:/x", scheme("vbscript")),
            ("file:///etc/passwd", scheme("file")),
            ("blob:https://client.example/x", scheme("blob")),
            ("urn:ietf:wg:oauth:2.0:oob", scheme("urn")),
            ("ms-msdt:/id", scheme("ms-msdt")),
            ("wss://client.example/cb", scheme("wss")),
            ("app://host:80./cb", E::Host),
            ("app://host:080/cb", E::Host),
            ("app://host:99999/cb", E::Host),
            ("moz-extension://x/cb", scheme("moz-extension")),
            ("safari-web-extension://x/cb", scheme("safari-web-extension")),
            ("intent://x", scheme("intent")),
            ("https://client.example/cb#", E::Fragment),
            ("https://client.example/cb#a", E::Fragment),
            ("http://localhost/cb#a", E::Fragment),
            ("app:/cb#a", E::Fragment),
            ("https://user@client.example/cb", E::UserInfo),
            ("https://user:password@client.example/cb", E::UserInfo),
            ("https://@client.example/cb", E::UserInfo),
            ("http://localhost:80@evil.example/cb", E::UserInfo),
            ("app://user@host/cb", E::UserInfo),
            ("http://client.example/cb", E::NotLoopback),
            ("http://localhost.evil.example/cb", E::NotLoopback),
            ("http://localhost./cb", E::NotLoopback),
            ("http://LOCALHOST/cb", E::NotLoopback),
            ("http://127.0.0.2/cb", E::NotLoopback),
            ("http://127.1/cb", E::NotLoopback),
            ("http://0.0.0.0/cb", E::NotLoopback),
            ("http://[::ffff:127.0.0.1]/cb", E::NotLoopback),
            ("http://[0:0:0:0:0:0:0:1]/cb", E::NotLoopback),
            ("http:///cb", E::NotLoopback),
            ("http:/localhost/cb", E::NotAbsolute),
            ("https:client.example/cb", E::NotAbsolute),
            ("https:///client.example/cb", E::Host),
            ("https://?x", E::Host),
            ("https://Client.example/cb", E::Host),
            ("https://0x7f000001/cb", E::Host),
            ("https://127.1/cb", E::Host),
            ("https://client%2Eexample/cb", E::Host),
            ("https://[::1/cb", E::Port),
            ("https://client.example:/cb", E::Port),
            ("https://client.example:0/cb", E::Port),
            ("https://client.example:080/cb", E::Port),
            ("https://client.example:65536/cb", E::Port),
            ("https://client.example:+1/cb", E::Port),
            ("http://localhost:0/cb", E::Port),
            ("http://localhost:80:80/cb", E::Port),
            ("http://[::1]1/cb", E::Port),
            ("https://client.example/a/../cb", E::DotSegment),
            ("https://client.example/./cb", E::DotSegment),
            ("https://client.example/a/%2e%2E/cb", E::DotSegment),
            ("https://client.example/a/.%2e", E::DotSegment),
            ("http://localhost/cb/..", E::DotSegment),
            ("app:/a/../cb", E::DotSegment),
            ("https://client.example/a b", E::Character),
            ("https://client.example/a\r\nSet-Cookie:x", E::Character),
            ("https://client.example/\tcb", E::Character),
            ("https://client.example\\cb", E::Character),
            ("http://localhost\\@evil.example/cb", E::Character),
            ("https://client.example/\"", E::Character),
            ("https://client.example/<x>", E::Character),
            ("https://client.example/é", E::Character),
            ("https://clіent.example/cb", E::Character),
            ("https://client.example/%", E::Character),
            ("https://client.example/%4", E::Character),
            ("https://client.example/%zz", E::Character),
            ("https://client.example/[x]", E::Character),
            (" https://client.example/cb", E::Character),
            ("https://client.example/cb ", E::Character),
        ] {
            assert_eq!(fault(text), expected, "{text:?}");
        }
        let long = |count: usize| format!("https://client.example/{}", "a".repeat(count - 23));
        assert!(long(MAX_BYTES).parse::<RedirectUri>().is_ok());
        assert_eq!(fault(&long(MAX_BYTES + 1)), E::TooLong);
    }

    #[test]
    fn an_answer_is_added_to_the_query_that_is_there() {
        for (text, expected) in [
            ("https://client.example/cb", "https://client.example/cb?code=1"),
            ("https://client.example", "https://client.example?code=1"),
            ("https://client.example/cb?", "https://client.example/cb?code=1"),
            ("https://client.example/cb?a=b", "https://client.example/cb?a=b&code=1"),
            ("https://client.example/cb?a=b&", "https://client.example/cb?a=b&code=1"),
            ("app:/cb", "app:/cb?code=1"),
        ] {
            assert_eq!(uri(text).with_query("code=1"), expected);
        }
    }

    #[test]
    fn json_is_the_text() {
        let json = r#""http://localhost/cb""#;
        let read: RedirectUri = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        assert!(serde_json::from_str::<RedirectUri>(r#""data:/x""#).is_err());
    }
}
