//! Where a user goes after signing in: only to a page of ours.
//!
//! ```text
//! request = query                             ; of an authorization request
//!         / "/account"
//!         / "/device" [ "?user_code=" code ]
//! ```
//!
//! The text is in forms, so it comes from outside. The location is the issuer's path, one of three
//! pages, and a query: whatever the text is, it names no other host.

use auth_core::oauth::{Form, UserCode};

use crate::IssuerConfig;

/// The longest text, in bytes.
const MAX_BYTES: usize = 8 * 1024;

/// Where a user goes after signing in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Back to the authorization endpoint, with this query.
    Authorize(String),
    /// To the page for devices, perhaps with the code that was typed there.
    Device(Option<UserCode>),
    /// To the account page.
    Account,
}

impl Next {
    /// Reads the field `request` of a form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        match text {
            "/account" => return Some(Self::Account),
            "/device" => return Some(Self::Device(None)),
            _ => {}
        }
        if let Some(code) = text.strip_prefix("/device?user_code=") {
            return code.parse().ok().map(|code| Self::Device(Some(code)));
        }
        // A query as a browser sends it (RFC 3986 §3.4), that names a client.
        let is_query = text.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'#');
        let names_client =
            || Form::parse(text.as_bytes()).is_ok_and(|it| it.get("client_id").is_some());
        (is_query && !text.starts_with('/') && names_client())
            .then(|| Self::Authorize(text.to_owned()))
    }

    /// The text for the field `request` of a form.
    pub(crate) fn to_field(&self) -> String {
        match self {
            Self::Authorize(query) => query.clone(),
            Self::Device(None) => "/device".to_owned(),
            Self::Device(Some(code)) => format!("/device?user_code={code}"),
            Self::Account => "/account".to_owned(),
        }
    }

    /// The path, with its query, for `Location`.
    pub(crate) fn location(&self, config: &IssuerConfig) -> String {
        let base = config.base_path();
        match self {
            Self::Authorize(query) => format!("{base}/authorize?{query}"),
            Self::Device(_) | Self::Account => format!("{base}{}", self.to_field()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_come_next() {
        let config = IssuerConfig::new("https://as.example/auth".parse().unwrap(), Vec::new());
        for (text, location) in [
            ("/account", "/auth/account"),
            ("/device", "/auth/device"),
            ("/device?user_code=wdjbmjht", "/auth/device?user_code=WDJB-MJHT"),
            ("client_id=a&state=%2F%2Fevil", "/auth/authorize?client_id=a&state=%2F%2Fevil"),
            ("client_id=a&next=//evil.example", "/auth/authorize?client_id=a&next=//evil.example"),
        ] {
            let next = Next::parse(text).unwrap();
            assert_eq!(next.location(&config), location);
            assert_eq!(Next::parse(&next.to_field()), Some(next));
        }
    }

    #[test]
    fn nothing_else_is_a_place() {
        let long = format!("client_id={}", "a".repeat(MAX_BYTES));
        for text in [
            "",
            "/",
            "//evil.example?client_id=a",
            "/\\evil.example?client_id=a",
            "https://evil.example/",
            "javascript:alert(1)",
            "/account/",
            "/account?next=//evil.example",
            "/device?user_code=",
            "/device?user_code=WDJB-MJHT&a=b",
            "state=a",
            "client_id=a&client_id=b",
            "client_id=a#b",
            "client_id=a b",
            "client_id=a\r\nSet-Cookie: a=b",
            "client_id=%zz",
            "client_id=é",
            &long,
        ] {
            assert_eq!(Next::parse(text), None, "{text:?}");
        }
    }
}
