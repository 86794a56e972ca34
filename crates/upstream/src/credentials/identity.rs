//! Who the caller is, in headers that the operator names.
//!
//! 1. A value is percent-encoded but for visible ASCII (RFC 3986 §2.1), so that it is one line and
//!    has one reading. `%` itself is encoded.
//! 2. Without a caller there is no such header, and a caller cannot send one: no header of its
//!    request is passed on.

use std::fmt::Write;

use auth_core::{Issuer, Scope};
use http::{HeaderName, HeaderValue};

use super::{error::HeaderNameError, header::own_name};
use crate::{CallContext, http::SentHeaders};

/// The headers that say who the caller is; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityHeaders {
    issuer: Option<HeaderName>,
    subject: Option<HeaderName>,
    client: Option<HeaderName>,
    scopes: Option<HeaderName>,
    own: Option<Issuer>,
}

impl IdentityHeaders {
    /// No headers.
    #[must_use]
    pub const fn none() -> Self {
        Self { issuer: None, subject: None, client: None, scopes: None, own: None }
    }

    /// Whether there is any.
    pub(super) const fn is_some(&self) -> bool {
        self.issuer.is_some()
            || self.subject.is_some()
            || self.client.is_some()
            || self.scopes.is_some()
    }

    /// The header for the issuer, within which a subject is unique.
    pub fn issuer(self, name: &str) -> Result<Self, HeaderNameError> {
        Ok(Self { issuer: Some(own_name(name)?), ..self })
    }

    /// The same for users of the issuer `own`: see [`Credentials::with_identity`].
    ///
    /// [`Credentials::with_identity`]: super::Credentials::with_identity
    pub(super) fn own_issuer(self, own: Issuer) -> Self {
        Self { own: Some(own), ..self }
    }

    /// The header for the subject.
    pub fn subject(self, name: &str) -> Result<Self, HeaderNameError> {
        Ok(Self { subject: Some(own_name(name)?), ..self })
    }

    /// The header for the client.
    pub fn client(self, name: &str) -> Result<Self, HeaderNameError> {
        Ok(Self { client: Some(own_name(name)?), ..self })
    }

    /// The header for the scopes that this action needs, separated by spaces.
    pub fn scopes(self, name: &str) -> Result<Self, HeaderNameError> {
        Ok(Self { scopes: Some(own_name(name)?), ..self })
    }

    pub(super) fn add_to(&self, headers: &mut SentHeaders, caller: &CallContext) {
        let Some(principal) = caller.principal() else { return };
        let mut add = |name: &Option<HeaderName>, text: &str| {
            if let (Some(name), Some(value)) = (name, encoded(text)) {
                headers.add_own(name.clone(), value);
            }
        };
        add(&self.issuer, principal.issuer().as_str());
        add(&self.subject, &self.subject_value(principal.issuer(), principal.subject().as_str()));
        if let Some(client) = principal.client_id() {
            add(&self.client, client.as_str());
        }
        if self.scopes.is_some() {
            let scopes: Vec<_> = caller.scopes().iter().map(Scope::as_str).collect();
            add(&self.scopes, &scopes.join(" "));
        }
    }

    /// The user, as no other one: one subject may be two users at two issuers.
    fn subject_value(&self, issuer: &Issuer, subject: &str) -> String {
        let is_own = |own: &Issuer| own == issuer && !subject.contains('#');
        if self.issuer.is_some() || self.own.as_ref().is_some_and(is_own) {
            subject.to_owned()
        } else {
            format!("{issuer}#{subject}")
        }
    }
}

fn encoded(text: &str) -> Option<HeaderValue> {
    let mut value = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        // A space at either end would not be part of the value (RFC 9110 §5.5).
        let is_inner_space = byte == b' ' && at > 0 && at + 1 < text.len();
        if (byte.is_ascii_graphic() && byte != b'%') || is_inner_space {
            value.push(char::from(byte));
        } else {
            write!(value, "%{byte:02X}").ok()?;
        }
    }
    HeaderValue::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_subject_at_two_issuers_is_two_users() {
        let sent = |headers: IdentityHeaders, issuer: &str, subject: &str| {
            headers.subject_value(&issuer.parse().unwrap(), subject)
        };
        let own = || IdentityHeaders::none().own_issuer("https://own.example".parse().unwrap());
        assert_eq!(sent(own(), "https://own.example", "alice"), "alice");
        assert_eq!(sent(own(), "https://other.example", "alice"), "https://other.example#alice");
        assert_eq!(
            sent(own(), "https://own.example", "https://other.example#alice"),
            "https://own.example#https://other.example#alice"
        );
        let with_issuer = own().issuer("X-Issuer").unwrap();
        assert_eq!(sent(with_issuer, "https://other.example", "alice"), "alice");
        let unknown = sent(IdentityHeaders::none(), "https://own.example", "alice");
        assert_eq!(unknown, "https://own.example#alice");
    }

    #[test]
    fn a_value_is_one_line_with_one_reading() {
        for (text, value) in [
            ("alice", "alice"),
            ("a b", "a b"),
            (" a ", "%20a%20"),
            ("a\r\nx-admin: 1", "a%0D%0Ax-admin: 1"),
            ("é", "%C3%A9"),
            ("100%", "100%25"),
            ("", ""),
        ] {
            assert_eq!(encoded(text).unwrap(), value);
        }
    }
}
