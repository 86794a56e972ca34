//! What can be read of a JWT whose signature cannot be checked here: by an algorithm that is not
//! supported, say, or with an extension in its header.
//!
//! Nothing in it is trusted. It says which issuer to ask about the token, where its issuer is one
//! that is only asked, and what to report to the operator.

use super::{CheckDetail, VerifyError, facts::FORM, read, trace::shown};
use crate::display::excerpt;
use crate::{
    AccessToken, Issuer, ParseTokenError,
    jws::{object, text_of},
};

/// The outline of a JWT. **Nothing in it can be trusted.**
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenOutline {
    issuer: Option<Issuer>,
    is_other_token: bool,
    header: String,
}

impl TokenOutline {
    /// The outline of `token`; `None` if it is not three parts with a header and claims that can be
    /// read.
    #[must_use]
    pub fn of(token: &AccessToken) -> Option<Self> {
        let mut parts = token.expose().split('.');
        let (header, claims) = (text_of(parts.next()?).ok()?, text_of(parts.next()?).ok()?);
        parts.next()?;
        if parts.next().is_some() {
            return None;
        }
        let (header, claims) = (object(&header).ok()?, object(&claims).ok()?);
        let token_type = header.said("typ").and_then(|it| it.as_str()).unwrap_or_default();
        // What says that it is an access token is one, whatever else it says (RFC 9068 section
        // 2.1).
        let is_access_token =
            ["at+jwt", "application/at+jwt"].iter().any(|it| token_type.eq_ignore_ascii_case(it));
        let said = ["alg", "kid", "typ", "crit"]
            .iter()
            .filter_map(|name| Some(format!("{name} {}", shown(Some(header.said(name)?)))));
        let said: Vec<String> = said.collect();
        Some(Self {
            issuer: claims.said("iss").and_then(|it| it.as_str()?.parse().ok()),
            is_other_token: !is_access_token && read::is_other_token(&claims),
            header: excerpt(&said.join(", ")),
        })
    }

    /// Whose token it says it is.
    #[must_use]
    pub const fn issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// Whether it has the form of an ID token or a refresh token.
    #[must_use]
    pub const fn is_other_token(&self) -> bool {
        self.is_other_token
    }

    /// What was expected of its form, and what is in its header.
    #[must_use]
    pub fn facts(&self, fault: VerifyError) -> CheckDetail {
        let expected = match fault {
            VerifyError::Form(ParseTokenError::Algorithm) => {
                "alg HS256, RS256, ES256, EdDSA or Ed25519"
            }
            _ => FORM,
        };
        CheckDetail { expected: expected.into(), found: self.header.clone() }
    }
}
