//! Why there is no token.

use std::{io, path::PathBuf, time::Duration};

use http::StatusCode;
use outbound::OutboundError;
use rmcp::transport::auth::AuthError;
use terminal::report::chain;

use super::RefusedAddressError;
use crate::store::StoreError;

/// What replaces a secret.
const REDACTED: &str = "[secret]";
/// A shorter secret could be part of any word.
const MIN_REDACTED_LEN: usize = 8;

/// Why there is no token. No variant shows a secret of its own accord.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// rmcp's own, whose text leaves out the causes.
    #[error("{}", chain(.0))]
    Auth(#[from] AuthError),
    /// An address that is not asked.
    #[error("the server names an address that is not asked: {0}")]
    Refused(#[from] RefusedAddressError),
    /// No HTTP client: no root certificates, for one.
    #[error("{0}")]
    Client(#[from] OutboundError),
    /// The issuer does not answer, or cannot do so just now.
    #[error("the issuer is down: {address} {why}")]
    Down {
        /// What was asked.
        address: String,
        /// What came of it.
        why: String,
    },
    /// The issuer has too much to do.
    #[error("the issuer is busy: {address} {why}")]
    Busy {
        /// What was asked.
        address: String,
        /// What came of it.
        why: String,
    },
    /// An answer that is not what its standard says.
    #[error("the issuer's answer cannot be used: {address} {why}")]
    Unfit {
        /// Who sent it.
        address: String,
        /// With which status, and what is wrong with it.
        why: String,
    },
    /// An error code of the issuer (RFC 6749 §5.2).
    #[error("the issuer refuses: {code}{}", described(.words.as_deref()))]
    OAuth {
        /// The code.
        code: String,
        /// What it says to it.
        words: Option<String>,
    },
    /// The issuer does not register us.
    #[error("this client could not be registered: {0}")]
    Registration(Box<LoginError>),
    /// No issuer to sign in at.
    #[error(
        "the server names no issuer: neither its metadata (RFC 9728) nor its own address has one"
    )]
    NoIssuer,
    /// None of the issuers that the server names answers.
    #[error("none of the authorization servers that the server names answers: {reasons}")]
    NoIssuerAnswers {
        /// Each of them with the reason.
        reasons: String,
        /// Whether one is at a private address, and was not asked.
        is_private: bool,
    },
    /// A token endpoint of a token exchange refuses (RFC 8693 §2.2.2, RFC 6749 §5.2).
    #[error("{issuer} refuses the exchange with {status}: {code}{}", described(.description.as_deref()))]
    ExchangeRefused {
        /// Which of the two issuers.
        issuer: String,
        /// The HTTP status.
        status: StatusCode,
        /// The error code.
        code: String,
        /// Its description.
        description: Option<String>,
    },
    /// A token exchange that did not begin, or whose response is invalid.
    #[error("the token exchange failed: {0}")]
    Exchange(String),
    /// An issuer that may not have PKCE.
    #[error(
        "the issuer does not say that it has PKCE with S256 (code_challenge_methods_supported): \
         without it, a stolen code is enough to obtain the token"
    )]
    NoPkce,
    /// A token that would be good for more than the server.
    #[error("the server's metadata is about {resource}, not about {server} alone")]
    ResourceDiffers {
        /// What it names.
        resource: String,
        /// Where we are.
        server: String,
    },
    /// The issuer said no.
    #[error("the issuer refuses: {0}")]
    Denied(String),
    /// A response that does not follow its standard.
    #[error("the issuer's response is invalid: {0}")]
    InvalidResponse(&'static str),
    /// The issuer lacks what was asked for.
    #[error("the issuer does not offer {0}")]
    NotOffered(&'static str),
    /// No port for the browser's answer.
    #[error("no page on this machine for the browser to come back to")]
    Loopback(#[source] io::Error),
    /// No one signed in.
    #[error("no one signed in within {}", terminal::duration::words(*.0))]
    SignInTimeout(Duration),
    /// Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// What was pasted is not the page's address.
    #[error("that is not the address that the browser was sent to")]
    Pasted,
    /// A file with a secret.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// Plain http to another machine.
    #[error("a token is not sent over plain http: others on the network could read it")]
    PlainHttp,
    /// The store.
    #[error("the token store cannot be used: {0}")]
    Store(#[source] StoreError),
    /// Something is missing on the command line.
    #[error("{0}")]
    Usage(String),
}

impl LoginError {
    /// Whether the issuer does not know the client any more, or does not let it do this.
    pub(crate) fn is_about_client(&self) -> bool {
        let codes = ["invalid_client", "unauthorized_client"];
        matches!(self, Self::OAuth { code, .. } if codes.contains(&code.as_str()))
    }

    /// Whether the server has no issuer that a person can sign in at.
    pub(crate) fn is_without_issuer(&self) -> bool {
        matches!(
            self,
            Self::NoIssuer
                | Self::Auth(
                    AuthError::AuthorizationServersUnavailable { .. }
                        | AuthError::ProtectedResourceMetadataInvalid { .. }
                )
        )
    }

    /// Whether it may pass by itself.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Down { .. } | Self::Busy { .. })
    }

    /// The same with nothing of these secrets in it, should the issuer echo what it was sent.
    pub(crate) fn without<'a>(self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let secrets: Vec<&str> =
            secrets.into_iter().filter(|secret| secret.len() >= MIN_REDACTED_LEN).collect();
        let clean =
            |text: String| secrets.iter().fold(text, |text, secret| text.replace(secret, REDACTED));
        match self {
            Self::Auth(error) => {
                let text = chain(&error);
                let cleaned = clean(text.clone());
                if cleaned == text { Self::Auth(error) } else { Self::Denied(cleaned) }
            }
            Self::Denied(text) => Self::Denied(clean(text)),
            Self::OAuth { code, words } => {
                Self::OAuth { code: clean(code), words: words.map(clean) }
            }
            Self::ExchangeRefused { issuer, status, code, description } => {
                let (code, description) = (clean(code), description.map(clean));
                Self::ExchangeRefused { issuer, status, code, description }
            }
            Self::Down { address, why } => Self::Down { address, why: clean(why) },
            Self::Busy { address, why } => Self::Busy { address, why: clean(why) },
            Self::Unfit { address, why } => Self::Unfit { address, why: clean(why) },
            error => error,
        }
    }
}

/// A request that was not answered.
pub(super) fn unanswered(address: &str, fault: OutboundError) -> LoginError {
    let address = address.split('?').next().unwrap_or_default().to_owned();
    match fault {
        OutboundError::Address(fault) => {
            LoginError::Refused(RefusedAddressError { address, fault })
        }
        fault if fault.is_unreachable() => {
            LoginError::Down { address, why: format!("cannot be reached: {fault}") }
        }
        fault => LoginError::Unfit { address, why: fault.to_string() },
    }
}

fn described(words: Option<&str>) -> String {
    words.map(|words| format!(": {words}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_secret_is_redacted() {
        let denied = || LoginError::Denied("no refresh-1234 here".to_owned());
        let text = |error: LoginError| error.to_string();
        assert_eq!(
            text(denied().without(["refresh-1234"])),
            "the issuer refuses: no [secret] here"
        );
        assert_eq!(text(denied().without(["another-1234", "no"])), text(denied()));
        let oauth = |words: &str| LoginError::OAuth { code: "x".into(), words: Some(words.into()) };
        assert_eq!(
            text(oauth("no refresh-1234").without(["refresh-1234"])),
            text(oauth("no [secret]"))
        );
        let words = "the issuer said code-12345678";
        let auth = || LoginError::Auth(AuthError::TokenExchangeFailed(words.to_owned()));
        assert!(matches!(auth().without(["another-1234"]), LoginError::Auth(_)));
        let clean = text(auth().without(["code-12345678"]));
        assert!(clean.contains("said [secret]") && !clean.contains("code-"), "{clean}");
    }
}
